"""The drums of a phrase: a pattern of ours that fits its meter, tempo, style and arousal, and a
fill where it closes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

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
    """(step, drum key, velocity above a plain stroke's) of a bar: the groove begins anew with it,
    cut where the bar is short and going on where it is long.

    closes: whether the phrase ends with it, so that a fill leads over
    """
    bar = request.bars[index]
    phrase = _phrase(request, index)
    opening, feel = request.bars[phrase.start], _feel(request.bars[phrase.start : phrase.stop])
    groove = _fitting(request, opening, patterns("drums", feel))
    if groove is None:
        return
    fill = _fill(request, (opening, bar), feel) if closes else None
    until = bar.steps if fill is None else bar.steps - fill.period
    start = (index - phrase.start) * FEEL_BAR_STEPS[feel] % groove.period
    for step, key, loudness in _strokes(groove):
        first = (step - start) % groove.period
        for place in range(first, until, groove.period):
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


def _phrase(request: CueRequest, index: int) -> range:
    """The bars of the phrase that a bar belongs to."""
    first, stop = index, index + 1
    while first and request.bars[first - 1].phrase == request.bars[index].phrase:
        first -= 1
    while stop < len(request.bars) and request.bars[stop].phrase == request.bars[index].phrase:
        stop += 1
    return range(first, stop)


def _feel(bars: Sequence[BarRequest]) -> str:
    """Of most bars of a phrase; one that is shorter or longer goes along."""
    steps, _ = Counter(bar.steps for bar in bars).most_common(1)[0]
    return _FEELS.get(steps, "four")


def _fitting(
    request: CueRequest, opening: BarRequest, choices: Sequence[Pattern]
) -> Pattern | None:
    """The pattern of a phrase that opens with this bar: near its arousal, another now and then;
    where none is meant for its tempo, the one that comes nearest.
    """
    idioms = _IDIOMS.get(request.style, _OTHER_IDIOMS)
    energy = 0.5 + 0.45 * opening.arousal
    known = [pattern for pattern in choices if pattern.idioms & idioms] or [*choices]
    least = min((_hurried(one, opening.tempo_bpm) for one in known), default=0.0)
    fitting = [one for one in known if _hurried(one, opening.tempo_bpm) <= least]
    nearest = sorted(fitting, key=lambda pattern: abs(pattern.energy - energy))[:CHOICES]
    turn = opening.phrase // PHRASES_OF_A_GROOVE + request.bars[0].key
    return nearest[turn % len(nearest)] if nearest else None


def _hurried(pattern: Pattern, tempo_bpm: float) -> float:
    """Beats a minute that a tempo lies outside those that a pattern is meant for."""
    low, high = pattern.tempo_bpm
    return max(low - tempo_bpm, tempo_bpm - high, 0.0)


def _fill(request: CueRequest, bars: tuple[BarRequest, BarRequest], feel: str) -> Pattern | None:
    """A fill no longer than the bar, the second of those given; the first opens the phrase."""
    opening, bar = bars
    short = [one for one in patterns("fills", feel) if one.period <= bar.steps]
    return _fitting(request, opening, short)
