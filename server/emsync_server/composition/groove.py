"""The drums of a phrase: a pattern of ours that fits its meter, tempo, style and arousal, and a
fill where it closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from emsync_server.composition.patterns import FEEL_BAR_STEPS, Pattern, patterns
from emsync_server.composition.patterns.library import PLAIN
from emsync_server.composition.representation import DRUM_PITCH_OFFSET, Style
from emsync_server.composition.request import BarRequest, CueRequest

_FEELS = {FEEL_BAR_STEPS[name]: name for name in ("four", "three", "five")}
_IDIOMS: dict[Style | None, frozenset[str]] = {
    Style.HYBRID: frozenset({"trailer", "action", "pulse"}),
    Style.BAND: frozenset({"band", "electronic"}),
    None: frozenset({"soft", "band"}),
}
_OTHER_IDIOMS = frozenset({"march", "trailer"})
CHOICES = 3  # patterns a phrase chooses among
PHRASES_OF_A_GROOVE = 2
OF_LOUDNESS = 6  # velocity of one step of a pattern's loudness


def strokes_of(request: CueRequest, index: int, *, closes: bool) -> Iterator[tuple[int, int, int]]:
    """(step, drum key, velocity above a plain stroke's) of a bar.

    closes: whether the phrase ends with it, so that a fill leads over
    """
    bar = request.bars[index]
    opening = _opening(request, index)
    groove = _fitting(request, opening, patterns("drums", _feel(opening)))
    if groove is None:
        return
    fill = _fill(request, opening, bar) if closes else None
    until = bar.steps if fill is None else bar.steps - fill.period
    start = (bar.start_step - opening.start_step) % groove.period
    for step, key, loudness in _strokes(groove):
        for place in (step - start, step - start + groove.period):
            if 0 <= place < until:
                yield place, key, loudness
    for step, key, loudness in _strokes(fill) if fill else ():
        yield until + step, key, loudness


def _strokes(pattern: Pattern) -> list[tuple[int, int, int]]:
    """(step, drum key, velocity above a plain stroke's)."""
    columns = (pattern.step.tolist(), pattern.tone.tolist(), pattern.loudness.tolist())
    return [
        (step, tone - DRUM_PITCH_OFFSET, OF_LOUDNESS * (loudness - PLAIN))
        for step, tone, loudness in zip(*columns, strict=True)
    ]


def _opening(request: CueRequest, index: int) -> BarRequest:
    """The first bar of the phrase that a bar belongs to."""
    while index and request.bars[index - 1].phrase == request.bars[index].phrase:
        index -= 1
    return request.bars[index]


def _feel(opening: BarRequest) -> str:
    return _FEELS.get(opening.steps, "four")


def _fitting(
    request: CueRequest, opening: BarRequest, choices: Iterable[Pattern]
) -> Pattern | None:
    """The pattern of a phrase that opens with this bar: near its arousal, another now and then."""
    idioms = _IDIOMS.get(request.style, _OTHER_IDIOMS)
    energy = 0.5 + 0.45 * opening.arousal
    fitting = [
        pattern
        for pattern in choices
        if pattern.idioms & idioms
        and pattern.tempo_bpm[0] <= opening.tempo_bpm <= pattern.tempo_bpm[1]
    ]
    nearest = sorted(fitting, key=lambda pattern: abs(pattern.energy - energy))[:CHOICES]
    turn = opening.phrase // PHRASES_OF_A_GROOVE + request.bars[0].key
    return nearest[turn % len(nearest)] if nearest else None


def _fill(request: CueRequest, opening: BarRequest, bar: BarRequest) -> Pattern | None:
    """A fill no longer than the bar."""
    short = [one for one in patterns("fills", _feel(opening)) if one.period <= bar.steps]
    return _fitting(request, opening, short)
