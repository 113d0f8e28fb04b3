"""Transitions: how one shot becomes the next. `before`, `after`: (N, H, W, 3) as float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Join = Callable[[Floats, Floats, Floats, np.random.Generator], Floats]

BLACK, WHITE = (0.0, 128.0, 128.0), (255.0, 128.0, 128.0)


def dissolve(before: Floats, after: Floats, share: Floats, rng: np.random.Generator) -> Floats:
    """From one to the other; `share` (N,) of the new one at each frame."""
    if rng.random() < 0.25:  # eased
        share = share * share * (3 - 2 * share)
    return before + (after - before) * share[:, None, None, None]


def fade(before: Floats, after: Floats, share: Floats, rng: np.random.Generator) -> Floats:
    """Out to an even picture, and in again, with or without a stay."""
    colour = np.array(WHITE if rng.random() < 0.25 else BLACK, np.float32)
    stay = 0.0 if rng.random() < 0.6 else rng.uniform(0.05, 0.5)
    ramp = (1 - stay) / 2
    out = np.clip(1 - share / ramp, 0, 1)[:, None, None, None]
    back = np.clip((share - 1 + ramp) / ramp, 0, 1)[:, None, None, None]
    mixed = np.where(
        (share < 0.5)[:, None, None, None],
        before * out + colour * (1 - out),
        after * back + colour * (1 - back),
    )
    return np.asarray(mixed, np.float32)


def wipe(before: Floats, after: Floats, share: Floats, rng: np.random.Generator) -> Floats:
    """An edge, hard or soft, moves over the picture; straight, slanted or round."""
    height, width = before.shape[1:3]
    down, right = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    if rng.random() < 0.25:
        order = np.hypot(down - 0.5, right - 0.5) / np.hypot(0.5, 0.5)
        if rng.random() < 0.2:
            order = 1 - order
    else:
        angle = rng.integers(4) * np.pi / 2 + (rng.normal(0, 0.4) if rng.random() < 0.3 else 0)
        order = down * np.sin(angle) + right * np.cos(angle)
        order = (order - order.min()) / (order.max() - order.min())
    soft = 0.01 if rng.random() < 0.6 else rng.uniform(0.02, 0.4)
    mask = np.clip((share[:, None, None] * (1 + soft) - order) / soft, 0, 1)[..., None]
    return np.asarray(before + (after - before) * mask, np.float32)


def slide(before: Floats, after: Floats, share: Floats, rng: np.random.Generator) -> Floats:
    """The new picture comes in from a side: over the old one, or pushing it out."""
    pushes, side = rng.random() < 0.6, int(rng.integers(4))
    axis = 2 if side % 2 else 1
    length = before.shape[axis]
    out = before.copy()
    for index, done in enumerate(share):
        edge = int(length * done)
        old, new = before[index], after[index]
        if side >= 2:
            old, new = np.flip(old, axis - 1), np.flip(new, axis - 1)
        old, new = np.moveaxis(old, axis - 1, 0), np.moveaxis(new, axis - 1, 0)
        kept = old[edge:] if pushes else old[: length - edge]
        joined = np.moveaxis(np.concatenate((kept, new[:edge])), 0, axis - 1)
        out[index] = np.flip(joined, axis - 1) if side >= 2 else joined
    return out


GRADUAL: dict[str, tuple[Join, float]] = {
    "dissolve": (dissolve, 0.5),
    "fade": (fade, 0.24),
    "wipe": (wipe, 0.16),
    "slide": (slide, 0.1),
}
"""Each with its share of all gradual changes."""
