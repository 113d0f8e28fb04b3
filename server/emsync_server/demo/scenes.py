"""The eight shots, each a function that makes a function that draws one frame.

Paper cut-outs: flat shapes on gradients, moved in layers. A shot is told its length in frames;
positions are in pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["HEIGHT", "SCENES", "WIDTH"]

WIDTH, HEIGHT = 960, 540
SHIFT = 4
"""OpenCV draws in sixteenths of a pixel, so that slow things glide."""

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]
Draw = Callable[[int], Image]


def dawn(frames: int) -> Draw:
    """Calm: a pale sun rises behind blue hills."""
    sky = _gradient((24, 42, 88), (126, 150, 190), (236, 196, 178))
    far, near = _ridge(3, 36), _ridge(5, 54)

    def draw(index: int) -> Image:
        image = sky.copy()
        share = index / frames
        _glow(image, (620, 420 - 110 * share), 46, (255, 232, 196), 190)
        _hill(image, far, 360, 0.35 * index, (74, 98, 142))
        _hill(image, near, 430, 0.8 * index, (38, 56, 92))
        return image

    return draw


def meadow(frames: int) -> Draw:
    """Happy: green hills, a warm sky, flowers in the wind."""
    sky = _gradient((104, 188, 250), (190, 226, 250), (255, 240, 190))
    far, near = _ridge(11, 40), _ridge(12, 30)
    random = np.random.default_rng(7)
    flowers = [
        (random.uniform(0, 1.3 * WIDTH), random.uniform(410, 520), random.integers(4))
        for _ in range(70)
    ]
    petals: tuple[Colour, ...] = ((252, 92, 96), (255, 214, 72), (255, 255, 255), (240, 130, 220))

    def draw(index: int) -> Image:
        image = sky.copy()
        _glow(image, (200, 110), 60, (255, 246, 180), 160)
        for cloud in range(3):
            _cloud(image, (180 + 330 * cloud + 0.7 * index, 90 + 34 * cloud))
        _hill(image, far, 330, 0.5 * index, (120, 196, 84))
        _hill(image, near, 400, 1.3 * index, (78, 168, 60))
        for at, (x, y, kind) in enumerate(flowers):
            sway = 5 * np.sin(index / 7 + at)
            left = x - 1.3 * index
            _line(image, (left, y + 26), (left + sway, y), (48, 120, 44), 2)
            _disc(image, (left + sway, y), 7, petals[int(kind)])
            _disc(image, (left + sway, y), 3, (250, 190, 40))
        return image

    return draw


def forest(frames: int) -> Draw:
    """Uneasy: walking past dark trunks at dusk."""
    sky = _gradient((42, 52, 62), (66, 76, 70), (30, 38, 32))
    layers = [
        (0.8, (44, 54, 50), 26, 120),
        (2.2, (26, 34, 32), 44, 200),
        (5.0, (10, 14, 14), 76, 340),
    ]

    def draw(index: int) -> Image:
        image = sky.copy()
        bob = 4 * np.sin(index / 24 * 2 * np.pi * 1.8)
        for speed, colour, width, gap in layers:
            for number in range(-1, 12):
                x = (number * gap + (number * 37) % 60 - speed * index) % (gap * 11) - gap
                _polygon(
                    image,
                    [
                        (x, -5),
                        (x + width, -5),
                        (x + width * 1.3, HEIGHT),
                        (x - width * 0.3, HEIGHT),
                    ],
                    colour,
                )
        _polygon(
            image, [(0, 492 + bob), (WIDTH, 486 + bob), (WIDTH, HEIGHT), (0, HEIGHT)], (14, 18, 14)
        )
        return image

    return draw


def chase(frames: int) -> Draw:
    """Fast and dangerous: a road under a red sky."""
    sky = _gradient((70, 6, 10), (190, 34, 18), (250, 132, 40))
    towers = np.random.default_rng(21).integers(40, 210, 40)

    def draw(index: int) -> Image:
        image = sky.copy()
        shake = 7 * np.sin(index * 1.9) + 4 * np.sin(index * 3.1)
        horizon = 300 + shake
        for number, height in enumerate(towers):
            x = (number * 70 - 16 * index) % (70 * len(towers)) - 70
            _polygon(
                image,
                [
                    (x, horizon),
                    (x, horizon - height),
                    (x + 52, horizon - height),
                    (x + 52, horizon),
                ],
                (48, 8, 14),
            )
        _polygon(
            image, [(0, horizon), (WIDTH, horizon), (WIDTH, HEIGHT), (0, HEIGHT)], (34, 12, 16)
        )
        for number in range(9):
            near = ((number / 9 + index * 0.055) % 1) ** 2
            y, half = horizon + near * 260, 3 + near * 22
            _polygon(
                image,
                [
                    (480 - half, y),
                    (480 + half, y),
                    (480 + half * 1.5, y + 4 + near * 60),
                    (480 - half * 1.5, y + 4 + near * 60),
                ],
                (255, 216, 120),
            )
        for number in range(14):
            y = 40 + (number * 97) % 460
            x = WIDTH - ((index * 90 + number * 173) % (WIDTH + 500))
            _line(image, (x, y), (x + 260, y), (255, 170, 96), 2)
        return image

    return draw


def storm(frames: int) -> Draw:
    """Frightening: rain on bare trees, and lightning, which is a flash and not a cut."""
    sky = _gradient((6, 9, 22), (18, 24, 44), (10, 14, 24))
    flashes = {22, 23, 61, 63, 64}
    random = np.random.default_rng(5)
    drops = random.uniform(0, 1, (260, 2)) * (WIDTH + 200, HEIGHT)

    def draw(index: int) -> Image:
        image = sky.copy()
        _hill(image, _ridge(31, 70), 420, 0.4 * index, (3, 4, 9))
        for number in range(6):
            _bare_tree(image, 90 + 170 * number, 470, 90 + (number * 53) % 70, index + 9 * number)
        for x, y in drops:
            left, top = (x - 6 * index) % (WIDTH + 200) - 100, (y + 34 * index) % HEIGHT
            _line(image, (left, top), (left - 5, top + 24), (70, 84, 110), 1)
        if index in flashes:
            image = np.asarray(cv2.convertScaleAbs(image, alpha=2.6, beta=96), np.uint8)
        return image

    return draw


def tunnel(frames: int) -> Draw:
    """Headlong: rings of light rush past."""
    hub = np.array((WIDTH / 2, HEIGHT / 2))

    def draw(index: int) -> Image:
        image = np.full((HEIGHT, WIDTH, 3), (16, 4, 30), np.uint8)
        drift = hub + np.array((60 * np.sin(index / 11), 34 * np.cos(index / 9)))
        for number in range(12):
            depth = (number / 12 + index * 0.045) % 1
            radius = 12 + 760 * depth**2.4
            light = 60 + 195 * depth
            colour = (int(light), int(light * 0.25 + 30 * (number % 2)), int(light * 0.85))
            spot = hub + (drift - hub) * (1 - depth)
            _ring(image, (float(spot[0]), float(spot[1])), radius, colour, 2 + int(26 * depth))
        return image

    return draw


def sea(frames: int) -> Draw:
    """Alone and still: a moon over dark water."""
    sky = _gradient((8, 14, 34), (22, 34, 62), (10, 20, 40))
    random = np.random.default_rng(3)
    stars = random.uniform(0, 1, (60, 2)) * (WIDTH, 250)

    def draw(index: int) -> Image:
        image = sky.copy()
        for number, (x, y) in enumerate(stars):
            light = int(110 + 60 * np.sin(index / 9 + number))
            _disc(image, (float(x), float(y)), 1.2, (light, light, light))
        _glow(image, (640, 130), 34, (220, 226, 236), 90)
        image[300:] = image[300:] // 2
        for row in range(14):
            y = 308 + row * 17
            half = 18 + 5 * row + 10 * np.sin(index / 12 + row * 1.7)
            centre = 640 + 5 * np.sin(index / 15 + row)
            _line(image, (centre - half, y), (centre + half, y), (112, 124, 146), 2)
        boat = 250 + 0.25 * index
        bob = 3 * np.sin(index / 14)
        _polygon(
            image,
            [
                (boat, 330 + bob),
                (boat + 110, 330 + bob),
                (boat + 86, 352 + bob),
                (boat + 22, 352 + bob),
            ],
            (4, 6, 12),
        )
        _line(image, (boat + 52, 330 + bob), (boat + 52, 262 + bob), (4, 6, 12), 3)
        return image

    return draw


def feast(frames: int) -> Draw:
    """Joy: balloons and confetti in full light."""
    sky = _gradient((255, 196, 92), (255, 224, 140), (255, 246, 214))
    random = np.random.default_rng(9)
    paper = random.uniform(0, 1, (180, 4))
    balloons = random.uniform(0, 1, (16, 3))
    colours: tuple[Colour, ...] = (
        *((236, 62, 74), (56, 152, 236), (72, 190, 96)),
        *((252, 206, 48), (186, 92, 214), (255, 128, 40)),
    )

    def draw(index: int) -> Image:
        image = sky.copy()
        for ray in range(12):
            angle = ray * np.pi / 6 + index / 90
            tips = [
                (480 + 900 * np.cos(angle + side), 560 + 900 * np.sin(angle + side))
                for side in (-0.12, 0.12)
            ]
            _polygon(image, [(480, 560), *tips], (255, 234, 168))
        for number, (x, y, size) in enumerate(balloons):
            left = x * WIDTH + 16 * np.sin(index / 13 + number)
            top = (y * 900 - (2.0 + 2 * size) * index) % 900 - 150
            radius = 26 + 26 * size
            colour = colours[number % len(colours)]
            _line(image, (left, top + radius), (left + 4, top + radius + 70), (150, 120, 90), 1)
            _disc(image, (left, top), radius, colour)
            _disc(image, (left - radius / 3, top - radius / 3), radius / 5, (255, 250, 240))
        for number, (x, y, size, turn) in enumerate(paper):
            left = (x * WIDTH + 30 * np.sin(index / 10 + 6 * turn)) % WIDTH
            top = (y * HEIGHT + (3 + 4 * size) * index) % HEIGHT
            wide = 3 + 7 * abs(np.sin(index / 4 + 9 * turn))
            _polygon(
                image,
                [(left, top), (left + wide, top + 2), (left + wide, top + 10), (left, top + 8)],
                colours[number % len(colours)],
            )
        return image

    return draw


SCENES: tuple[Callable[[int], Draw], ...] = (
    dawn,
    meadow,
    forest,
    chase,
    storm,
    tunnel,
    sea,
    feast,
)


def _gradient(top: Colour, middle: Colour, bottom: Colour) -> Image:
    """A sky: three colours from top to bottom."""
    rows = np.linspace(0, 2, HEIGHT)
    stops = np.array((top, middle, bottom), np.float64)
    column = np.stack([np.interp(rows, (0, 1, 2), stops[:, c]) for c in range(3)], axis=1)
    return np.ascontiguousarray(
        np.broadcast_to(column[:, None], (HEIGHT, WIDTH, 3)).round().astype(np.uint8)
    )


def _ridge(seed: int, height: float) -> NDArray[np.float64]:
    """The outline of a chain of hills, twice as wide as the picture, that closes upon itself."""
    random = np.random.default_rng(seed)
    x = np.linspace(0, 2 * np.pi, 2 * WIDTH, endpoint=False)
    waves = [np.sin(x * k + random.uniform(0, 6.28)) / k**0.7 for k in (2, 3, 5, 8, 13)]
    return np.asarray(height * np.sum(waves, axis=0) / 2)


def _hill(
    image: Image, ridge: NDArray[np.float64], base: float, moved: float, colour: Colour
) -> None:
    """Fill everything below an outline."""
    xs = np.arange(0, WIDTH + 8, 8)
    ys = base - np.interp((xs + moved) % len(ridge), np.arange(len(ridge)), ridge)
    _polygon(
        image, [(0, HEIGHT), *zip(xs.tolist(), ys.tolist(), strict=True), (WIDTH, HEIGHT)], colour
    )


def _glow(
    image: Image, centre: tuple[float, float], radius: float, colour: Colour, reach: int
) -> None:
    """A disc with light around it."""
    x, y = centre
    left, top = max(0, int(x) - reach), max(0, int(y) - reach)
    part = image[top : int(y) + reach, left : int(x) + reach]
    ys, xs = np.ogrid[: part.shape[0], : part.shape[1]]
    away = np.hypot(xs + np.float32(left - x), ys + np.float32(top - y)) / np.float32(reach)
    near = np.square(np.clip(1 - away, 0, 1))[..., None] * np.float32(0.7)
    part[:] = part + (np.array(colour, np.float32) - part) * near
    _disc(image, centre, radius, colour)


def _cloud(image: Image, centre: tuple[float, float]) -> None:
    x, y = centre
    for dx, dy, radius in ((-46, 6, 24), (-16, -8, 34), (22, -2, 30), (52, 8, 20)):
        _disc(image, (x + dx, y + dy), radius, (250, 252, 255))


def _bare_tree(image: Image, x: float, y: float, height: float, phase: float) -> None:
    """A trunk with branches that bend in the wind."""
    bend = 10 * np.sin(phase / 9)
    top = (x + bend, y - height)
    _line(image, (x, y + 90), top, (2, 3, 7), 9)
    for number in range(5):
        share = 0.35 + 0.14 * number
        root = (x + bend * share, y - height * share)
        side = 1 if number % 2 else -1
        _line(image, root, (root[0] + side * 46 + bend, root[1] - 34), (2, 3, 7), 4)


def _fixed(points: list[tuple[float, float]]) -> NDArray[np.int32]:
    return np.asarray(np.round(np.array(points) * 2**SHIFT), np.int32)


def _polygon(image: Image, points: list[tuple[float, float]], colour: Colour) -> None:
    cv2.fillPoly(image, [_fixed(points)], colour, cv2.LINE_AA, SHIFT)


def _line(
    image: Image, start: tuple[float, float], end: tuple[float, float], colour: Colour, width: int
) -> None:
    first, last = _fixed([start, end]).tolist()
    cv2.line(image, first, last, colour, width, cv2.LINE_AA, SHIFT)


def _disc(image: Image, centre: tuple[float, float], radius: float, colour: Colour) -> None:
    _ring(image, centre, radius, colour, cv2.FILLED)


def _ring(
    image: Image, centre: tuple[float, float], radius: float, colour: Colour, width: int
) -> None:
    (spot,) = _fixed([centre]).tolist()
    cv2.circle(image, spot, round(radius * 2**SHIFT), colour, width, cv2.LINE_AA, SHIFT)
