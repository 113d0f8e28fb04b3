"""Where each real timeline changes its picture: a golden list, and a second opinion on it.

The list is frame numbers alone. The opinion is `tests/painting.py`, which paints each frame from
the file itself and shares nothing with emsync_otio.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import painting
from tests.hosts.test_timeline_files import FILES

from emsync_otio import TimelineEdit, read_edit
from emsync_otio.opening import open_timeline

pytestmark = pytest.mark.media

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "boundaries.txt"
NAMES = [row[0] for row in FILES]
LETTERS = {"cut": "", "dissolve": "d", "fade": "f", "wipe": "w"}
PAINTED_OTHERWISE = {
    "aaf/test_file_01.aaf": ({4563}, {4564}),  # a nested title whose clock is not its track's
    "kdenlive/audio-mix.kdenlive": ({6}, {8}),  # a fade by an effect, 4 to 8: not painted
    "otio/nested_example.otio": ({330}, set()),  # 24 frames at 0.857 end 0.004 frames after 330
}
"""By file, frames that only the reader has, and that only the painting has; each looked at."""


def line_of(file: str, edit: TimelineEdit) -> str:
    marks = " ".join(f"{b.time.value}{LETTERS[b.kind.value]}" for b in edit.boundaries)
    return f"{file}: {marks or '-'}"


def painted(path: Path, edit: TimelineEdit) -> list[int]:
    if path.suffix in (".fcpxml", ".fcpxmld"):
        paint = painting.FinalCut(path).paint()
    elif path.suffix == ".kdenlive":
        paint = painting.kdenlive(path)
    else:
        paint = painting.adapters_tree(open_timeline(path), edit.picture.rate)
    return painting.changes(paint, edit.picture.duration.value)


def test_the_boundaries_of_every_file_are_the_golden_ones(
    media: Path, request: pytest.FixtureRequest
):
    edits = {name: read_edit(media / "timelines" / name) for name in NAMES}
    text = "\n".join(line_of(name, edit) for name, edit in edits.items()) + "\n"
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_a_painting_of_the_file_changes_at_the_same_frames(media: Path, name: str):
    path = media / "timelines" / name
    edit = read_edit(path)
    ours = {boundary.time.value for boundary in edit.boundaries}
    theirs = set(painted(path, edit))
    assert (ours - theirs, theirs - ours) == PAINTED_OTHERWISE.get(name, (set(), set()))
