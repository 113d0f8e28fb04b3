"""What light and colour alone make of rated photographs: the valence of `spotting/emotion.py`,
whether its band is as wide as its errors, and how much of it is to be believed.

Its scales were never fitted to these ratings, so all photographs are held out.
"""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np

from emsync.timecode import RationalTime
from emsync_server.media import shrink
from emsync_server.spotting.appearance import AppearanceSampler
from emsync_server.spotting.emotion import Evidence, curve_of
from emsync_training.picture_emotion.fitting import BAND_DEVIATIONS
from emsync_training.picture_emotion.photographs import Photographs, read_picture

__all__ = ["measure_light_and_colour"]

RATE, SHOWN_FRAMES = Fraction(8), 80


def measure_light_and_colour(photographs: Photographs) -> dict[str, float]:
    """Each photograph is held still for ten seconds, without sound."""
    said, off = (np.zeros(len(photographs)) for _ in range(2))
    for at, path in enumerate(photographs.paths):
        rgb = read_picture(path)
        even = np.ascontiguousarray(rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2])
        frame = av.VideoFrame.from_ndarray(even, format="rgb24").reformat(format="yuv420p")
        small = shrink(frame)
        sampler = AppearanceSampler(RATE)
        for index in range(SHOWN_FRAMES):
            sampler.see(small, float(index / RATE))
        evidence = Evidence(RationalTime(SHOWN_FRAMES, RATE), (), sampler.finish([]), None)
        point = curve_of(evidence).points[0]
        said[at], off[at] = point.emotion.valence, point.uncertainty.valence
    felt = photographs.ratings[:, 0]
    figures = {
        "valence_r": np.corrcoef(said, felt)[0, 1],
        "valence_slope": np.polyfit(said, felt, 1)[0],
        "valence_squared_error": np.mean((said - felt) ** 2),
        "valence_variance_said": np.mean(off**2),
        "valence_cover_of_80": np.mean(np.abs(said - felt) <= BAND_DEVIATIONS * off),
    }
    return {name: round(float(value), 3) for name, value in figures.items()}
