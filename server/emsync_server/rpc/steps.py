"""The steps that the server offers, as one value: the real ones, or a test's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from emsync.cue import CueSheet
from emsync.score import Take
from emsync.settings import ComposeSettings, RenderSettings, SpotSettings
from emsync.stem import StemSet
from emsync.wire.calls import Model
from emsync_server.access import ANY_FILE, Access
from emsync_server.progress import Progress

__all__ = ["LocalSteps", "Steps"]


class Steps(Protocol):
    """What the server can do."""

    def spot(self, source: Path, settings: SpotSettings, progress: Progress) -> CueSheet:
        """Film or timeline to cue sheet."""

    def compose(
        self,
        sheet: CueSheet,
        cue_name: str,
        folder: Path,
        settings: ComposeSettings,
        progress: Progress,
    ) -> tuple[Take, ...]:
        """Cue to takes, best first."""

    def render(
        self, take_path: Path, folder: Path, settings: RenderSettings, progress: Progress
    ) -> StemSet:
        """Take to stems and mix."""

    def models(self) -> tuple[Model, ...]:
        """The networks that are installed."""


@dataclass
class LocalSteps:
    """The steps in this process, each imported when it is first asked for: a start is quick."""

    access: Access = ANY_FILE
    """Which files they may open."""

    def spot(self, source: Path, settings: SpotSettings, progress: Progress) -> CueSheet:
        """Film or timeline to cue sheet."""
        from emsync_server.spotting import spot

        return spot(source, settings, progress, access=self.access)

    def compose(
        self,
        sheet: CueSheet,
        cue_name: str,
        folder: Path,
        settings: ComposeSettings,
        progress: Progress,
    ) -> tuple[Take, ...]:
        """Cue to takes, best first."""
        from emsync_server.composition import compose

        return compose(sheet, cue_name, folder, settings, progress)

    def render(
        self, take_path: Path, folder: Path, settings: RenderSettings, progress: Progress
    ) -> StemSet:
        """Take to stems and mix."""
        from emsync_server.rendering import render

        return render(take_path, folder, settings, progress, access=self.access)

    def models(self) -> tuple[Model, ...]:
        """The networks that are installed."""
        from emsync_server.models import list_models

        return tuple(
            Model(found.name, found.is_ready, found.sha256, found.licence, found.is_full_tier)
            for found in list_models()
        )
