"""What all handles of the double of DaVinci Resolve share: its kind, and how calls behave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import wraps
from typing import Any

SINCE = {"GetSourceStartTime": (19, 1), "GetSourceEndTime": (19, 1), "GetMarkInOut": (19, 1)}


@dataclass
class Profile:
    """One way that a Resolve may be."""

    rate: str = "24"
    """As its settings say it."""
    start: int = 86_400
    """Start timecode, as a count."""
    end_is_inclusive: bool = True
    """How it reads `endFrame`, and what GetEndFrame gives."""
    studio: bool = True
    version: tuple[int, int, int] = (19, 1, 3)

    def __str__(self) -> str:
        """For the name of a test."""
        last = "inclusive" if self.end_is_inclusive else "exclusive"
        return f"{self.rate} from {self.start} {last}"

    @property
    def exact_rate(self) -> Fraction:
        """Frames per second."""
        return exact(self.rate)


def exact(rate: str) -> Fraction:
    """Frames per second of a setting."""
    number = rate.split()[0]
    if number.isdecimal():
        return Fraction(int(number))
    return Fraction(round(float(number)) * 1000, 1001)


@dataclass
class Application:
    """What all handles of one Resolve share."""

    profile: Profile
    page: str = "edit"
    dialogue_is_open: bool = False
    lost_appends: int = 0
    """How many appends return an item that is not there."""
    most_tracks: int = 128
    unreachable: str | None = None
    """Files with this in their path are not there for Resolve."""
    most_custom_data: int | None = None
    """Letters of a marker's custom data that are kept; None: all."""
    project_rate: str | None = None
    """Of the project's settings; None: the timeline's."""
    decomposes_paths: bool = False
    """Gives é in file names as two characters, as macOS does."""
    calls: list[str] = field(default_factory=list)


def api(method: Callable[..., Any]) -> Callable[..., Any]:
    """A call of the API: counted, and False while a dialogue is open."""

    @wraps(method)
    def called(self: Handle, *arguments: Any) -> Any:
        self._app.calls.append(method.__name__)
        return False if self._app.dialogue_is_open else method(self, *arguments)

    called.is_api = True  # type: ignore[attr-defined]
    return called


class Handle:
    """Anything that the API gives."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def __getattribute__(self, name: str) -> Any:
        since = SINCE.get(name)
        if since and object.__getattribute__(self, "_app").profile.version < since:
            return None
        return object.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return None

    def __dir__(self) -> list[str]:
        version = self._app.profile.version
        return [name for name in super().__dir__() if SINCE.get(name, version) <= version]
