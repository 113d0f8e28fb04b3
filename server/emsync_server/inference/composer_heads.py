"""The five chained heads of the composer, in NumPy: from a hidden vector to the logits of each
field in turn.

B batch, D width, K classes of a field. The position is chosen from the hidden vector, the
instrument knowing the position, the pitch knowing both, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

NORM_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class FieldWeights:
    """One head: normalise, widen, SiLU, classes."""

    inner: Floats
    """(D, N), the norm's gain folded in."""
    inner_bias: Floats
    outer: Floats
    """(N, K)"""
    outer_bias: Floats
    chained: Floats | None
    """(K, D): what the chosen class adds to the hidden vector; None for the last field."""

    def arrays(self) -> tuple[Floats, ...]:
        """All weights."""
        plain = (self.inner, self.inner_bias, self.outer, self.outer_bias)
        return plain if self.chained is None else (*plain, self.chained)

    def check(self, width: int, *, is_last: bool) -> None:
        """Weights that fit each other, or `ValueError`."""
        hidden, classes = self.outer.shape
        shapes = [(width, hidden), (hidden,), (hidden, classes), (classes,), (classes, width)]
        wanted = shapes[:-1] if is_last else shapes
        if [array.shape for array in self.arrays()] != wanted:
            raise ValueError(f"heads of shapes {[array.shape for array in self.arrays()]}")


class ComposerHeads:
    """Logits of position, instrument, pitch, length and velocity."""

    def __init__(self, fields: Sequence[FieldWeights]) -> None:
        """Heads of the fields, in order."""
        self._fields = tuple(fields)

    @classmethod
    def read(cls, data: bytes) -> ComposerHeads:
        """Heads of a safetensors file's bytes; half precision becomes single."""
        tensors = {name: value.astype(np.float32) for name, value in load(data).items()}
        count = sum(name.endswith(".inner.weight") for name in tensors)
        width = len(tensors["heads.0.norm.weight"])
        fields = []
        for field in range(count):
            gain = tensors[f"heads.{field}.norm.weight"]
            weights = FieldWeights(
                np.ascontiguousarray((tensors[f"heads.{field}.inner.weight"] * gain).T),
                tensors[f"heads.{field}.inner.bias"],
                np.ascontiguousarray(tensors[f"heads.{field}.outer.weight"].T),
                tensors[f"heads.{field}.outer.bias"],
                tensors.get(f"chained.{field}.weight"),
            )
            weights.check(width, is_last=field + 1 == count)
            fields.append(weights)
        return cls(fields)

    @property
    def width(self) -> int:
        """Channels of the hidden vector."""
        return len(self._fields[0].inner)

    @property
    def is_finite(self) -> bool:
        """Whether every weight is a number."""
        arrays = (array for weights in self._fields for array in weights.arrays())
        return all(bool(np.isfinite(array).all()) for array in arrays)

    @property
    def classes(self) -> tuple[int, ...]:
        """How many classes each field has."""
        return tuple(len(weights.outer_bias) for weights in self._fields)

    def logits(self, hidden: Floats, chosen: Sequence[Ints] = ()) -> Floats:
        """Logits of the field that follows those already chosen.

        hidden: (B, D) · chosen: the classes (B,) of the fields before, in order · returns (B, K)
        """
        for field, index in enumerate(chosen):
            hidden = self.after(hidden, field, index)
        return self.field_logits(hidden, len(chosen))

    def after(self, hidden: Floats, field: int, index: Ints) -> Floats:
        """The hidden vector (B, D) once a field's class (B,) is chosen."""
        chained = self._fields[field].chained
        if chained is None:
            raise ValueError(f"field {field} is the last: nothing follows it")
        return np.asarray(hidden + chained[np.asarray(index)])

    def field_logits(self, hidden: Floats, field: int) -> Floats:
        """Logits (B, K) of a field from a hidden vector that already knows the fields before it."""
        weights = self._fields[field]
        power = np.add.reduce(np.square(hidden), axis=-1, keepdims=True) / np.float32(self.width)
        scale = np.sqrt(power + NORM_EPSILON)
        inner = (hidden / scale) @ weights.inner + weights.inner_bias
        with np.errstate(over="ignore"):
            active = inner / (1 + np.exp(-inner))
        return np.asarray(active @ weights.outer + weights.outer_bias)
