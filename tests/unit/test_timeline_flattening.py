"""What an audience sees of layered, nested and retimed tracks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.timelines import (
    FILM_2398,
    NTSC_30,
    RATES,
    clip,
    dissolve,
    frames,
    gap,
    span,
    timeline,
    title,
    track,
)

from emsync.errors import TimelineError
from emsync.picture import BoundaryKind
from emsync_otio.reading import edit_of

HERE = Path("cut.otio")
R24, R25 = Fraction(24), Fraction(25)


def boundaries(made: otio.schema.Timeline) -> list[tuple[int, str]]:
    return [(b.time.value, b.kind.value) for b in edit_of(made, HERE).boundaries]


def cuts(made: otio.schema.Timeline) -> list[int]:
    return [frame for frame, _ in boundaries(made)]


def test_each_clip_after_the_first_begins_with_a_cut():
    made = timeline(track(clip("a", 10, R24), clip("b", 20, R24), clip("c", 5, R24)))
    assert boundaries(made) == [(10, "cut"), (30, "cut")]
    assert edit_of(made, HERE).picture.duration.value == 35


def test_a_cut_hidden_below_another_track_is_no_boundary():
    below = track(clip("a", 10, R24), clip("b", 10, R24), clip("c", 10, R24))
    above = track(gap(5, R24), clip("over", 10, R24))
    assert cuts(timeline(below, above)) == [5, 15, 20]


def test_gaps_see_through_to_the_track_below():
    below = track(clip("a", 10, R24), clip("b", 10, R24))
    above = track(gap(20, R24))
    assert cuts(timeline(below, above)) == [10]


def test_titles_do_not_hide_the_cuts_below_them():
    below = track(clip("a", 10, R24), clip("b", 10, R24))
    assert cuts(timeline(below, track(title(20, R24)))) == [10]


def test_a_title_over_nothing_is_a_picture():
    made = timeline(track(clip("a", 10, R24)), track(title(25, R24)))
    assert cuts(made) == [10]
    assert edit_of(made, HERE).picture.duration.value == 25


def test_disabled_clips_and_tracks_are_not_seen():
    off = track(clip("over", 30, R24))
    off.enabled = False
    below = track(clip("a", 10, R24), clip("b", 10, R24, enabled=False), clip("c", 10, R24))
    assert cuts(timeline(below, off)) == [10, 20]


def test_a_gap_in_the_picture_is_cut_to_and_from():
    made = timeline(track(clip("a", 10, R24), gap(5, R24), clip("b", 10, R24)))
    assert cuts(made) == [10, 15]
    shots = edit_of(made, HERE).shots
    assert [shot.record.duration.value for shot in shots] == [10, 5, 10]


def test_cuts_inside_compound_clips_are_seen_where_the_compound_shows_them():
    inside = otio.schema.Stack(
        name="compound",
        children=[track(clip("a", 10, R24), clip("b", 10, R24), clip("c", 10, R24))],
        source_range=span(5, 20, R24),
    )
    assert cuts(timeline(track(clip("x", 7, R24), inside, clip("y", 3, R24)))) == [7, 12, 22, 27]


def test_a_retimed_compound_moves_its_cuts():
    inside = otio.schema.Stack(
        children=[track(clip("a", 10, R24), clip("b", 10, R24))], source_range=span(0, 10, R24)
    )
    inside.effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
    assert cuts(timeline(track(inside))) == [5]


def test_a_reversed_compound_shows_its_last_shot_first():
    inside = otio.schema.Stack(
        children=[track(clip("a", 6, R24), clip("b", 14, R24))], source_range=span(20, 20, R24)
    )
    inside.effects.append(otio.schema.LinearTimeWarp(time_scalar=-1.0))
    assert cuts(timeline(track(inside))) == [14]


def test_a_frozen_compound_has_no_cuts():
    inside = otio.schema.Stack(
        children=[track(clip("a", 10, R24), clip("b", 10, R24))], source_range=span(3, 20, R24)
    )
    inside.effects.append(otio.schema.FreezeFrame())
    assert cuts(timeline(track(inside, clip("y", 5, R24)))) == [20]


@pytest.mark.parametrize(
    ("name", "kind"), [("", "dissolve"), ("Edge Wipe", "wipe"), ("Dip to Color", "fade")]
)
def test_a_transition_is_a_boundary_at_its_middle(name: str, kind: str):
    made = timeline(track(clip("a", 40, R24), dissolve(12, 4, R24, name), clip("b", 40, R24)))
    assert boundaries(made) == [(36, kind)]
    assert [shot.record.start.value for shot in edit_of(made, HERE).shots] == [0, 36]


def test_a_shorter_transition_is_stronger_and_a_cut_strongest():
    made = timeline(
        track(
            clip("a", 40, R24),
            dissolve(4, 4, R24),
            clip("b", 40, R24),
            dissolve(12, 12, R24),
            clip("c", 40, R24),
            clip("d", 40, R24),
        )
    )
    short, long, cut = (boundary.strength for boundary in edit_of(made, HERE).boundaries)
    assert 0 < long < short < cut == 1.0


def test_fades_from_and_to_black_are_boundaries_at_their_middle():
    made = timeline(track(dissolve(0, 10, R24), clip("a", 100, R24), dissolve(20, 0, R24)))
    assert boundaries(made) == [(5, "fade"), (90, "fade")]


def test_a_fade_in_on_a_track_above_is_a_dissolve_with_what_lies_below():
    below = track(clip("a", 100, R24))
    above = track(gap(50, R24), dissolve(0, 10, R24), clip("b", 50, R24))
    assert boundaries(timeline(below, above)) == [(55, "dissolve")]


def test_a_transition_hidden_below_is_no_boundary():
    below = track(clip("a", 40, R24), dissolve(5, 5, R24), clip("b", 40, R24))
    assert cuts(timeline(below, track(clip("over", 80, R24)))) == []


def test_two_rates_in_one_timeline_meet_on_frames_of_the_longer():
    made = timeline(
        track(clip("a", 30, Fraction(30)), clip("b", 12, R24), clip("c", 90, Fraction(30)))
    )
    assert edit_of(made, HERE).picture.rate == 30
    assert cuts(made) == [30, 45]


def test_start_timecode_is_kept_as_a_frame_count():
    made = timeline(track(clip("a", 10, NTSC_30)), rate=NTSC_30, start=107_892)
    picture = edit_of(made, HERE).picture
    assert (picture.start.value, picture.rate) == (107_892, NTSC_30)


def test_a_start_of_zero_does_not_say_the_rate():
    made = timeline(track(clip("a", 10, R25)), rate=R24)
    assert edit_of(made, HERE).picture.rate == 25


@pytest.mark.parametrize(
    ("made", "words"),
    [
        pytest.param(timeline(), "is empty", id="no tracks"),
        pytest.param(timeline(track()), "is empty", id="empty track"),
        pytest.param(timeline(track(gap(10, R24))), "shows no picture", id="gaps only"),
        pytest.param(
            timeline(track(clip("a", 10, R24, enabled=False))), "shows no picture", id="all off"
        ),
        pytest.param(
            timeline(track(clip("a", 10, R24), kind="Audio")),
            "sound but no picture",
            id="sound only",
        ),
        pytest.param(
            timeline(track(otio.schema.Clip(name="lost"))), "'lost' says neither", id="no length"
        ),
        pytest.param(timeline(track(clip("a", -5, R24))), "lasts -0.208 s", id="negative length"),
        pytest.param(
            timeline(track(otio.schema.Clip(source_range=span(0, float("nan"), R24)))),
            "which is no time",
            id="not a number",
        ),
        pytest.param(
            timeline(
                track(
                    otio.schema.Clip(
                        source_range=otio.opentime.TimeRange(
                            otio.opentime.RationalTime(0, 0), otio.opentime.RationalTime(10, 0)
                        )
                    )
                )
            ),
            "which is no rate",
            id="rate of zero",
        ),
    ],
)
def test_what_cannot_be_scored_gets_a_sentence(made: otio.schema.Timeline, words: str):
    with pytest.raises(TimelineError, match=words):
        edit_of(made, HERE)


@pytest.mark.parametrize("scalar", [float("nan"), float("inf")])
def test_a_speed_that_is_none_gets_a_sentence(scalar: float):
    made = clip("a", 10, R24)
    made.effects.append(otio.schema.LinearTimeWarp(time_scalar=scalar))
    with pytest.raises(TimelineError, match="'a' plays at"):
        edit_of(timeline(track(made)), HERE)


def test_an_adjustment_layer_is_seen_through():
    layer = otio.schema.Clip(name="Adjustment Layer", source_range=span(0, 30, R24))
    below = track(clip("a", 10, R24), clip("b", 10, R24))
    made = timeline(below, track(layer))
    assert cuts(made) == [10]
    assert edit_of(made, HERE).picture.duration.value == 20


def test_a_through_edit_is_a_cut():
    made = timeline(
        track(clip("a", 10, R24, media="a.mov"), clip("a", 10, R24, start=10, media="a.mov"))
    )
    assert cuts(made) == [10]


def test_compounds_nested_too_deeply_are_refused():
    inside: otio.core.Composition = track(clip("a", 10, R24))
    for _ in range(400):
        inside = otio.schema.Stack(children=[inside])
    with pytest.raises(TimelineError, match="too deeply"):
        edit_of(timeline(track(inside)), HERE)


def test_shots_of_a_still_and_of_slow_motion_say_how_they_play(tmp_path: Path):
    for name in ("a.mov", "still.png"):
        (tmp_path / name).write_bytes(b"x")
    slow = clip("a", 48, R24, start=12, media="a.mov")
    slow.effects.append(otio.schema.LinearTimeWarp(time_scalar=0.5))
    made = timeline(track(slow, clip("still", 24, R24, start=100, media="still.png")))
    first, second = edit_of(made, tmp_path / "cut.otio").shots
    assert (first.media, first.speed) == (tmp_path / "a.mov", Fraction(1, 2))
    assert first.source_start is not None
    assert first.source_start.seconds == Fraction(1, 2)
    assert (second.media, second.speed) == (tmp_path / "still.png", 0)


def test_source_times_count_from_the_medias_first_frame(tmp_path: Path):
    (tmp_path / "a.mov").write_bytes(b"x")
    made = clip("a", 10, FILM_2398, start=86_448, media="a.mov")
    made.media_reference.available_range = span(86_400, 500, FILM_2398)
    (shot,) = edit_of(timeline(track(made)), tmp_path / "cut.otio").shots
    assert shot.source_start is not None
    assert shot.source_start.seconds == 48 / FILM_2398


def test_offline_media_are_counted_in_a_warning():
    made = timeline(track(clip("a", 10, R24, media="gone.mov"), clip("b", 10, R24), title(5, R24)))
    (warning,) = edit_of(made, HERE).picture.warnings
    assert "2 of 2 clips is offline" in warning


@given(
    rate=st.sampled_from(RATES),
    lengths=st.lists(st.integers(1, 5000), min_size=1, max_size=40),
    start=st.integers(0, 10**6),
)
def test_cuts_are_exact_sums_of_the_lengths_before_them(
    rate: Fraction, lengths: list[int], start: int
):
    made = timeline(
        track(*(clip(str(i), n, rate) for i, n in enumerate(lengths))), rate=rate, start=start
    )
    edit = edit_of(made, HERE)
    assert cuts(made) == [sum(lengths[:i]) for i in range(1, len(lengths))]
    assert edit.picture.duration.value == sum(lengths)
    assert edit.picture.start.value == start


LAYERS = st.lists(
    st.lists(st.tuples(st.booleans(), st.integers(1, 12)), min_size=1, max_size=6),
    min_size=1,
    max_size=4,
)


@given(layers=LAYERS)
def test_at_every_frame_the_topmost_picture_is_the_one_seen(layers: list[list[tuple[bool, int]]]):
    tracks = []
    seen: dict[int, str] = {}  # frame by frame, the slow way
    for level, row in enumerate(layers):
        at, items = 0, []
        for index, (is_clip, length) in enumerate(row):
            name = f"{level}.{index}"
            items.append(clip(name, length, R24) if is_clip else gap(length, R24))
            seen.update(dict.fromkeys(range(at, at + length), name) if is_clip else {})
            at += length
        tracks.append(track(*items))
    if not seen:
        return
    last = max(seen) + 1
    expected = [f for f in range(1, last) if seen.get(f) != seen.get(f - 1)]
    edit = edit_of(timeline(*tracks), HERE)
    assert [boundary.time.value for boundary in edit.boundaries] == expected
    assert all(boundary.kind is BoundaryKind.CUT for boundary in edit.boundaries)
    assert edit.picture.duration.value == last
    at = 0
    for shot in edit.shots:
        assert shot.record.start.value == at
        at = shot.record.end.value
    assert at == last


def test_a_transition_longer_than_its_clips_loses_no_frame():
    made = timeline(
        track(clip("a", 4, R24), dissolve(30, 30, R24), clip("b", 4, R24), clip("c", 10, R24))
    )
    edit = edit_of(made, HERE)
    assert edit.picture.duration.value == 18
    assert sum(shot.record.duration.value for shot in edit.shots) == 18


def test_a_clock_of_samples_is_not_taken_for_the_frame_rate():
    made = timeline(track(clip("a", 48_000, Fraction(48_000)), clip("b", 50, R25)))
    made.global_start_time = frames(0, Fraction(48_000))
    assert edit_of(made, HERE).picture.rate == 25


def test_a_compound_played_backwards_from_its_start_is_played_from_its_end():
    """Its range begins at 10: backwards from there, four fifths of it would be nothing."""
    inside = otio.schema.Stack(children=[track(clip("x", 30, R24), clip("y", 30, R24))])
    inside.source_range = span(10, 40, R24)
    inside.effects.append(otio.schema.LinearTimeWarp(time_scalar=-1.0))
    edit = edit_of(timeline(track(clip("a", 50, R24), inside)), Path("cut.otio"))
    assert edit.picture.duration.value == 90
    assert [boundary.time.value for boundary in edit.boundaries] == [50, 70]
