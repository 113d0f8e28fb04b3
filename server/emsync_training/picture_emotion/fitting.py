"""Kernel ridge regression on what `scene` sees; fitted on all photographs, measured on themes that
it has not seen.

N photographs, D features of the scene expert, F that are used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emsync_server.spotting.experts.scene import FEATURES, LAYERS, STAGES
from emsync_training.picture_emotion.kernel_head import STEP, KernelHead, bent, gaussian
from emsync_training.picture_emotion.photographs import Photographs, folds_by_theme

Floats = NDArray[np.float64]

FOLDS = 10
SEEDS = (0, 1, 2)
"""Themes are dealt to folds in three ways; the first is the one that figures are reported on."""
GAMMA, RIDGE = 0.5, 0.1
"""Chosen on folds of seed 0 from a grid of 0.2 to 1 and 0.03 to 0.3: 0.01 of r between them."""
EARLY = STAGES[0] + STAGES[1]
"""Edges and colours, 64 channels: without them it errs no more."""
BAND, BAND_DEVIATIONS = 0.8, 1.2816
FAMILIAR_QUANTILE = 0.02
AXES = ("valence", "arousal")
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What was said of each photograph by a head that saw none of its theme. (N, 2)"""

    mean: Floats
    variance: Floats


def used_features() -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """Places of the features that count, and how each is bent. (F,), (F,)"""
    final, means, deviations = (np.arange(FEATURES)[LAYERS[name]] for name in
                                ("final", "stage means", "stage deviations"))  # fmt: skip
    parts = (final, means[EARLY:], deviations[EARLY:])
    laws = [np.full(len(part), law, np.int8) for part, law in zip(parts, (1, 0, 2), strict=True)]
    return np.concatenate(parts).astype(np.int32), np.concatenate(laws)


def fit(embeddings: Floats, ratings: Floats) -> KernelHead:
    """A head on all that is given; its variances are those of the fit and to be replaced by
    `with_errors`."""
    chosen, law = used_features()
    x = bent(embeddings[:, chosen].astype(np.float32), law)
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-6
    support = np.clip(np.rint((x - mean) / scale / STEP), -127, 127).astype(np.int8)
    points = support.astype(np.float32) * np.float32(STEP)
    kernel = gaussian(points, points, GAMMA).astype(np.float64)
    rest = ratings.mean(axis=0)
    weights = np.linalg.solve(kernel + RIDGE * np.eye(len(x)), ratings - rest)
    spread = ratings.var(axis=0)
    return KernelHead(
        chosen, law, mean, scale, support, weights.astype(np.float32), rest.astype(np.float32),
        GAMMA, spread.astype(np.float32), spread.astype(np.float32),
        float(np.quantile(kernel.mean(axis=1), FAMILIAR_QUANTILE)),
    )  # fmt: skip


def with_errors(head: KernelHead, held_out: HeldOut, ratings: Floats) -> KernelHead:
    """The head with the variances of its held-out errors, of which a band of ±1.28 deviations
    holds four in five."""
    wide = np.quantile(np.abs(held_out.mean - ratings), BAND, axis=0) / BAND_DEVIATIONS
    # Of a picture unlike all of these even the scale that people would use is not known.
    absent = np.maximum(ratings.var(axis=0) + ratings.mean(axis=0) ** 2, 0.25)
    return replace(
        head,
        error_variance=np.square(wide).astype(np.float32),
        absent_variance=absent.astype(np.float32),
    )


def held_out(photographs: Photographs, embeddings: Floats, seed: int) -> HeldOut:
    """Ten rounds; in each, the errors that its variances state come from inner rounds of the other
    nine."""
    mean, variance = np.zeros_like(photographs.ratings), np.zeros_like(photographs.ratings)
    rounds = folds_by_theme(photographs.theme, FOLDS, seed)
    for held in rounds:
        head = fit(embeddings[~held], photographs.ratings[~held])
        mean[held] = head.estimate(embeddings[held].astype(np.float32)).mean
    for held in rounds:  # the errors of the other folds tell how wide this one's band must be
        wide = np.quantile(np.abs(mean - photographs.ratings)[~held], BAND, axis=0)
        variance[held] = np.square(wide / BAND_DEVIATIONS)
    return HeldOut(mean, variance)


def figures(photographs: Photographs, found: HeldOut) -> dict[str, dict[str, object]]:
    """r with its 95 % interval over themes, error on the scale from 1 to 7, cover of the band."""
    out: dict[str, dict[str, object]] = {}
    for axis, name in enumerate(AXES):
        said, rated = found.mean[:, axis], photographs.ratings[:, axis]
        error = np.abs(said - rated)
        band = BAND_DEVIATIONS * np.sqrt(found.variance[:, axis])
        out[name] = {
            "r": round(_r(said, rated), 3),
            "r_95": _interval(photographs.theme, said, rated),
            "mae_1_to_7": round(3 * float(error.mean()), 3),
            "deviation": round(float(np.sqrt(found.variance[:, axis].mean())), 3),
            "cover_of_80": round(float((error <= band).mean()), 3),
        }
    return out


def _r(left: Floats, right: Floats) -> float:
    return float(np.corrcoef(left, right)[0, 1])


def _interval(theme: NDArray[np.str_], said: Floats, rated: Floats) -> list[float]:
    """95 % of r when themes are drawn anew, with replacement."""
    rng = np.random.default_rng(1)
    members = [np.flatnonzero(theme == name) for name in np.unique(theme)]
    drawn = []
    for _ in range(DRAWS):
        rows = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        drawn.append(_r(said[rows], rated[rows]))
    return [round(float(q), 3) for q in np.percentile(drawn, [2.5, 97.5])]
