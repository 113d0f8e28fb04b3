"""Rendering: take to stems and mix, and the mix into the film."""

from emsync.settings import RenderSettings
from emsync_server.rendering.choice import SoundReport, choose_synthesizer, describe_sound
from emsync_server.rendering.ducked import write_ducked_stems
from emsync_server.rendering.mux import FILM_SUFFIXES, PlacedMix, mux_scored
from emsync_server.rendering.render import render

__all__ = [
    "FILM_SUFFIXES",
    "PlacedMix",
    "RenderSettings",
    "SoundReport",
    "choose_synthesizer",
    "describe_sound",
    "mux_scored",
    "render",
    "write_ducked_stems",
]
