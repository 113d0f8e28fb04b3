"""Tokens of servers on other machines: the system keyring, or a file after a yes."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Protocol, TypeVar

from emsync.errors import OutputError

__all__ = ["keep_token", "token_of"]

Answer = TypeVar("Answer")

SERVICE = "emsync"
VARIABLE = "EMSYNC_TOKEN"
KEYRING_TIMEOUT_S = 10.0  # a locked keyring waits for its password, perhaps on a screen nobody sees
TOKEN_FILE = "tokens.json"


class _Keyring(Protocol):
    """What we use of `keyring`."""

    def get_password(self, service_name: str, username: str) -> str | None:
        """The secret, or None."""

    def set_password(self, service_name: str, username: str, password: str) -> None:
        """Keep a secret."""


def keep_token(host: str, token: str, consent: Callable[[str], bool]) -> str:
    """Keep the token of a host; returns a sentence that says where.

    consent: asked before a token is written to a file.
    """
    if not host.strip() or not token.strip():
        raise OutputError("There is no host or no token to keep. Give both.")
    if _in_keyring(lambda keyring: _kept(keyring, host, token)):
        return f"The token of {host} is in the system keyring."
    path = _token_path()
    question = f"No keyring answers here. Keep the token in '{path}', readable by you alone?"
    if not consent(question):
        return f"The token of {host} was not kept. Set {VARIABLE} instead where you need it."
    _write(path, {**_read(path), host: token})
    return f"The token of {host} is in '{path}', readable by you alone."


def token_of(host: str) -> str | None:
    """The token of a host: from EMSYNC_TOKEN, the keyring, or the file; None without one."""
    if token := os.environ.get(VARIABLE):
        return token
    kept = _in_keyring(lambda keyring: keyring.get_password(SERVICE, host))
    return kept or _read(_token_path()).get(host)


def _kept(keyring: _Keyring, host: str, token: str) -> bool:
    keyring.set_password(SERVICE, host, token)
    return keyring.get_password(SERVICE, host) == token


def _in_keyring(action: Callable[[_Keyring], Answer]) -> Answer | None:
    """Do something with the keyring; None where there is none, it refuses or does not answer."""
    answers: list[Answer] = []

    def ask() -> None:
        import keyring
        from keyring.errors import KeyringError

        with suppress(KeyringError, RuntimeError, OSError):
            answers.append(action(keyring))

    thread = Thread(target=ask, daemon=True, name="emsync-keyring")
    thread.start()
    thread.join(KEYRING_TIMEOUT_S)
    return answers[0] if answers else None


def _token_path() -> Path:
    import platformdirs  # not in a host's interpreter

    return Path(platformdirs.user_config_dir("emsync", appauthor=False)) / TOKEN_FILE


def _read(path: Path) -> dict[str, str]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(host): str(token) for host, token in data.items()} if isinstance(data, dict) else {}


def _write(path: Path, tokens: dict[str, str]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, working = tempfile.mkstemp(dir=path.parent)  # 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(tokens, file, indent=2)
        Path(working).replace(path)
    except OSError as err:
        raise OutputError(
            f"The token cannot be kept in '{path}' ({err.strerror or err}). Set {VARIABLE} instead."
        ) from err
