"""One timeline out of any file: the adapter chosen, its failures said in sentences."""

from __future__ import annotations

import gc
import re
import struct
import traceback
import zipfile
import zlib
from collections.abc import Callable
from enum import Enum
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
from aaf2.exceptions import AAFError

from emsync.errors import NotFoundError, TimelineError
from emsync_otio import aaf, edl, fcp7, fcpxml, kdenlive, xges
from emsync_otio.quiet import quiet

__all__ = [
    "TIMELINE_SUFFIXES",
    "TimelineKind",
    "document_of",
    "kind_of",
    "open_timeline",
    "said_by",
]

TIMELINE_SUFFIXES = frozenset(
    [
        ".otio",
        ".otioz",
        ".otiod",
        ".xml",
        ".fcpxml",
        ".fcpxmld",
        ".edl",
        ".aaf",
        ".kdenlive",
        ".mlt",
        ".xges",
        ".ale",
    ]
)
"""What `read_edit` takes; `.ale` only to say why it cannot be scored."""


class TimelineKind(Enum):
    """What is told apart when reading and writing."""

    EDL = "CMX 3600 EDL"
    FCPXML = "Final Cut Pro XML"
    MLT = "Kdenlive"
    FCP7 = "Final Cut Pro 7 XML"
    GES = "GStreamer Editing Services"
    OTHER = "OpenTimelineIO's own and what its adapters read"


_KINDS = {
    ".edl": TimelineKind.EDL,
    ".fcpxml": TimelineKind.FCPXML,
    ".fcpxmld": TimelineKind.FCPXML,
    ".kdenlive": TimelineKind.MLT,
    ".mlt": TimelineKind.MLT,
    ".xges": TimelineKind.GES,
}
_BUNDLES = (".fcpxmld", ".otiod")
# What adapters let through when a file is damaged (measured: tests/hosts/test_timeline_damage.py).
_ADAPTER_FAILURES = (
    otio.exceptions.OTIOError,
    ValueError,
    LookupError,
    AttributeError,
    NameError,
    TypeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    SyntaxError,  # xml.etree's ParseError
    EOFError,
    OSError,
    MemoryError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    AAFError,
)


def open_timeline(path: Path, rate: Fraction | None = None) -> otio.schema.Timeline:
    """The timeline in a file, as the file tells it.

    `rate` is for EDLs alone. Raises NotFoundError or TimelineError.
    """
    suffix = path.suffix.lower()
    _check_there(path, suffix)
    try:
        with quiet():
            opened = _opened(_reader_of(path, rate))
    except (TimelineError, NotFoundError):
        raise
    except otio.exceptions.NoKnownAdapterForExtensionError as err:
        raise _unknown_kind(path) from err
    except _ADAPTER_FAILURES as err:
        raise TimelineError(
            f"'{path.name}' cannot be read as {suffix[1:].upper()}: it is damaged or "
            f"incomplete{said_by(err)}. Export it again from the editor, or as OTIO or FCPXML."
        ) from err
    return _only_timeline(opened, path)


def _opened(
    read: Callable[[], otio.core.SerializableObject],
) -> otio.core.SerializableObject:
    """Read; on failure let go of the file, which pyaaf2 (1.7) leaves open in its traceback."""
    try:
        return read()
    except _ADAPTER_FAILURES as err:
        traceback.clear_frames(err.__traceback__)
        gc.collect()
        raise


def said_by(err: BaseException) -> str:
    """What an adapter says, where it speaks of the file and not of its own insides."""
    if not isinstance(err, otio.exceptions.OTIOError | ValueError | SyntaxError | OSError):
        return ""
    words = re.sub(r"\s+", " ", str(err)).strip()
    words = re.sub(
        r"^(invalid literal for int\(\) with base 10|could not convert.*): ", "no number: ", words
    )
    words = words.partition(": While reading")[0]  # what follows names C++ types
    words = re.sub(r"RationalTime\(([\d.]+), [\d.]+\)", r"\1 frames", words)
    return f" ({words[:200].rstrip('.')})" if words else ""


def _check_there(path: Path, suffix: str) -> None:
    if not path.exists():
        raise NotFoundError(f"There is no timeline at '{path}'. Check the path.")
    if path.is_dir() and suffix not in _BUNDLES:
        raise TimelineError(
            f"'{path}' is a folder, not a timeline. Name the timeline file inside it."
        )
    if path.is_file() and path.stat().st_size == 0:
        raise TimelineError(f"'{path.name}' is empty. Export the timeline again from the editor.")
    if suffix not in TIMELINE_SUFFIXES:
        raise _unknown_kind(path)
    if suffix == ".ale":
        raise TimelineError(
            f"'{path.name}' is a log of clips, not a timeline: it says nothing about the edit. "
            "Export the sequence as AAF, EDL or OTIO."
        )


def _unknown_kind(path: Path) -> TimelineError:
    known = " ".join(sorted(TIMELINE_SUFFIXES - {".ale"}))
    return TimelineError(
        f"'{path.name}' is not a kind of timeline that emsync reads. It reads {known}."
    )


def kind_of(path: Path) -> TimelineKind:
    """What kind of timeline a file is; XML is told apart by its root element."""
    suffix = path.suffix.lower()
    if suffix == ".xml":
        with path.open("rb") as file:
            head = file.read(4096)
        if b"<fcpxml" in head:
            return TimelineKind.FCPXML
        return TimelineKind.MLT if b"<mlt" in head else TimelineKind.FCP7
    return _KINDS.get(suffix, TimelineKind.OTHER)


def document_of(path: Path) -> Path:
    """The file that holds a timeline: of a Final Cut bundle, the one inside."""
    is_bundle = path.is_dir() and path.suffix.lower() == ".fcpxmld"
    return path / "Info.fcpxml" if is_bundle else path


def _reader_of(path: Path, rate: Fraction | None) -> Callable[[], otio.core.SerializableObject]:
    """The function that reads this file."""
    kind = kind_of(path)
    if kind is TimelineKind.EDL:
        return lambda: edl.read_timeline(path, rate)
    if kind is TimelineKind.FCPXML:
        return lambda: fcpxml.read_timeline(document_of(path))
    if kind is TimelineKind.MLT:
        return lambda: kdenlive.read_timeline(path)
    if kind is TimelineKind.FCP7:
        return lambda: fcp7.read_timeline(path)
    if kind is TimelineKind.GES:
        return lambda: xges.read_timeline(path)
    if path.suffix.lower() == ".aaf":
        return lambda: aaf.read_timeline(path)
    return lambda: otio.adapters.read_from_file(str(path))


def _only_timeline(opened: otio.core.SerializableObject, path: Path) -> otio.schema.Timeline:
    """The file's timeline; where it holds several, the one that has anything in it."""
    if isinstance(opened, otio.schema.Timeline):
        if opened.tracks is None:
            raise TimelineError(f"The timeline in '{path.name}' has no tracks. Export it again.")
        return opened
    if not isinstance(opened, otio.schema.SerializableCollection):
        is_part = isinstance(opened, otio.core.Composable)
        held = f"a {type(opened).__name__.lower()}" if is_part else "something else"
        raise TimelineError(
            f"'{path.name}' holds {held}, not a timeline. Export the whole sequence."
        )
    timelines = [child for child in opened if isinstance(child, otio.schema.Timeline)]
    filled = [
        child
        for child in timelines
        if any(not isinstance(row, otio.schema.Track) or len(row) for row in child.tracks)
    ] or timelines[:1]
    if not filled:
        raise TimelineError(
            f"'{path.name}' holds clips but no timeline. Export the sequence itself."
        )
    if len(filled) > 1:
        names = ", ".join(f"'{child.name}'" for child in filled[:8])
        raise TimelineError(
            f"'{path.name}' holds {len(filled)} timelines ({names}). Export the one to score alone."
        )
    return filled[0]
