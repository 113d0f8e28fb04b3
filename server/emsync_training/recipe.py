"""The composer that ships, made again from MIDI files in one command, which goes on where it was
stopped: `python -m emsync_training composer`.
"""

from __future__ import annotations

import json
import math
import shutil
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from emsync_server.inference.composer_session import SIDE_FILE
from emsync_training.corpus import Corpus, build_corpus
from emsync_training.evaluate import held_out_report
from emsync_training.export import export_composer, register_composer
from emsync_training.learning import TrainSettings
from emsync_training.networks.composer import ComposerShape
from emsync_training.train import checkpoint_facts, load_ema, train
from emsync_training.warm_start import load_exported

CHECKPOINT, EXPORTED, MODELS = "composer.pt", "exported", "models"
Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """A training run, from the weights that the one before it exported."""

    rate: float
    """Greatest learning rate."""
    hours: float = math.inf
    steps: int | None = None
    """Steps instead of hours: the same on any clock."""

    def settings(self, *, compiled: bool, held_out_crops: int) -> TrainSettings:
        """As the training loop wants them."""
        return TrainSettings(
            hours=self.hours,
            planned_steps=self.steps,
            matrix_rate=self.rate,
            other_rate=self.rate,
            compiled=compiled,
            held_out_crops=held_out_crops,
        )


RUNS = (
    Run(3e-3, hours=1.78),
    Run(1.5e-3, hours=1.80),
    Run(3.5e-4, hours=1.75),
    Run(3.5e-4, hours=1.45),
)
"""Those of the weights that ship; their card says what each had that the ones before lacked."""


def make_composer(
    midi: Path,
    manifest: Path,
    out: Path,
    *,
    runs: Sequence[Run] = RUNS,
    shape: ComposerShape | None = None,
    compiled: bool = True,
    held_out_crops: int = 64,
    told: Told = print,
) -> Path:
    """Corpus, training runs, evaluation and export; returns the folder that the server can load.

    midi: the folder that the manifest's ids are in, or the archive of it. `out` keeps every step's
    result; a step whose result is there is not done again, a training run goes on.
    """
    corpus = _corpus(midi, manifest, out, told)
    start: Path | None = None
    for number, run in enumerate(runs, start=1):
        folder = out / f"run{number}"
        if not (folder / EXPORTED / SIDE_FILE).is_file():
            told(f"Training, run {number} of {len(runs)}: {folder / 'composer.png'} shows it.")
            settings = run.settings(compiled=compiled, held_out_crops=held_out_crops)
            _train(corpus, folder, settings, shape, start)
        start = folder / EXPORTED
    assert start is not None, "a recipe has at least one run"
    models = out / MODELS
    shutil.copytree(start, models, dirs_exist_ok=True)
    register_composer(models)
    if not (out / "evaluation.json").is_file():
        told("Measuring it on music that was held out, beside 5-grams.")
        network = load_ema(start.parent / CHECKPOINT)
        report = held_out_report(network, corpus, crops=held_out_crops)
        (out / "evaluation.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    told(f"{models} holds the composer, {out / 'evaluation.json'} its held-out cost.")
    return models


def _corpus(midi: Path, manifest: Path, out: Path, told: Told) -> Corpus:
    built = out / "corpus"
    if not built.is_dir():
        if midi.is_file():
            midi = _unpacked(midi, out)
        told("Reading the MIDI files.")
        unfinished = out / "corpus.partial"
        build_corpus(midi, manifest, unfinished)
        unfinished.replace(built)
    return Corpus.open(built)


def _unpacked(archive: Path, out: Path) -> Path:
    """The one folder of an archive, unpacked once."""
    kept = out / "midi"
    if not kept.is_dir():
        unfinished = out / "midi.partial"
        shutil.rmtree(unfinished, ignore_errors=True)
        with tarfile.open(archive) as tar:
            tar.extractall(unfinished, filter="data")
        unfinished.replace(kept)
    inside = list(kept.iterdir())
    return inside[0] if len(inside) == 1 else kept


def _train(
    corpus: Corpus,
    folder: Path,
    settings: TrainSettings,
    shape: ComposerShape | None,
    start: Path | None,
) -> None:
    network = load_exported(start) if start else None
    sizes = network.shape if network else shape or ComposerShape()
    weights = network.state_dict() if network else None
    train(corpus, folder, settings, sizes, weights=weights)
    checkpoint = folder / CHECKPOINT
    export_composer(load_ema(checkpoint), folder / EXPORTED, facts=checkpoint_facts(checkpoint))
