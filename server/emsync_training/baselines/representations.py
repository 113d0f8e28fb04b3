"""Note events against REMI tokens, and against themselves with tied embeddings, at equal training
compute: `python -m emsync_training compare-representations`. It goes on where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch

from emsync_training.baselines.commands import SIDES
from emsync_training.baselines.equal_training import SideTraining
from emsync_training.baselines.sides import NoteSide, RemiSide, Side, TiedSide, music_seconds
from emsync_training.corpus import Corpus
from emsync_training.dataset import Batch, CropSampler
from emsync_training.learning import TrainSettings
from emsync_training.networks.composer import ComposerShape
from emsync_training.train import held_out_batches

SLICE_S = 60.0  # of processor time; the sides take turns
EVALUATED_SLICES = 4  # turns between two measures on the held-out crops
DECODED_CROPS = 4

Report = dict[str, dict[str, float]]


def compare(
    corpus: Corpus,
    out: Path,
    settings: TrainSettings,
    shape: ComposerShape,
    *,
    names: Sequence[str] = SIDES,
    events: int = 768,
    slice_s: float = SLICE_S,
) -> Report:
    """Train each side for the settings' hours in turns; write `representations.json` and a plot.

    names: some of `SIDES`
    """
    out.mkdir(parents=True, exist_ok=True)
    made: dict[str, Side] = {
        "notes": NoteSide(crops=settings.crops, compiled=settings.compiled),
        "tied": TiedSide(crops=settings.crops, compiled=settings.compiled),
        "remi": RemiSide(compiled=settings.compiled),
    }
    sides = [made[name] for name in names]
    trainings = [SideTraining(side, shape, settings) for side in sides]
    curves_file = out / "curves.json"
    curves: dict[str, list[list[float]]] = {side.name: [] for side in sides}
    for training in trainings:
        if _checkpoint(out, training).exists():
            training.load(_checkpoint(out, training))
    if curves_file.exists():
        curves |= json.loads(curves_file.read_text(encoding="utf-8"))
    sampler = CropSampler(corpus, held_out=False, events=events)
    held_out = _held_out(corpus, settings.held_out_crops, events)
    if settings.compiled:
        for training in trainings:
            training.warm(sampler)
    turns = 0
    while not all(_finished(training) for training in trainings):
        turns += 1
        for training in trainings:
            training.train_for(sampler, slice_s)
        if turns % EVALUATED_SLICES == 0 or all(_finished(one) for one in trainings):
            for training in trainings:
                row = training.held_out(held_out)["held_out_nats_per_note"]
                curves[training.side.name].append([training.seconds / 3600, row])
                training.save(_checkpoint(out, training))
            curves_file.write_text(json.dumps(curves), encoding="utf-8")
            _plot(curves, out / "representations.png")
    report = {training.side.name: measured(training, held_out) for training in trainings}
    (out / "representations.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    return report


def measured(training: SideTraining, held_out: list[Batch]) -> dict[str, float]:
    """What a side has learned, and what it costs to write with it on one thread."""
    side, first = training.side, held_out[:DECODED_CROPS]
    steps = [side.steps(batch) for batch in first]
    seconds = [music_seconds(batch) for batch in first]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    side.decode(training.learner.ema, first[0])
    decoded = [side.decode(training.learner.ema, batch) for batch in first]
    torch.set_num_threads(threads)
    costs = [1000 * cost / count for cost, count in zip(decoded, steps, strict=True)]
    return {
        **training.held_out(held_out),
        "parameters": sum(p.numel() for p in training.learner.network.parameters()),
        "training_processor_s": training.seconds,
        "training_wall_s": training.wall_s,
        "optimizer_steps": training.step,
        "notes_trained_on": training.notes,
        "steps_per_second_of_music": sum(steps) / sum(seconds),
        "ms_per_step": median(costs),
        "decode_s_per_second_of_music": sum(decoded) / sum(seconds),
    }


def _finished(training: SideTraining) -> bool:
    settings = training.settings
    return training.seconds >= settings.hours * 3600 or training.step >= settings.most_steps


def _checkpoint(out: Path, training: SideTraining) -> Path:
    return out / f"{training.side.name.replace(',', '').replace(' ', '-').lower()}.pt"


def _held_out(corpus: Corpus, crops: int, events: int) -> list[Batch]:
    """The crops of every other evaluation, one a batch."""
    return [
        Batch(
            batch.events[row : row + 1, : events + 1],
            batch.condition[row : row + 1, :events],
            batch.learned[row : row + 1, :events],
        )
        for batch in held_out_batches(corpus, crops)
        for row in range(len(batch.events))
    ]


def _plot(curves: dict[str, list[list[float]]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5))
    for name, points in curves.items():
        if points:
            axes.plot(*np.array(points).T, "o-", label=name, markersize=3)
    axes.set(xlabel="hours of processor time, each side", ylabel="held-out nats a note")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
