"""The steps on a running server, as the application calls them."""

from __future__ import annotations

from pathlib import Path

from emsync.client import Client, connect, connect_elsewhere
from emsync.cue import CueSheet
from emsync.score import Take
from emsync.settings import ComposeSettings, RenderSettings, SpotSettings
from emsync.stem import StemSet
from emsync.wire.calls import Model
from emsync_server.progress import Progress

__all__ = ["RemoteSteps"]


class RemoteSteps:
    """Sends each step to the server; cancelling the progress cancels the call."""

    def __init__(self, client: Client) -> None:
        """Over an open client."""
        self._client = client

    @classmethod
    def of_running_server(cls) -> RemoteSteps:
        """The server of this user; started where none runs."""
        return cls(Client(connect()))

    @classmethod
    def of_server_at(cls, address: str) -> RemoteSteps:
        """A server on another machine, by 'HOST:PORT', with what `emsync login` kept for it."""
        return cls(Client(connect_elsewhere(address)))

    def spot(self, source: Path, settings: SpotSettings, progress: Progress) -> CueSheet:
        """Film or timeline to cue sheet."""
        return self._client.spot(source, settings, progress.report)

    def compose(
        self,
        sheet: CueSheet,
        cue_name: str,
        folder: Path,
        settings: ComposeSettings,
        progress: Progress,
    ) -> tuple[Take, ...]:
        """Cue to takes, best first."""
        return self._client.compose(
            sheet, cue_name, folder, settings, progress.report, progress.ready
        )

    def render(
        self, take_path: Path, folder: Path, settings: RenderSettings, progress: Progress
    ) -> StemSet:
        """Take to stems and mix."""
        return self._client.render(take_path, folder, settings, progress.report)

    def models(self) -> tuple[Model, ...]:
        """The networks that are installed where the server runs."""
        return self._client.models().models
