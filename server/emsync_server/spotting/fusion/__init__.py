"""Fusion: what many experts say about a film's shots, as one emotion curve with a band."""

from emsync_server.spotting.fusion.circumplex import drawn_emotion, emotion_of, estimate_of, table
from emsync_server.spotting.fusion.fused import Fused, fused

__all__ = ["Fused", "drawn_emotion", "emotion_of", "estimate_of", "fused", "table"]
