"""Which General MIDI soundfont this machine has, and which of them sounds best.

A soundfont is sought in the setting, in `EMSYNC_SOUNDFONT`, and in the folders where the systems
keep them. The last resort is TimGM6mb.sf2 (Tim Brechbill, GPL-2) inside the pretty_midi package:
emsync reads it where pip put it and neither copies nor ships it.
"""

from __future__ import annotations

import importlib.util
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from emsync.errors import InputError, MissingPartError, NotFoundError

__all__ = [
    "ENVIRONMENT_VARIABLE",
    "RANKING",
    "Soundfont",
    "asked_for",
    "bundled_soundfont",
    "find_soundfont",
    "read_soundfont",
    "system_soundfonts",
]

ENVIRONMENT_VARIABLE = "EMSYNC_SOUNDFONT"

RANKING = (
    "musescore_general",
    "musescore general",
    "generaluser",
    "arachno",
    "sgm",
    "fluidr3_gm",
    "fluid r3 gm",
    "fluidr3mono",
    "fluidr3",
    "timbres of heaven",
    "timgm6mb",
)
"""Known General MIDI sets, best first, as they call themselves or as their files are called."""

MAX_INFO_BYTES = 65_536  # of the INFO list; MuseScore General's is 2 kB


@dataclass(frozen=True, slots=True)
class Soundfont:
    """A soundfont file that can be opened."""

    path: Path
    name: str
    """As the file calls itself; Debian links MuseScore_General.sf3 to other sets."""
    is_compressed: bool
    """SoundFont 3: samples as Ogg Vorbis, which FluidSynth reads and midirenderer does not."""

    @property
    def rank(self) -> int:
        """0 for the best known set; unknown sets come after all known ones."""
        names = (self.name.lower(), self.path.resolve().stem.lower())
        for place, known in enumerate(RANKING):
            if any(known in name for name in names):
                return place
        return len(RANKING)


def find_soundfont(wanted: Path | None = None) -> Soundfont | None:
    """The soundfont that was asked for, or the best one in the system's folders, or None.

    Raises NotFoundError or InputError where the one that was asked for cannot be used.
    """
    asked = wanted or asked_for()
    if asked is not None:
        return read_soundfont(asked)
    return min(
        system_soundfonts(),
        key=lambda font: (font.rank, font.is_compressed, str(font.path)),
        default=None,
    )


def asked_for() -> Path | None:
    """The soundfont that the environment names, or None."""
    value = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(value).expanduser() if value else None


def system_soundfonts(folders: Iterable[Path] | None = None) -> tuple[Soundfont, ...]:
    """Every General MIDI soundfont in the usual folders; damaged files are passed over."""
    found: dict[Path, Soundfont] = {}
    for folder in _usual_folders() if folders is None else folders:
        for path in _soundfont_files(folder):
            try:
                font = read_soundfont(path)
            except (InputError, NotFoundError):
                continue
            if font.rank < len(RANKING):  # an unknown file may hold a single instrument
                found.setdefault(path.resolve(), replace(font, path=path.resolve()))
    return tuple(found.values())


def bundled_soundfont() -> Soundfont:
    """TimGM6mb.sf2 inside pretty_midi, found without importing that package (it costs 0.3 s)."""
    spec = importlib.util.find_spec("pretty_midi")
    path = Path(spec.origin).parent / "TimGM6mb.sf2" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise MissingPartError(
            "The soundfont that the package pretty_midi brings (TimGM6mb.sf2) is not there. "
            "Run 'pip install --force-reinstall pretty_midi', or name a soundfont with --soundfont."
        )
    return read_soundfont(path)


def read_soundfont(path: Path) -> Soundfont:
    """Read a soundfont's header. Raises NotFoundError, or InputError where it is no soundfont."""
    try:
        with path.open("rb") as file:
            head = file.read(20)
            info = file.read(MAX_INFO_BYTES)
            size_bytes = file.seek(0, os.SEEK_END)
    except FileNotFoundError as err:
        raise NotFoundError(f"There is no soundfont at '{path}'. Look at the path again.") from err
    except OSError as err:
        raise InputError(
            f"The soundfont '{path}' cannot be read ({err.strerror or err}). "
            "Make it readable, or name another one."
        ) from err
    if len(head) < 20 or head[:4] != b"RIFF" or head[8:12] != b"sfbk":
        raise InputError(
            f"'{path}' is not a soundfont. Name a General MIDI soundfont (.sf2 or .sf3)."
        )
    if int.from_bytes(head[4:8], "little") + 8 > size_bytes:
        raise InputError(f"The soundfont '{path}' is cut off. Copy or download it again.")
    chunks = dict(_chunks(info))
    version = chunks.get(b"ifil", b"\2\0")
    name = chunks.get(b"INAM", b"").split(b"\0")[0].decode("latin-1").strip()
    return Soundfont(path, name or path.stem, is_compressed=version[:2] == b"\3\0")


def _chunks(info: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The INFO list's chunks, from behind its 'INFO' tag, as far as they are whole."""
    position = info.find(b"ifil")
    while 0 <= position <= len(info) - 8:
        tag, length = struct.unpack_from("<4sI", info, position)
        yield tag, info[position + 8 : position + 8 + length]
        position += 8 + length + length % 2


def _soundfont_files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in (".sf2", ".sf3"))
    except OSError:  # not there, or not ours to read: nothing to find
        return []


def _usual_folders() -> Iterator[Path]:
    """Where soundfonts are kept on this system."""
    home = Path.home()
    if sys.platform == "darwin":
        yield from (home / "Library/Audio/Sounds/Banks", Path("/Library/Audio/Sounds/Banks"))
        yield from (Path("/opt/homebrew/share/soundfonts"), Path("/usr/local/share/soundfonts"))
    elif sys.platform == "win32":
        for variable in ("PROGRAMDATA", "LOCALAPPDATA", "PROGRAMFILES"):
            if value := os.environ.get(variable):
                yield Path(value) / "soundfonts"
        yield Path("C:/soundfonts")
    user = os.environ.get("XDG_DATA_HOME") or str(home / ".local/share")
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    for data in (user, *shared.split(os.pathsep)):
        for inside in ("sounds/sf3", "sounds/sf2", "soundfonts"):
            yield Path(data) / inside
