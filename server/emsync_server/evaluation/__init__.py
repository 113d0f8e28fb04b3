"""Measures of a scored cue: hits, music, levels; as a report and as pictures."""

from emsync_server.evaluation.accents import Accents, accents_of_notes
from emsync_server.evaluation.hits import Agreement, agreement
from emsync_server.evaluation.landing import Landed, landed_hits
from emsync_server.evaluation.levels import FileLevels, StemLevels, measure_levels
from emsync_server.evaluation.music import MusicMeasures, measure_music
from emsync_server.evaluation.onsets import Onsets, accents_of_sound, find_onsets
from emsync_server.evaluation.pictures import write_pictures
from emsync_server.evaluation.report import (
    HitReport,
    Report,
    evaluate,
    report_dict,
    write_report,
)
from emsync_server.evaluation.sounding import SoundingNotes
from emsync_server.evaluation.summary import summary_lines

__all__ = [
    "Accents",
    "Agreement",
    "FileLevels",
    "HitReport",
    "Landed",
    "MusicMeasures",
    "Onsets",
    "Report",
    "SoundingNotes",
    "StemLevels",
    "accents_of_notes",
    "accents_of_sound",
    "agreement",
    "evaluate",
    "find_onsets",
    "landed_hits",
    "measure_levels",
    "measure_music",
    "report_dict",
    "summary_lines",
    "write_pictures",
    "write_report",
]
