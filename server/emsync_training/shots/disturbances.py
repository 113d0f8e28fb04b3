"""What looks like a cut and is none. Each changes `shot`, (N, H, W, 3) float32, from a frame on."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Disturbance = Callable[[Floats, np.random.Generator], None]


def flash(shot: Floats, rng: np.random.Generator) -> None:
    """One to four frames far too bright, of a camera or a gun; sometimes from one corner."""
    at, length = _place(shot, rng, 1, 4)
    height, width = shot.shape[1:3]
    where = np.ones((height, width), np.float32)
    if rng.random() < 0.4:
        down, right = np.mgrid[0:height, 0:width]
        far = np.hypot(down - rng.integers(height), right - rng.integers(width)) / width
        where = np.exp(-((far / rng.uniform(0.3, 0.9)) ** 2)).astype(np.float32)
    for index in range(length):
        gain = rng.uniform(0.5, 2.2) * (1 - 0.6 * index / length)
        shot[at + index, ..., 0] += where * (gain * shot[at + index, ..., 0] + 60 * gain)


def strobe(shot: Floats, rng: np.random.Generator) -> None:
    """Flashes again and again."""
    at, length = _place(shot, rng, 12, 48)
    period, lit = int(rng.integers(3, 9)), int(rng.integers(1, 3))
    gain, lift = rng.uniform(0.6, 2.0), rng.uniform(20, 100)
    for index in range(0, length):
        if index % period < lit:
            shot[at + index, ..., 0] = shot[at + index, ..., 0] * (1 + gain) + lift


def lost_frames(shot: Floats, rng: np.random.Generator) -> None:
    """One to three frames black, white or grey."""
    at, length = _place(shot, rng, 1, 3)
    shot[at : at + length] = (rng.choice([0, 0, 0, 128, 255]), 128, 128)


def exposure_dip(shot: Floats, rng: np.random.Generator) -> None:
    """Darker or brighter, and back, over up to two seconds."""
    at, length = _place(shot, rng, 8, 50)
    depth = rng.uniform(-0.6, 0.95)
    gain = 1 - depth * np.sin(np.pi * (np.arange(length) + 1) / (length + 1))
    _light(shot[at : at + length], gain)


def exposure_step(shot: Floats, rng: np.random.Generator) -> None:
    """A lamp goes on or off, at once or within half a second, and stays."""
    at, length = _place(shot, rng, 1, 12 if rng.random() < 0.5 else 2)
    to = rng.choice([rng.uniform(0.35, 0.8), rng.uniform(1.25, 2.2)])
    gain = np.full(len(shot) - at, to)
    gain[:length] = np.linspace(1, to, length + 1)[1:]
    _light(shot[at:], gain)


def flicker(shot: Floats, rng: np.random.Generator) -> None:
    """Old film, bad lamp."""
    _light(shot, 1 + rng.normal(0, rng.uniform(0.02, 0.12), len(shot)))


def title(shot: Floats, rng: np.random.Generator) -> None:
    """A plate with lines of text comes, stays or goes; at once or within half a second."""
    height, width = shot.shape[1:3]
    top, left = int(rng.uniform(0, 0.7) * height), int(rng.uniform(0, 0.4) * width)
    tall, wide = int(rng.uniform(0.1, 0.3) * height), int(rng.uniform(0.3, 0.6) * width)
    plate = np.full((tall, wide, 3), (rng.uniform(0, 255), *rng.uniform(100, 156, 2)), np.float32)
    plate[tall // 4 : tall // 2, wide // 10 : -wide // 8] = (rng.choice([16, 235]), 128, 128)
    at, length = _place(shot, rng, 10, 90)
    soft = 0 if rng.random() < 0.6 else int(rng.integers(2, 13))
    opaque = rng.uniform(0.6, 1)
    for index in range(length):
        shown = opaque * min(1.0, (index + 1) / (soft + 1), (length - index) / (soft + 1))
        under = shot[at + index, top : top + tall, left : left + wide]
        under += (plate[: under.shape[0], : under.shape[1]] - under) * shown


def whip(shot: Floats, rng: np.random.Generator) -> None:
    """The camera swings away and comes to rest on the same scene, blurred on the way."""
    at, length = _place(shot, rng, 5, 14)
    width = shot.shape[2]
    for index in range(length):
        share = (index + 1) / (length + 1)
        moved = int(2 * width * share * share * (3 - 2 * share))
        strip = np.concatenate((shot[at + index], shot[at + index][:, ::-1]), axis=1)
        view = np.roll(strip, -moved, axis=1)[:, :width]
        blur = max(1, int(width / 16 * np.sin(np.pi * share)))
        shot[at + index] = cv2.blur(view, (2 * blur + 1, 1))


def snap_zoom(shot: Floats, rng: np.random.Generator) -> None:
    """In within some frames; the rest of the shot stays near."""
    at, length = _place(shot, rng, 4, 14)
    nearest = rng.uniform(1.3, 2.4)
    for index in range(len(shot) - at):
        share = min(1.0, (index + 1) / length)
        shot[at + index] = zoomed(shot[at + index], 1 + (nearest - 1) * share * share)


def shake(shot: Floats, rng: np.random.Generator) -> None:
    """The camera is hit."""
    at, length = _place(shot, rng, 4, 30)
    reach = shot.shape[2] * rng.uniform(0.008, 0.05)
    for index in range(length):
        down, right = rng.normal(0, reach, 2)
        shot[at + index] = _shifted(shot[at + index], down, right)


def passer_by(shot: Floats, rng: np.random.Generator) -> None:
    """Someone dark or bright walks or drives through near the lens."""
    at, length = _place(shot, rng, 5, 24)
    height, width = shot.shape[1:3]
    wide = int(width * rng.uniform(0.3, 1.2))
    colour = (rng.uniform(0, 200), *rng.uniform(110, 146, 2))
    grain = cv2.resize(rng.normal(0, 18, (6, 10)).astype(np.float32), (wide, height))[..., None]
    body = np.full((height, wide, 3), colour, np.float32) + grain * (1, 0, 0)
    leftwards = rng.random() < 0.5
    for index in range(length):
        left = int(-wide + (width + wide) * (index + 1) / (length + 1))
        left = width - wide - left if leftwards else left
        first, last = max(0, left), min(width, left + wide)
        if first < last:
            shot[at + index, :, first:last] = body[:, first - left : last - left]


def explosion(shot: Floats, rng: np.random.Generator) -> None:
    """A bright ball grows from a point and burns out."""
    at, length = _place(shot, rng, 6, 30)
    height, width = shot.shape[1:3]
    down, right = np.mgrid[0:height, 0:width]
    far = np.hypot(down - rng.integers(height), right - rng.integers(width))
    for index in range(length):
        share = (index + 1) / length
        radius = width * rng.uniform(0.5, 0.9) * np.sqrt(share)
        shown = np.exp(-((far / radius) ** 2)) * min(1.0, 3 * (1 - share))
        ball = np.array((240, 100, 160), np.float32)
        shot[at + index] += (ball - shot[at + index]) * shown[..., None].astype(np.float32)


def freeze(shot: Floats, rng: np.random.Generator) -> None:
    """The picture stands still for a while, and jumps on."""
    at, length = _place(shot, rng, 3, 20)
    shot[at : at + length] = shot[at]


def ghost(shot: Floats, rng: np.random.Generator) -> None:
    """The shot laid over itself, earlier or mirrored: a doubled picture, for a while."""
    at, length = _place(shot, rng, 10, 80)
    part = shot[at : at + length]
    other = part[:, :, ::-1] if rng.random() < 0.5 else np.roll(part, int(rng.integers(2, 9)), 0)
    part += (other.copy() - part) * np.float32(rng.uniform(0.2, 0.5))


DISTURBANCES: tuple[tuple[Disturbance, float], ...] = (
    (flash, 3), (strobe, 1.5), (lost_frames, 1.5), (exposure_dip, 2), (exposure_step, 2),
    (flicker, 0.7), (title, 2), (whip, 1.5), (snap_zoom, 1.5), (shake, 1.5), (passer_by, 1.5),
    (explosion, 1), (freeze, 0.7), (ghost, 0.7),
)  # fmt: skip
"""Each with its weight."""
USUAL = (flash, strobe, lost_frames, exposure_dip, title, whip, snap_zoom, shake)
"""Those that edited films are full of; the others are there to learn from."""


def zoomed(picture: Floats, factor: float) -> Floats:
    """The middle of a picture, as large as the whole."""
    height, width = picture.shape[:2]
    tall, wide = height / factor, width / factor
    move = np.array(
        [[1 / factor, 0, (width - wide) / 2], [0, 1 / factor, (height - tall) / 2]], np.float32
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(picture, move, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT),
        np.float32,
    )


def _shifted(picture: Floats, down: float, right: float) -> Floats:
    move = np.array([[1, 0, right], [0, 1, down]], np.float32)
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(
        cv2.warpAffine(picture, move, size, borderMode=cv2.BORDER_REFLECT), np.float32
    )


def _light(shot: Floats, gain: NDArray[np.floating]) -> None:
    gain = np.maximum(gain, 0.03).astype(np.float32)[:, None, None]
    shot[..., 0] *= gain
    shot[..., 1:] = 128 + (shot[..., 1:] - 128) * np.minimum(gain, 1.3)[..., None]


def _place(shot: Floats, rng: np.random.Generator, least: int, most: int) -> tuple[int, int]:
    """Where it begins and how long it is, inside the shot."""
    length = int(rng.integers(least, most + 1))
    length = max(1, min(length, len(shot) - 4))
    return int(rng.integers(2, max(3, len(shot) - length - 1))), length
