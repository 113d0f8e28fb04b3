"""Heads on what `scene` sees: what is trained and what ships say the same."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("onnx")

from emsync_server.inference.network import Network
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts.people import PEOPLE_FILE
from emsync_server.spotting.experts.picture_emotion import PICTURE_EMOTION_FILE
from emsync_server.spotting.experts.scene import FEATURES
from emsync_training.picture_emotion.kernel_head import (
    STEP,
    KernelHead,
    gaussian,
    head_graph,
    read_head,
)
from emsync_training.picture_emotion.people import people_graph

pytestmark = pytest.mark.training

FEW = 4
SAME = 1e-5


def small_head():
    return KernelHead(
        chosen=np.array([4, 0, 2, 1], np.int32),
        law=np.array([0, 1, 2, 0], np.int8),
        mean=np.full(FEW, 0.3, np.float32),
        scale=np.full(FEW, 0.5, np.float32),
        support=np.array([[40, 0, 0, 0], [0, -40, 0, 0]], np.int8),
        weights=np.array([[0.5, 0.2], [-0.4, 0.3]], np.float32),
        rest=np.array([0.1, -0.1], np.float32),
        gamma=0.5,
        error_variance=np.array([0.1, 0.05], np.float32),
        absent_variance=np.array([0.25, 0.3], np.float32),
        familiar=0.4,
    )


def plain(head):
    """The same, of features that are used as they are."""
    return dataclasses.replace(
        head,
        chosen=np.arange(FEW, dtype=np.int32),
        law=np.zeros(FEW, np.int8),
        mean=np.zeros(FEW, np.float32),
        scale=np.ones(FEW, np.float32),
    )


def run(path, embeddings):
    width = embeddings.shape[1]
    outputs = {"mean": (None, 2), "variance": (None, 2)}
    network = Network.load(path, inputs={"embedding": (None, width)}, outputs=outputs, threads=1)
    return network.run({"embedding": embeddings})


def test_a_remembered_picture_gets_its_own_weight_and_those_of_its_likes():
    head = plain(small_head())
    points = head.support.astype(np.float32) * np.float32(STEP)
    expected = gaussian(points, points, 0.5) @ head.weights + head.rest
    assert head.estimate(points).mean == pytest.approx(expected, abs=1e-6)


def test_far_from_all_it_says_the_mean_and_that_it_does_not_know():
    found = plain(small_head()).estimate(np.full((1, FEW), 1e3, np.float32))
    assert found.mean[0] == pytest.approx([0.1, -0.1])
    assert found.variance[0] == pytest.approx([0.25, 0.3])


@pytest.mark.parametrize("which", ["small", "shipped"])
def test_the_file_says_what_the_trained_head_says(tmp_path, which):
    path = MODELS_FOLDER / PICTURE_EMOTION_FILE
    width = FEATURES
    if which == "small":
        path, width = tmp_path / "small.onnx", 5
        path.write_bytes(head_graph(small_head(), width).SerializeToString())
    rng = np.random.default_rng(4)
    head = read_head(path)
    embeddings = rng.normal(0, 1, (40, width)).astype(np.float32)
    near = head.mean + head.scale * STEP * head.support[rng.integers(len(head.support), size=20)]
    embeddings[:20, head.chosen] = np.where(head.law == 1, np.square(near), near)
    said, expected = run(path, embeddings), head.estimate(embeddings)
    assert np.abs(expected.mean).max() > 0.1
    assert np.abs(said["mean"] - expected.mean).max() < SAME
    assert np.abs(said["variance"] - expected.variance).max() < SAME


@pytest.mark.parametrize("which", ["small", "shipped"])
def test_a_head_comes_out_of_its_file_as_it_went_in(tmp_path, which):
    head = small_head() if which == "small" else read_head(MODELS_FOLDER / PICTURE_EMOTION_FILE)
    path = tmp_path / "head.onnx"
    path.write_bytes(head_graph(head, FEATURES).SerializeToString())
    again = read_head(path)
    for field in dataclasses.fields(KernelHead):
        before, after = getattr(head, field.name), getattr(again, field.name)
        assert np.asarray(after).dtype == np.asarray(before).dtype
        assert np.allclose(before, after, rtol=1e-7, atol=0), field.name


def test_people_are_as_likely_as_their_score_says_and_never_beyond_certain(tmp_path):
    weights = np.array([0.5, -2.0, 0.25], np.float32)
    path = tmp_path / PEOPLE_FILE
    path.write_bytes(people_graph(weights, 0.125).SerializeToString())
    network = Network.load(path, inputs={"embedding": (None, 3)}, outputs={"people": (None, 1)})
    embeddings = np.array([[0.5, 0.1, 1], [9, 0, 0], [0, 9, 0]], np.float32)
    said = network.run({"embedding": embeddings})["people"]
    expected = np.clip(0.5 + (embeddings @ weights + 0.125) / 2, 0, 1)
    assert said[:, 0] == pytest.approx(expected, abs=1e-7)
