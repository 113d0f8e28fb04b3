"""The one list of experts."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from emsync_server.spotting.experts.expert import Expert, ExpertRow, Sense, Tier
from emsync_server.spotting.experts.faces import FacesExpert
from emsync_server.spotting.experts.faces_full import FacesFullExpert
from emsync_server.spotting.experts.look import LookExpert
from emsync_server.spotting.experts.loudness import LOUDNESS_PLAN, LoudnessExpert
from emsync_server.spotting.experts.people import PeopleExpert
from emsync_server.spotting.experts.picture_emotion import PictureEmotionExpert
from emsync_server.spotting.experts.scene import SceneExpert
from emsync_server.spotting.experts.scene_full import SceneFullExpert
from emsync_server.spotting.experts.screen_text import (
    HOW_TO_INSTALL,
    ScreenTextExpert,
    has_rapidocr,
)
from emsync_server.spotting.experts.sound_emotion import SOUND_EMOTION_PLAN, SoundEmotionExpert
from emsync_server.spotting.experts.sound_full import SOUND_FULL_PLAN, SoundFullExpert
from emsync_server.spotting.experts.sound_tags import SOUND_TAGS_PLAN, SoundTagsExpert
from emsync_server.spotting.experts.speech import SPEECH_PLAN, SpeechExpert
from emsync_server.spotting.experts.text_emotion import TextEmotionExpert
from emsync_server.spotting.experts.text_full import TextFullExpert, has_tokenizers
from emsync_server.spotting.experts.trained import (
    FUSION,
    GENRE,
    TrainedNetwork,
    is_installed,
)
from emsync_server.spotting.experts.transcript import (
    TRANSCRIPT_PLAN,
    TranscriptExpert,
    can_transcribe,
)

__all__ = ["EXPERTS", "expert_row", "feature_experts", "open_expert"]

BUILT_IN, FULL = Tier.BUILT_IN, Tier.FULL
WORDS = "pip install 'emsync[words]'"
PICTURE, SOUND, TEXT = Sense.PICTURE, Sense.SOUND, Sense.TEXT

EXPERTS: tuple[ExpertRow, ...] = (
    # Two at once: eight are no faster a picture, and hold 70 MB more until the film is done.
    ExpertRow("scene", BUILT_IN, PICTURE, SceneExpert, model="scene", version=3, batch=2),
    ExpertRow("faces", BUILT_IN, PICTURE, FacesExpert, model="faces", version=2, batch=2),
    ExpertRow("look", BUILT_IN, PICTURE, LookExpert, on_by_default=False),  # for training alone
    ExpertRow("speech", BUILT_IN, SOUND, SpeechExpert, model="speech", windows=SPEECH_PLAN),
    ExpertRow(
        "sound_tags",
        BUILT_IN,
        SOUND,
        SoundTagsExpert,
        model="sound_tags",
        windows=SOUND_TAGS_PLAN,
        batch=1,  # a window takes 60 MB on its way through
        version=2,
    ),
    ExpertRow(
        "sound_emotion",
        BUILT_IN,
        SOUND,
        SoundEmotionExpert,
        model="sound_emotion",
        windows=SOUND_EMOTION_PLAN,
        version=2,
    ),
    ExpertRow(
        "loudness",
        BUILT_IN,
        SOUND,
        LoudnessExpert,
        windows=LOUDNESS_PLAN,
        on_by_default=False,  # for training alone
    ),
    ExpertRow(
        "picture_emotion",
        BUILT_IN,
        Sense.READINGS,
        PictureEmotionExpert,
        model="picture_emotion",
        sources=("scene",),
    ),
    ExpertRow("people", BUILT_IN, Sense.READINGS, PeopleExpert, model="people", sources=("scene",)),
    ExpertRow(
        "text_emotion",
        BUILT_IN,
        TEXT,
        TextEmotionExpert,
        model="text_emotion",
        is_available=has_tokenizers,
        needs=f"the package tokenizers: {WORDS}",
    ),
    ExpertRow(
        "screen_text",
        BUILT_IN,
        PICTURE,
        ScreenTextExpert,
        is_available=has_rapidocr,
        needs=f"the package rapidocr-onnxruntime: {HOW_TO_INSTALL}",
        version=2,
    ),
    ExpertRow(
        "transcript",
        FULL,
        SOUND,
        TranscriptExpert,
        model="transcript",
        windows=TRANSCRIPT_PLAN,
        batch=1,
        is_available=can_transcribe,
        needs=f"the package faster-whisper: {WORDS}",
    ),
    ExpertRow(
        "scene_full", FULL, PICTURE, SceneFullExpert, model="scene_full", on_by_default=False
    ),
    ExpertRow(
        "faces_full", FULL, PICTURE, FacesFullExpert, model="faces_full", on_by_default=False
    ),
    ExpertRow(
        "sound_full",
        FULL,
        SOUND,
        SoundFullExpert,
        model="sound_full",
        windows=SOUND_FULL_PLAN,
        on_by_default=False,
    ),
    ExpertRow(
        "text_full",
        FULL,
        TEXT,
        TextFullExpert,
        model="text_full",
        is_available=has_tokenizers,
        needs=f"the package tokenizers: {WORDS}",
        on_by_default=False,
    ),
    *(
        ExpertRow(
            name,
            FULL,
            Sense.FEATURES,
            partial(TrainedNetwork, name),
            model=name,
            is_available=partial(is_installed, name),
            needs=f"a network of your own: emsync train {name} --help",
        )
        for name in (FUSION, GENRE)
    ),
)
"""In the order in which `emsync models` lists them."""


def expert_row(name: str) -> ExpertRow:
    """The row of an expert; `KeyError` where there is none."""
    return {row.name: row for row in EXPERTS}[name]


def open_expert(name: str) -> Expert[Any]:
    """Load an expert. Raises MissingPartError where its weights or its package are missing."""
    return expert_row(name).open()


def feature_experts(also: Collection[str] = ()) -> tuple[ExpertRow, ...]:
    """The experts that give features to train on: those of a film, the plain measurements that the
    shipped fusion has no use for, and those of the full tier that are named in `also`."""
    return tuple(
        row
        for row in EXPERTS
        if row.sense not in (Sense.READINGS, Sense.FEATURES)
        and (
            row.name in also or ((row.on_by_default or row.tier is BUILT_IN) and row.is_available())
        )
    )
