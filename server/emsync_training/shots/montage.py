"""Montages: real shots cut, dissolved, faded and wiped together at known frames, and disturbed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from emsync_server.media.small_picture import HEIGHT, WIDTH
from emsync_training.shots.disturbances import DISTURBANCES, USUAL
from emsync_training.shots.footage import STILL, Pictures
from emsync_training.shots.joins import GRADUAL

QUARTILES = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
SHOT_FRAMES = (5, 15, 52, 102, 211, 467, 600)
"""Of the ClipShots test annotation at those shares of all shots."""
FAST_FRAMES = (4, 5, 8, 12, 18, 24, 30)
MIDDLING_FRAMES = (16, 24, 40, 60, 90, 140, 200)
GRADUAL_FRAMES = (3, 4, 8, 14, 23, 30, 60)
DRAWN_FILMS = 0.15
PANNED_SHARE = 0.15
EDGE_FRAMES = 6
"""At a shot's beginning nothing is disturbed."""


@dataclass(frozen=True)
class Montage:
    """N frames and what is true of each."""

    pictures: NDArray[np.uint8]
    """(N, HEIGHT, WIDTH, 3)"""
    cut: NDArray[np.bool_]
    """(N,) first frame of a new shot."""
    gradual: NDArray[np.int8]
    """(N,) 0, or 1 dissolve, 2 fade, 3 wipe or slide: every frame that shows it."""
    middle: NDArray[np.float32]
    """(N,) 1 in the middle of a gradual change, less around it."""


@dataclass
class Plan:
    """How one montage is made."""

    lengths: Sequence[int] = SHOT_FRAMES
    gradual_share: float = 0.32
    disturbed_share: float = 0.4
    drawn_share: float = 0.06
    similar: bool = False
    dark: bool = False
    plain: bool = False
    """Shots as they were filmed: in no other light, speed or direction."""
    frames: int = 1200
    kinds: dict[str, float] = field(default_factory=lambda: {k: w for k, (_, w) in GRADUAL.items()})


def any_plan(rng: np.random.Generator) -> Plan:
    """As films are: natural, fast, full of traps, similar or dark."""
    return Plan(
        lengths=(SHOT_FRAMES, FAST_FRAMES, MIDDLING_FRAMES)[rng.choice(3, p=(0.35, 0.25, 0.4))],
        gradual_share=float(rng.choice((0.08, 0.32, 0.6))),
        disturbed_share=float(rng.choice((0.1, 0.5, 0.9))),
        drawn_share=0.7 if rng.random() < DRAWN_FILMS else 0.06,
        similar=bool(rng.random() < 0.3),
        dark=bool(rng.random() < 0.25),
    )


def plain_plan(rng: np.random.Generator) -> Plan:
    """As edited films are: nothing drawn, nothing done to a shot but now and then a disturbance."""
    return Plan(
        lengths=(SHOT_FRAMES, FAST_FRAMES, MIDDLING_FRAMES)[rng.choice(3, p=(0.5, 0.15, 0.35))],
        gradual_share=float(rng.choice((0.15, 0.4))),
        disturbed_share=float(rng.choice((0.1, 0.1, 0.9))),
        drawn_share=0.0,
        similar=bool(rng.random() < 0.15),
        dark=bool(rng.random() < 0.15),
        plain=True,
        frames=1500,
    )


def make_montage(
    shots: Sequence[tuple[str, Pictures]], plan: Plan, rng: np.random.Generator
) -> Montage:
    """A montage of these (film, shot) pairs."""
    pieces: list[NDArray[np.float32]] = []
    total, cuts, graduals = 0, [], []
    last: tuple[str, Pictures] | None = None
    while total < plan.frames:
        chosen = _choose(shots, last, plan, rng)
        length = _quantile(rng, plan.lengths)
        shot = _shot(chosen, length, plan, rng)
        last = chosen
        if pieces and rng.random() < plan.gradual_share:
            room = min(len(shot), len(pieces[-1])) - 3
            count = min(_quantile(rng, GRADUAL_FRAMES), room)
            if count >= 3:
                kinds = list(plan.kinds)
                weights = np.array([plan.kinds[kind] for kind in kinds])
                kind = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
                share = ((np.arange(count) + 1) / (count + 1)).astype(np.float32)
                join = GRADUAL[kind][0]
                mixed = join(pieces[-1][-count:], shot[:count], share, rng)
                pieces[-1] = pieces[-1][:-count]
                total -= count
                graduals.append((total, total + count, min(3, 1 + list(GRADUAL).index(kind))))
                pieces += [mixed]
                total += count
                shot = shot[count:]
            else:
                cuts.append(total)
        elif pieces:
            cuts.append(total)
        pieces.append(shot)
        total += len(shot)
    for end in (pieces[0], pieces[-1][::-1]):
        if rng.random() < 0.25:  # no boundary: the film's own beginning and end
            count = min(len(end), int(rng.integers(6, 40)))
            share = np.linspace(0, 1, count, dtype=np.float32)[:, None, None, None]
            end[:count] = end[:count] * share + np.array([0, 128, 128], np.float32) * (1 - share)
    film = np.concatenate(pieces)
    return _finished(film, cuts, graduals, plan, rng)


def _choose(
    shots: Sequence[tuple[str, Pictures]],
    last: tuple[str, Pictures] | None,
    plan: Plan,
    rng: np.random.Generator,
) -> tuple[str, Pictures]:
    """Another shot than the last; where shots are to be similar, of the same film."""
    if last is not None and plan.similar and rng.random() < 0.6:
        stem = last[0][:4]  # asl_, pupp(et_): takes of one place; shots of one film
        near = [each for each in shots if each[0][:4] == stem and each[1] is not last[1]]
        if near and not last[0].startswith(STILL):
            return near[int(rng.integers(len(near)))]
    while True:
        chosen = shots[int(rng.integers(len(shots)))]
        if last is None or chosen[1] is not last[1]:
            return chosen


def _shot(
    chosen: tuple[str, Pictures], length: int, plan: Plan, rng: np.random.Generator
) -> NDArray[np.float32]:
    """A stretch of a shot in another framing, light and speed, perhaps disturbed."""
    stored = chosen[1]
    if plan.plain:
        length = max(4, min(length, len(stored)))
        start = int(rng.integers(0, len(stored) - length + 1))
        size = 1.0 if rng.random() < 0.6 else rng.uniform(0.6, 1)
        shot = _framed(stored[start : start + length], size, rng)
    elif rng.random() < plan.drawn_share:
        shot = _drawn(length, rng)
    elif len(stored) == 1 or rng.random() < PANNED_SHARE:
        moved = _panned_over if rng.random() < 0.4 else _moved_over
        shot = moved(stored[rng.integers(len(stored))], length, rng)
    else:
        stride = int(rng.choice((1, 1, 1, 1, 2, 3)))
        length = max(4, min(length, len(stored) // stride))
        start = int(rng.integers(0, len(stored) - stride * (length - 1)))
        part = stored[start : start + stride * length : stride]
        if rng.random() < 0.3:
            part = part[::-1].copy()
        shot = _framed(part, 1.0 if rng.random() < 0.5 else rng.uniform(0.5, 1), rng)
    if rng.random() < 0.5:
        shot = shot[:, :, ::-1].copy()
    if not plan.plain:
        _regraded(shot, rng)
    if len(shot) < 24 or rng.random() > plan.disturbed_share:
        return shot
    weights = np.array(
        [weight * (not plan.plain or each in USUAL) for each, weight in DISTURBANCES]
    )
    count = 1 if plan.plain else 1 + (len(shot) > 90)
    which = rng.choice(len(DISTURBANCES), size=count, p=weights / weights.sum())
    for index in which:
        DISTURBANCES[index][0](shot[EDGE_FRAMES:], rng)
        np.clip(shot, 0, 255, out=shot)
    return shot


def _drawn(length: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """As cartoons, slides and title cards are: even colours or soft clouds, and a few plates that
    move."""
    if rng.random() < 0.5:
        moved = _panned_over if rng.random() < 0.4 else _moved_over
        out = moved(_clouds(rng), length, rng)
    else:
        out = np.empty((length, HEIGHT, WIDTH, 3), np.float32)
        out[:] = (rng.uniform(0, 255), *rng.uniform(80, 176, 2))
    for _ in range(rng.integers(0, 4)):
        colour = (rng.uniform(0, 255), *rng.uniform(80, 176, 2))
        tall, wide = (int(rng.uniform(0.1, 0.6) * side) for side in (HEIGHT, WIDTH))
        top, left = rng.uniform(0, HEIGHT - tall), rng.uniform(0, WIDTH - wide)
        down, right = rng.normal(0, rng.choice((0, 0.05, 0.4)), 2)
        for index in range(length):
            row = int(abs((top + down * index) % (2 * HEIGHT) - HEIGHT))
            column = int(abs((left + right * index) % (2 * WIDTH) - WIDTH))
            out[index, row : row + tall, column : column + wide] = colour
    return out


def _clouds(rng: np.random.Generator) -> Pictures:
    """Rough at every scale, and of nothing."""
    size = (4 * WIDTH, 4 * HEIGHT)
    cloud = np.full((size[1], size[0], 3), (rng.uniform(60, 180), 128, 128), np.float32)
    for cells in (3, 12, 45):
        rough = rng.normal(0, rng.uniform(8, 32), (cells, 2 * cells, 3)).astype(np.float32)
        rough *= (1, 0.4, 0.4)
        cloud += np.asarray(cv2.resize(rough, size, interpolation=cv2.INTER_CUBIC), np.float32)
    return cloud.clip(0, 255).astype(np.uint8)


def _moved_over(still: Pictures, length: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A camera that pans and zooms over a still, or stands; with a hand's unrest."""
    large = cv2.resize(still, (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_AREA)
    height, width = HEIGHT, WIDTH
    start, end = (np.array([rng.uniform(1, 1.9), *rng.uniform(-0.5, 0.5, 2)]) for _ in range(2))
    pace = rng.choice((0, 0.2, 1, 3)) * length / 100
    end = start + (end - start) * min(1.0, pace)
    unrest = rng.choice((0, 0, 0.3, 0.8))
    out = np.empty((length, height, width, 3), np.float32)
    source = large.astype(np.float32)
    for index in range(length):
        zoom, down, right = start + (end - start) * index / max(1, length - 1)
        scale = 2 / max(1.0, zoom)
        top = (2 * height - scale * height) * (0.5 + down) + rng.normal(0, unrest)
        left = (2 * width - scale * width) * (0.5 + right) + rng.normal(0, unrest)
        move = np.array([[scale, 0, left], [0, scale, top]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        out[index] = cv2.warpAffine(
            source, move, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT
        )
    return out


def _panned_over(still: Pictures, length: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A camera that rests, swings to another part of a wide place, and rests or swings on. Whole
    picture widths go by, as in a slide; but nothing is torn."""
    large = cv2.resize(still, (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_AREA)
    wide = np.concatenate((large, large[:, ::-1], large, large[:, ::-1]), axis=1)  # 8 WIDTH
    speed = np.zeros(length)
    for _ in range(rng.integers(1, 4)):
        swing = int(rng.integers(5, 60))
        at = int(rng.integers(0, length))
        pace = WIDTH * rng.choice((0.02, 0.05, 0.12, 0.3)) * rng.choice((-1, 1))
        eased = np.sin(np.linspace(0, np.pi, swing)) ** rng.choice((0.3, 1))
        speed[at : at + swing] += (pace * eased)[: length - at]
    view = int(HEIGHT * rng.uniform(1, 2)), int(WIDTH * rng.uniform(1, 2))
    lefts = wide.shape[1] / 2 + np.cumsum(speed)
    room = wide.shape[1] - view[1]
    lefts = np.abs((lefts + room) % (2 * room) - room)  # to and fro at the ends
    top = int(rng.integers(0, 2 * HEIGHT - view[0] + 1))
    out = np.empty((length, HEIGHT, WIDTH, 3), np.float32)
    for index in range(length):
        left = int(lefts[index])
        blur = int(abs(speed[index]) / 2) if rng.random() < 0.9 else 0
        seen = np.ascontiguousarray(wide[top : top + view[0], left : left + view[1]])
        if blur > 1:
            seen = cv2.blur(seen, (blur, 1))
        out[index] = cv2.resize(seen, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return out


def _framed(shot: Pictures, size: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """A part of each frame, `size` of it, as small as the network's pictures."""
    height, width = shot.shape[1:3]
    tall, wide = int(height * size), int(width * size)
    top, left = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
    out = np.empty((len(shot), HEIGHT, WIDTH, 3), np.float32)
    for index in range(len(shot)):
        inside = np.ascontiguousarray(shot[index, top : top + tall, left : left + wide])
        out[index] = cv2.resize(inside, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return out


def _regraded(shot: NDArray[np.float32], rng: np.random.Generator) -> None:
    """Other light and colours."""
    if rng.random() < 0.6:
        curve = 255 * np.linspace(0, 1, 256) ** rng.uniform(0.6, 1.7) * rng.uniform(0.6, 1.1)
        shot[..., 0] = curve.astype(np.float32)[shot[..., 0].astype(np.uint8)]
        shot[..., 1:] = 128 + (shot[..., 1:] - 128) * rng.uniform(0.2, 1.4) + rng.normal(0, 5, 2)


def _finished(
    film: NDArray[np.float32],
    cuts: list[int],
    graduals: list[tuple[int, int, int]],
    plan: Plan,
    rng: np.random.Generator,
) -> Montage:
    """The whole film darkened, boxed, grainy, coded; the truth beside it."""
    if plan.dark:
        film = film.copy()
        film[..., 0] = (np.clip(film[..., 0], 0, 255) / 255) ** 1.9 * rng.uniform(70, 130)
        film[..., 1:] = 128 + (film[..., 1:] - 128) * 0.5
    changed_share = 0 if plan.plain else 0.15
    if rng.random() < changed_share:
        film[..., 1:] = 128  # black and white
    if rng.random() < changed_share:
        bar = int(rng.uniform(0.08, 0.16) * film.shape[1])
        film[:, :bar], film[:, -bar:] = (16, 128, 128), (16, 128, 128)
    grain = rng.choice((0.5, 1, 1.5) if plan.plain else (0, 0, 1, 2.5)) + 2 * plan.dark
    if grain:
        film[..., 0] += rng.standard_normal(film.shape[:3], np.float32) * grain
    if rng.random() < 0.5:
        _keyframes_pop(film, rng)
    pictures = film.clip(0, 255).astype(np.uint8)
    count = len(pictures)
    cut, gradual = np.zeros(count, bool), np.zeros(count, np.int8)
    middle = np.zeros(count, np.float32)
    cut[cuts] = True
    for first, end, kind in graduals:
        gradual[first:end] = kind
        offset = np.arange(first, end) - (first + end - 1) / 2
        width = max(0.8, (end - first) / 8)
        middle[first:end] = np.maximum(middle[first:end], np.exp(-0.5 * (offset / width) ** 2))
    repeat = 1 if plan.plain else rng.choice((1, 1, 1, 1, 1, 2, 3))
    if repeat > 1:  # animation on twos, slow films shown fast
        keep = np.repeat(np.arange(count), repeat)
        first_of = np.ones(len(keep), bool)
        first_of[np.flatnonzero(np.diff(keep) == 0) + 1] = False
        pictures, gradual, middle = pictures[keep], gradual[keep], middle[keep]
        cut = cut[keep] & first_of
    return Montage(pictures, cut, gradual, middle)


def _keyframes_pop(film: NDArray[np.float32], rng: np.random.Generator) -> None:
    """An encoder's errors stand until its next keyframe, and then are others."""
    interval, strength = int(rng.choice((12, 48, 250))), rng.uniform(0.5, 2.5)
    for start in range(int(rng.integers(interval)), len(film), interval):
        errors = rng.normal(0, strength, (HEIGHT // 2, WIDTH // 2)).astype(np.float32)
        film[start : start + interval, ..., 0] += cv2.resize(
            errors, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST
        )


def _quantile(rng: np.random.Generator, values: Sequence[int]) -> int:
    return round(float(np.interp(rng.random(), QUARTILES, values)))
