"""What a second look sees, of what it is taken, and what it changes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from emsync.picture import BoundaryKind
from emsync_server.media.small_picture import HEIGHT, WIDTH, SmallPicture
from emsync_server.spotting.changes import ANSWERS
from emsync_server.spotting.evidence import CUT_EVIDENCE, GRADUAL_EVIDENCE, Stretch
from emsync_server.spotting.judging import (
    LEAST_DOUBTED,
    MOST_DOUBTED,
    Judge,
    Proposal,
    Sum,
    shipped_judge,
)
from emsync_server.spotting.second_look import COLOURS, WINDOW, SecondLook, as_seen
from emsync_server.spotting.shots import ShotFinder

RIGHT, WRONG = 3.0, -5.0


def place(seed: int) -> np.ndarray:
    """A picture, rough at every scale: (3, H, W)."""
    random = np.random.default_rng(seed)
    picture = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for cells, height in ((3, 40), (9, 25), (30, 15)):
        coarse = random.normal(0, height, (cells, cells, 3)).astype(np.float32)
        picture += cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.moveaxis(picture * (1, 0.5, 0.5) + (120, 128, 128), -1, 0).clip(16, 235)


def film_of(pictures: list[np.ndarray]) -> Stretch:
    quiet = np.full((len(pictures), ANSWERS), -9.0, np.float32)
    return Stretch(np.stack(pictures).clip(0, 255).astype(np.uint8), quiet)


def one_weight(names: tuple[str, ...], name: str = "answer") -> Sum:
    """The measure itself."""
    weight = tuple(float(each == name) for each in names)
    return Sum((0.0,) * len(names), (1.0,) * len(names), weight, 0.0)


def proposal(kind: BoundaryKind, score: float, second: float | None = None):
    names = CUT_EVIDENCE if kind is BoundaryKind.CUT else GRADUAL_EVIDENCE
    last = 30 if kind is BoundaryKind.CUT else 40
    return Proposal(30, last, kind, (score, *(0.0,) * (len(names) - 1)), second=second)


def judge() -> Judge:
    """Who takes the network's answer for the score, and weighs second looks as shipped."""
    first = one_weight(CUT_EVIDENCE), one_weight(GRADUAL_EVIDENCE)
    return Judge(*first, shipped_judge().second, shipped_judge().seam)


def test_a_picture_is_seen_in_its_colours():
    red = np.zeros((3, HEIGHT, WIDTH), np.uint8)
    red[0], red[1], red[2] = 76, 85, 255
    seen = as_seen([red, place(1).astype(np.uint8)])
    assert seen["pictures"].shape == (2, 3, 27, 48)
    assert seen["pictures"][0].mean(axis=(1, 2)) == pytest.approx((1, 0, 0), abs=0.02)
    assert seen["colours"].shape == (2, COLOURS)
    assert seen["colours"][0].argmax() == 7 * 64
    assert np.linalg.norm(seen["colours"], axis=1) == pytest.approx(1)
    assert SmallPicture(red).bgr()[0, 0].tolist() == pytest.approx([0, 0, 254], abs=2)


def test_it_knows_a_dissolve_from_a_shot_that_goes_on():
    here, there = place(1), place(2)
    shares = np.concatenate((np.zeros(30), np.arange(1, 13) / 13, np.ones(30)))
    dissolve = film_of([here + (there - here) * share for share in shares])
    on = film_of([np.roll(here, index // 2, axis=2) for index in range(72)])
    look = SecondLook.load()
    assert look.of(dissolve, 30, 41) > 0 > look.of(on, 30, 41)


def test_near_the_ends_of_a_film_the_picture_stands_still():
    film = film_of([place(1)] * 6)
    assert SecondLook.load().of(film, 1, 3) < 0


@pytest.mark.parametrize("kind", [BoundaryKind.DISSOLVE, BoundaryKind.FADE])
@pytest.mark.parametrize("score", [-0.8, 0.5])
def test_what_it_tells_of_a_doubtful_mixture_decides(kind, score):
    assert judge().told([proposal(kind, score, RIGHT)])
    assert not judge().told([proposal(kind, score, WRONG)])


@pytest.mark.parametrize(
    ("kind", "score", "doubted"),
    [
        (BoundaryKind.DISSOLVE, 0.1, True),
        (BoundaryKind.FADE, -0.1, True),
        (BoundaryKind.DISSOLVE, LEAST_DOUBTED - 0.1, False),
        (BoundaryKind.FADE, MOST_DOUBTED + 0.1, False),
        (BoundaryKind.WIPE, 0.1, False),
        (BoundaryKind.CUT, 0.1, False),
    ],
)
def test_only_what_is_in_doubt_is_worth_a_second_look(kind, score, doubted):
    assert judge().is_in_doubt(proposal(kind, score)) is doubted


def test_the_finder_shows_it_the_frames_in_doubt_and_no_others():
    looks: list[Stretch] = []

    class Watcher:
        def of(self, film: Stretch, first: int, last: int) -> float:
            middle = (first + last + 1) // 2
            assert middle + WINDOW // 2 < len(film.pictures)
            looks.append(film)
            return WRONG

    class Unsure(Judge):
        def is_in_doubt(self, proposal: Proposal) -> bool:
            return proposal.kind is not BoundaryKind.CUT

    here, there = place(1), place(2)
    shares = np.concatenate((np.zeros(300), np.arange(1, 13) / 13, np.ones(200)))
    pictures = [here + (there - here) * share for share in shares] + [place(3)] * 200
    shipped = shipped_judge()
    finder = ShotFinder(
        judge=Unsure(shipped.cut, shipped.gradual, shipped.second, shipped.seam),
        second=Watcher(),  # type: ignore[arg-type]  # looks as one
    )
    for each in pictures:
        finder.see(SmallPicture(each.astype(np.uint8)))
    proposals = finder.proposals()
    gradual = [each for each in proposals if each.kind is not BoundaryKind.CUT]
    assert [each.second for each in gradual] == [WRONG] * len(gradual)
    assert all(each.second is None for each in proposals if each.kind is BoundaryKind.CUT)
    assert len(looks) == len(gradual) == 1
