"""The steps, done by a server: values in, values out, over any transport."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from emsync import wire
from emsync.client.failures import stopped_midway
from emsync.client.transport import Transport
from emsync.cue import CueSheet
from emsync.errors import VersionMismatchError
from emsync.score import Take
from emsync.settings import ComposeSettings, RenderSettings, SpotSettings
from emsync.stem import StemSet
from emsync.wire.calls import (
    ComposeCueRequest,
    Method,
    ModelList,
    ProgressReport,
    RenderTakeRequest,
    ServerInfo,
    SpotMediaRequest,
    Takes,
)

__all__ = ["Beginning", "Client", "Watcher"]

Value = TypeVar("Value")

Watcher = Callable[[float, str], None]
"""Told how much is done (0 to 1) and what is being done, at least once a second.

What it raises cancels the call and comes out of it: this is how a caller leaves.
"""


Beginning = Callable[[Path, float], None]
"""Told where the first seconds of a result lie, and how many, while the rest is made. The file is
gone when the call ends: who wants to keep it copies it.
"""


class Client:
    """All calls of a server. Raises the same errors as the steps, and ServerUnavailableError,
    WrongTokenError and VersionMismatchError of its own.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __enter__(self) -> Client:
        """Itself; leaving the block closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the transport."""
        self.close()

    def close(self) -> None:
        """Let go of the server."""
        self._transport.close()

    def spot(
        self, source: Path, settings: SpotSettings | None = None, watch: Watcher | None = None
    ) -> CueSheet:
        """Film or timeline to cue sheet."""
        request = SpotMediaRequest(_absolute(source), settings or SpotSettings())
        return self._result_of(CueSheet, Method.SPOT_MEDIA, request, watch)

    def compose(
        self,
        sheet: CueSheet,
        cue_name: str,
        folder: Path,
        settings: ComposeSettings | None = None,
        watch: Watcher | None = None,
        ready: Beginning | None = None,
    ) -> tuple[Take, ...]:
        """Cue to takes, best first; the server writes them into the folder. The first bars are
        ready while the rest is composed.
        """
        request = ComposeCueRequest(
            sheet, cue_name, _absolute(folder), settings or ComposeSettings()
        )
        return self._result_of(Takes, Method.COMPOSE_CUE, request, watch, ready).takes

    def render(
        self,
        take_path: Path,
        folder: Path,
        settings: RenderSettings | None = None,
        watch: Watcher | None = None,
    ) -> StemSet:
        """Take to stems and mix; the server writes them into the folder."""
        request = RenderTakeRequest(
            _absolute(take_path), _absolute(folder), settings or RenderSettings()
        )
        return self._result_of(StemSet, Method.RENDER_TAKE, request, watch)

    def server_info(self) -> ServerInfo:
        """Who answers."""
        answer = self._transport.call_unary(Method.GET_SERVER_INFO, {})
        return _value(ServerInfo, answer)

    def models(self) -> ModelList:
        """The networks that are installed where the server runs."""
        return _value(ModelList, self._transport.call_unary(Method.LIST_MODELS, {}))

    def _result_of(
        self,
        kind: type[Value],
        method: Method,
        request: object,
        watch: Watcher | None,
        ready: Beginning | None = None,
    ) -> Value:
        """Follow a long call to its end."""
        events = self._transport.call_streaming(method, wire.to_dict(request))
        result: dict[str, Any] | None = None
        try:
            for event in events:
                if "result" in event:
                    result = event["result"]
                elif "progress" in event:
                    report = _value(ProgressReport, event["progress"])
                    if watch is not None:
                        watch(report.fraction, report.note)
                    if ready is not None and report.ready is not None:
                        ready(Path(report.ready.path), report.ready.seconds)
        finally:
            events.close()
        if result is None:
            raise stopped_midway("no result came")
        return _value(kind, result)


def _absolute(path: Path) -> str:
    """Paths travel, and the server has another working folder."""
    return str(path.absolute())


def _value(kind: type[Value], data: dict[str, Any]) -> Value:
    return wire.from_dict(
        kind,
        data,
        origin="The server's answer",
        error=VersionMismatchError,
        advice="Use the same emsync at both ends: stop the server, and a new one starts.",
    )
