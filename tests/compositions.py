"""Takes of a small cue by the small composer."""

from __future__ import annotations

from emsync.settings import ComposeSettings
from emsync_server.composition import compose
from emsync_server.progress import silent_progress
from tests.cues import sheet_of
from tests.tiny_composer import tiny_composer

HITS = (100, 237, 350, 401)
SHEET = sheet_of(24 * 20, HITS, emotion=[(0, 0.3, -0.4), (9, -0.5, 0.7), (20, 0.4, 0.0)])


def composed(folder, sheet=SHEET, *, composer=None, progress=None, **settings):
    return compose(
        sheet,
        "film",
        folder,
        ComposeSettings(**settings),
        progress or silent_progress(),
        composer=composer or tiny_composer(),
    )
