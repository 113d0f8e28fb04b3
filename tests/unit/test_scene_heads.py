"""The two heads on what `scene` sees: which shots they answer for, and which files they refuse."""

import numpy as np
import pytest

from emsync.errors import MissingPartError
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts import Reading, ShotReadings, open_expert
from emsync_server.spotting.experts.people import PEOPLE_FILE, PeopleExpert
from emsync_server.spotting.experts.picture_emotion import (
    PICTURE_EMOTION_FILE,
    PictureEmotionExpert,
)
from emsync_server.spotting.experts.scene import FEATURES

HEADS = pytest.mark.parametrize(
    ("expert", "file", "other"),
    [
        (PictureEmotionExpert, PICTURE_EMOTION_FILE, PEOPLE_FILE),
        (PeopleExpert, PEOPLE_FILE, PICTURE_EMOTION_FILE),
    ],
    ids=["picture_emotion", "people"],
)


def seen(embedding):
    return ShotReadings(0.0, 2.0, {"scene": Reading("scene", 0.0, 2.0, embedding=embedding)})


@HEADS
def test_a_head_answers_for_shots_that_were_seen_and_for_no_others(expert, file, other):
    unseen = ShotReadings(2.0, 3.0, {})
    embedding = np.ones(FEATURES, np.float16)  # as kept readings have it
    first, nothing, last = expert().read([seen(embedding), unseen, seen(embedding)])
    assert nothing is None
    assert (first.estimate, first.certainty) == (last.estimate, last.certainty)
    assert (first.start_s, first.end_s) == (0.0, 2.0)
    assert expert().read([unseen]) == [None]


def test_a_usual_picture_is_felt_within_bounds_and_a_strange_one_is_not_known():
    (strange,) = open_expert("picture_emotion").read([seen(np.full(FEATURES, 1e3, np.float32))])
    (usual,) = open_expert("picture_emotion").read([seen(np.full(FEATURES, 0.3, np.float32))])
    assert strange.estimate.variance == pytest.approx((0.25, 0.25))
    assert usual.estimate.variance[1] < usual.estimate.variance[0] < 0.25


@HEADS
def test_a_head_that_is_not_there_damaged_or_another_one_is_told_of(tmp_path, expert, file, other):
    with pytest.raises(MissingPartError, match=f"{file} are not installed"):
        expert(tmp_path)
    (tmp_path / file).write_bytes((MODELS_FOLDER / file).read_bytes()[:5000])
    with pytest.raises(MissingPartError, match="ends in the middle"):
        expert(tmp_path)
    (tmp_path / file).write_bytes((MODELS_FOLDER / other).read_bytes())
    with pytest.raises(MissingPartError, match="it has no '"):
        expert(tmp_path)
