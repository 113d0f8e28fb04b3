"""The fusion: the published table, what votes make together, and the curve along shots."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync.cue import Cue
from emsync.emotion import EmotionCurve, EmotionPoint, ValenceArousal
from emsync.picture import Boundary, BoundaryKind
from emsync.timecode import RationalTime, TimeRange
from emsync_server.composition.expression import expressed
from emsync_server.spotting.emotion import Evidence
from emsync_server.spotting.experts import (
    EkmanProbabilities,
    Estimate,
    Reading,
    ShotReadings,
    chosen_experts,
)
from emsync_server.spotting.experts.people import without_false_faces
from emsync_server.spotting.feeling import feel
from emsync_server.spotting.fusion import (
    FILM_LIKENESS,
    by_itself,
    drawn_emotion,
    emotion_of,
    fused,
    on_film,
    table,
)
from emsync_server.spotting.fusion.evidence import PRIOR_VARIANCE, Vote, joined
from emsync_server.spotting.fusion.evidence import Evidence as Rests
from emsync_server.spotting.fusion.smoothing import likeness, smoothed
from emsync_server.spotting.fusion.votes import votes_of

SIX = ("anger", "disgust", "fear", "joy", "sadness", "surprise")
RATE = Fraction(24)
PICTURE, SOUND, ALL = ((each,) * 2 for each in (Rests.PICTURE, Rests.SOUND, Rests.ALL))


def probabilities(**given_ones):
    return EkmanProbabilities(**(dict.fromkeys(SIX, 0.0) | given_ones))


def vote(valence, variance, evidence=PICTURE, name="one"):
    return Vote(name, evidence, Estimate(ValenceArousal(valence, 0.0), (variance, 0.25)))


def posterior(found):
    gain, mean = found.gain[0], found.mean[0]
    variance = 1 / (gain + 1 / PRIOR_VARIANCE)
    return variance * gain * mean, variance


def test_joy_alone_lies_where_the_published_table_puts_it():
    found = emotion_of(probabilities(joy=1.0))
    assert (found.valence, found.arousal) == pytest.approx((0.8, 0.4766), abs=5e-5)


def test_all_six_alike_lie_where_the_published_table_puts_them():
    found = emotion_of(probabilities(**dict.fromkeys(SIX, 1 / 6)))
    assert (found.valence, found.arousal) == pytest.approx((-0.3010, 0.3461), abs=5e-5)


def test_without_stretching_the_means_are_those_of_the_paper():
    found = emotion_of(probabilities(sadness=1.0), stretched=False)
    assert (found.valence, found.arousal) == (-0.63, -0.27)


def test_draws_lie_around_the_mean():
    rng = np.random.default_rng(3)
    mixed = probabilities(joy=0.5, anger=0.5)
    drawn = np.array([(d.valence, d.arousal) for d in (drawn_emotion(mixed, rng) for _ in range(
        2000))])  # fmt: skip
    wanted = emotion_of(mixed)
    assert drawn.mean(axis=0) == pytest.approx((wanted.valence, wanted.arousal), abs=0.06)
    assert drawn[:, 0].std() > table()[1][0, 0]  # two heaps, not one


def test_one_vote_is_taken_at_its_word():
    assert posterior(joined([vote(0.4, 0.1)])) == pytest.approx((0.4, 0.1))


def test_a_vote_that_knows_no_more_than_nothing_changes_nothing():
    alone, beside = joined([vote(0.4, 0.1)]), joined([vote(0.4, 0.1), vote(-0.9, 0.3, SOUND)])
    assert posterior(beside)[0] == pytest.approx(posterior(alone)[0])


@given(st.floats(0.02, 0.24), st.floats(0.02, 0.24), st.floats(-0.9, 0.9), st.floats(-0.9, 0.9))
def test_who_look_at_the_same_are_together_no_surer_than_the_surer_of_them(v, w, m, n):
    _, variance = posterior(joined([vote(m, v), vote(n, w)]))
    assert variance >= min(v, w) - 1e-9


def test_two_who_agree_on_different_evidence_are_surer_than_each():
    _, variance = posterior(joined([vote(0.4, 0.1), vote(0.4, 0.1, SOUND)]))
    assert variance < 0.1


@given(st.floats(0.02, 0.24), st.floats(0.02, 0.24), st.floats(0.02, 0.24))
def test_who_looks_at_everything_makes_nobody_surer_than_the_surer_of_the_two(v, w, x):
    others = [vote(0.4, v), vote(0.4, w, SOUND)]
    network = vote(0.4, x, ALL, "network")
    found = joined([*others, network])
    alone = min(posterior(joined(each))[1] for each in (others, [network]))
    assert posterior(found)[1] >= alone - 1e-9
    assert sum(shares[0] for _, shares in found.shares) == pytest.approx(1)


def test_two_who_contradict_each_other_are_less_sure_than_two_who_agree():
    agreed = posterior(joined([vote(0.4, 0.05), vote(0.4, 0.05, SOUND)]))[1]
    apart = posterior(joined([vote(0.8, 0.05), vote(-0.8, 0.05, SOUND)]))[1]
    assert apart > 2 * agreed


def test_a_cut_lets_the_emotion_jump_and_a_long_shot_does_not():
    gain, mean = np.array([20.0, 0.0]), np.array([0.8, 0.0])
    within, _ = smoothed(gain, mean, likeness(np.array([5.0]), np.array([0.0])))
    across, _ = smoothed(gain, mean, likeness(np.array([5.0]), np.array([1.0])))
    assert within[1] > 0.8 * within[0]
    assert across[1] < 0.4 * across[0]


def test_where_nothing_is_known_the_band_is_that_of_the_prior():
    found, variance = smoothed(np.zeros(5), np.zeros(5), np.full(4, 0.5))
    assert found == pytest.approx(np.zeros(5))
    assert variance == pytest.approx(np.full(5, PRIOR_VARIANCE))


def test_the_band_tells_the_truth_on_films_drawn_from_the_model_itself():
    rng, inside, total = np.random.default_rng(5), 0, 0
    for _ in range(60):
        alike = likeness(np.full(39, 3.0), rng.random(39))
        truth = [rng.normal(0, PRIOR_VARIANCE**0.5)]
        for each in alike:
            truth.append(each * truth[-1] + rng.normal(0, (PRIOR_VARIANCE * (1 - each**2)) ** 0.5))
        noise = rng.uniform(0.05, 0.4, 40)  # variance of evidence, drawn anew in each shot
        seen = np.array(truth) + rng.normal(0, np.sqrt(noise))
        mean, variance = smoothed(1 / noise, seen, alike)
        inside += int((np.abs(mean - truth) <= 1.2816 * np.sqrt(variance)).sum())
        total += 40
    assert 0.78 < inside / total < 0.93  # wider, since it also reckons with a shared error


def on_one_shot(valence, variance):
    """The curve of a film of one shot, of which the picture said this."""
    shot = TimeRange(RationalTime(0, RATE), RationalTime(96, RATE))
    estimate = Estimate(ValenceArousal(valence, -0.4), (variance, variance))
    reading = Reading("picture_emotion", 0.0, 4.0, estimate=estimate)
    return fused([shot], [ShotReadings(0.0, 4.0, {"picture_emotion": reading})], None, [])


def test_on_film_the_sure_word_about_a_photograph_is_no_longer_sure():
    found = on_one_shot(0.5, 0.04)
    (point,), (vote,) = found.curve.points, found.shots[0].votes
    for axis, said, rho in zip(("valence", "arousal"), (0.5, -0.4), FILM_LIKENESS, strict=True):
        wide = rho**2 * 0.04 + (1 - rho**2) * PRIOR_VARIANCE
        for each in (point, vote):
            assert getattr(each.emotion, axis) == pytest.approx(rho * said, abs=1e-3)
            assert getattr(each.uncertainty, axis) ** 2 == pytest.approx(wide, abs=1e-3)


@given(st.floats(-0.9, 0.9), st.floats(0.01, 0.25), st.floats(0.1, 1.0))
def test_what_is_known_on_film_leads_back_to_what_was_known_by_itself(mean, variance, likeness):
    there = on_film(np.array([mean]), np.array([variance]), likeness)
    back = by_itself(*there, likeness)
    assert (back[0][0], back[1][0]) == pytest.approx((mean, variance), abs=1e-9)
    assert variance - 1e-12 <= there[1][0] <= PRIOR_VARIANCE + 1e-12


def cue_that_feels(value, off):
    start = RationalTime(0, RATE)
    point = EmotionPoint(start, ValenceArousal(value, value), ValenceArousal(off, off))
    return Cue("one", TimeRange(start, RationalTime(240, RATE)), (), EmotionCurve((point,)))


@given(st.floats(-0.5, 0.5), st.floats(0.01, 0.1), st.floats(0.75, 1.0))
def test_music_makes_of_a_film_what_it_made_of_its_shots_by_themselves(mean, variance, likeness):
    there = on_film(np.array([mean]), np.array([variance]), likeness)
    heard = [
        expressed(cue_that_feels(float(value), float(np.sqrt(wide)))).emotion.points[0].emotion
        for value, wide in ((mean, variance), (there[0][0], there[1][0]))
    ]
    assert heard[0].valence == pytest.approx(heard[1].valence)


def test_notes_say_who_voted_and_ekman_only_where_an_expert_spoke_of_it():
    ranges = [TimeRange(RationalTime(48 * k, RATE), RationalTime(48, RATE)) for k in range(2)]
    face = Reading("faces", 0.0, 2.0, ekman=probabilities(joy=0.9, anger=0.1))
    shots = [ShotReadings(0.0, 2.0, {"faces": face}), ShotReadings(2.0, 4.0, {})]
    cut = Boundary(RationalTime(48, RATE), BoundaryKind.CUT, 1.0)
    found = fused(ranges, shots, None, [cut])
    assert [len(each.votes) for each in found.shots] == [1, 0]
    assert dict(found.shots[0].ekman)["joy"] == 0.9
    assert found.shots[1].ekman == ()
    first, second = found.curve.nearest(Fraction(1)), found.curve.nearest(Fraction(3))
    assert first.emotion.valence > second.emotion.valence > 0
    assert second.uncertainty.valence > first.uncertainty.valence


def test_the_curve_holds_a_shots_emotion_up_to_the_cut_and_changes_slowly_inside_long_ones():
    spans = [(0, 240), (240, 480), (480, 481), (481, 960)]  # one shot in two parts, a frame, a shot
    ranges = [TimeRange(RationalTime(a, RATE), RationalTime(b - a, RATE)) for a, b in spans]
    joy, sadness = (
        Reading("faces", 0.0, 2.0, ekman=probabilities(**{mood: 1.0}))
        for mood in ("joy", "sadness")
    )
    said = [{"faces": joy}, {}, {"faces": sadness}, {"faces": joy}]
    shots = [ShotReadings(a / 24, b / 24, each) for (a, b), each in zip(spans, said, strict=True)]
    cuts = [Boundary(RationalTime(at, RATE), BoundaryKind.CUT, 1.0) for at in (480, 481)]
    curve = fused(ranges, shots, None, cuts).curve
    assert [each.time.value for each in curve.points] == [120, 360, 479, 480, 481, 720]
    at = [curve.at(frame / 24).valence for frame in range(960)]
    assert at[479] == at[360] != at[120] and min(at[120], at[360]) < at[240] < max(at[120], at[360])
    assert at[480] < min(at[479], at[481])
    assert len(set(at[481:])) == 1


@given(st.lists(st.tuples(st.integers(0, 200), st.floats(-1, 1)), min_size=1, max_size=8),
       st.integers(0, 190), st.integers(1, 60))  # fmt: skip
def test_the_mean_of_a_curve_is_that_of_many_moments(rows, first, length):
    points = tuple(
        EmotionPoint(RationalTime(at, RATE), ValenceArousal(value, -value), ValenceArousal(0, 0))
        for at, value in sorted(dict(rows).items())
    )
    curve = EmotionCurve(points)
    start_s, end_s = first / 24, (first + length) / 24
    moments = np.arange(start_s, end_s, 1 / 2400) + 1 / 4800
    expected = np.mean([curve.at(float(each)).valence for each in moments])
    mean = curve.mean(start_s, end_s)
    assert mean.valence == pytest.approx(expected, abs=0.01)
    assert mean.arousal == pytest.approx(-mean.valence)


def test_the_middle_of_a_shot_of_one_frame_is_in_that_shot():
    rate = Fraction(24000, 1001)
    ranges = [TimeRange(RationalTime(at, rate), RationalTime(1, rate)) for at in range(500)]
    cuts = [Boundary(each.start, BoundaryKind.CUT, 1.0) for each in ranges[1:]]
    shots = [ShotReadings(0.0, 0.0, {})] * 500
    curve = fused(ranges, shots, None, cuts).curve
    assert [curve.nearest(each.middle.seconds).time for each in ranges] == [
        each.start for each in ranges
    ]


def seen(people, face_score):
    """A shot in which the head found people so likely, and the finder a face."""
    face = Reading("faces", 0.0, 0.0, ekman=probabilities(joy=1.0), certainty=face_score)
    head = Reading("people", 0.0, 2.0, certainty=people)
    return ShotReadings(0.0, 2.0, {"faces": face, "people": head})


@pytest.mark.parametrize(
    ("people", "score", "is_kept"),
    [(0.95, 0.52, True), (0.5, 0.6, True), (0.1, 0.7, False), (0.1, 0.9, True)],
    ids=["weak face among people", "plain face", "dog", "close-up"],
)
def test_a_face_is_believed_the_less_the_less_likely_people_are(people, score, is_kept):
    (shot,) = without_false_faces([seen(people, score)])
    assert ("faces" in shot.by_expert) is is_kept
    assert "people" in shot.by_expert


def test_without_the_head_every_face_is_believed():
    face = Reading("faces", 0.0, 0.0, ekman=probabilities(joy=1.0), certainty=0.5)
    (shot,) = without_false_faces([ShotReadings(0.0, 2.0, {"faces": face})])
    assert "faces" in shot.by_expert


def test_faces_move_valence_a_little_and_arousal_not_at_all():
    shot = ShotReadings(0.0, 2.0, {"faces": Reading("faces", 0.0, 0.0,
                                                    ekman=probabilities(joy=1.0))})  # fmt: skip
    given = joined(votes_of(shot, None))
    assert given.gain[1] == 0
    alone = given.gain[0] * given.mean[0] / (given.gain[0] + 1 / PRIOR_VARIANCE)
    assert 0.1 < alone < 0.3


def one_frame_shots(count):
    cuts = tuple(RationalTime(frame, RATE) for frame in range(1, count))
    boundaries = [Boundary(cut, BoundaryKind.CUT, 1.0) for cut in cuts]
    return Evidence(RationalTime(count, RATE), cuts, None, None), boundaries, count


def two_hours_without_a_cut():
    return Evidence(RationalTime(7200 * 24, RATE), (), None, None), [], 720


@pytest.mark.parametrize(
    "made",
    [one_frame_shots(48), one_frame_shots(1), two_hours_without_a_cut()],
    ids=["shots of a frame", "a film of a frame", "two hours without a cut"],
)
def test_shots_of_any_length_have_points_and_nothing_known_is_a_wide_band(made):
    evidence, boundaries, count = made
    felt = feel(evidence, [], boundaries, chosen_experts())
    assert len(felt.curve.points) == count
    assert min(point.uncertainty.valence for point in felt.curve.points) == pytest.approx(0.5)


def test_talk_that_nobody_can_read_is_no_evidence():
    talk = Reading("transcript", 0.0, 4.0, text="Nic z tego nie rozumiem!", language="pl")
    evidence = Evidence(RationalTime(96, RATE), (), None, None)
    felt = feel(evidence, [talk], [], chosen_experts())
    assert felt.shots[0].text == talk.text
    assert felt.curve.points[0].uncertainty == ValenceArousal(0.5, 0.5)
