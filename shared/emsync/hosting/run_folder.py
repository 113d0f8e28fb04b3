"""A folder for each run: what the host plays is never overwritten, so undo finds its files."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from emsync import wire
from emsync.errors import JobCancelledError, NotFoundError, OutputError
from emsync.score import Take

__all__ = [
    "NOTE_FILE",
    "WHOLE_FILE",
    "begun_runs",
    "copy_take",
    "file_name",
    "keep_source",
    "new_run",
    "read_note_text",
    "source_in",
    "take_path",
]

NOTE_FILE = "order.json"
WHOLE_FILE = "timeline.otio"
"""The whole edit, where a part of it was scored: tells later where that part begins."""
OWNER_FILE = ".owner"
UNFIT = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
LONGEST_NAME = 60


@contextmanager
def new_run(folder: Path) -> Iterator[Path]:
    """A new numbered folder; cancelled it vanishes, failed it stays if its takes are noted."""
    _sweep(folder)
    run = _made(folder)
    owner = run / OWNER_FILE
    done = False
    try:
        owner.write_text(str(os.getpid()), encoding="ascii")
        yield run
        owner.unlink(missing_ok=True)
        done = True
    except JobCancelledError:
        (run / NOTE_FILE).unlink(missing_ok=True)
        raise
    finally:
        if not done and not (run / NOTE_FILE).is_file():
            shutil.rmtree(run, ignore_errors=True)
            _remove_if_empty(folder)


def take_path(run: Path, number: int) -> Path:
    """The file of a take, counted from 1."""
    return run / ("take.json" if number == 1 else f"take-{number}.json")


def copy_take(old_run: Path, number: int, new: Path) -> Take:
    """A take of another run as the only one of a new run."""
    take = wire.read_take(take_path(old_run, number))
    copied = replace(take, number=1, midi="score.mid")
    try:
        shutil.copyfile(old_run / take.midi, new / copied.midi)
        take_path(new, 1).write_text(wire.dumps(copied), encoding="utf-8")
    except OSError as err:
        raise NotFoundError(
            f"The score '{old_run / take.midi}' cannot be copied ({err.strerror or err}). "
            "Score the cue again."
        ) from err
    return copied


def keep_source(old_run: Path, source: str, new: Path) -> None:
    """The edit of an earlier run beside a take that was copied from there, where it still is."""
    with suppress(NotFoundError, OSError):
        found = source_in(old_run, source)
        shutil.copyfile(found, new / found.name)
        shutil.copyfile(found.with_name(WHOLE_FILE), new / WHOLE_FILE)


def source_in(run: Path, source: str) -> Path:
    """The edit that a run was made for; raises NotFoundError. source: where it was then."""
    for path in (run / Path(source).name, Path(source)):
        if path.is_file():
            return path
    raise NotFoundError(
        f"The edit that was scored, '{source}', is not there any more, so nobody can tell what "
        "changed since. Score the timeline anew."
    )


def read_note_text(run: Path) -> str:
    """What was ordered in a run; raises NotFoundError."""
    try:
        return (run / NOTE_FILE).read_text(encoding="utf-8")
    except OSError as err:
        raise NotFoundError(
            f"The folder '{run}' holds no score of emsync ({err.strerror or err})."
        ) from err


def begun_runs(folder: Path) -> tuple[Path, ...]:
    """Runs that have takes, the newest first: what a host that closed too early may fetch."""
    try:
        found = [run for run in folder.iterdir() if run.name.isdecimal()]
    except OSError:
        return ()
    noted = [run for run in found if (run / NOTE_FILE).is_file()]
    return tuple(sorted(noted, key=lambda run: int(run.name), reverse=True))


def file_name(name: str) -> str:
    """A timeline's name as a cue's and a file's."""
    return UNFIT.sub(" ", name).strip(" .")[:LONGEST_NAME].strip(" .") or "timeline"


def _sweep(folder: Path) -> None:
    """Remove what a host that was killed in its work left; its finished takes stay."""
    if os.name != "posix":
        return  # os.kill would end the process it asks about
    for owner in folder.glob(f"*/{OWNER_FILE}"):
        run = owner.parent
        with suppress(OSError, ValueError):
            if not (run / NOTE_FILE).is_file() and not _is_alive(int(owner.read_text("ascii"))):
                shutil.rmtree(run, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody's
    return True


def _made(folder: Path) -> Path:
    """Two hosts that ask at once get two folders: making one is what takes the number."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = max((int(e.name) for e in folder.iterdir() if e.name.isdecimal()), default=0)
        while True:
            number += 1
            with suppress(FileExistsError):
                (folder / f"{number:03}").mkdir()
                return folder / f"{number:03}"
    except OSError as err:
        raise OutputError(
            f"The folder '{folder}' for the score cannot be written to ({err.strerror or err}). "
            "Choose another folder."
        ) from err


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
