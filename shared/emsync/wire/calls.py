"""What is asked of the server and what it answers: one value per message of a call."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from emsync.cue import CueSheet
from emsync.score import Take
from emsync.settings import ComposeSettings, RenderSettings, SpotSettings

__all__ = [
    "API_VERSION",
    "ApiVersion",
    "ComposeCueRequest",
    "Method",
    "Model",
    "ModelList",
    "ProgressReport",
    "Ready",
    "RenderTakeRequest",
    "ServerInfo",
    "SpotMediaRequest",
    "Takes",
]


@dataclass(frozen=True, slots=True, order=True)
class ApiVersion:
    """A version of the protocol: the package's number, and a count of additions to it."""

    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> ApiVersion:
        """From 'MAJOR.MINOR'."""
        match = re.fullmatch(r"([0-9]{1,6})\.([0-9]{1,6})", text)
        if match is None:
            raise ValueError(f"{text!r} is not a protocol version such as '1.0'")
        return cls(int(match[1]), int(match[2]))

    def serves(self, client: ApiVersion) -> bool:
        """Whether a server of this version understands all that a client may say."""
        return self.major == client.major and self.minor >= client.minor

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


API_VERSION = ApiVersion(1, 4)


class Method(Enum):
    """All calls, by their path after `emsync.v1.`."""

    SPOT_MEDIA = "SpottingService/SpotMedia"
    COMPOSE_CUE = "CompositionService/ComposeCue"
    RENDER_TAKE = "RenderingService/RenderTake"
    GET_SERVER_INFO = "SystemService/GetServerInfo"
    LIST_MODELS = "SystemService/ListModels"

    @property
    def is_streaming(self) -> bool:
        """Whether it answers with events rather than with one message."""
        return self in (Method.SPOT_MEDIA, Method.COMPOSE_CUE, Method.RENDER_TAKE)


@dataclass(frozen=True, slots=True)
class SpotMediaRequest:
    """What to look at."""

    source: str
    """Absolute path of a film or timeline."""
    settings: SpotSettings = field(default_factory=SpotSettings)


@dataclass(frozen=True, slots=True)
class ComposeCueRequest:
    """What to compose, and where to put it."""

    sheet: CueSheet
    cue: str
    """Name of one of the sheet's cues."""
    folder: str
    """Absolute path."""
    settings: ComposeSettings = field(default_factory=ComposeSettings)


@dataclass(frozen=True, slots=True)
class RenderTakeRequest:
    """What to render, and where to put it."""

    take_path: str
    """Absolute path of a take.json."""
    folder: str
    """Absolute path."""
    settings: RenderSettings = field(default_factory=RenderSettings)


@dataclass(frozen=True, slots=True)
class Ready:
    """The beginning of a result, which can be used while the rest is made."""

    path: str
    """Absolute; of a file that is whole at any moment, grows, and is gone when the work ends."""
    seconds: float
    """How much there is, from the start of the cue."""


@dataclass(frozen=True, slots=True)
class ProgressReport:
    """How far long work has come."""

    fraction: float
    """0 to 1."""
    note: str
    ready: Ready | None = None
    """What can be used already; None: nothing yet."""


@dataclass(frozen=True, slots=True)
class Takes:
    """All takes of a cue, best first."""

    takes: tuple[Take, ...]


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Who answers."""

    version: str
    """emsync's version."""
    api_version: str
    """'MAJOR.MINOR'."""
    pid: int
    allowed_roots: tuple[str, ...] = ()
    """Folders that requests may name."""
    jobs: int = 0
    """That run or wait now."""


@dataclass(frozen=True, slots=True)
class Model:
    """One network's weights."""

    name: str
    is_ready: bool
    """The weights are there and whole."""
    sha256: str
    licence: str
    is_optional: bool = False
    """All works without it."""


@dataclass(frozen=True, slots=True)
class ModelList:
    """The networks that are installed."""

    models: tuple[Model, ...]
