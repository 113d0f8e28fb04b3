"""The log of a training run: one CSV row now and then, and the curve it draws."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from emsync_server.composition.representation import FIELDS

COLUMNS = (
    *("step", "hours", "events", "learning_rate"),
    *("train_nats_per_note", "held_out_nats_per_note"),
    *(f"held_out_{field}" for field in FIELDS),
)
AVERAGED_ROWS = 12
"""A row is the mean of ten steps of a few crops: single rows tell little."""


class TrainingLog:
    """Appends rows to a CSV file and redraws `<name>.png` beside it."""

    def __init__(self, path: Path) -> None:
        """Go on with the file, or begin it with its header."""
        self.path = path
        if not path.exists():
            self._append(COLUMNS)

    def forget_after(self, step: int) -> None:
        """Drop the rows of later steps: the run goes on from a checkpoint that knows nothing of
        them.
        """
        with self.path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if _is_whole(row)]
        partial = self.path.with_suffix(".partial")
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(row for row in rows if float(row["step"]) <= step)
        partial.replace(self.path)

    def write(self, values: dict[str, float]) -> None:
        """One row; columns that are absent stay empty."""
        self._append([_short(values.get(column)) for column in COLUMNS])

    def plot(self) -> None:
        """Draw training and held-out nats a note over hours."""
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        with self.path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        figure, axes = pyplot.subplots(figsize=(8, 5))
        train, held_out = (
            np.array([(float(r["hours"]), float(r[column])) for r in rows if r[column]]).reshape(
                -1, 2
            )
            for column in ("train_nats_per_note", "held_out_nats_per_note")
        )
        if len(train):
            even = np.ones(min(AVERAGED_ROWS, len(train)))
            mean = [np.convolve(column, even / len(even), "valid") for column in train.T]
            axes.plot(*train.T, color="C0", alpha=0.3, linewidth=1)
            axes.plot(*mean, color="C0", label=f"training crops, mean of {len(even) * 10} steps")
        axes.plot(*held_out.T, "C1o-", markersize=3, label="held-out crops, averaged weights")
        axes.set(xlabel="hours", ylabel="nats a note", title=self.path.stem)
        axes.grid(alpha=0.3)
        axes.legend()
        figure.tight_layout()
        figure.savefig(self.path.with_suffix(".png"), dpi=110)
        pyplot.close(figure)

    def _append(self, row: object) -> None:
        with self.path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow(row)  # type: ignore[arg-type]


def _is_whole(row: dict[str, str]) -> bool:
    """Not the last line of a run that was killed while it wrote."""
    return row.keys() == set(COLUMNS) and None not in row.values()


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
