"""From what a timeline calls its media to a file on this machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

__all__ = ["PathStyle", "bare_path", "file_url", "find_media", "media_url"]


class PathStyle(Enum):
    """How a timeline names files: editors differ in what they take (DESIGN §7)."""

    AUTO = "auto"
    """Relative where the file lies below the timeline, else a URL."""
    BARE = "bare"
    """A path, as DaVinci Resolve reads it from .otio."""
    URL = "url"
    """file://…, as Final Cut Pro and Premiere want it."""


_DRIVE = re.compile(r"^/?([A-Za-z]:[\\/].*)$")


def find_media(target_url: str, folders: Sequence[Path]) -> Path | None:
    """The file that a reference names, or None where it is not on this machine.

    Tried in turn: the path as written, the same percent-decoded, both relative to each of `folders`
    (the timeline's own), and last a file of the same name in them, as editors relink.
    """
    written = _written_path(target_url)
    if not written:
        return None
    spellings = list(dict.fromkeys([written, unquote(written)]))
    for spelling in spellings:
        candidates = [Path(spelling)] if Path(spelling).is_absolute() else []
        candidates += [folder / spelling for folder in folders]
        for candidate in candidates:
            if _is_file(candidate):
                return candidate.resolve()
    for spelling in spellings:
        name = re.split(r"[\\/:]", spelling.rstrip("\\/"))[-1]
        for folder in folders:
            if name and _is_file(folder / name):
                return (folder / name).resolve()
    return None


def media_url(media: Path, beside: Path) -> str:
    """A reference to `media` from the timeline `beside`: relative if it lies below, else a URL."""
    try:
        return quote(media.resolve().relative_to(beside.resolve().parent).as_posix())
    except ValueError:
        return media.resolve().as_uri()


def file_url(target_url: str) -> str:
    """A reference as Final Cut and Premiere want it: a URL; what is relative stays so, quoted."""
    if "://" in target_url:
        return target_url
    path = target_url.replace("\\", "/")
    if re.match(r"^[A-Za-z]:/", path):
        return "file:///" + quote(path, safe="/:")
    if path.startswith("//"):
        return "file:" + quote(path)
    return "file://" + quote(path) if path.startswith("/") else quote(unquote(path))


def _is_whole(path: str) -> bool:
    """Whether a path names a file by itself; such a one is written as it is, '%20' and all."""
    return bool(_DRIVE.match(path)) or path.startswith(("/", "\\"))


def bare_path(target_url: str) -> str:
    """A reference as Resolve and MLT want it: a path, not a URL."""
    if "://" not in target_url:
        return target_url if _is_whole(target_url) else unquote(target_url)
    parts = urlsplit(target_url)
    path = unquote(parts.path)
    if re.match(r"^/[A-Za-z]:", path):
        return path[1:]
    return f"//{parts.netloc}{path}" if parts.netloc not in ("", "localhost") else path


def _written_path(target_url: str) -> str:
    """The path inside a file URL, or the text itself where it is none; empty for other schemes."""
    drive = _DRIVE.match(target_url)
    if drive:
        return drive.group(1)
    try:
        parts = urlsplit(target_url)
    except ValueError:
        return target_url
    if parts.scheme == "file":
        path = target_url.split(":", 1)[1]
        path = path[2:] if path.startswith("//") else path
        path = path.removeprefix("localhost")
        drive = _DRIVE.match(unquote(path))
        return drive.group(1) if drive else path
    return "" if len(parts.scheme) > 1 and "://" in target_url else target_url


def _is_file(path: Path) -> bool:
    """Whether a file is there; a name that the system cannot even ask for is not."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
