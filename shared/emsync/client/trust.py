"""Certificates for servers on other machines: which files this user shows to which host, and
trusts."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from emsync.errors import OutputError, ServerUnavailableError

__all__ = ["ClientTls", "keep_tls", "tls_of"]

CERTIFICATES_FILE = "servers.json"


@dataclass(frozen=True, slots=True)
class ClientTls:
    """What a client shows and trusts when the server is on another machine; PEM files."""

    server_authority: Path
    certificate: Path
    private_key: Path


def keep_tls(host: str, files: ClientTls) -> str:
    """Remember where the files for a host lie; returns a sentence. They stay where they are."""
    for path in (files.server_authority, files.certificate, files.private_key):
        if not path.is_file():
            raise ServerUnavailableError(
                f"There is no certificate file at '{path}'. Look at the path for a typing error."
            )
    path = _file()
    named = {
        "authority": str(files.server_authority.absolute()),
        "certificate": str(files.certificate.absolute()),
        "key": str(files.private_key.absolute()),
    }
    _write(path, {**_read(path), host: named})
    return f"The certificates for {host} are remembered in '{path}'."


def tls_of(host: str) -> ClientTls | None:
    """The files for a host; None where none were named."""
    named = _read(_file()).get(host)
    if named is None or not all(named.get(part) for part in ("authority", "certificate", "key")):
        return None
    return ClientTls(Path(named["authority"]), Path(named["certificate"]), Path(named["key"]))


def _file() -> Path:
    import platformdirs  # not in a host's interpreter

    return Path(platformdirs.user_config_dir("emsync", appauthor=False)) / CERTIFICATES_FILE


def _read(path: Path) -> dict[str, dict[str, str]]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {
        str(host): {str(part): str(file) for part, file in named.items()}
        for host, named in (data.items() if isinstance(data, dict) else ())
        if isinstance(named, dict)
    }


def _write(path: Path, servers: dict[str, dict[str, str]]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, working = tempfile.mkstemp(dir=path.parent)  # 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(servers, file, indent=2)
        Path(working).replace(path)
    except OSError as err:
        raise OutputError(
            f"The certificates cannot be remembered in '{path}' ({err.strerror or err})."
        ) from err
