"""Which finder of changes a film gets."""

from __future__ import annotations

from emsync.settings import ShotDetector, SpotSettings
from emsync_server.media import FilmProbe
from emsync_server.spotting.looking import ChangeFinder
from emsync_server.spotting.peers import DETECTORS, SceneDetectFinder
from emsync_server.spotting.second_look import SecondLook
from emsync_server.spotting.shots import ShotFinder

__all__ = ["finder_of"]


def finder_of(settings: SpotSettings, probe: FilmProbe) -> ChangeFinder:
    """What the settings ask for."""
    if settings.shots in DETECTORS:
        return SceneDetectFinder(settings.shots, probe.rate)
    accurate = settings.shots is ShotDetector.ACCURATE
    return ShotFinder(rate=probe.rate, second=SecondLook.load() if accurate else None)
