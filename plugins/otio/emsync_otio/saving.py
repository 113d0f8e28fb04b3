"""Timelines out: written beside their final name, read back, and only then renamed."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import opentimelineio as otio
from opentimelineio.adapters import file_bundle_utils

from emsync.errors import DiskFullError, InputError, OutputError, TimelineError
from emsync_otio import fcp7
from emsync_otio.opening import open_timeline, said_by
from emsync_otio.quiet import quiet

__all__ = ["WRITABLE_SUFFIXES", "check_writable", "save_timeline"]

WRITABLE_SUFFIXES = (".otio", ".otioz", ".xml")
"""What a scored timeline can be written as; .xml is Final Cut Pro 7's, for Premiere and Resolve."""


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
    timeline: otio.schema.Timeline, out: Path, check: Callable[[otio.schema.Timeline], None]
) -> None:
    """Write a timeline whole or not at all; `check` gets it as it reads back, and may raise."""
    with _translated(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with _folder_beside(out) as folder:
            working = folder / f"new{out.suffix.lower()}"
            _write(timeline, working, out)
            check(_read_back(working, out))
            working.replace(out)


def _write(timeline: otio.schema.Timeline, working: Path, out: Path) -> None:
    try:
        with quiet():
            if working.suffix == ".otioz":
                policy = file_bundle_utils.MediaReferencePolicy.MissingIfNotFile
                otio.adapters.write_to_file(timeline, str(working), media_policy=policy)
            elif working.suffix == ".xml":
                commented = fcp7.with_comments(timeline)
                otio.adapters.write_to_file(commented, str(working), adapter_name="fcp_xml")
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
