"""Writing takes: the network proposes, the rules forbid, the random generator decides. Several
takes go side by side.

B rows: one a take, and one more a take for each part of the condition that guidance strengthens.
F five fields, C condition features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from emsync.counted import counted
from emsync_server.composition.conditions import ConditionTrack, for_reference
from emsync_server.composition.guidance import UNGUIDED, Guidance
from emsync_server.composition.piece import Piece, WrittenNote
from emsync_server.composition.representation import (
    BAR,
    BAR_ROW,
    END,
    FIELDS,
    LENGTH_STEPS,
    PAD_ROW,
    pitch_of,
)
from emsync_server.composition.request import CueRequest
from emsync_server.composition.rules import Rules
from emsync_server.composition.sampling import HeadSampling, choose
from emsync_server.composition.slots import Texture
from emsync_server.composition.texture import plan_texture
from emsync_server.composition.theme import stated_theme
from emsync_server.progress import Progress

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Random = np.random.Generator

REPORT_EVERY = 32  # events
THEME_EVENTS = 96  # of the statement of the theme, kept for reference


class Heads(Protocol):
    """The chained heads of the network."""

    def field_logits(self, hidden: Floats, field: int) -> Floats:
        """(B, D) to (B, K) for a field, knowing the fields chosen so far."""

    def after(self, hidden: Floats, field: int, index: Ints) -> Floats:
        """(B, D) that knows the chosen class (B,) of a field too."""


class Network(Protocol):
    """What the decoder needs of a composer session."""

    @property
    def heads(self) -> Heads:
        """From a hidden vector to logits."""

    def start(self, batch: int) -> Any:  # noqa: ANN401 – the session's own, opaque here
        """An empty memory of B pieces."""

    def pin(self, state: Any, events: Ints, condition: Floats) -> None:  # noqa: ANN401
        """Keep rows (P, F) or (B, P, F) for reference, before all others, from the next step on."""

    def step(self, state: Any, events: Ints, condition: Floats) -> Floats:  # noqa: ANN401
        """Read events (B, F) or (B, T, F) with conditions (B, C) or (B, T, C); the last hidden (B,
        D).
        """


@dataclass(frozen=True, slots=True)
class DecoderSettings:
    """How freely the network is sampled."""

    heads: tuple[HeadSampling, ...] = (
        HeadSampling(1.0, 0.95),
        HeadSampling(1.0, 0.95),
        HeadSampling(1.0, 0.95),
        HeadSampling(1.0, 0.95),
        HeadSampling(0.95, 0.95),
    )
    """In the order of the fields."""
    guidance: Guidance = UNGUIDED
    """How strongly parts of the condition are followed."""
    candidates: int = 3
    """At least so many versions are written side by side; the best become takes."""
    textured: bool = True
    """Whether a texture says which notes are due. Without one the network alone decides, within
    the rules: to measure what it knows by itself."""


@dataclass(frozen=True, slots=True)
class Context:
    """What stands already when writing begins inside a piece."""

    rows: Ints
    """(T, F), the events before, and last the BAR that opens what is written."""
    conditions: Floats
    """(T, C)"""
    references: tuple[Ints, Floats] | None = None
    """Rows (P, F) and conditions (P, C) that stand for reference: theme, bars that follow."""


@dataclass(slots=True)
class Writer:
    """One take in the making."""

    request: CueRequest
    rng: Random
    piece: Piece = field(default_factory=Piece)
    stop_bar: int | None = None
    textured: bool = True
    texture: Texture | None = None
    """Which notes are due, where that is planned already."""
    log_likelihood: float = 0.0
    nats: list[NDArray[np.float64]] = field(default_factory=list)
    """(F,) what the fields of each note that it wrote cost under the network alone, rules and
    guidance aside."""
    row: tuple[int, ...] = BAR_ROW
    """The event to read next."""
    finished: bool = False
    theme: list[tuple[tuple[int, ...], Floats]] = field(default_factory=list)
    """The first events of the piece, while no theme stands for reference."""
    rules: Rules = field(init=False)
    track: ConditionTrack = field(init=False)
    _chosen: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.texture is None:
            self.texture = plan_texture(self.rng, self.request) if self.textured else ()
        self.rules = Rules(self.request, self.texture)
        self.track = ConditionTrack(self.request)

    def condition(self) -> Floats:
        """(C,) of the event to read next."""
        condition = self.track.at(self.piece.bar, self.piece.step)
        if len(self.theme) < THEME_EVENTS:
            self.theme.append((self.row, condition))
        return condition

    @property
    def has_theme(self) -> bool:
        """Whether the theme was stated, and enough of it is known."""
        stated = self.piece.bar >= self.request.theme_bars
        return stated and len(self.theme) == THEME_EVENTS

    def choose(self, number: int, logits: NDArray[np.float64], sampling: HeadSampling) -> int:
        """Choose one field of the next event; 0 where the event has none."""
        if self.finished or (self._chosen and self._chosen[0] >= BAR):
            return 0
        mask, leaning = self._allowed(number)
        index, likelihood = choose(self.rng, logits + leaning, mask, sampling)
        self._chosen.append(index)
        self.log_likelihood += likelihood
        return index

    def write(self, nats: NDArray[np.float64]) -> None:
        """Put what was chosen on paper; its fields cost so many nats (F,)."""
        if self.finished:
            return
        chosen, self._chosen = self._chosen, []
        if chosen[0] == END:
            self.finished = True
        elif chosen[0] == BAR:
            following = self.piece.bar + 1
            self.finished = following == self.stop_bar
            if not self.finished:
                self.piece.next_bar(self.request.bars[following].start_step)
                if following == self.request.theme_bars:
                    line = [n for n in self.piece.notes if self.piece.line.get(n.step) == n.pitch]
                    self.piece.theme = stated_theme(line, self.request)
                self.row = BAR_ROW
        else:
            self.row = tuple(chosen)
            note = self._note(chosen)
            sung = self.rules.due.line_pitch(self.piece, note)
            if sung is not None:
                self.piece.line[note.step] = sung
            self.rules.due.remember(self.piece, note)
            self.piece.add(note)
            self.nats.append(nats)

    def _allowed(self, number: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        if number == 0:
            return self.rules.position(self.piece)
        step = self._step
        if number == 1:
            return self.rules.instrument(self.piece, step)
        if number == 2:
            return self.rules.pitch(self.piece, step, self._chosen[1])
        if number == 3:
            return self.rules.length(self.piece, step, self._chosen[1])
        return self.rules.velocity(self.piece, step, self._chosen[1])

    @property
    def _step(self) -> int:
        return self.piece.bar_start + self._chosen[0]

    def _note(self, chosen: Sequence[int]) -> WrittenNote:
        step = self.piece.bar_start + chosen[0]
        return WrittenNote(
            step=step,
            instrument=chosen[1],
            pitch=pitch_of(chosen[2]),
            steps=LENGTH_STEPS[chosen[3]],
            velocity=self.rules.due.velocity(self.piece, step, chosen[1], chosen[4]),
        )


def write_takes(
    network: Network,
    writers: Sequence[Writer],
    settings: DecoderSettings,
    progress: Progress,
    *,
    context: Context | None = None,
    at_barline: Callable[[Writer], None] | None = None,
) -> None:
    """Let the writers write until each has ended; they hold the notes. `at_barline` hears of each
    bar that the first of them has finished.
    """
    guidance = settings.guidance
    state = network.start(len(writers) * guidance.rows)
    if context is not None:
        _read_context(network, state, context, (len(writers), guidance))
    events = 0
    theme_stands = context is not None
    while not all(writer.finished for writer in writers):
        if not theme_stands and all(writer.has_theme for writer in writers):
            _pin_theme(network, state, writers, guidance)
            theme_stands = True
        rows = np.array([PAD_ROW if w.finished else w.row for w in writers], np.int64)
        conditions = np.stack([writer.condition() for writer in writers])
        hidden = network.step(state, *guidance.spread(rows, conditions))
        nats = _choose_event(network.heads, hidden, writers, settings)
        bar = writers[0].piece.bar
        for writer, cost in zip(writers, nats, strict=True):
            writer.write(cost)
        if at_barline is not None and writers[0].piece.bar != bar:
            at_barline(writers[0])
        events += 1
        if events % REPORT_EVERY == 0:
            notes = sum(len(writer.piece.notes) for writer in writers)
            choice = f" in {len(writers)} versions, to keep the best" if len(writers) > 1 else ""
            progress.report(_done(writers), f"{counted(notes, 'note')}{choice}")


def _pin_theme(
    network: Network,
    state: Any,  # noqa: ANN401
    writers: Sequence[Writer],
    guidance: Guidance,
) -> None:
    rows = np.array([[row for row, _ in writer.theme] for writer in writers], np.int64)
    conditions = np.stack([np.stack([known for _, known in w.theme]) for w in writers])
    network.pin(state, *guidance.spread(rows, for_reference(conditions, "is_theme")))
    for writer in writers:
        writer.track.recalls = True


def _choose_event(
    heads: Heads, hidden: Floats, writers: Sequence[Writer], settings: DecoderSettings
) -> NDArray[np.float64]:
    """All fields of the next event of each take, one by one; what they cost, (B, F) nats."""
    takes = len(writers)
    nats = np.zeros((takes, len(FIELDS)))
    each = np.arange(takes)
    spread = np.arange(len(hidden)) % takes  # the take that each row is of
    for number in range(len(FIELDS)):
        logits = heads.field_logits(hidden, number).astype(np.float64)
        own, logits = logits[:takes], settings.guidance.joined(logits)
        index = np.array(
            [w.choose(number, logits[i], settings.heads[number]) for i, w in enumerate(writers)]
        )
        own = own - own.max(axis=1, keepdims=True)
        nats[:, number] = np.log(np.exp(own).sum(axis=1)) - own[each, index]
        if number == 0 and (index >= BAR).all():
            break
        if number + 1 < len(FIELDS):
            hidden = heads.after(hidden, number, index[spread])
    return nats


def _read_context(
    network: Network,
    state: Any,  # noqa: ANN401
    context: Context,
    how: tuple[int, Guidance],
) -> None:
    """Let the network read what stands before; the last row is left for the writers."""
    takes, guidance = how
    if context.references is not None:
        events, known = context.references
        events, known = (
            np.repeat(events[None], takes, axis=0),
            np.repeat(known[None], takes, axis=0),
        )
        network.pin(state, *guidance.spread(events, known))
    if len(context.rows) < 2:
        return
    rows = np.repeat(context.rows[None, :-1], takes, axis=0)
    conditions = np.repeat(context.conditions[None, :-1], takes, axis=0)
    network.step(state, *guidance.spread(rows, conditions))


def _done(writers: Sequence[Writer]) -> float:
    return min(1.0 if w.finished else w.piece.step / max(w.request.end_step, 1) for w in writers)
