"""Variances measured again: what they are made of."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from emsync_server.benchmarks.mood_bands import JudgedBand
from emsync_server.benchmarks.mood_votes import StretchVotes
from emsync_server.benchmarks.moods import MoodFindings
from emsync_server.spotting.experts.sound_emotion import VARIANCE
from emsync_server.spotting.fusion import FILM_LIKENESS
from emsync_server.spotting.fusion.votes import TEXT_VARIANCE
from emsync_training.text_emotion.comments import EMOTIONS
from emsync_training.variances.of_films import CORNER, variances_of_films
from emsync_training.variances.of_photographs import own_share
from emsync_training.variances.of_words import variances_of_words
from emsync_training.variances.stated import Stated, variances_table

pytestmark = pytest.mark.training


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_what_a_theme_shares_is_told_from_what_is_a_photographs_own(share):
    rng = np.random.default_rng(3)
    theme = np.repeat([f"theme {k}" for k in range(400)], 4)
    common = np.repeat(rng.normal(size=400), 4)
    errors = np.sqrt(share) * rng.normal(size=1600) + np.sqrt(1 - share) * common
    assert own_share(errors, theme) == pytest.approx(share, abs=0.06)


def findings():
    """Two stretches; the sound errs by 0.2, the movement by 0.1 and states 0.3."""
    votes = tuple(
        StretchVotes(f"{side}.mp4", (0, side),
                     {"sound_emotion": (0.0, CORNER * side + 0.2, 0.4, 0.4),
                      "movement": (0.0, CORNER * side - 0.1, 0.3, 0.3)})
        for side in (-1, 1)
    )  # fmt: skip
    bands = tuple(JudgedBand(f"{side}", (0, side), (0.0, 0.3 * side), (0.1, 0.15))
                  for side in (-1, 1, 0))  # fmt: skip
    return MoodFindings((), votes, bands)


def test_on_film_errors_are_measured_from_the_corner_and_stand_beside_what_ships():
    rows = {(each.what, each.axis): each for each in variances_of_films(findings())}
    sound, movement = rows["sound", 1], rows["movement, as it states", 1]
    assert (sound.ships, sound.measured) == pytest.approx((VARIANCE[1], 0.04))
    assert (movement.ships, movement.measured) == pytest.approx((0.09, 0.01))
    likeness = rows["likeness of a shot by itself to its film", 0]
    assert likeness.ships == FILM_LIKENESS[0]
    assert "3 films" in likeness.on


def test_words_are_measured_by_the_file_that_ships(tmp_path):
    pytest.importorskip("tokenizers")
    (tmp_path / "labels.txt").write_text("\n".join(EMOTIONS), encoding="utf-8")
    lines = ["I am so happy for you!\t3\ta", "This makes me furious.\t0\tb"]
    (tmp_path / "dev.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    valence, arousal = variances_of_words(tmp_path)
    assert (valence.ships, arousal.ships) == TEXT_VARIANCE
    nothing = float(valence.on.rsplit(" ", 1)[1])
    assert 0 < valence.measured < nothing / 2


def test_the_table_says_what_ships_beside_what_was_measured():
    (row,) = variances_table([Stated("sound", 1, 0.168, 0.1683, "17 clips")], "command").rows
    assert row == ("sound", "arousal", "0.168", "0.168", "17 clips")
