"""A second, slower look at changes in doubt: by TransNet V2, which sees pictures, not differences.

`models/second_look.onnx` (`emsync_training.experts.second_look`) has learned from thousands of
films that emsync's own shot network has not, and is blind to other things: it knows a dissolve when
it sees one, and nothing of most wipes. A frame costs it several hundred times what the shot
network's does, so that only a short window around each doubtful dissolve or fade is shown to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.inference.network import Network
from emsync_server.media.small_picture import SmallPicture
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.evidence import Stretch

__all__ = ["SECOND_EVIDENCE", "WINDOW", "SecondLook"]

WINDOW = 32
"""Frames that are shown to it: most gradual changes are shorter."""
HEIGHT, WIDTH = 27, 48
SHADES, COLOURS = 8, 512
"""A colour is one of eight shades of red, of green and of blue."""
BESIDE = 2
"""Frames before and after a change in which it may tell it, too."""
LEAST_SAID, MOST_SAID = -6.0, 4.0
"""Logits."""

SECOND_EVIDENCE = ("seen",)
"""What is weighed after a second look: `SecondLook.of`."""

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SecondLook:
    """The network that looks again."""

    network: Network

    @classmethod
    def load(cls) -> SecondLook:
        """The one that emsync brings."""
        shapes = {"pictures": (WINDOW, 3, HEIGHT, WIDTH), "colours": (WINDOW, COLOURS)}
        path = MODELS_FOLDER / "second_look.onnx"
        answers = {"answers": (WINDOW, 2)}
        # The decoder has the other threads.
        return cls(Network.load(path, inputs=shapes, outputs=answers, threads=1))

    def of(self, film: Stretch, first: int, last: int) -> float:
        """Of a change that these frames show, a logit: the mean of how surely a transition is told
        in one of them, and how surely one is shown by any."""
        start = (first + last + 1) // 2 - WINDOW // 2
        seen = as_seen([film.at(start + index) for index in range(WINDOW)])
        answers = self.network.run(seen)["answers"]
        from_, to = first - BESIDE - start, last + BESIDE + 1 - start
        said = answers[max(0, from_) : min(WINDOW, to)].max(axis=0)
        return float(said.clip(LEAST_SAID, MOST_SAID).mean())


def as_seen(pictures: list[Bytes]) -> dict[str, Floats]:
    """Small pictures (3, H, W) as the network takes them, and how much of each colour there is."""
    colours = [
        cv2.cvtColor(
            cv2.resize(SmallPicture(each).bgr(), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA),
            cv2.COLOR_BGR2RGB,
        )
        for each in pictures
    ]
    rgb = np.stack(colours)  # (T, H, W, 3)
    shades = rgb.reshape(len(rgb), -1, 3).astype(np.intp) * SHADES // 256
    which = (shades[..., 0] * SHADES + shades[..., 1]) * SHADES + shades[..., 2]
    counts = np.stack([np.bincount(each, minlength=COLOURS) for each in which]).astype(np.float32)
    return {
        "pictures": np.ascontiguousarray(rgb.transpose(0, 3, 1, 2), np.float32) / 255,
        "colours": counts / np.linalg.norm(counts, axis=1, keepdims=True),
    }
