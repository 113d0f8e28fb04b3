"""The one list of experts."""

from __future__ import annotations

from typing import Any

from emsync_server.spotting.experts.expert import Expert, ExpertRow, Sense, Tier
from emsync_server.spotting.experts.faces import FacesExpert
from emsync_server.spotting.experts.look import LookExpert
from emsync_server.spotting.experts.loudness import LOUDNESS_PLAN, LoudnessExpert
from emsync_server.spotting.experts.picture_emotion import PictureEmotionExpert
from emsync_server.spotting.experts.scene import SceneExpert
from emsync_server.spotting.experts.sound_emotion import SOUND_EMOTION_PLAN, SoundEmotionExpert
from emsync_server.spotting.experts.sound_tags import SOUND_TAGS_PLAN, SoundTagsExpert
from emsync_server.spotting.experts.speech import SPEECH_PLAN, SpeechExpert

__all__ = ["EXPERTS", "expert_row", "open_expert"]

EXPERTS: tuple[ExpertRow, ...] = (
    ExpertRow("scene", Tier.BUILT_IN, Sense.PICTURE, SceneExpert, model="scene"),
    ExpertRow("faces", Tier.BUILT_IN, Sense.PICTURE, FacesExpert, model="faces"),
    ExpertRow("look", Tier.BUILT_IN, Sense.PICTURE, LookExpert),
    ExpertRow(
        "speech", Tier.BUILT_IN, Sense.SOUND, SpeechExpert, model="speech", windows=SPEECH_PLAN
    ),
    ExpertRow(
        "sound_tags",
        Tier.BUILT_IN,
        Sense.SOUND,
        SoundTagsExpert,
        model="sound_tags",
        windows=SOUND_TAGS_PLAN,
    ),
    ExpertRow(
        "sound_emotion",
        Tier.BUILT_IN,
        Sense.SOUND,
        SoundEmotionExpert,
        model="sound_emotion",
        windows=SOUND_EMOTION_PLAN,
    ),
    ExpertRow("loudness", Tier.BUILT_IN, Sense.SOUND, LoudnessExpert, windows=LOUDNESS_PLAN),
    ExpertRow(
        "picture_emotion",
        Tier.BUILT_IN,
        Sense.READINGS,
        PictureEmotionExpert,
        model="picture_emotion",
        sources=("scene",),
    ),
)
"""In the order in which `emsync models` lists them."""


def expert_row(name: str) -> ExpertRow:
    """The row of an expert; `KeyError` where there is none."""
    return {row.name: row for row in EXPERTS}[name]


def open_expert(name: str) -> Expert[Any]:
    """Load an expert. Raises MissingPartError where its weights or its package are missing."""
    return expert_row(name).open()
