"""From a cue sheet to a score: time plan, representation, decoding, takes."""

from emsync_server.composition.carrying_over import CarriedOver, compose_conformed
from emsync_server.composition.composer import Composer, load_composer
from emsync_server.composition.composing import compose
from emsync_server.composition.conforming import KeptPicture
from emsync_server.composition.decoder import DecoderSettings
from emsync_server.composition.guidance import UNGUIDED, Guidance
from emsync_server.composition.time_plan import PlannedHit, TimePlan, TimePlanSettings, plan_time

__all__ = [
    "UNGUIDED",
    "CarriedOver",
    "Composer",
    "DecoderSettings",
    "Guidance",
    "KeptPicture",
    "PlannedHit",
    "TimePlan",
    "TimePlanSettings",
    "compose",
    "compose_conformed",
    "load_composer",
    "plan_time",
]
