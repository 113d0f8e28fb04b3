"""The composer network on ONNX Runtime: one preallocated buffer, one cheap step for each event.

B batch, T events, F five fields, C condition features, D width, S slots of the buffer.
The trunk runs in ONNX Runtime with GroupQueryAttention, whose buffer is bound as both past and
present; the heads are NumPy (`composer_heads`). When the buffer is full it is filled again from
the pinned rows and the latest events (`composer_state`), so pieces have no limit.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as engine

from emsync_server.inference.composer_files import (
    HEADS_FILE,
    SIDE_FILE,
    TRUNK_FILE,
    ComposerFiles,
    damaged,
    read_composer_files,
)
from emsync_server.inference.composer_heads import ComposerHeads
from emsync_server.inference.composer_state import (
    FIELDS,
    KEPT_EVENTS,
    MOST_PINNED,
    SLOTS,
    ComposerState,
)
from emsync_server.inference.network import ENGINE_ERRORS, FATAL

__all__ = [
    "HEADS_FILE",
    "KEPT_EVENTS",
    "MOST_PINNED",
    "SIDE_FILE",
    "SLOTS",
    "TRUNK_FILE",
    "ComposerSession",
    "ComposerState",
]

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class ComposerSession:
    """A loaded composer. Sessions are stateless: `ComposerState` holds the pieces."""

    def __init__(self, trunk: onnxruntime.InferenceSession, heads: ComposerHeads) -> None:
        """A session over an open trunk and its heads; `load` opens both."""
        self._trunk = trunk
        self.heads = heads
        shapes = {value.name: value.shape for value in trunk.get_inputs()}
        self._caches = [name for name in shapes if name.startswith("past_")]
        self._cache_shape = (shapes[self._caches[0]][1], SLOTS, shapes[self._caches[0]][3])
        self.condition_size = int(shapes["condition"][2])

    @classmethod
    def load(
        cls, folder: Path, *, vocabulary: Mapping[str, Any], threads: int | None = None
    ) -> ComposerSession:
        """Load the composer of a models folder, which must speak this version's `vocabulary`."""
        files = read_composer_files(folder, vocabulary)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or max(1, (os.cpu_count() or 2) - 1)
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = FATAL
        try:
            trunk = onnxruntime.InferenceSession(
                files.trunk, options, providers=["CPUExecutionProvider"]
            )
        except ENGINE_ERRORS as err:
            raise damaged(folder / TRUNK_FILE, "the engine does not take it") from err
        if not _fits(trunk, files):
            raise damaged(folder / TRUNK_FILE, "it has other inputs or outputs than a composer")
        return cls(trunk, files.heads)

    def start(self, batch: int, pinned: tuple[Ints, Floats] | None = None) -> ComposerState:
        """An empty state for pieces written side by side.

        pinned: rows that stay at the front of the buffer, as `pin` takes them
        """
        shape = (batch, *self._cache_shape)
        # One array: the system gives large pages to large arrays, a twentieth off a late step.
        memory = list(np.zeros((len(self._caches), *shape), np.float32))
        events = np.zeros((batch, SLOTS, FIELDS), np.int64)
        condition = np.zeros((batch, SLOTS, self.condition_size), np.float32)
        state = ComposerState(batch, events, condition, memory)
        if pinned is not None:
            state.pin(*pinned)
        return state

    def pin(self, state: ComposerState, events: Ints, condition: Floats) -> None:
        """Keep rows at the front of the buffer, in the place of those pinned before.

        The next step fills the buffer again. events: (P, F) or (B, P, F), P at most
        `MOST_PINNED`, 0 for none · condition: (P, C) or (B, P, C)
        """
        state.pin(events, condition)

    def step(self, state: ComposerState, events: Ints, condition: Floats) -> Floats:
        """Read one event of each piece, or several; returns the hidden vector after the last.

        events: (B, F) or (B, T, F) · condition: (B, C) or (B, T, C), each of its own event ·
        returns (B, D)
        """
        batch = state.batch
        events = np.asarray(events, np.int64).reshape(batch, -1, FIELDS)
        condition = np.asarray(condition, np.float32).reshape(batch, -1, self.condition_size)
        if events.shape[1] != condition.shape[1] or not events.shape[1]:
            raise ValueError(f"{events.shape[1]} events with {condition.shape[1]} conditions")
        if state.must_refill(events.shape[1]):
            return self._read(state, state.refill(events, condition))
        start, stop = state.append(events, condition)
        if start == 0:
            return self._read(state, stop)
        for slot in range(start, stop):  # the operator appends one at a time, or starts afresh
            hidden = self._run(state, slot, slot + 1)
        return hidden

    def position_logits(self, hidden: Floats) -> Floats:
        """(B, D) to (B, 98): a grid step of the bar, BAR or END."""
        return self.heads.logits(hidden)

    def instrument_logits(self, hidden: Floats, position: Ints) -> Floats:
        """(B, D) and the chosen (B,) to (B, instruments)."""
        return self.heads.logits(hidden, (position,))

    def pitch_logits(self, hidden: Floats, position: Ints, instrument: Ints) -> Floats:
        """(B, D) and the chosen to (B, pitches and drum keys)."""
        return self.heads.logits(hidden, (position, instrument))

    def length_logits(
        self, hidden: Floats, position: Ints, instrument: Ints, pitch: Ints
    ) -> Floats:
        """(B, D) and the chosen to (B, lengths)."""
        return self.heads.logits(hidden, (position, instrument, pitch))

    def velocity_logits(self, hidden: Floats, *chosen: Ints) -> Floats:
        """(B, D) and the chosen position, instrument, pitch and length to (B, velocity bins)."""
        return self.heads.logits(hidden, chosen)

    def _read(self, state: ComposerState, stop: int) -> Floats:
        """Read all slots from the first, piece by piece: what many pieces have in common (bars
        before those that are written anew) is read once.
        """
        alike = state.batch > 1 and state.is_alike(stop)
        hidden = [
            self._run(state, 0, stop, slice(piece, piece + 1))
            for piece in range(1 if alike else state.batch)
        ]
        if alike:
            for memory in state.memory:
                memory[1:, :, :stop] = memory[:1, :, :stop]
        return np.repeat(hidden[0], state.batch, axis=0) if alike else np.concatenate(hidden)

    def _run(
        self, state: ComposerState, start: int, stop: int, pieces: slice = slice(None)
    ) -> Floats:
        binding, hidden = self._bound(state, pieces)
        events, condition = state.events[pieces, start:stop], state.condition[pieces, start:stop]
        binding.bind_cpu_input("events", np.ascontiguousarray(events))
        binding.bind_cpu_input("condition", np.ascontiguousarray(condition))
        binding.bind_cpu_input("last_slot", np.full(len(events), stop - 1, np.int32))
        binding.bind_cpu_input("slots_used", np.array(stop, np.int32))
        try:
            self._trunk.run_with_iobinding(binding)
        except engine.RuntimeException as err:
            if "alloc" in str(err):  # "Failed to allocate memory", "bad allocation"
                raise MemoryError(str(err)) from err
            raise
        return hidden.copy()

    def _bound(self, state: ComposerState, pieces: slice) -> tuple[Any, Floats]:
        """The engine's table of what is bound where for some of the pieces, and the array that it
        puts their hidden vectors (B, D) into; made once.
        """
        key = (pieces.start, pieces.stop)
        if key not in state.bound:
            value_of = onnxruntime.OrtValue.ortvalue_from_numpy
            binding = self._trunk.io_binding()
            for name, memory in zip(self._caches, state.memory, strict=True):
                cache = value_of(memory[pieces])  # a view, no copy
                binding.bind_ortvalue_input(name, cache)
                binding.bind_ortvalue_output(name.replace("past_", "present_"), cache)
            hidden = np.zeros((len(state.memory[0][pieces]), self.heads.width), np.float32)
            binding.bind_ortvalue_output("hidden", value_of(hidden))
            state.bound[key] = binding, hidden
        return state.bound[key]


def _fits(trunk: onnxruntime.InferenceSession, files: ComposerFiles) -> bool:
    """Whether a trunk takes what `step` gives it, and gives what the heads read."""
    inputs = {value.name: list(value.shape) for value in trunk.get_inputs()}
    outputs = {value.name: list(value.shape) for value in trunk.get_outputs()}
    plain = {"events", "condition", "last_slot", "slots_used"}
    past = [inputs[name] for name in inputs if name.startswith("past_")]
    present = {name.replace("past_", "present_") for name in inputs if name.startswith("past_")}
    return (
        bool(past)
        and inputs.keys() == plain | {name for name in inputs if name.startswith("past_")}
        and inputs["events"][2:] == [FIELDS]
        and inputs["condition"][2:] == [files.condition_size]
        and all(len(shape) == 4 and shape[1:] == past[0][1:] for shape in past)
        and past[0][2] == SLOTS
        and outputs.keys() == present | {"hidden"}
        and outputs["hidden"][1:] == [files.heads.width]
    )
