"""emsync inside OpenTimelineIO: found through its manifest, converting cue sheets, and no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import opentimelineio as otio
import pytest
from tests.timelines import R24, saved, score_of, users_timeline

from emsync import wire
from emsync_otio import place, read_edit, timeline_of_sheet
from emsync_otio_plugin import cues_adapter

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = resources.files("emsync_otio_plugin") / "plugin_manifest.json"


@pytest.fixture
def sheet(tmp_path: Path):
    edit = read_edit(saved(users_timeline(), tmp_path / "cut.otio"))
    return score_of(edit, tmp_path, first=24, hits=(60, 90))[0]


def test_a_cue_sheet_becomes_a_timeline_and_itself_again(sheet):
    text = wire.dumps(sheet)
    made = cues_adapter.read_from_string(text)
    assert [track.name for track in made.tracks] == ["V1", "cues"]
    assert len(made.tracks[0]) == len(sheet.boundaries) + 1
    assert [marker.marked_range.start_time.value for marker in made.tracks.markers] == [60, 90]
    assert json.loads(cues_adapter.write_to_string(made)) == json.loads(text)


def test_its_timeline_has_the_boundaries_and_hits_of_the_sheet(sheet, tmp_path: Path):
    edit = read_edit(saved(timeline_of_sheet(sheet), tmp_path / "cues.otio"))
    assert [b.time for b in edit.boundaries] == [b.time for b in sheet.boundaries]
    assert [hit.time for hit in edit.hits] == [hit.time for hit in sheet.cues[0].hits]
    assert edit.picture.duration == sheet.picture.duration
    assert edit.picture.start == sheet.picture.start


def test_a_scored_timeline_gives_its_sheet_and_another_is_refused(tmp_path: Path):
    source = saved(users_timeline(), tmp_path / "cut.otio")
    scored = score_of(read_edit(source), tmp_path, hits=(60,))
    place(source, *scored, tmp_path / "scored.otio")
    made = otio.adapters.read_from_file(str(tmp_path / "scored.otio"))
    assert wire.dumps(scored[0]) == cues_adapter.write_to_string(made)
    with pytest.raises(ValueError, match="holds no cue sheet"):
        cues_adapter.write_to_string(users_timeline(R24))


def test_opentimelineio_finds_the_adapter_and_no_hook(sheet, tmp_path: Path):
    (tmp_path / "cues.json").write_text(wire.dumps(sheet), encoding="utf-8")
    code = (
        "import opentimelineio as otio, sys\n"
        "assert 'emsync_otio' not in sys.modules\n"
        "made = otio.adapters.read_from_file(sys.argv[1], adapter_name='emsync_cues')\n"
        "hooks = [h for s in otio.hooks.names() for h in otio.hooks.scripts_attached_to(s)]\n"
        "print(type(made).__name__, hooks)\n"
    )
    environment = {**os.environ, "OTIO_PLUGIN_MANIFEST_PATH": str(MANIFEST)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "cues.json")],
        env=environment, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == ["Timeline", "[]"]


def test_the_package_announces_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["opentimelineio.plugins"] == {"emsync": "emsync_otio_plugin"}
    assert "emsync_otio_plugin" in str(MANIFEST)
