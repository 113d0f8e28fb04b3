"""The services: each method decodes, calls the step and encodes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

from emsync import __version__, wire
from emsync.errors import InputError
from emsync.v1 import composition_pb2, rendering_pb2, spotting_pb2, system_pb2
from emsync.wire.calls import (
    ApiVersion,
    ComposeCueRequest,
    ModelList,
    ProgressReport,
    RenderTakeRequest,
    ServerInfo,
    SpotMediaRequest,
    Takes,
)
from emsync_server.rpc.jobs import Caller, Finished, Jobs
from emsync_server.rpc.paths import AllowedRoots
from emsync_server.rpc.steps import Steps

__all__ = ["CompositionServicer", "RenderingServicer", "SpottingServicer", "SystemServicer"]

Request = TypeVar("Request")
Answer = TypeVar("Answer", bound=Message)


class SpottingServicer:
    """emsync.v1.SpottingService."""

    def __init__(self, steps: Steps, jobs: Jobs, roots: AllowedRoots) -> None:
        self._steps, self._jobs, self._roots = steps, jobs, roots

    def SpotMedia(self, message: Message, caller: Caller) -> Iterator[Message]:  # noqa: N802 - gRPC's
        """Film or timeline to cue sheet."""
        request = _decoded(SpotMediaRequest, message)
        source = self._roots.file(request.source)
        events = self._jobs.run(
            caller, lambda progress: self._steps.spot(source, request.settings, progress)
        )
        return _encoded(events, spotting_pb2.SpotMediaResponse)


class CompositionServicer:
    """emsync.v1.CompositionService."""

    def __init__(self, steps: Steps, jobs: Jobs, roots: AllowedRoots) -> None:
        self._steps, self._jobs, self._roots = steps, jobs, roots

    def ComposeCue(self, message: Message, caller: Caller) -> Iterator[Message]:  # noqa: N802 - gRPC's
        """Cue to takes."""
        request = _decoded(ComposeCueRequest, message)
        folder = self._roots.folder(request.folder)
        events = self._jobs.run(
            caller,
            lambda progress: Takes(
                self._steps.compose(request.sheet, request.cue, folder, request.settings, progress)
            ),
        )
        return _encoded(events, composition_pb2.ComposeCueResponse)


class RenderingServicer:
    """emsync.v1.RenderingService."""

    def __init__(self, steps: Steps, jobs: Jobs, roots: AllowedRoots) -> None:
        self._steps, self._jobs, self._roots = steps, jobs, roots

    def RenderTake(self, message: Message, caller: Caller) -> Iterator[Message]:  # noqa: N802 - gRPC's
        """Take to stems and mix."""
        request = _decoded(RenderTakeRequest, message)
        take_path = self._roots.file(request.take_path)
        folder = self._roots.folder(request.folder)
        if request.settings.soundfont is not None:
            self._roots.file(str(request.settings.soundfont))
        events = self._jobs.run(
            caller,
            lambda progress: self._steps.render(take_path, folder, request.settings, progress),
        )
        return _encoded(events, rendering_pb2.RenderTakeResponse)


class SystemServicer:
    """emsync.v1.SystemService."""

    def __init__(
        self, steps: Steps, jobs: Jobs, roots: AllowedRoots, api_version: ApiVersion
    ) -> None:
        self._steps, self._jobs, self._roots = steps, jobs, roots
        self._api_version = api_version

    def GetServerInfo(self, message: Message, caller: Caller) -> Message:  # noqa: N802 - gRPC's
        """Who answers."""
        info = ServerInfo(
            version=__version__,
            api_version=str(self._api_version),
            pid=os.getpid(),
            allowed_roots=tuple(map(str, self._roots.folders)),
            jobs=self._jobs.count,
        )
        return _message(wire.to_dict(info), system_pb2.GetServerInfoResponse)

    def ListModels(self, message: Message, caller: Caller) -> Message:  # noqa: N802 - gRPC's
        """The networks that are installed."""
        models = ModelList(self._steps.models())
        return _message(wire.to_dict(models), system_pb2.ListModelsResponse)


def _decoded(kind: type[Request], message: Message) -> Request:
    return wire.from_dict(
        kind,
        json_format.MessageToDict(message, preserving_proto_field_name=True),
        origin="The request",
        error=InputError,
        advice="Correct what was sent.",
    )


def _encoded(
    events: Iterator[ProgressReport | Finished[Any]], kind: type[Answer]
) -> Iterator[Answer]:
    for event in events:
        if isinstance(event, Finished):
            yield _message({"result": wire.to_dict(event.result)}, kind)
        else:
            yield _message({"progress": wire.to_dict(event)}, kind)


def _message(data: dict[str, Any], kind: type[Answer]) -> Answer:
    message: Answer = json_format.ParseDict(data, kind())
    return message
