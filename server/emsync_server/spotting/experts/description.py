"""What lies beside a trained network: which features it reads and how they are scaled, what its
outputs are called, and how far off it was on films that it had not seen.

`NAME.json` beside `NAME.onnx`; written by `emsync train`, for people to read, too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync_server.inference.network import Shape, unusable
from emsync_server.spotting.experts.readings import Floats

__all__ = ["INPUT", "OUTPUT", "Description", "Modality"]

INPUT, OUTPUT = "features.", "probabilities"
"""Names in the graph: `features.` and the modality's, and what comes out."""
MOST_BYTES = 1 << 20
MOST_STEPS, LARGEST_SIZE, MOST_LABELS, LONGEST_LABEL = 4_096, 65_536, 1_000, 60


@dataclass(frozen=True, slots=True)
class Modality:
    """One input of a network."""

    feature: str
    """As `features.py` names it, and `emsync train features` writes it."""
    size: int
    is_sequence: bool
    """(T, size) over time, or (size,) of all words."""
    low: float
    """Least value in training: it becomes 0."""
    high: float
    """Greatest value in training: it becomes 1."""

    def __post_init__(self) -> None:
        finite = math.isfinite(self.low) and math.isfinite(self.high)
        if not finite or self.low > self.high:
            raise ValueError(f"'{self.feature}' is scaled from {self.low} to {self.high}")
        if not 1 <= self.size <= LARGEST_SIZE:
            raise ValueError(f"'{self.feature}' has {self.size} numbers")

    def prepared(self, array: NDArray[np.floating] | None, steps: int) -> Floats:
        """Scaled as published. A sequence becomes (steps, size): a longer one is thinned out
        evenly, a shorter one repeats its end; what is missing is zeros."""
        if array is None:
            return np.zeros((steps, self.size) if self.is_sequence else self.size, np.float32)
        scaled = (np.asarray(array, np.float32) - self.low) / max(self.high - self.low, 1e-9)
        if not self.is_sequence:
            return np.asarray(scaled, np.float32)
        rows = np.linspace(0, len(array) - 1, steps) if len(array) >= steps else (
            np.minimum(np.arange(steps), len(array) - 1)
        )  # fmt: skip
        return np.asarray(scaled[np.rint(rows).astype(int)], np.float32)


@dataclass(frozen=True, slots=True)
class Description:
    """All that is known of a network beside its weights."""

    labels: tuple[str, ...]
    """Of its outputs, in their order."""
    steps: int
    """Of every sequence."""
    modalities: Mapping[str, Modality]
    variance: tuple[float, float] | None = None
    """Of the errors in valence and arousal on films that it had not seen; None: nobody measured."""
    films: int = 0
    """So many they were."""
    experts: Mapping[str, str] = field(default_factory=dict)
    """Who made the features: names and identities (`packing.identities`); empty: nobody noted."""

    def __post_init__(self) -> None:
        if not 2 <= len(set(self.labels)) == len(self.labels) <= MOST_LABELS:
            raise ValueError(f"{len(self.labels)} labels, or two of one name")
        if not all(0 < len(label) <= LONGEST_LABEL for label in self.labels):
            raise ValueError("a label without a name, or with an endless one")
        if not 1 <= self.steps <= MOST_STEPS or not self.modalities:
            raise ValueError(f"{self.steps} steps of {len(self.modalities)} modalities")
        if self.variance is not None and not all(0 < each < math.inf for each in self.variance):
            raise ValueError(f"variances of {self.variance}")

    @property
    def inputs(self) -> dict[str, Shape]:
        """Names and shapes that the graph must have."""
        return {
            f"{INPUT}{name}": (None, self.steps, each.size)
            if each.is_sequence
            else (None, each.size)
            for name, each in self.modalities.items()
        }

    def json(self, **facts: object) -> str:
        """As it lies in a file; `facts` stand there for people."""
        return json.dumps(asdict(self) | facts, indent=1, allow_nan=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Description:
        """From a file. Raises MissingPartError in a sentence."""
        if not path.is_file():
            raise unusable(path, "there is no such file")
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ValueError("it is far too large")
            return cls._told(json.loads(path.read_text(encoding="utf-8")))
        except KeyError as err:
            raise unusable(path, f"it says nothing of {err}") from err
        except (
            ValueError, TypeError, AttributeError, IndexError, OverflowError, OSError,
            RecursionError,
        ) as err:  # fmt: skip
            raise unusable(path, f"it does not describe a network ({err})") from err

    @classmethod
    def _told(cls, told: Any) -> Description:  # noqa: ANN401 - JSON
        variance, labels = told["variance"], told["labels"]
        if not isinstance(labels, list) or not all(isinstance(each, str) for each in labels):
            raise ValueError("labels that are no list of names")
        return cls(
            tuple(labels),
            int(told["steps"]),
            {str(name): _modality(each) for name, each in told["modalities"].items()},
            None if variance is None else (float(variance[0]), float(variance[1])),
            int(told.get("films", 0)),
            {str(name): str(word) for name, word in told.get("experts", {}).items()},
        )


def _modality(told: Any) -> Modality:  # noqa: ANN401 - JSON
    return Modality(
        str(told["feature"]),
        int(told["size"]),
        bool(told["is_sequence"]),
        float(told["low"]),
        float(told["high"]),
    )
