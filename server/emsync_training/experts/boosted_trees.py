"""Reads a pickled scikit-learn pipeline of boosted trees without scikit-learn, and without running
what a pickle may run: its classes become bare records.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["read_boosted_trees"]

PLAIN = frozenset(
    {("numpy._core.multiarray", "scalar"), ("numpy._core.multiarray", "_reconstruct"),
     ("numpy", "dtype"), ("numpy", "ndarray"), ("numpy.core.multiarray", "_reconstruct"),
     ("numpy.core.multiarray", "scalar")}
)  # fmt: skip


class _Record:
    """What stands for an object of a class that is not loaded."""

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - whatever the pickle gives
        self.arguments = arguments
        self.state: Mapping[str, Any] = {}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.state = state

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        return self.state[name]


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        if (module, name) in PLAIN:
            return super().find_class(module, name)
        if module.startswith(("sklearn.", "numpy.random.")) or module == "_loss":
            return _Record
        raise pickle.UnpicklingError(f"the file asks for {module}.{name}")


def read_boosted_trees(path: Path) -> dict[str, NDArray[Any]]:
    """Arrays of a pipeline (scaler, then one regressor for each output, all of one size).

    K outputs, E trees each, N nodes at most. `mean`, `scale` (F,) of the scaler; `first` (K,) and
    `rate` (K,) of the regressors; `feature`, `left`, `right` (K, E, N) int16 and `threshold`,
    `value` (K, E, N): a node whose `left` is -1 is a leaf.
    """
    with path.open("rb") as file:
        steps = dict(_open(file)["steps"])
    scaler, regressors = steps["scale"], steps["model"]["estimators_"]
    trees = [[each["tree_"].state for each in one["estimators_"][:, 0]] for one in regressors]
    most = max(len(tree["nodes"]) for one in trees for tree in one)
    shape = (len(trees), len(trees[0]), most)
    arrays: dict[str, NDArray[Any]] = {
        "mean": scaler["mean_"].astype(np.float32),
        "scale": scaler["scale_"].astype(np.float32),
        "first": np.array([float(one["init_"]["constant_"].ravel()[0]) for one in regressors],
                          np.float32),
        "rate": np.array([one["learning_rate"] for one in regressors], np.float32),
        **{name: np.full(shape, -1, np.int16) for name in ("feature", "left", "right")},
        **{name: np.zeros(shape, np.float32) for name in ("threshold", "value")},
    }  # fmt: skip
    names = {"left": "left_child", "right": "right_child"}
    for k, one in enumerate(trees):
        for e, tree in enumerate(one):
            nodes = tree["nodes"]
            for name in ("feature", "left", "right", "threshold"):
                arrays[name][k, e, : len(nodes)] = nodes[names.get(name, name)]
            arrays["value"][k, e, : len(nodes)] = tree["values"].ravel()
    return arrays


def _open(file: BinaryIO) -> Any:  # noqa: ANN401
    return _Reader(file).load()
