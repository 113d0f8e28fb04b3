"""Tokens of servers elsewhere: the keyring where one answers, else a file after a yes."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from emsync.client import keep_token, token_of, tokens
from emsync.errors import OutputError


class FakeKeyring(keyring.backend.KeyringBackend):
    """Keeps secrets in memory, or fails as real ones do."""

    priority = 1  # type: ignore[assignment]

    def __init__(self, mood: str) -> None:
        super().__init__()
        self.mood = mood
        self.kept: dict[tuple[str, str], str] = {}
        self.asleep = threading.Event()

    def _answer(self) -> None:
        if self.mood == "locked":
            self.asleep.wait(20)
        if self.mood == "refusing":
            raise keyring.errors.KeyringLocked("no")

    def get_password(self, service: str, username: str) -> str | None:
        """The secret."""
        self._answer()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""
        self._answer()
        self.kept[service, username] = password


@pytest.fixture
def ring(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FakeKeyring:
    """A keyring in the mood that the test asks for; a configuration folder of its own."""
    fake = FakeKeyring(request.param)
    monkeypatch.setattr(keyring, "get_password", fake.get_password)
    monkeypatch.setattr(keyring, "set_password", fake.set_password)
    monkeypatch.setattr(tokens, "KEYRING_TIMEOUT_S", 0.2)
    monkeypatch.setattr(tokens, "_token_path", lambda: tmp_path / "config" / "tokens.json")
    monkeypatch.delenv("EMSYNC_TOKEN", raising=False)
    request.addfinalizer(fake.asleep.set)
    return fake


@pytest.mark.parametrize("ring", ["open"], indirect=True)
def test_a_token_goes_to_the_keyring(ring: FakeKeyring, tmp_path: Path) -> None:
    assert "keyring" in keep_token("studio", "secret", consent=pytest.fail)
    assert token_of("studio") == "secret"
    assert token_of("elsewhere") is None
    assert not (tmp_path / "config").exists()


@pytest.mark.parametrize("ring", ["locked", "refusing"], indirect=True)
def test_without_a_keyring_a_file_is_written_after_a_yes_only(
    ring: FakeKeyring, tmp_path: Path
) -> None:
    path = tmp_path / "config" / "tokens.json"
    assert "was not kept" in keep_token("studio", "secret", consent=lambda question: False)
    assert not path.exists()
    assert str(path) in keep_token("studio", "secret", consent=lambda question: True)
    assert token_of("studio") == "secret"
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("ring", ["locked"], indirect=True)
def test_the_environment_goes_before_the_keyring(
    ring: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMSYNC_TOKEN", "from the environment")
    assert token_of("studio") == "from the environment"


@pytest.mark.parametrize("ring", ["open"], indirect=True)
def test_an_empty_token_is_refused(ring: FakeKeyring) -> None:
    with pytest.raises(OutputError, match="Give both"):
        keep_token("studio", "  ", consent=pytest.fail)
