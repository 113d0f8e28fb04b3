"""Hypothesis strategies for the values that travel, valid by construction."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from emsync.cue import Brief, Cue, CueSheet, Hit, HitSource, Key, Mode, Style
from emsync.emotion import (
    EmotionCurve,
    EmotionOverride,
    EmotionPoint,
    EmotionVote,
    EmotionWish,
    ShotNotes,
    ValenceArousal,
)
from emsync.family import Family
from emsync.picture import Boundary, BoundaryKind, PictureInfo
from emsync.score import (
    Landing,
    Meter,
    Note,
    Part,
    Score,
    Take,
    TempoAnchor,
    TempoMap,
)
from emsync.settings import (
    ComposeSettings,
    MarkerRule,
    MarkerUse,
    RenderSettings,
    SpotSettings,
)
from emsync.stem import (
    GainCurve,
    GainPoint,
    LoudnessTarget,
    SampleFormat,
    Stem,
    StemSet,
)
from emsync.timecode import RationalTime, TimeRange
from emsync.wire.calls import (
    ComposeCueRequest,
    Model,
    ModelList,
    ProgressReport,
    Ready,
    RenderTakeRequest,
    ServerInfo,
    SpotMediaRequest,
    Takes,
)

RATES = st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(60)])
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
NAMES = st.text(st.characters(categories=("L", "N", "Zs", "So")), min_size=1, max_size=8)
UNIT = st.floats(0.0, 1.0)
AXIS = st.floats(-1.0, 1.0)
NUMBERS = st.floats(allow_nan=False)  # the infinities too: silence peaks at −∞ dB
INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(0, 2**63 - 1)
FRACTIONS = st.fractions(max_denominator=10**6).filter(lambda f: abs(f.numerator) < 2**62)

points = st.builds(ValenceArousal, AXIS, AXIS)
deviations = st.builds(ValenceArousal, UNIT, UNIT)
wishes = st.builds(EmotionWish, AXIS, st.none() | AXIS) | st.builds(EmotionWish, st.none(), AXIS)
briefs = st.builds(
    Brief,
    style=st.none() | st.sampled_from(Style),
    families=st.lists(st.sampled_from(Family), max_size=3).map(tuple),
    key=st.none() | st.builds(Key, st.integers(0, 11), st.sampled_from(Mode)),
    density=st.none() | UNIT,
    tempo_bpm=st.none()
    | st.tuples(st.floats(20.0, 300.0), st.floats(20.0, 300.0)).map(
        lambda pair: tuple(sorted(pair))
    ),
    max_rubato=st.floats(0.0, 0.5),
)


@st.composite
def pictures(draw: Callable[..., Any]) -> PictureInfo:
    rate = draw(RATES)
    return PictureInfo(
        source=draw(TEXTS),
        rate=rate,
        duration=RationalTime(draw(st.integers(1, 10**6)), rate),
        start=RationalTime(draw(st.integers(0, 10**7)), rate),
        width=draw(st.none() | st.integers(1, 8192)),
        height=draw(st.none() | st.integers(1, 8192)),
        has_sound=draw(st.none() | st.booleans()),
        warnings=tuple(draw(st.lists(TEXTS, max_size=2))),
    )


@st.composite
def cues(draw: Callable[..., Any], rate: Fraction, start: int, end: int, name: str) -> Cue:
    inside = st.integers(start, end - 1)
    moments = sorted(draw(st.sets(inside, max_size=4)))
    curve = sorted(draw(st.sets(inside, min_size=1, max_size=3)))
    hits = [
        Hit(
            RationalTime(at, rate),
            draw(UNIT),
            draw(st.booleans()),
            draw(st.sampled_from(HitSource)),
            draw(TEXTS),
        )
        for at in moments
    ]
    emotion = [EmotionPoint(RationalTime(at, rate), draw(points), draw(deviations)) for at in curve]
    span = TimeRange(RationalTime(start, rate), RationalTime(end - start, rate))
    by_hand = st.builds(EmotionOverride, st.builds(RationalTime, inside, st.just(rate)), wishes)
    overrides = tuple(draw(st.lists(by_hand, max_size=2)))
    return Cue(name, span, tuple(hits), EmotionCurve(tuple(emotion)), draw(briefs), overrides)


@st.composite
def shots(draw: Callable[..., Any], rate: Fraction, start: int, end: int) -> ShotNotes:
    span = TimeRange(RationalTime(start, rate), RationalTime(end - start, rate))
    votes = st.builds(EmotionVote, NAMES.filter(str.strip), points, deviations, UNIT)
    likely = st.lists(st.tuples(TEXTS, UNIT), max_size=2).map(tuple)
    return ShotNotes(
        span, tuple(draw(st.lists(votes, max_size=2))), draw(likely), draw(likely), draw(TEXTS)
    )


@st.composite
def cue_sheets(draw: Callable[..., Any]) -> CueSheet:
    picture = draw(pictures())
    frames, rate = picture.duration.value, picture.rate
    cuts = sorted(draw(st.sets(st.integers(0, frames), max_size=4)))
    names = draw(
        st.lists(NAMES.filter(str.strip), min_size=len(cuts), max_size=len(cuts), unique=True)
    )
    found = [
        draw(cues(rate, start, end, name))
        for start, end, name in zip(cuts, cuts[1:], names, strict=False)
    ]
    boundaries = [
        Boundary(RationalTime(at, rate), draw(st.sampled_from(BoundaryKind)), draw(UNIT))
        for at in cuts
    ]
    noted = [draw(shots(rate, start, end)) for start, end in pairwise(cuts) if draw(st.booleans())]
    words = tuple(draw(st.lists(TEXTS, max_size=2)))
    genres = draw(st.none() | st.just((("drama", 0.75), ("noir", 0.5))))
    return CueSheet(picture, tuple(boundaries), tuple(found), tuple(noted), words, genres)


@st.composite
def tempo_maps(draw: Callable[..., Any]) -> TempoMap:
    steps = st.fractions(Fraction(1, 960), 100, max_denominator=1000)
    time_q, time_s, anchors = Fraction(0), Fraction(0), [TempoAnchor(Fraction(0), Fraction(0))]
    for more_q, more_s in draw(st.lists(st.tuples(steps, steps), min_size=1, max_size=3)):
        time_q, time_s = time_q + more_q, time_s + more_s
        anchors.append(TempoAnchor(time_q, time_s))
    meter = Meter(Fraction(0), draw(st.integers(1, 12)), draw(st.sampled_from([2, 4, 8])))
    return TempoMap(tuple(anchors), (meter,))


@st.composite
def takes(draw: Callable[..., Any]) -> Take:
    picture = draw(pictures())
    cue = draw(cues(picture.rate, 0, picture.duration.value, draw(NAMES)))
    landings = st.builds(Landing, FRACTIONS, FRACTIONS, NUMBERS)
    return Take(
        picture=picture,
        cue=cue,
        number=draw(st.integers(1, 99)),
        seed=draw(INT64),
        model=draw(TEXTS),
        version=draw(TEXTS),
        midi="score.mid",
        tempo_map=draw(tempo_maps()),
        landings=tuple(draw(st.lists(landings, max_size=3))),
        measures=tuple(draw(st.lists(st.tuples(TEXTS, NUMBERS), max_size=3))),
        key=draw(st.none() | st.builds(Key, st.integers(0, 11), st.sampled_from(Mode))),
    )


@st.composite
def gain_curves(draw: Callable[..., Any]) -> GainCurve:
    times = sorted(draw(st.sets(st.floats(0, 1e4), max_size=4)))
    return GainCurve(tuple(GainPoint(at, draw(NUMBERS)) for at in times))


stem_sets = st.builds(
    StemSet,
    cue=TEXTS,
    stems=st.lists(
        st.builds(
            Stem,
            st.sampled_from(Family),
            st.sampled_from(["stems/strings.wav", "stems/brass.wav"]),
            NUMBERS,
        ),
        max_size=3,
    ).map(tuple),
    mix=st.just("mix.wav"),
    sample_rate_hz=st.integers(0, 2**31 - 1),
    length_samples=INT64,
    tail_samples=INT64,
    loudness_lufs=NUMBERS,
    true_peak_db=NUMBERS,
    target=st.sampled_from(LoudnessTarget),
    ducking=gain_curves(),
    synthesizer=TEXTS,
)

quarters = st.fractions(0, 1000, max_denominator=960)
notes = st.builds(
    Note,
    quarters,
    st.fractions(Fraction(1, 960), 16, max_denominator=960),
    st.integers(0, 127),
    st.integers(1, 127),
)
parts = st.builds(
    Part,
    TEXTS,
    st.integers(0, 127),
    st.booleans(),
    st.sampled_from(Family),
    st.lists(notes, max_size=3).map(tuple),
)
scores = st.builds(Score, st.lists(parts, max_size=2).map(tuple), tempo_maps())

spot_settings = st.builds(
    SpotSettings,
    st.booleans(),
    st.floats(0.01, 1e3),
    briefs,
    st.none() | RATES,
    st.sampled_from([MarkerRule(), MarkerRule(MarkerUse.NONE), MarkerRule(MarkerUse.NAMED, "a*")]),
)
compose_settings = st.builds(
    ComposeSettings,
    st.integers(1, 16),
    INT64,
    st.none() | st.tuples(st.integers(1, 50), st.integers(51, 99)),
)
render_settings = st.builds(
    RenderSettings,
    target=st.none() | st.sampled_from(LoudnessTarget),
    soundfont=st.none(),
    sample_rate_hz=st.sampled_from([44_100, 48_000, 96_000]),
    sample_format=st.sampled_from(SampleFormat),
    ducking_depth_db=st.floats(0.0, 24.0),
)

VALUES: dict[type[Any], st.SearchStrategy[Any]] = {
    CueSheet: cue_sheets(),
    Take: takes(),
    StemSet: stem_sets,
    Score: scores,
    SpotMediaRequest: st.builds(SpotMediaRequest, TEXTS, spot_settings),
    ComposeCueRequest: st.builds(ComposeCueRequest, cue_sheets(), TEXTS, TEXTS, compose_settings),
    RenderTakeRequest: st.builds(RenderTakeRequest, TEXTS, TEXTS, render_settings),
    Takes: st.builds(Takes, st.lists(takes(), max_size=2).map(tuple)),
    ProgressReport: st.builds(
        ProgressReport, UNIT, TEXTS, st.none() | st.builds(Ready, TEXTS, st.floats(0.1, 7200.0))
    ),
    ServerInfo: st.builds(
        ServerInfo, TEXTS, TEXTS, INT32, st.lists(TEXTS, max_size=2).map(tuple), INT32
    ),
    ModelList: st.builds(
        ModelList,
        st.lists(st.builds(Model, TEXTS, st.booleans(), TEXTS, TEXTS), max_size=2).map(tuple),
    ),
}
"""Each value that travels or lies in a file, and how to draw one."""
