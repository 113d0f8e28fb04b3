"""Films made of rated photographs, cut at known times, through the real spotting: does the curve
follow what people felt, is it late, and does its band hold what it promises?

Each film shows photographs of themes that its head has not seen. They are zoomed slowly, since a
frozen picture is no film; there is no sound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from unittest import mock

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from emsync.cue import CueSheet
from emsync.settings import SpotSettings
from emsync_server.progress import ProgressSink
from emsync_server.spotting import spot
from emsync_server.spotting.experts.picture_emotion import (
    PICTURE_EMOTION_FILE,
    PictureEmotionExpert,
)
from emsync_server.spotting.fusion import FILM_LIKENESS, by_itself
from emsync_training.picture_emotion.fitting import (
    AXES,
    BAND_DEVIATIONS,
    FOLDS,
    HeldOut,
    fit,
    held_out,
    with_errors,
)
from emsync_training.picture_emotion.kernel_head import KernelHead
from emsync_training.picture_emotion.photographs import (
    Photographs,
    folds_by_theme,
    read_picture,
)
from emsync_training.picture_emotion.run import write_head

__all__ = ["measure_films", "measure_mixtures", "write_film"]

Floats = NDArray[np.float64]

SHOTS, SHOT_S = 24, (2.0, 7.0)
FRAME_HZ, SIZE, ZOOM = 12, (320, 240), 0.06
LAGS_S = np.arange(-4.0, 4.01, 0.25)
STEP_S = 0.25
MIXED = (2, 3, 4)
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class _Shown:
    """A film's curve and what was shown, every quarter of a second. K moments."""

    said: Floats
    """(K, 2)"""
    off: Floats
    """(K, 2) deviations"""
    felt: Floats
    """(K, 2)"""


def measure_films(
    photographs: Photographs, embeddings: Floats, work: Path, say: Callable[[str], None]
) -> dict[str, object]:
    """One film for each of ten rounds; r of the curve, its lag, how much the 80 % band covers."""
    found = held_out(photographs, embeddings, seed=0)
    rng = np.random.default_rng(7)
    shown, cuts = [], []
    for number, held in enumerate(folds_by_theme(photographs.theme, FOLDS, 0)):
        chosen = rng.permutation(np.flatnonzero(held))[:SHOTS]
        least, most = (round(seconds * FRAME_HZ) for seconds in SHOT_S)
        frames = rng.integers(least, most, len(chosen))
        film = work / f"film{number}.mp4"
        write_film(film, [photographs.paths[at] for at in chosen], frames)
        head = _head_without(photographs, embeddings, found, held)
        with _heads_replaced_by(head, work):
            sheet = spot(film, SpotSettings(), ProgressSink(lambda fraction, note: None))
        shown.append(_shown(sheet, photographs.ratings[chosen], frames))
        cuts.append((len(sheet.boundaries), len(chosen) - 1))
        say(f"film {number + 1} of {FOLDS}: {cuts[-1][0]} cuts seen of {cuts[-1][1]}")
    facts: dict[str, object] = {
        "films": FOLDS, "cuts_seen": sum(a for a, _ in cuts), "cuts_made": sum(b for _, b in cuts),
    }  # fmt: skip
    return facts | {name: _figures(shown, axis) for axis, name in enumerate(AXES)}


def measure_mixtures(photographs: Photographs, embeddings: Floats) -> dict[str, object]:
    """Shots of several photographs of unseen themes: features averaged, as those of a shot's
    frames are, against the mean of the ratings."""
    found = held_out(photographs, embeddings, seed=0)
    rng = np.random.default_rng(9)
    rows: dict[int, list[tuple[Floats, Floats, Floats]]] = {count: [] for count in MIXED}
    for held in folds_by_theme(photographs.theme, FOLDS, 0):
        head = _head_without(photographs, embeddings, found, held)
        places = np.flatnonzero(held)
        for count in MIXED:
            drawn = rng.choice(places, (DRAWS // FOLDS, count))
            shots = head.estimate(embeddings[drawn].mean(axis=1).astype(np.float32))
            felt = photographs.ratings[drawn].mean(axis=1)
            parts = (shots.mean.astype(np.float64), shots.variance.astype(np.float64), felt)
            rows[count].append(parts)
    out: dict[str, object] = {}
    for count, of_count in rows.items():
        said, variance, felt = (np.concatenate(part) for part in zip(*of_count, strict=True))
        inside = np.abs(said - felt) <= BAND_DEVIATIONS * np.sqrt(variance)
        out[f"{count} photographs"] = {
            name: {
                "r": round(float(np.corrcoef(said[:, axis], felt[:, axis])[0, 1]), 3),
                "cover_of_80": round(float(inside[:, axis].mean()), 3),
            }
            for axis, name in enumerate(AXES)
        }
    return out


def write_film(path: Path, pictures: list[Path], frames: NDArray[np.int64]) -> None:
    """A silent film that shows each picture for so many frames, zooming in."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=FRAME_HZ, options={"preset": "ultrafast"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for picture, count in zip(pictures, frames.tolist(), strict=True):
            rgb = read_picture(picture)
            for at in range(count):
                frame = av.VideoFrame.from_ndarray(_zoomed(rgb, 1 + ZOOM * at / count), "rgb24")
                film.mux(stream.encode(frame))
        film.mux(stream.encode())


def _zoomed(rgb: NDArray[np.uint8], zoom: float) -> NDArray[np.uint8]:
    """The middle of a picture, filling the frame."""
    height, width = rgb.shape[:2]
    scale = max(SIZE[0] / width, SIZE[1] / height) * zoom
    matrix = np.array([[scale, 0, SIZE[0] / 2 - scale * width / 2],
                       [0, scale, SIZE[1] / 2 - scale * height / 2]])  # fmt: skip
    return np.asarray(cv2.warpAffine(rgb, matrix, SIZE, flags=cv2.INTER_LINEAR), np.uint8)


def _head_without(
    photographs: Photographs, embeddings: Floats, found: HeldOut, held: NDArray[np.bool_]
) -> KernelHead:
    """A head, and its bands, that know nothing of the held-out themes."""
    head = fit(embeddings[~held], photographs.ratings[~held])
    others = HeldOut(found.mean[~held], found.variance[~held])
    return with_errors(head, others, photographs.ratings[~held])


@contextmanager
def _heads_replaced_by(head: KernelHead, work: Path) -> Iterator[None]:
    """Spotting loads this head instead of the shipped one, which has seen all photographs."""
    write_head(head, work / PICTURE_EMOTION_FILE)
    shipped = PictureEmotionExpert.__init__

    def load_this(expert: PictureEmotionExpert) -> None:
        shipped(expert, work)

    with mock.patch.object(PictureEmotionExpert, "__init__", load_this):
        yield


def _shown(sheet: CueSheet, ratings: Floats, frames: NDArray[np.int64]) -> _Shown:
    """The curve as the music follows it."""
    ends_s = np.cumsum(frames) / FRAME_HZ
    moments = np.arange(STEP_S / 2, ends_s[-1], STEP_S)
    curve = sheet.cues[0].emotion
    said = np.array([(p.valence, p.arousal) for p in map(curve.at, moments.tolist())])
    near = [curve.nearest(Fraction(moment)).uncertainty for moment in moments.tolist()]
    off = np.array([(each.valence, each.arousal) for each in near])
    felt = ratings[np.minimum(np.searchsorted(ends_s, moments, side="right"), len(ratings) - 1)]
    return _Shown(said, off, felt)


def _figures(shown: list[_Shown], axis: int) -> dict[str, object]:
    said, off, felt = (np.concatenate([getattr(each, part)[:, axis] for each in shown])
                       for part in ("said", "off", "felt"))  # fmt: skip
    own, own_variance = by_itself(said, np.square(off), FILM_LIKENESS[axis])
    by_lag = [np.mean([_r_at(each, axis, round(lag / STEP_S)) for each in shown]) for lag in LAGS_S]
    return {
        "r": round(float(np.corrcoef(said, felt)[0, 1]), 3),
        "r_a_film": [round(_r_at(each, axis, 0), 2) for each in shown],
        "lag_s": float(LAGS_S[int(np.argmax(by_lag))]),
        "cover_of_80": _cover(said, off, felt),
        # Photographs stand in no story: the band is made for those that do, and too wide here.
        "cover_of_80_by_themselves": _cover(own, np.sqrt(own_variance), felt),
        "mean_deviation": round(float(off.mean()), 3),
        "root_mean_square_error": round(float(np.sqrt(np.mean((said - felt) ** 2))), 3),
    }


def _cover(said: Floats, off: Floats, felt: Floats) -> float:
    return round(float((np.abs(said - felt) <= BAND_DEVIATIONS * off).mean()), 3)


def _r_at(shown: _Shown, axis: int, late: int) -> float:
    """Correlation of one film when the curve is read so many steps later."""
    said, felt = shown.said[:, axis], shown.felt[:, axis]
    if late > 0:
        said, felt = said[late:], felt[:-late]
    elif late < 0:
        said, felt = said[:late], felt[-late:]
    return float(np.corrcoef(said, felt)[0, 1])
