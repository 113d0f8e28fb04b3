"""Putting weights of the full tier onto this machine: from an address, or from a folder.

A file is written beside its final name, compared with the hash that was given, and only then
renamed. What an interrupted fetch has got so far is kept and gone on with.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from emsync.errors import InputError, LimitError, MissingPartError, NotFoundError
from emsync_server.models import RECORD, Model, file_sha256, read_record
from emsync_server.outputs import replacing_file, translated_os_errors, working_folder
from emsync_server.progress import Progress

__all__ = ["fetch_file", "import_model", "put_back_on_failure", "remove_files"]

CHUNK = 1 << 20
MOST_BYTES = 8 << 30
TIMEOUT_S = 30.0
HASH = re.compile(r"[0-9a-f]{64}")


def fetch_file(model: Model, file: str, url: str, sha256: str, progress: Progress) -> Path:
    """Fetch one file of a model; goes on where an earlier try stopped.

    Raises InputError (address, hash), MissingPartError (the network, or another file than the one
    that was named), LimitError, OutputError, JobCancelledError.
    """
    wanted = _checked_hash(sha256, dict(model.files).get(file), file)
    _check_address(url)
    target = model.folder / file
    partial = target.with_name(f"{file}.{wanted[:16]}.partial")
    with translated_os_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _download(url, partial, progress)
        if file_sha256(partial) != wanted:
            partial.unlink()
            raise MissingPartError(
                f"What {url} gave is not the {file} that was asked for: its SHA-256 is another. "
                "It was thrown away. Compare the address and the hash with the publisher's."
            )
        partial.replace(target)
    _record(model, {file: wanted})
    return target


def import_model(model: Model, source: Path, progress: Progress) -> None:
    """Copy all files of a model from a folder; their hashes are recorded as they are.

    Raises NotFoundError, MissingPartError (a file is not the listed one), OutputError.
    """
    if not source.is_dir():
        raise NotFoundError(
            f"There is no folder '{source}'. Look at the path for a typing error; what is imported "
            "is the folder in which the weights lie."
        )
    if missing := model.missing_in(source):
        verb = "is" if len(missing) == 1 else "are"
        raise NotFoundError(
            f"'{source}' does not hold all of '{model.name}': {', '.join(missing)} {verb} missing."
        )
    hashes = {}
    there = [name for name in model.known_files if (source / name).is_file()]
    for index, name in enumerate(there):
        progress.report(index / len(there), f"copying {name}")
        listed = dict(model.files).get(name)
        digest = file_sha256(source / name)
        assert digest is not None
        if listed not in (None, digest):
            raise MissingPartError(f"{source / name} is not the {name} that emsync knows.")
        hashes[name] = digest
    for name in hashes:
        with replacing_file(model.folder / name) as working:
            shutil.copyfile(source / name, working)
    _record(model, hashes)


@contextmanager
def put_back_on_failure(model: Model) -> Iterator[None]:
    """Where an installation fails, or what it installed cannot be used, the model is as before."""
    with working_folder(model.folder.parent) as aside:
        names = [*model.known_files, RECORD]
        before = [name for name in names if (model.folder / name).is_file()]
        for name in before:
            _second_name(model.folder / name, aside / name)
        with ExitStack() as on_failure:
            if not model.folder.exists():
                on_failure.callback(_remove_empty, model.folder)
            on_failure.callback(_put_back, model, aside, before)
            yield
            on_failure.pop_all()


def _put_back(model: Model, aside: Path, names: Sequence[str]) -> None:
    """Only these files, and as they were."""
    remove_files(model)
    for name in names:
        (aside / name).replace(model.folder / name)


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # not there, or not empty: a fetch that was interrupted goes on
        folder.rmdir()


def _second_name(path: Path, other: Path) -> None:
    try:
        os.link(path, other)
    except OSError:  # a volume without links
        shutil.copyfile(path, other)


def remove_files(model: Model) -> None:
    """Take a model off this machine again."""
    for name in (*model.known_files, RECORD):
        (model.folder / name).unlink(missing_ok=True)


def _checked_hash(given: str, listed: str | None, file: str) -> str:
    digest = given.strip().lower().removeprefix("sha256:")
    if not HASH.fullmatch(digest):
        raise InputError(f"'{given}' is not a SHA-256: it has 64 digits, 0 to 9 and a to f.")
    if listed not in (None, digest):
        raise InputError(f"emsync knows {file} by another SHA-256 ({listed}). Fetch that one.")
    return digest


def _check_address(url: str) -> None:
    """Only over TLS, or from this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        local = host == "localhost" or (
            host.replace(".", "").isdecimal() and ipaddress.ip_address(host).is_loopback
        )
    except ValueError as err:
        raise InputError(f"'{url}' is not an address.") from err
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise InputError(f"'{url}' is not an https address: weights are fetched over TLS only.")


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        _check_address(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(url: str, partial: Path, progress: Progress) -> None:
    have = partial.stat().st_size if partial.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    opener = urllib.request.build_opener(_SafeRedirects)
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            goes_on = answer.status == http.HTTPStatus.PARTIAL_CONTENT
            have = have if goes_on else 0
            with partial.open("ab" if goes_on else "wb") as file:
                _copy(answer, file, have, progress)
    except urllib.error.HTTPError as err:
        if err.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return  # all of it was there
        raise MissingPartError(f"{url} cannot be fetched: the server answers {err.code}.") from err
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as err:
        why = getattr(err, "reason", None) or err
        raise MissingPartError(
            f"{url} cannot be fetched ({why}). Run the same command again: it goes on where it "
            "stopped."
        ) from err


def _copy(answer: http.client.HTTPResponse, file: IO[bytes], have: int, progress: Progress) -> None:
    stated = answer.headers.get("Content-Length")
    total = have + int(stated) if stated and stated.isdecimal() else None
    if (total or 0) > MOST_BYTES:
        raise LimitError(f"The file has {total} bytes, more than {MOST_BYTES >> 30} GB.")
    while chunk := answer.read(CHUNK):
        file.write(chunk)
        have += len(chunk)
        if have > MOST_BYTES:
            raise LimitError(f"The file has more than {MOST_BYTES >> 30} GB.")
        progress.report(have / total if total else 0.5, f"fetching, {have >> 20} MB")
    if total is not None and have < total:
        raise http.client.IncompleteRead(b"", total - have)


def _record(model: Model, hashes: dict[str, str]) -> None:
    with replacing_file(model.folder / RECORD) as working:
        found = read_record(model.folder) | hashes
        working.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
