"""Experts: frozen networks and plain measurements that read a film's pictures, sound and words."""

from emsync_server.spotting.experts.choosing import chosen_experts
from emsync_server.spotting.experts.expert import (
    SOUND_HZ,
    Expert,
    ExpertRow,
    Line,
    Picture,
    Sense,
    ShotReadings,
    SoundWindow,
    Tier,
    WindowPlan,
)
from emsync_server.spotting.experts.readings import (
    Ekman,
    EkmanProbabilities,
    Estimate,
    Reading,
    Tag,
)
from emsync_server.spotting.experts.registry import (
    EXPERTS,
    expert_row,
    feature_experts,
    open_expert,
)

__all__ = [
    "EXPERTS",
    "SOUND_HZ",
    "Ekman",
    "EkmanProbabilities",
    "Estimate",
    "Expert",
    "ExpertRow",
    "Line",
    "Picture",
    "Reading",
    "Sense",
    "ShotReadings",
    "SoundWindow",
    "Tag",
    "Tier",
    "WindowPlan",
    "chosen_experts",
    "expert_row",
    "feature_experts",
    "open_expert",
]
