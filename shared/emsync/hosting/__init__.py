"""What every host's plugin has in common: its timeline in, stems and markers to lay on it out.

host: reads its timeline ──► Order ──► Studio (client, server) ──► Placement ──► host lays it,
reads it back ──► differences
"""

from emsync.hosting.diagnosis import diagnose
from emsync.hosting.job import Cancelled, Done, Failed, Job, JobEvent, Progressed
from emsync.hosting.placement import (
    FoundStem,
    HitMark,
    Placement,
    ScoreNote,
    StemClip,
    differences,
    read_note,
)
from emsync.hosting.renewing import Renewal, RenewalOrder
from emsync.hosting.scoring import Ducker, Order, Studio
from emsync.hosting.timeline import (
    ClipKind,
    HostClip,
    HostMarker,
    HostTimeline,
    HostTrack,
    HostTransition,
    Span,
    TrackKind,
)
from emsync.hosting.wishes import Wishes

__all__ = [
    "Cancelled",
    "ClipKind",
    "Done",
    "Ducker",
    "Failed",
    "FoundStem",
    "HitMark",
    "HostClip",
    "HostMarker",
    "HostTimeline",
    "HostTrack",
    "HostTransition",
    "Job",
    "JobEvent",
    "Order",
    "Placement",
    "Progressed",
    "Renewal",
    "RenewalOrder",
    "ScoreNote",
    "Span",
    "StemClip",
    "Studio",
    "TrackKind",
    "Wishes",
    "diagnose",
    "differences",
    "read_note",
]
