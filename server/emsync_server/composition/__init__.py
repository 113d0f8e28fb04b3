"""From a cue sheet to a score: time plan, representation, decoding, takes."""

from emsync_server.composition.composer import Composer, load_composer
from emsync_server.composition.composing import compose
from emsync_server.composition.decoder import DecoderSettings
from emsync_server.composition.guidance import UNGUIDED, Guidance
from emsync_server.composition.time_plan import PlannedHit, TimePlan, TimePlanSettings, plan_time

__all__ = [
    "UNGUIDED",
    "Composer",
    "DecoderSettings",
    "Guidance",
    "PlannedHit",
    "TimePlan",
    "TimePlanSettings",
    "compose",
    "load_composer",
    "plan_time",
]
