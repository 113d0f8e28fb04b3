"""What is kept of a film, and when it is not used."""

import os

import numpy as np
import pytest
from tests.films import draw_film

from emsync.settings import SpotSettings
from emsync.wire import dumps
from emsync_server.progress import ProgressSink
from emsync_server.spotting import spot
from emsync_server.spotting.experts.cache import ReadingCache, content_id, default_cache_folder


def notes_of(path, settings=None):
    """The cue sheet's text, and what was reported on the way."""
    notes = []
    progress = ProgressSink(lambda fraction, note: notes.append(note))
    return dumps(spot(path, settings or SpotSettings(), progress)), notes


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "film.mp4"
    draw_film(path, seconds=3, cuts_s=(1.5,))
    return path


def test_a_second_run_reads_the_cache_and_says_the_same(film):
    first, looked = notes_of(film)
    second, notes = notes_of(film)
    assert first == second
    assert "looking at the picture" in looked
    assert "looking at the picture" not in notes


def test_other_spacing_of_hits_needs_no_second_look(film):
    notes_of(film)
    _, notes = notes_of(film, SpotSettings(min_spacing_s=0.5))
    assert "looking at the picture" not in notes


def test_another_content_at_the_same_place_is_looked_at(film):
    notes_of(film)
    draw_film(film, seconds=3, cuts_s=(1.0, 2.0))
    _, notes = notes_of(film)
    assert "looking at the picture" in notes


def test_the_same_content_elsewhere_is_known_under_its_own_name(film, tmp_path):
    notes_of(film)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(film.read_bytes())
    sheet, notes = notes_of(copy)
    assert "looking at the picture" not in notes
    assert str(copy) in sheet
    assert str(film) not in sheet


def test_a_damaged_cache_is_no_failure(film):
    first, _ = notes_of(film)
    (kept,) = default_cache_folder().rglob("*.safetensors")
    kept.write_bytes(kept.read_bytes()[:100])
    second, notes = notes_of(film)
    assert first == second
    assert "looking at the picture" in notes


def test_a_cache_that_cannot_be_written_is_no_failure(film, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("EMSYNC_CACHE", str(blocked / "cache"))
    sheet, _ = notes_of(film)
    assert sheet


def test_what_was_not_used_for_longest_goes_first(tmp_path):
    cache = ReadingCache(tmp_path, most_bytes=10_000)
    arrays = {"a": np.zeros(1_000, np.float32)}
    for at, key in enumerate("abc"):
        cache.put(key, arrays, at)
        path = tmp_path / f"{key}.safetensors"
        if path.exists():
            os.utime(path, (at, at))
    assert cache.get("a") is None
    assert cache.get("c")[1] == 2


def test_a_content_is_hashed_once_and_again_when_it_changes(tmp_path):
    path, folder = tmp_path / "film", tmp_path / "cache"
    path.write_bytes(b"first")
    first = content_id(path, folder)
    assert content_id(path, folder) == first
    path.write_bytes(b"other!")
    assert content_id(path, folder) != first
