"""What is proposed, what is measured of it, and who decides."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

from emsync.picture import BoundaryKind
from emsync_server.media.small_picture import HEIGHT, WIDTH
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.changes import ANSWERS, CUT, FIRST_KIND, INSIDE
from emsync_server.spotting.evidence import (
    CUT_EVIDENCE,
    GRADUAL_EVIDENCE,
    Stretch,
    of_cut,
    of_gradual,
)
from emsync_server.spotting.judging import (
    Judge,
    Proposal,
    Sum,
    parts_of,
    proposed,
    shipped_judge,
)
from emsync_server.spotting.seams import SEAM_EVIDENCE


def place(seed: int) -> np.ndarray:
    """A picture, rough enough to be told from another: (3, H, W)."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(30, 220, (3, HEIGHT // 6, WIDTH // 8))
    return np.kron(coarse, np.ones((6, 8))).astype(np.float32)


def film_of(pictures: list[np.ndarray], answers: np.ndarray | None = None) -> Stretch:
    quiet = np.full((len(pictures), ANSWERS), -9.0, np.float32)
    return Stretch(
        np.stack(pictures).clip(0, 255).astype(np.uint8), quiet if answers is None else answers
    )


def measured(film: Stretch, first: int, last: int) -> dict[str, float]:
    return dict(zip(GRADUAL_EVIDENCE, of_gradual(film, first, last), strict=True))


def dissolve() -> list[np.ndarray]:
    """From one place to another over frames 20 to 29."""
    here, there = place(1), place(2)
    shares = np.concatenate((np.zeros(20), np.arange(1, 11) / 11, np.ones(20)))
    return [here + (there - here) * share for share in shares]


def test_a_dissolve_mixes_its_ends_everywhere_alike():
    found = measured(film_of(dissolve()), 20, 29)
    assert found["unmixed"] < 0.05
    assert found["apart"] < 0.05
    assert found["backward"] < 0.02
    assert found["mixed_range"] > 0.7
    assert found["newness"] > 0.5


def test_a_wipe_takes_the_blocks_in_the_order_of_an_edge():
    here, there = place(1), place(2)
    pictures = [here] * 20
    for edge in range(4, WIDTH, 4):
        mixed = here.copy()
        mixed[:, :, :edge] = there[:, :, :edge]
        pictures.append(mixed)
    found = measured(film_of([*pictures, *[there] * 20]), 20, 34)
    assert found["one_plane"] > 0.9
    assert found["times_apart"] > 0.2
    assert found["apart"] > 0.2


def test_a_fade_passes_through_an_even_picture():
    here, there = place(1), place(2)
    gains = [1 - step / 8 for step in range(1, 9)]
    ramp = [here * gain for gain in gains] + [there * gain for gain in gains[::-1]]
    found = measured(film_of([here] * 20 + ramp + [there] * 20), 20, 35)
    assert found["evenness"] < 0.05


def test_what_drives_through_is_no_mixture():
    here = place(1)
    pictures = [here] * 20
    for left in range(-12, WIDTH, 5):
        passing = here.copy()
        passing[:, :, max(0, left) : max(0, left + 12)] = 250
        pictures.append(passing)
    found = measured(film_of([*pictures, *[here] * 20]), 20, len(pictures) - 1)
    mixture = measured(film_of(dissolve()), 20, 29)
    assert found["unmixed"] > 5 * mixture["unmixed"]
    assert found["newness"] < 0.1


def test_a_cut_jumps_and_a_flash_comes_back():
    here, there = place(1), place(2)
    cut, flash = (
        dict(zip(CUT_EVIDENCE, of_cut(film_of(film), 20, 3, stood_still=True), strict=True))
        for film in (
            [here] * 20 + [there] * 20,
            [here] * 20 + [here * 2 + 60] * 2 + [here] * 20,
        )
    )
    assert cut["newness_later"] > 0.5 > 0.1 > flash["newness_later"]
    assert cut["look_jump"] > 0.5


def test_measures_at_the_ends_of_a_film_are_finite():
    film = film_of([place(1), place(2), place(3)])
    assert np.isfinite(of_cut(film, 1, 3, stood_still=False)).all()
    assert np.isfinite(of_gradual(film, 0, 2)).all()
    even = film_of([np.zeros((3, HEIGHT, WIDTH), np.float32)] * 8)
    assert np.isfinite(of_gradual(even, 2, 5)).all()


def test_peaks_runs_and_steps_are_proposed_within_bounds():
    answers = np.full((60, ANSWERS), -9.0, np.float32)
    answers[20:30, INSIDE], answers[20:30, FIRST_KIND + 1] = 3.0, 2.0
    answers[40, CUT] = 3.0
    film = film_of([place(index // 20) for index in range(60)], answers)
    whole = proposed(film, 0, 60, {50: False}, 3)
    assert [(each.frame, each.kind) for each in whole] == [
        (40, BoundaryKind.CUT), (50, BoundaryKind.CUT), (25, BoundaryKind.FADE),
    ]  # fmt: skip
    assert [each.frame for each in proposed(film, 30, 45, {50: False}, 3)] == [40]


def goes_dark(there: np.ndarray) -> Stretch:
    """A place that goes dark over frames 20 to 27, and another that an edge brings until frame
    42. The network takes it for a fade up to there, and then for a wipe."""
    here = place(1)
    pictures = [here] * 20 + [here * (1 - step / 8) for step in range(1, 9)]
    for edge in range(4, WIDTH, 4):
        mixed = here * 0
        mixed[:, :, :edge] = there[:, :, :edge]
        pictures.append(mixed)
    answers = np.full((70, ANSWERS), -9.0, np.float32)
    answers[20:43, INSIDE] = 3.0
    answers[20:28, FIRST_KIND + 1] = answers[28:43, FIRST_KIND + 2] = 4.0
    return film_of([*pictures, *[there] * 27], answers)


def test_a_change_by_way_of_a_dark_picture_has_two_parts():
    film = goes_dark(place(2))
    (whole,) = proposed(film, 0, 70, {}, 3)
    assert (whole.first, whole.last) == (20, 42)
    fade, wipe = parts_of(film, whole)
    # A fade is not over where the picture is dark: its other half follows.
    assert (fade.kind, fade.first, fade.last, fade.part) == (BoundaryKind.FADE, 20, 42, True)
    assert (wipe.kind, wipe.first, wipe.last, wipe.part) == (BoundaryKind.WIPE, 28, 42, True)
    assert dict(zip(GRADUAL_EVIDENCE, wipe.evidence, strict=True))["one_plane"] > 0.9


def test_what_comes_back_or_never_goes_dark_has_no_parts():
    came_back = goes_dark(place(1))
    (whole,) = proposed(came_back, 0, 70, {}, 3)
    assert parts_of(came_back, whole) == []
    answers = np.full((50, ANSWERS), -9.0, np.float32)
    answers[20:30, INSIDE] = 3.0
    mixture = film_of(dissolve(), answers)
    (whole,) = proposed(mixture, 0, 50, {}, 3)
    assert parts_of(mixture, whole) == []


def certain(sign: float, measures: int) -> Sum:
    return Sum((0.0,) * measures, (1.0,) * measures, (0.0,) * measures, sign)


def test_of_a_cut_within_a_gradual_change_the_likelier_is_told():
    cut = Proposal(25, 25, BoundaryKind.CUT, (0.0,) * len(CUT_EVIDENCE))
    fade = Proposal(20, 29, BoundaryKind.FADE, (0.0,) * len(GRADUAL_EVIDENCE))
    for cut_logit, fade_logit, kinds in (
        (2.0, 1.0, [BoundaryKind.CUT]),
        (1.0, 2.0, [BoundaryKind.FADE]),
        (-1.0, -2.0, []),
    ):
        judge = Judge(
            certain(cut_logit, len(CUT_EVIDENCE)),
            certain(fade_logit, len(GRADUAL_EVIDENCE)),
            certain(9.0, 1),
            certain(9.0, len(SEAM_EVIDENCE)),
        )
        assert [change.kind for change in judge.told([cut, fade])] == kinds


def test_nothing_counts_for_more_than_four_deviations():
    one = Sum((1.0,), (0.5,), (2.0,), 0.25)
    assert one.of((1.5,)) == pytest.approx(2.25)
    assert one.of((1e9,)) == pytest.approx(8.25)


def test_the_shipped_judge_weighs_what_is_measured(tmp_path):
    judge = shipped_judge()
    assert len(judge.cut.weight) == len(CUT_EVIDENCE)
    assert len(judge.gradual.weight) == len(GRADUAL_EVIDENCE)
    told = json.loads((MODELS_FOLDER / "shots_judge.json").read_text(encoding="utf-8"))
    told["cut"]["measures"].pop("spread")
    (tmp_path / "shots_judge.json").write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(AssertionError, match="look_jump"):
        shipped_judge(tmp_path)


def test_the_rate_of_a_film_says_how_long_a_flash_lasts():
    from emsync_server.spotting.shots import ShotFinder

    finders = [ShotFinder(rate=Fraction(rate)) for rate in (8, 24, 60)]
    assert [finder._flash_frames for finder in finders] == [3, 3, 8]
