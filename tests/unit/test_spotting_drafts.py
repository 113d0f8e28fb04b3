"""A draft: cuts from packets alone."""

from __future__ import annotations

from array import array

import numpy as np
from tests.films import draw_film

from emsync.picture import BoundaryKind
from emsync.settings import SpotSettings
from emsync_server.media import PacketLog
from emsync_server.progress import silent_progress
from emsync_server.spotting import spot
from emsync_server.spotting.drafts import drafted_cuts

FIRST_PTS = 500


def log(sizes: list[int], keys: set[int], anew: set[int] | None = None) -> PacketLog:
    """Packets ten ticks apart, in an order that is not that of the picture."""
    order = sorted(range(len(sizes)), key=lambda index: index ^ 1)
    return PacketLog(
        array("q", [FIRST_PTS + 10 * index for index in order]),
        array("q", [sizes[index] for index in order]),
        array("b", [index in keys for index in order]),
        array("b", [] if anew is None else [index in anew for index in order]),
    )


def test_a_packet_far_larger_than_its_neighbours_is_a_cut():
    sizes = [9000, *[400] * 99]
    sizes[30], sizes[60] = 6000, 900
    assert drafted_cuts(log(sizes, {0}), FIRST_PTS, {}) == [300]


def test_keyframes_that_the_encoder_counts_out_are_no_cuts():
    sizes = [9000 if index % 25 == 0 else 400 for index in range(100)]
    assert drafted_cuts(log(sizes, {0, 25, 50, 75}), FIRST_PTS, {}) == []


def test_a_keyframe_before_its_time_is_a_cut_if_it_looks_new():
    keys = {0, 25, 50, 62, 87, 112}
    sizes = [9000 if index in keys else 400 for index in range(120)]
    random = np.random.default_rng(1)
    here, there = (random.integers(0, 255, (36, 64), np.uint8) for _ in range(2))
    looks = {10 * key: there if key >= 62 else here for key in keys}
    assert drafted_cuts(log(sizes, keys), FIRST_PTS, looks) == [620]
    assert drafted_cuts(log(sizes, keys), FIRST_PTS, dict.fromkeys(looks, here)) == []


def test_a_frame_that_looks_at_no_other_is_a_cut_whatever_its_size():
    sizes = [9000, *[1500] * 99]
    assert drafted_cuts(log(sizes, {0}, {12, 40}), FIRST_PTS, {}) == [120, 400]
    assert drafted_cuts(log(sizes, {0}, {2, 40}), FIRST_PTS, {}) == [400]  # beside a keyframe


def test_frames_that_the_encoder_counts_out_are_no_cuts_though_they_look_at_no_other():
    keys = {0, 60, 120}
    counted = set(range(0, 180, 12)) - keys
    early = {each for each in counted if each < 120} | {127, 139, 151, 163, 175}
    for anew, expected in ((counted, []), (early, [1270])):
        sizes = [9000 if index in keys | anew else 400 for index in range(180)]
        assert drafted_cuts(log(sizes, keys, anew), FIRST_PTS, {}) == expected


def test_a_film_of_keyframes_alone_and_an_empty_log_have_no_cuts():
    assert drafted_cuts(log([9000] * 50, set(range(50))), FIRST_PTS, {}) == []
    assert drafted_cuts(PacketLog(), FIRST_PTS, {}) == []


def test_a_draft_finds_a_drawn_film_cut(tmp_path):
    cuts = draw_film(
        tmp_path / "film.mp4", codec="libx264", size=(320, 180), cuts_s=(2.0, 5.5, 7.25)
    )
    sheet = spot(tmp_path / "film.mp4", SpotSettings(draft=True), silent_progress())
    assert [each.time.value for each in sheet.boundaries] == list(cuts)
    assert {each.kind for each in sheet.boundaries} == {BoundaryKind.CUT}


def test_music_need_not_land_on_what_nobody_has_looked_at(tmp_path):
    draw_film(tmp_path / "film.mp4", codec="libx264", size=(320, 180), cuts_s=(2.5, 7.0))
    for draft in (True, False):
        sheet = spot(tmp_path / "film.mp4", SpotSettings(draft=draft), silent_progress())
        assert {hit.locked for hit in sheet.cues[0].hits} == {not draft}


def test_a_draft_of_a_film_whose_clock_starts_anew_stays_inside_it(tmp_path):
    parts = [tmp_path / "long.ts", tmp_path / "short.ts"]
    draw_film(parts[0], seconds=9.0, cuts_s=(4.0, 8.0), codec="libx264", size=(320, 180))
    draw_film(parts[1], seconds=2.0, cuts_s=(), codec="libx264", size=(320, 180))
    film = tmp_path / "joined.ts"
    film.write_bytes(b"".join(part.read_bytes() for part in parts))
    sheet = spot(film, SpotSettings(draft=True), silent_progress())
    assert all(each.time < sheet.picture.duration for each in sheet.boundaries)
