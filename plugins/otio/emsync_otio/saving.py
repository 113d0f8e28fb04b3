"""Timelines out: written beside their final name, read back, and only then renamed."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
from opentimelineio.adapters import file_bundle_utils

from emsync.errors import DiskFullError, InputError, OutputError, TimelineError
from emsync_otio import (
    fcp7_patching,
    fcp7_writing,
    fcpxml_patching,
    fcpxml_writing,
    kdenlive_patching,
    kdenlive_writing,
    xges_patching,
    xges_writing,
)
from emsync_otio.opening import TimelineKind, document_of, kind_of, open_timeline, said_by
from emsync_otio.quiet import quiet

__all__ = ["WRITABLE_SUFFIXES", "check_writable", "is_added_to", "save_timeline"]

WRITABLE_SUFFIXES = (".otio", ".otioz", ".fcpxml", ".fcpxmld", ".xml", ".kdenlive", ".mlt", ".xges")
"""What a scored timeline can be written as; .xml is Final Cut Pro 7's, for Premiere and Resolve."""
_PATCHERS = {
    TimelineKind.FCPXML: fcpxml_patching.patched,
    TimelineKind.FCP7: fcp7_patching.patched,
    TimelineKind.MLT: kdenlive_patching.patched,
    TimelineKind.GES: xges_patching.patched,
}
"""Add to the editor's own file, of which all else stays as it is, byte for byte."""
_WRITERS = {
    TimelineKind.FCPXML: fcpxml_writing.document_of,
    TimelineKind.FCP7: fcp7_writing.document_of,
    TimelineKind.MLT: kdenlive_writing.document_of,
    TimelineKind.GES: xges_writing.document_of,
}
"""Make a new file of a timeline that came as something else."""
_KINDS = {
    ".fcpxml": TimelineKind.FCPXML,
    ".fcpxmld": TimelineKind.FCPXML,
    ".xml": TimelineKind.FCP7,
    ".kdenlive": TimelineKind.MLT,
    ".mlt": TimelineKind.MLT,
    ".xges": TimelineKind.GES,
}


def check_writable(out: Path) -> None:
    """Refuse kinds of timeline that cannot carry stems."""
    suffix = out.suffix.lower()
    if suffix in WRITABLE_SUFFIXES:
        return
    why = (
        "an EDL has one picture track and four of sound, and no place for markers or metadata"
        if suffix == ".edl"
        else f"stems cannot be written as '{suffix}'"
        if suffix
        else "its name has no suffix"
    )
    raise InputError(
        f"The scored timeline cannot become '{out.name}': {why}. "
        f"Name it {', '.join(WRITABLE_SUFFIXES[:-1])} or {WRITABLE_SUFFIXES[-1]}."
    )


def save_timeline(
    timeline: otio.schema.Timeline,
    out: Path,
    check: Callable[[otio.schema.Timeline], None],
    *,
    rate: Fraction,
    source: Path | None = None,
) -> None:
    """Write a timeline whole or not at all; `check` gets it as it reads back, and may raise.

    Where `source`, which it was read from, is of the same kind as `out`, that file is added to.
    """
    with _translated(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with _folder_beside(out) as folder:
            working = folder / f"new{out.suffix.lower()}"
            _write(timeline, working, out, rate, source)
            check(_read_back(working, out))
            _take_name(working, out, folder)


def is_added_to(source: Path | None, out: Path) -> bool:
    """Whether `out` will be the editor's own file with additions, and not a new one."""
    kind = _KINDS.get(out.suffix.lower())
    return source is not None and kind is not None and kind_of(source) is kind


def needs_picture_size(source: Path | None, out: Path) -> bool:
    """Whether `out` will be a new file of a kind that states how large the picture is."""
    return out.suffix.lower() in _KINDS and not is_added_to(source, out)


def _take_name(working: Path, out: Path, folder: Path) -> None:
    """Give what was written its name; a bundle that has it already is put back if that fails."""
    if not (working.is_dir() and out.is_dir()):
        working.replace(out)
        return
    earlier = folder / "earlier"
    out.replace(earlier)
    try:
        working.replace(out)
    except OSError:
        earlier.replace(out)
        raise


def _write_document(document: bytes, working: Path, source: Path | None) -> None:
    """A file, or a bundle around it with all else that the source's bundle holds."""
    if working.suffix != ".fcpxmld":
        working.write_bytes(document)
        return
    if source is not None and source.is_dir():
        shutil.copytree(source, working, ignore=shutil.ignore_patterns("Info.fcpxml"))
    working.mkdir(exist_ok=True)
    document_of(working).write_bytes(document)


def _write(
    timeline: otio.schema.Timeline, working: Path, out: Path, rate: Fraction, source: Path | None
) -> None:
    try:
        with quiet():
            kind = _KINDS.get(working.suffix)
            if kind is not None and source is not None and is_added_to(source, out):
                written = _PATCHERS[kind](document_of(source).read_bytes(), timeline, rate)
                _write_document(written, working, source)
            elif kind is not None:
                _write_document(_WRITERS[kind](timeline, rate), working, None)
            elif working.suffix == ".otioz":
                policy = file_bundle_utils.MediaReferencePolicy.MissingIfNotFile
                otio.adapters.write_to_file(timeline, str(working), media_policy=policy)
            else:
                otio.adapters.write_to_file(timeline, str(working))
    except OSError:
        raise
    except (
        otio.exceptions.OTIOError,
        ValueError,
        LookupError,
        NameError,
        AttributeError,
        TypeError,
        RuntimeError,
    ) as err:
        raise OutputError(
            f"This timeline holds things that '{out.name}' cannot: the {working.suffix} writer "
            f"refused it{said_by(err)}. Write it as .otio."
        ) from err


def _read_back(working: Path, out: Path) -> otio.schema.Timeline:
    try:
        return open_timeline(working)
    except TimelineError as err:
        raise OutputError(
            f"'{out.name}' could not be read back and was not kept. Write the timeline as .otio."
        ) from err


@contextmanager
def _folder_beside(out: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=".emsync-", dir=out.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _translated(out: Path) -> Iterator[None]:
    """Say in a sentence why the timeline could not be written."""
    try:
        yield
    except OSError as err:
        if err.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"The disk is full: '{out}' could not be written. Free some space, or choose "
                "another folder with -o."
            ) from err
        raise OutputError(
            f"'{out}' cannot be written ({err.strerror or err}). "
            "Choose a folder that you may write to with -o."
        ) from err
