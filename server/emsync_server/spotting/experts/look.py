"""How the picture looks: light, colour and texture, measured without any network.

What painters and Valdez and Mehrabian (1994) tie to emotion: lightness and saturation to pleasure,
their contrast to arousal, warm and cold to the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.spotting.experts.expert import Picture
from emsync_server.spotting.experts.readings import Floats, Reading

__all__ = ["MEASURES", "LookExpert"]

SIDE = 96
HUES, LIGHTS = 8, 6
MEASURES = (
    *("light", "light deviation", "saturation", "saturation deviation", "warmth", "greenness"),
    *("edges", "fine detail", "centre light", "left-right difference"),
    *(f"hue {index}" for index in range(HUES)),
    *(f"lightness {index}" for index in range(LIGHTS)),
)
"""Names of the embedding's values."""


class LookExpert:
    """Pictures to (24,) measures, each about 0 to 1."""

    name = "look"

    def read(self, items: Sequence[Picture]) -> list[Reading | None]:
        """One reading each."""
        return [Reading(self.name, each.time_s, each.time_s, embedding=_measured(each.rgb))
                for each in items]  # fmt: skip


def _measured(rgb: NDArray[np.uint8]) -> Floats:
    scale = SIDE / max(rgb.shape[:2])
    size = (max(8, round(rgb.shape[1] * scale)), max(8, round(rgb.shape[0] * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    light, green_red, blue_yellow = lab[..., 0] / 100, lab[..., 1] / 100, lab[..., 2] / 100
    colour = np.hypot(green_red, blue_yellow)
    across, down = (cv2.Sobel(light, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    blurred = cv2.GaussianBlur(light, (0, 0), 1.5)
    height, width = light.shape
    centre = light[height // 4 : -height // 4, width // 4 : -width // 4]
    half = width // 2
    angle = np.arctan2(blue_yellow, green_red)
    hues, _ = np.histogram(angle, HUES, (-np.pi, np.pi), weights=colour)
    lights, _ = np.histogram(light, LIGHTS, (0, 1.0001))
    values = (
        *(light.mean(), light.std(), colour.mean(), colour.std()),
        *(blue_yellow.mean(), -green_red.mean()),
        *(np.hypot(across, down).mean(), np.abs(light - blurred).mean() * 10),
        centre.mean(),
        abs(float(light[:, :half].mean() - light[:, half:].mean())),
        *(hues / max(float(hues.sum()), 1e-6)),
        *(lights / light.size),
    )
    return np.array(values, np.float32)
