"""The head that remembers rated pictures: what it knows, what it does not, what it refuses."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from emsync.errors import MissingPartError
from emsync_server.inference.kernel_head import STEP, KernelHead, gaussian
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts import Reading, ShotReadings, open_expert
from emsync_server.spotting.experts.picture_emotion import PICTURE_EMOTION_FILE
from emsync_server.spotting.experts.scene import FEATURES

FEW = 4


def small_arrays():
    support = np.array([[40, 0, 0, 0], [0, -40, 0, 0]], np.int8)
    return {
        "chosen": np.arange(FEW, dtype=np.int32),
        "law": np.zeros(FEW, np.int8),
        "mean": np.zeros(FEW, np.float32),
        "scale": np.ones(FEW, np.float32),
        "support": support,
        "weights": np.array([[0.5, 0.2], [-0.4, 0.3]], np.float32),
        "rest": np.array([0.1, -0.1], np.float32),
        "kernel": np.array([0.5, 0.4], np.float32),
        "error_variance": np.array([0.1, 0.05], np.float32),
        "absent_variance": np.array([0.25, 0.3], np.float32),
    }


def test_a_remembered_picture_gets_its_own_weight_and_those_of_its_likes():
    arrays = small_arrays()
    head = KernelHead.of_arrays(arrays, FEW)
    points = arrays["support"].astype(np.float32) * np.float32(STEP)
    expected = gaussian(points, points, 0.5) @ arrays["weights"] + arrays["rest"]
    assert head.estimate(points).mean == pytest.approx(expected, abs=1e-6)


def test_far_from_all_it_says_the_mean_and_that_it_does_not_know():
    found = KernelHead.of_arrays(small_arrays(), FEW).estimate(np.full((1, FEW), 1e3, np.float32))
    assert found.mean[0] == pytest.approx([0.1, -0.1])
    assert found.variance[0] == pytest.approx([0.25, 0.3])


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("weights", np.zeros((3, 2), np.float32), "shape"),
        ("rest", np.array([np.nan, 0], np.float32), "not numbers"),
        ("chosen", np.full(FEW, FEATURES, np.int32), "more than"),
        ("scale", np.zeros(FEW, np.float32), "no scale"),
        ("support", np.zeros((2, FEW), np.float32), "no scale"),
    ],
    ids=["shape", "nan", "features", "scale", "type"],
)
def test_a_head_that_contradicts_itself_is_refused_in_a_sentence(tmp_path, name, value, words):
    path = tmp_path / "head.safetensors"
    save_file(small_arrays() | {name: value}, path)
    with pytest.raises(MissingPartError, match=words):
        KernelHead.load(path, FEW)


def test_a_truncated_head_is_refused(tmp_path):
    path = tmp_path / "head.safetensors"
    path.write_bytes((MODELS_FOLDER / PICTURE_EMOTION_FILE).read_bytes()[:5000])
    with pytest.raises(MissingPartError, match="not a complete head"):
        KernelHead.load(path, FEATURES)


def test_the_shipped_head_reads_shots_that_were_seen_and_no_others():
    arrays = load_file(MODELS_FOLDER / PICTURE_EMOTION_FILE)
    embedding = np.zeros(FEATURES, np.float32)
    embedding[arrays["chosen"]] = np.maximum(arrays["mean"], 0)
    seen = ShotReadings(0.0, 2.0, {"scene": Reading("scene", 0.0, 2.0, embedding=embedding)})
    reading, nothing = open_expert("picture_emotion").read([seen, ShotReadings(2.0, 3.0, {})])
    assert nothing is None
    assert abs(reading.estimate.mean.valence) < 0.5
    assert 0.02 < reading.estimate.variance[1] < reading.estimate.variance[0] < 0.3
