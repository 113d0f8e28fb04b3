"""Which files the steps may open: any for the person at the keyboard, few for a server's callers.

A path is looked at when a request names it, and opened later: in between it may have become
another. And a request's timeline or take names more files of its own. So each file is looked at
again after it was opened, where nobody can exchange it any more.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from emsync.errors import EmsyncError, LimitError, PathRefusedError

__all__ = ["ANY_FILE", "Access"]

LARGEST_COPY_BYTES = 512 * 2**20
"""Timelines, takes and scores are far smaller; films and soundfonts are not copied."""


@dataclass(frozen=True, slots=True)
class Access:
    """What may be read."""

    roots: tuple[Path, ...] | None = None
    """Only regular files under these folders, links in their names resolved, and no link as the
    last part; None: whatever the system lets this user read."""

    def open(self, path: Path) -> int:
        """A descriptor of an existing file; a FIFO does not block. Raises PathRefusedError, OSError
        or ValueError as `os.open` does."""
        flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        if self.roots is None:
            return os.open(path, flags)
        if path.is_symlink():  # where there is no O_NOFOLLOW, this look is all there is
            raise _link_refused(path)
        try:
            descriptor = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))
        except OSError as err:
            if err.errno == errno.ELOOP:
                raise _link_refused(path) from err
            raise
        with ExitStack() as undone:
            undone.callback(os.close, descriptor)
            self._check(path, descriptor)
            undone.pop_all()  # checked: it stays open
        return descriptor

    @contextmanager
    def readable(self, path: Path) -> Iterator[Path]:
        """A path by which a library may read a small file: the file's own, or that of a private
        copy of what was opened, under the same name."""
        if self.roots is None:
            yield path
            return
        try:
            descriptor = self.open(path)
        except (OSError, ValueError):  # whoever reads it says why it cannot be
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="emsync-read-") as folder:
            copy = Path(folder) / path.name
            with os.fdopen(descriptor, "rb") as file:
                if os.fstat(file.fileno()).st_size > LARGEST_COPY_BYTES:
                    raise LimitError(f"'{path}' is too large for a timeline or a take.")
                with copy.open("wb") as written:
                    shutil.copyfileobj(file, written)
            try:
                yield copy
            except EmsyncError as err:  # the sentence names the user's file
                raise type(err)(err.sentence.replace(str(copy), str(path))) from err

    def _check(self, path: Path, descriptor: int) -> None:
        """Raise where the opened file is not the regular file that lies under a root."""
        assert self.roots is not None
        opened = os.fstat(descriptor)
        with suppress(OSError, RuntimeError):
            real = path.parent.resolve() / path.name
            inside = any(real.is_relative_to(root) for root in self.roots)
            same = os.path.samestat(opened, real.lstat())
            if inside and same and stat.S_ISREG(opened.st_mode):
                return
        roots = ", ".join(f"'{root}'" for root in self.roots)
        raise PathRefusedError(
            f"'{path}' is no regular file inside the folders that the server may read ({roots}). "
            "Move it there, or start the server with --allow-root."
        )


ANY_FILE = Access()


def _link_refused(path: Path) -> PathRefusedError:
    return PathRefusedError(f"'{path}' is a symbolic link. Give the path of the file itself.")
