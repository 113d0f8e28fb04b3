"""Fusion: what many experts say about a film's shots, as one emotion curve with a band."""

from emsync_server.spotting.experts.circumplex import drawn_emotion, emotion_of, estimate_of, table
from emsync_server.spotting.fusion.fused import Fused, fused
from emsync_server.spotting.fusion.on_film import FILM_LIKENESS, by_itself, on_film

__all__ = [
    "FILM_LIKENESS",
    "Fused",
    "by_itself",
    "drawn_emotion",
    "emotion_of",
    "estimate_of",
    "fused",
    "on_film",
    "table",
]
