"""What the composer network remembers of the pieces it writes: the rows behind the buffer, and
which of them are read again when it is full.

B batch, T events, P pinned rows, F five fields, C condition features, S slots of the buffer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

SLOTS = 768  # events the buffer holds: the length that the network was trained on
KEPT_EVENTS = 512  # events read again when the buffer is full: one event in 256 pays for it
MOST_PINNED = 192  # rows that may stay at the front
LEAST_FREE = 192  # slots free after a refill: pinned rows take from the kept events beyond that
FIELDS = 5


@dataclass
class ComposerState:
    """B pieces written side by side; every step changes it."""

    batch: int
    events: Ints
    """(B, S, F), the events in the buffer: pinned ones first, then the latest."""
    condition: Floats
    """(B, S, C), their conditions."""
    memory: list[Floats] = field(repr=False)
    """Keys and values (B, G, S, head size), each layer's."""
    used: int = 0
    """Slots in use."""
    front: int = 0
    """Slots, of those in use, that hold pinned rows."""
    total: int = 0
    """Events read since the start, pinned ones aside."""
    _pinned: tuple[Ints, Floats] | None = field(default=None, repr=False)
    """Rows that the next refill puts first; None where the buffer holds them already."""
    bound: dict[tuple[Any, Any], tuple[Any, Floats]] = field(default_factory=dict, repr=False)
    """ONNX Runtime's tables of what is bound where, by pieces, and the arrays that hidden vectors
    come in; of each state its own, so that jobs do not meet.
    """

    def is_alike(self, stop: int) -> bool:
        """Whether all pieces hold the same in the slots up to one."""
        parts = (self.events[:, :stop], self.condition[:, :stop])
        return all(bool((part[1:] == part[:1]).all()) for part in parts)

    def rewind(self, events: int) -> None:
        """Forget the last events, as many as given; they must still be in the buffer."""
        held = self.used - self.front
        if not 0 <= events <= held:
            raise ValueError(f"cannot rewind {events} events: {held} are in the buffer")
        self.used -= events
        self.total -= events

    def pin(self, events: Ints, condition: Floats) -> None:
        """Put these rows first at the next step: (P, F) or (B, P, F), with (P, C) or (B, P, C)."""
        events, condition = np.asarray(events, np.int64), np.asarray(condition, np.float32)
        if events.shape[-2] != condition.shape[-2] or events.shape[-2] > MOST_PINNED:
            raise ValueError(
                f"{events.shape[-2]} rows with {condition.shape[-2]} conditions cannot be pinned: "
                f"as many of each, {MOST_PINNED} at most"
            )
        rows = events.shape[-2]
        self._pinned = (
            np.broadcast_to(events, (self.batch, rows, FIELDS)).copy(),
            np.broadcast_to(condition, (self.batch, rows, self.condition.shape[2])).copy(),
        )

    def must_refill(self, events: int) -> bool:
        """Whether so many more events need the buffer filled anew."""
        return self._pinned is not None or self.used + events > SLOTS

    def append(self, events: Ints, condition: Floats) -> tuple[int, int]:
        """Add events (B, T, F) behind the others; returns their first slot and the one after."""
        start, stop = self.used, self.used + events.shape[1]
        self.events[:, start:stop], self.condition[:, start:stop] = events, condition
        self.used = stop
        self.total += stop - start
        return start, stop

    def refill(self, events: Ints, condition: Floats) -> int:
        """Pinned rows, then the latest events, these (B, T, F) last; returns the slots in use."""
        pinned = self._pinned or (self.events[:, : self.front], self.condition[:, : self.front])
        front = int(pinned[0].shape[1])
        kept = min(KEPT_EVENTS, SLOTS - LEAST_FREE - front)
        stop: int = front + min(self.used - self.front + int(events.shape[1]), kept)
        for buffer, first, new in (
            (self.events, pinned[0], events),
            (self.condition, pinned[1], condition),
        ):
            latest = np.concatenate([buffer[:, self.front : self.used], new], axis=1)[:, -kept:]
            buffer[:, :front], buffer[:, front:stop] = first, latest
        self.front, self.used, self._pinned = front, stop, None
        self.total += events.shape[1]
        return stop
