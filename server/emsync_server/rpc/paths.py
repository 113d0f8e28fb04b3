"""Which paths a request may name: absolute, regular, under the roots, and no final link."""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emsync.errors import InputError, NotFoundError, PathRefusedError

__all__ = ["AllowedRoots"]

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # FFmpeg's protocols too; one letter is a drive


@dataclass(frozen=True, slots=True)
class AllowedRoots:
    """The folders that requests may name paths under, as they really are."""

    folders: tuple[Path, ...]

    @classmethod
    def of(cls, folders: Sequence[Path]) -> AllowedRoots:
        """From folders that may be links themselves, or not be there (yet)."""
        return cls(tuple(dict.fromkeys(folder.expanduser().resolve() for folder in folders)))

    def file(self, text: str) -> Path:
        """A file to read. Its parents may be links, it may not."""
        path = self._inside(_absolute(text))
        try:
            found = path.lstat()
        except OSError as err:
            raise NotFoundError(
                f"There is nothing at '{text}' ({err.strerror or err}). "
                "Look at the path for a typing error."
            ) from err
        if stat.S_ISLNK(found.st_mode):
            raise PathRefusedError(
                f"'{text}' is a link, which the server does not follow. Name the file itself."
            )
        if not stat.S_ISREG(found.st_mode):
            raise PathRefusedError(f"'{text}' is not a regular file. Name a film or a file.")
        return path

    def folder(self, text: str) -> Path:
        """A folder to write to; it need not be there yet."""
        path = self._inside(_absolute(text))
        if path.is_symlink():
            raise PathRefusedError(
                f"'{text}' is a link, which the server does not follow. Name the folder itself."
            )
        if path.exists() and not path.is_dir():
            raise PathRefusedError(f"'{text}' is not a folder. Name a folder for the results.")
        return path

    def _inside(self, path: Path) -> Path:
        """The path with its parents resolved; raises where that leads out of the roots."""
        try:
            real = path.parent.resolve() / path.name
        except (OSError, RuntimeError) as err:  # a circle of links, a name that is too long
            raise PathRefusedError(f"'{path}' leads nowhere. Name another path.") from err
        if any(real.is_relative_to(root) for root in self.folders):
            return real
        roots = ", ".join(f"'{root}'" for root in self.folders)
        raise PathRefusedError(
            f"'{path}' lies outside the folders that the server may touch ({roots}). "
            "Move it there, or start the server with --allow-root."
        )


def _absolute(text: str) -> Path:
    """A path from a request: never a URL, never relative, no way up."""
    if not text or "\0" in text:
        raise InputError("The request names no path. Send an absolute path.")
    if URL.match(text):
        raise PathRefusedError(f"'{text}' is a URL or a protocol. Name a file on this machine.")
    path = Path(text)
    if not path.is_absolute():
        raise InputError(f"'{text}' is not an absolute path. Send the path from the root.")
    if ".." in path.parts:
        raise PathRefusedError(f"'{text}' goes up by '..'. Send the plain path.")
    return path
