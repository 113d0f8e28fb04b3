"""Timelines cut short and scrambled: a sentence each time, never a traceback, and no noise."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from emsync.errors import EmsyncError
from emsync_otio import read_edit

pytestmark = pytest.mark.media

FILES = [
    "aaf/marker-over-transition.aaf",
    "edl/screening_example.edl",
    "fcp7/premiere_enable_property.xml",
    "fcpxml/24.fcpxml",
    "kdenlive/mix-slide.kdenlive",
    "otio/premiere_example.otio",
]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("file", FILES)
def test_damaged_files_are_read_or_refused_in_a_sentence(
    media: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], file: str, seed: int
):
    whole = (media / "timelines" / file).read_bytes()
    draw = random.Random(seed)
    damaged = bytearray(whole)
    if seed % 2:
        del damaged[draw.randrange(len(damaged)) :]
    else:
        for _ in range(draw.choice((1, 8, 64))):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
    path = tmp_path / Path(file).name
    path.write_bytes(damaged)
    try:
        read_edit(path)
    except EmsyncError as err:
        assert path.name in err.sentence or "timeline" in err.sentence.lower()
        assert len(err.sentence) < 500
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")


@pytest.mark.parametrize("file", FILES)
def test_a_file_of_another_kind_under_a_timelines_name_is_refused(
    media: Path, tmp_path: Path, file: str
):
    path = tmp_path / Path(file).name
    path.write_bytes((media / "edge/edge.json").read_bytes())
    with pytest.raises(EmsyncError):
        read_edit(path)
