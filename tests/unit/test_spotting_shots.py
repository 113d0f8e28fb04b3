"""Cuts are found to the frame; flashes, motion and titles are none; transitions are told once."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from emsync.picture import BoundaryKind
from emsync_server.media import SmallPicture
from emsync_server.spotting.shots import STRETCH, ShotFinder
from emsync_server.spotting.traces import CHANNELS, Tracer

WIDTH, HEIGHT = 160, 90
BLACK = np.array([0.0, 128.0, 128.0])


def world(seed: int) -> np.ndarray:
    """A place, larger than the picture, rough at every scale: (180, 480, 3), Y, Cb, Cr."""
    random = np.random.default_rng(seed)
    place = np.zeros((180, 480, 3), np.float32)
    for cells, height in ((3, 30), (12, 20), (45, 14)):
        coarse = random.normal(0, height, (cells, cells * 8 // 3, 3)).astype(np.float32)
        place += cv2.resize(coarse, (480, 180), interpolation=cv2.INTER_CUBIC)
    return np.clip(place * (1, 0.4, 0.4) + (120, 128, 128), 16, 235).astype(np.float32)


def shot(seed: int, frames: int, speed: float = 0.3) -> list[np.ndarray]:
    """A slow pan over a place, with grain."""
    place, random = world(seed), np.random.default_rng(seed + 1)
    images = []
    for index in range(frames):
        shift = np.array([[1, 0, -60 - speed * index], [0, 1, -40]], np.float32)
        view = cv2.warpAffine(place, shift, (WIDTH, HEIGHT)).astype(float)
        images.append(view + random.normal(0, 1.5, view.shape))
    return images


def small(image: np.ndarray) -> SmallPicture:
    shrunk = cv2.resize(image.astype(np.float32), (64, 36), interpolation=cv2.INTER_AREA)
    return SmallPicture(
        np.ascontiguousarray(np.moveaxis(shrunk.clip(0, 255), -1, 0)).astype(np.uint8)
    )


def changes_of(images: list[np.ndarray]):
    finder = ShotFinder()
    for image in images:
        finder.see(small(image))
    return finder.finish()


def cuts_of(images: list[np.ndarray]) -> list[int]:
    changes = changes_of(images)
    assert all(0 < change.probability <= 1 for change in changes)
    assert all(change.kind is BoundaryKind.CUT for change in changes)
    return [change.frame for change in changes]


def dissolve(before: list[np.ndarray], after: list[np.ndarray], frames: int) -> list[np.ndarray]:
    mixed = [
        before[-frames + k] * (1 - (k + 1) / (frames + 1)) + after[k] * (k + 1) / (frames + 1)
        for k in range(frames)
    ]
    return [*before[:-frames], *mixed, *after[frames:]]


@pytest.mark.parametrize("lengths", [(30, 40, 26), (6, 8, 60, 7, 30), (50, 3)])
def test_every_cut_is_found_to_the_frame(lengths):
    images = [image for seed, length in enumerate(lengths) for image in shot(seed, length)]
    expected = np.cumsum(lengths)[:-1].tolist()
    if lengths[-1] <= 3:  # a shot as short as a flash, at the very end, may count or not
        assert cuts_of(images) in ([], expected)
    else:
        assert cuts_of(images) == expected


def test_a_still_film_has_no_cut():
    assert cuts_of([world(1)[:HEIGHT, :WIDTH]] * 60) == []


def test_a_single_frame_has_no_cut():
    assert cuts_of(shot(1, 1)) == []


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_flash_is_not_a_cut(length):
    images = shot(1, 60)
    for index in range(30, 30 + length):
        images[index] = images[index] * 2.4 + 70
    assert cuts_of(images) == []


@pytest.mark.parametrize("level", [0.0, 255.0], ids=["black", "white"])
def test_a_blank_frame_is_not_a_cut(level):
    images = shot(1, 60)
    images[30] = np.full_like(images[30], 128.0)
    images[30][..., 0] = level
    assert cuts_of(images) == []


def test_strobe_light_is_not_a_cut():
    images = shot(1, 90)
    for index in range(20, 70):
        if index % 6 < 2:
            images[index] = images[index] * 2.6 + 90
    assert cuts_of(images) == []


def test_a_cut_beside_a_flash_is_found():
    images = shot(1, 40) + shot(2, 40)
    images[20] = images[20] * 2.4 + 70
    assert cuts_of(images) == [40]


def test_a_title_is_not_a_cut():
    images = shot(1, 60)
    for index in range(30, 60):
        images[index][64:76, 16:96] = (235, 128, 128)
    assert cuts_of(images) == []


def test_a_fast_pan_is_not_a_cut():
    still, pan = shot(1, 20, 0.0), shot(1, 16, 9.0)
    assert cuts_of(still + pan) == []


@pytest.mark.parametrize("frames", [16, 24])
def test_one_picture_that_pushes_the_other_out_is_a_wipe(frames):
    before, after = shot(1, 60), shot(2, 60)
    edges = [round((k + 1) / (frames + 1) * WIDTH) for k in range(frames)]
    pushed = [
        np.concatenate((old[:, edge:], new[:, :edge]), axis=1)
        for edge, old, new in zip(edges, before[-frames:], after[:frames], strict=True)
    ]
    (seen,) = changes_of([*before[:-frames], *pushed, *after[frames:]])
    assert seen.kind is BoundaryKind.WIPE
    assert seen.frame == pytest.approx(60 - frames / 2, abs=3)


@pytest.mark.parametrize("frames", [8, 14, 24])
def test_a_dissolve_is_one_boundary_in_its_middle(frames):
    images = dissolve(shot(1, 60), shot(2, 60), frames)
    (seen,) = changes_of(images)
    assert seen.kind is BoundaryKind.DISSOLVE
    assert seen.frame == pytest.approx(60 - frames / 2, abs=2)


@pytest.mark.parametrize("level", [0.0, 255.0], ids=["black", "white"])
def test_a_fade_through_a_colour_is_one_boundary_in_its_middle(level):
    before, after = shot(1, 60), shot(2, 60)
    blank = np.full_like(before[0], 128.0)
    blank[..., 0] = level
    out = [image * (1 - k / 12) + blank * k / 12 for k, image in enumerate(before[-12:], 1)]
    back = [blank * (1 - k / 12) + image * k / 12 for k, image in enumerate(after[:12], 1)]
    (seen,) = changes_of([*before[:-12], *out, *[blank] * 4, *back, *after[12:]])
    assert seen.kind is BoundaryKind.FADE
    assert seen.frame == pytest.approx(62, abs=2)


def test_fades_at_the_ends_of_the_film_are_no_boundaries():
    images = shot(1, 90)
    for k in range(14):
        images[k] = images[k] * k / 14
        images[-1 - k] = images[-1 - k] * k / 14
    assert changes_of(images) == ()


def test_a_shot_that_dims_and_brightens_again_is_one_shot():
    images = shot(1, 120)
    for k in range(30):
        images[40 + k] = images[40 + k] * (1 - 0.8 * np.sin(np.pi * k / 30))
    assert changes_of(images) == ()


def test_motion_is_no_transition():
    assert changes_of(shot(3, 150, 1.5)) == ()


@pytest.mark.parametrize("frame", [STRETCH - 1, STRETCH, 2 * STRETCH - 64, 2 * STRETCH + 1])
def test_where_stretches_meet_nothing_is_lost(frame):
    assert cuts_of(shot(1, frame) + shot(2, 700 - frame)) == [frame]


def test_a_wipe_is_one_boundary_of_its_kind():
    before, after = shot(1, 60), shot(2, 60)
    edges = [round((k + 1) / 17 * WIDTH) for k in range(16)]
    mixed = [
        np.concatenate((new[:, :edge], old[:, edge:]), axis=1)
        for edge, old, new in zip(edges, before[-16:], after[:16], strict=True)
    ]
    (seen,) = changes_of([*before[:-16], *mixed, *after[16:]])
    assert seen.kind is BoundaryKind.WIPE
    assert seen.frame == pytest.approx(52, abs=2)


def test_a_wipe_out_of_a_shot_that_went_dark_is_found():
    before, after = shot(3, 60, 3.0), shot(4, 60)
    across = np.linspace(0, 0.5, WIDTH)[None, :, None]
    for k in range(30):  # a shadow comes over the picture, while the camera moves on
        light = np.clip(1.5 * (1 - k / 12) - across, 0.02, 1)
        before[30 + k] = before[30 + k] * light + BLACK * (1 - light)
    edges = [round((k + 1) / 17 * WIDTH) for k in range(16)]
    mixed = [
        np.concatenate((new[:, :edge], old[:, edge:]), axis=1)
        for edge, old, new in zip(edges, before[-16:], after[:16], strict=True)
    ]
    film = [*before[:-16], *mixed, *after[16:]]
    (seen,) = changes_of([image * (0.45, 1, 1) for image in film])
    assert seen.kind is BoundaryKind.WIPE
    assert seen.frame == pytest.approx(52, abs=2)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_dissolve_between_dark_shots_is_no_fade_of_the_film(backwards):
    """The film comes out of black, stays dark for long, and becomes somewhat lighter by the
    dissolve."""
    dark = [image * (0.3, 1, 1) for image in shot(3, 90)]
    lighter = [image * (0.6, 1, 1) for image in shot(4, 90)]
    for k in range(12):
        dark[k] = dark[k] * (k / 12) + BLACK * (1 - k / 12)
    images = dissolve(dark, lighter, 24)
    (seen,) = changes_of(images[::-1] if backwards else images)
    assert seen.kind is BoundaryKind.DISSOLVE
    middle = 90 - 12
    assert seen.frame == pytest.approx(len(images) - middle if backwards else middle, abs=2)


def test_tracing_in_pieces_is_tracing_at_once():
    pictures = np.stack([small(image).planes for image in shot(1, 50) + shot(2, 50)])
    at_once, tracer = Tracer().trace(pictures), Tracer()
    pieces = [tracer.trace(pictures[first:end]) for first, end in ((0, 1), (1, 40), (40, 100))]
    assert at_once.shape == (100, CHANNELS)
    np.testing.assert_allclose(np.concatenate(pieces), at_once, atol=1e-6)


def test_a_film_that_stands_still_leaves_no_trace_of_change():
    pictures = np.repeat(small(world(1)[:HEIGHT, :WIDTH]).planes[None], 40, axis=0)
    traces = Tracer().trace(pictures)
    assert np.ptp(traces, axis=0).max() < 1e-6
