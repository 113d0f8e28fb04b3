"""The network that emsync ships, loaded, and its identity."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from emsync_server.composition.decoder import Network
from emsync_server.composition.representation import vocabulary
from emsync_server.inference.composer_session import (
    HEADS_FILE,
    SIDE_FILE,
    TRUNK_FILE,
    ComposerSession,
)
from emsync_server.models import MODELS_FOLDER, file_sha256

__all__ = ["Composer", "load_composer"]


@dataclass(frozen=True, slots=True)
class Composer:
    """A network, and what a take says about it."""

    session: Network
    identity: str
    """Name and SHA-256 of the weights."""


def load_composer(folder: Path = MODELS_FOLDER) -> Composer:
    """Load the composer's three files from a models folder."""
    session = ComposerSession.load(folder, vocabulary=vocabulary())
    digests = [file_sha256(folder / name) or "" for name in (TRUNK_FILE, HEADS_FILE, SIDE_FILE)]
    whole = hashlib.sha256("".join(digests).encode()).hexdigest()  # as models.Model.sha256
    return Composer(session, f"composer sha256:{whole}")
