"""The judge of emotion: fitted on human ratings, tested on groups it has not seen, and compared
with the labels that the composer was trained on.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from emsync_server.evaluation.judge import FEATURES, EmotionJudge, RatedNotes, emotion_features
from emsync_server.evaluation.sounding import SoundingNotes
from emsync_training.corpus import Corpus
from emsync_training.real_pieces import chosen_pieces, excerpts

Floats = NDArray[np.float64]

AXES = ("valence", "arousal")
RIDGE = 30.0  # on standardised features; 0.1 to 100 differ by 0.01 of AUC
PERMUTATIONS = 1000
DRAWS = 1000  # of the bootstrap over groups
EXCERPT_S = 30.0  # held-out music that judge and labels are compared on
EXCERPTS_A_PIECE = 3


@dataclass(frozen=True, slots=True)
class Ratings:
    """Human ratings of P pieces."""

    features: Floats
    """(P, 10)"""
    signs: Floats
    """(P, 2): valence and arousal, −1 or 1."""
    group: NDArray[np.str_]
    """(P,) the game."""

    @classmethod
    def read(cls, path: Path) -> Ratings:
        """Read `ratings.csv`."""
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return cls(
            np.array([[float(row[name]) for name in FEATURES] for row in rows]),
            np.array([[float(row[axis]) for axis in AXES] for row in rows]),
            np.array([row["group"] for row in rows]),
        )


def fit(ratings: Ratings) -> EmotionJudge:
    """Ridge regression of both axes; the intercept is not shrunk."""
    mean, sd = ratings.features.mean(axis=0), ratings.features.std(axis=0)
    standard = (ratings.features - mean) / sd
    centre = ratings.signs.mean(axis=0)
    gram = standard.T @ standard + RIDGE * np.eye(len(mean))
    weights = np.linalg.solve(gram, standard.T @ (ratings.signs - centre))
    return EmotionJudge(mean, sd, weights, centre)


def held_out_predictions(ratings: Ratings) -> Floats:
    """(P, 2): each piece by a judge that saw no piece of its group."""
    out = np.zeros_like(ratings.signs)
    for group in np.unique(ratings.group):
        here = ratings.group == group
        others = Ratings(ratings.features[~here], ratings.signs[~here], ratings.group[~here])
        judge = fit(others)
        out[here] = (ratings.features[here] - judge.mean) / judge.sd @ judge.weights
        out[here] += judge.intercept
    return out


def figures(ratings: Ratings) -> dict[str, dict[str, object]]:
    """AUC and r of each axis with groups held out: 95 % interval over groups, and what shuffled
    ratings reach.
    """
    predicted = held_out_predictions(ratings)
    rng = np.random.default_rng(0)
    shuffled = [_shuffled(ratings, rng) for _ in range(PERMUTATIONS)]
    chance = [held_out_predictions(one) for one in shuffled]
    out: dict[str, dict[str, object]] = {}
    for column, axis in enumerate(AXES):
        found = auc(ratings.signs[:, column], predicted[:, column])
        by_chance = [
            auc(one.signs[:, column], guess[:, column])
            for one, guess in zip(shuffled, chance, strict=True)
        ]
        better = sum(value >= found for value in by_chance)
        out[axis] = {
            "auc": round(found, 3),
            "auc_95": _interval(ratings, predicted, column),
            "r": round(float(np.corrcoef(ratings.signs[:, column], predicted[:, column])[0, 1]), 3),
            "auc_shuffled_mean": round(float(np.mean(by_chance)), 3),
            "auc_shuffled_95": [round(float(q), 3) for q in np.percentile(by_chance, [2.5, 97.5])],
            "p": round((1 + better) / (1 + PERMUTATIONS), 4),
        }
    return out


def auc(signs: Floats, predicted: Floats) -> float:
    """How often a piece rated 1 is predicted above one rated −1."""
    positive = signs > 0
    ranks = rankdata(predicted)
    above = float(ranks[positive].sum()) - positive.sum() * (positive.sum() + 1) / 2
    return float(above / (positive.sum() * (~positive).sum()))


def write_judge(ratings_path: Path, out: Path, *, corpus: Path | None = None) -> dict[str, object]:
    """Fit on all ratings, write `judge.json`, and return what it says of itself.

    corpus: arrays of `python -m emsync_training corpus`, to compare judge and labels on.
    """
    ratings = Ratings.read(ratings_path)
    judge = fit(ratings)
    facts: dict[str, object] = {
        "pieces": len(ratings.signs),
        "groups": len(np.unique(ratings.group)),
        "ridge": RIDGE,
        "features": list(FEATURES),
        "mean": _rounded(judge.mean),
        "sd": _rounded(judge.sd),
        "weights": {axis: _rounded(judge.weights[:, k]) for k, axis in enumerate(AXES)},
        "intercept": {axis: float(judge.intercept[k].round(6)) for k, axis in enumerate(AXES)},
        "groups_held_out": figures(ratings),
    }
    if corpus is not None:
        facts["shared_with_labels"] = shared_with_labels(judge, corpus)
    out.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return facts


def shared_with_labels(judge: EmotionJudge, folder: Path) -> dict[str, object]:
    """Spearman ρ of the judge, and of each of its features, with the training labels of the same
    held-out music.
    """
    rows, labels = _labelled_excerpts(folder)
    judged = np.array([judge.of_features(row) for row in rows])
    return {
        "excerpts": len(rows),
        "judge": {
            axis: {
                f"label_{other}": _rho(judged[:, k], labels[:, j]) for j, other in enumerate(AXES)
            }
            for k, axis in enumerate(AXES)
        },
        "features": {
            name: {f"label_{axis}": _rho(rows[:, i], labels[:, k]) for k, axis in enumerate(AXES)}
            for i, name in enumerate(FEATURES)
        },
    }


def _labelled_excerpts(folder: Path) -> tuple[Floats, Floats]:
    """Features (E, 10) and mean labels (E, 2) of half-minutes of held-out pieces."""
    corpus = Corpus.open(folder)
    rows, labels = [], []
    for piece in chosen_pieces(corpus, held_out=True):
        for excerpt in islice(excerpts(corpus, piece, EXCERPT_S), EXCERPTS_A_PIECE):
            notes = RatedNotes.of(SoundingNotes.of(excerpt.score))
            if len(notes.pitch):
                quarters = float(excerpt.score.tempo_map.end_q)
                rows.append(emotion_features(notes, 60 * quarters / excerpt.length_s))
                labels.append(excerpt.label)
    return np.array(rows), np.array(labels)


def _shuffled(ratings: Ratings, rng: np.random.Generator) -> Ratings:
    order = rng.permutation(len(ratings.signs))
    return Ratings(ratings.features, ratings.signs[order], ratings.group)


def _interval(ratings: Ratings, predicted: Floats, column: int) -> list[float]:
    """95 % of the AUC when groups are drawn anew, with replacement."""
    rng = np.random.default_rng(1)
    members = [np.flatnonzero(ratings.group == group) for group in np.unique(ratings.group)]
    drawn = []
    for _ in range(DRAWS):
        chosen = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        signs = ratings.signs[chosen, column]
        if abs(signs.sum()) < len(signs):
            drawn.append(auc(signs, predicted[chosen, column]))
    return [round(float(q), 3) for q in np.percentile(drawn, [2.5, 97.5])]


def _rho(left: Floats, right: Floats) -> float:
    return round(float(spearmanr(left, right).statistic), 3)


def _rounded(values: Floats) -> list[float]:
    return [float(value) for value in values.round(6)]
