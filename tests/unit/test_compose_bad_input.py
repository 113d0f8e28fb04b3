"""Cues that nobody would ask for: music all the same, or a sentence; never half of either."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest
from tests.cues import sheet_of
from tests.tiny_composer import tiny_composer

from emsync.cue import Brief, CueSheet, Key, Mode
from emsync.errors import JobCancelledError, MemoryFullError
from emsync.family import Family
from emsync.score import Take
from emsync.settings import ComposeSettings
from emsync_server.composition import Composer, DecoderSettings, compose
from emsync_server.midi import read_midi
from emsync_server.progress import Progress, ProgressSink, silent_progress

RATE = 24
HALF_FRAME_S = 1 / RATE / 2


def composed(
    folder: Path,
    sheet: CueSheet,
    *,
    composer: Composer | None = None,
    progress: Progress | None = None,
    decoding: DecoderSettings | None = None,
) -> Take:
    (take,) = compose(
        sheet,
        "film",
        folder,
        ComposeSettings(),
        progress or silent_progress(),
        composer=composer or tiny_composer(),
        decoding=decoding,
    )
    return take


def jumping(seconds: float) -> list[tuple[float, float, float]]:
    """An emotion that is another extreme at each frame."""
    extremes = [(1.0, -1.0), (-1.0, 1.0)]
    return [(frame / RATE, *extremes[frame % 2]) for frame in range(int(seconds * RATE))]


@pytest.mark.parametrize(
    "sheet",
    [
        pytest.param(sheet_of(12), id="half a second"),
        pytest.param(sheet_of(12, [6]), id="half a second, a hit in it"),
        pytest.param(sheet_of(24 * 20, range(7, 24 * 20, 7)), id="two hundred hits a minute"),
        pytest.param(sheet_of(24 * 10, [100, 101, 102, 103]), id="hits one frame apart"),
        pytest.param(sheet_of(24 * 20), id="no hits, one emotion"),
        pytest.param(sheet_of(24 * 10, [57], emotion=jumping(10)), id="emotion jumps each frame"),
    ],
)
def test_an_odd_cue_is_composed_and_lands(sheet: CueSheet, tmp_path: Path) -> None:
    take = composed(tmp_path, sheet)
    length_s = float(sheet.cues[0].range.duration.seconds)
    score = read_midi(tmp_path / take.midi)
    assert abs(float(score.tempo_map.end_s) - length_s) < HALF_FRAME_S
    assert any(part.notes for part in score.parts)
    assert len(take.landings) == sum(hit.locked for hit in sheet.cues[0].hits)
    assert all(abs(landing.error_s) <= HALF_FRAME_S for landing in take.landings)


@pytest.mark.parametrize(
    "brief",
    [
        pytest.param(Brief(families=(Family.PERCUSSION,), key=Key(6, Mode.MAJOR)), id="key, drums"),
        pytest.param(Brief(families=(Family.CHOIR,), density=1.0), id="choir, as dense as can be"),
        pytest.param(Brief(families=(Family.BASS,), key=Key(3, Mode.MINOR)), id="bass alone"),
        pytest.param(Brief(tempo_bpm=(300.0, 300.0), max_rubato=0.0), id="300 beats a minute"),
        pytest.param(Brief(tempo_bpm=(20.0, 20.0), max_rubato=0.0), id="20 beats a minute"),
    ],
)
def test_a_brief_that_nobody_can_keep_is_kept_as_far_as_it_goes(
    brief: Brief, tmp_path: Path
) -> None:
    take = composed(tmp_path, sheet_of(24 * 10, [61, 130], brief=brief))
    score = read_midi(tmp_path / take.midi)
    assert all(abs(landing.error_s) <= HALF_FRAME_S for landing in take.landings)
    if brief.families:
        assert {part.family for part in score.parts if part.notes} <= set(brief.families)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_hours_are_composed(tmp_path: Path) -> None:
    calm = [(0.0, 0.2, -0.8)]  # few notes: it is the length that is tested
    sheet = sheet_of(
        24 * 7200, range(2400, 24 * 7200, 2400), emotion=calm, brief=Brief(density=0.0)
    )
    take = composed(tmp_path, sheet, decoding=DecoderSettings(candidates=1))
    assert abs(float(take.tempo_map.end_s) - 7200) < HALF_FRAME_S
    assert all(abs(landing.error_s) <= HALF_FRAME_S for landing in take.landings)


@pytest.mark.parametrize("moment", [0, 1, 2, 5, 11])
def test_cancelled_at_any_moment_nothing_is_left(moment: int, tmp_path: Path) -> None:
    """`moment` counts reports."""
    cancelled, told = Event(), [0]

    def leave(fraction: float, note: str) -> None:
        told[0] += 1
        if told[0] > moment:
            cancelled.set()

    sink = ProgressSink(leave, cancelled)
    with pytest.raises(JobCancelledError, match="nothing was left behind"):
        composed(tmp_path / "new" / "take", sheet_of(24 * 60), progress=sink)
    assert list(tmp_path.iterdir()) == []


def test_cancelled_while_the_first_bars_are_heard_nothing_is_left(tmp_path: Path) -> None:
    cancelled = Event()
    heard: list[Path] = []

    def listen(path: Path, seconds: float) -> None:
        heard.append(path)
        cancelled.set()

    sink = ProgressSink(lambda fraction, note: None, cancelled, ready_sink=listen)
    with pytest.raises(JobCancelledError):
        composed(tmp_path, sheet_of(24 * 60), progress=sink)
    assert heard and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", [1, 40])
def test_without_memory_nothing_is_left_and_the_sentence_says_what_to_do(
    step: int, tmp_path: Path
) -> None:
    composer = tiny_composer()
    real, count = composer.session.step, [0]

    def failing(state: object, events: object, condition: object) -> object:
        count[0] += 1
        if count[0] == step:
            raise MemoryError("Unable to allocate 6.00 GiB")
        return real(state, events, condition)

    composer.session.step = failing  # type: ignore[method-assign,assignment]
    with pytest.raises(MemoryFullError, match="'film' could not be composed") as caught:
        composed(tmp_path, sheet_of(24 * 20), composer=composer)
    assert (caught.value.code, caught.value.exit_code) == ("RESOURCE_EXHAUSTED", 5)
    assert list(tmp_path.iterdir()) == []


def test_the_engine_says_that_memory_is_full_as_python_does(tmp_path: Path) -> None:
    from emsync_server.composition import load_composer

    session = load_composer().session
    with pytest.raises(MemoryError):
        session.start(2**40)


def test_an_unforeseen_failure_leaves_nothing(tmp_path: Path) -> None:
    composer = tiny_composer()

    def failing(state: object, events: object, condition: object) -> object:
        raise ZeroDivisionError

    composer.session.step = failing  # type: ignore[method-assign,assignment]
    with pytest.raises(ZeroDivisionError):
        composed(tmp_path, sheet_of(24 * 20), composer=composer)
    assert list(tmp_path.iterdir()) == []
