"""Training of text to Ekman: reading labels, thresholds, calibration, the exported graph."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tokenizers")

from emsync.errors import InputError, NotFoundError  # noqa: E402 - after torch is known to be there
from emsync_server.inference.network import Network  # noqa: E402
from emsync_training.experts.graph import Stored  # noqa: E402
from emsync_training.networks.sentence_encoder import (  # noqa: E402
    EncoderShape,
    TextEmotionNetwork,
)
from emsync_training.text_emotion.calibration import Calibration  # noqa: E402
from emsync_training.text_emotion.comments import EMOTIONS, read_split  # noqa: E402
from emsync_training.text_emotion.graph import text_graph  # noqa: E402
from emsync_training.text_emotion.measures import (  # noqa: E402
    best_thresholds,
    calibration_error,
    macro_f1,
    sigmoid,
)

pytestmark = pytest.mark.training

SMALL = EncoderShape(vocabulary=40, width=24, layers=2, heads=3, feed_forward=48, positions=20)


def folder_with(tmp_path, line):
    (tmp_path / "labels.txt").write_text("\n".join(EMOTIONS), encoding="utf-8")
    (tmp_path / "dev.tsv").write_text(line, encoding="utf-8")
    return tmp_path


def test_comments_may_have_several_emotions(tmp_path):
    found = read_split(folder_with(tmp_path, "ha\t0,3\tid\nok\t4\tid\n"), "dev")
    assert found.texts == ("ha", "ok")
    assert found.labels.sum(axis=1).tolist() == [2, 1]


@pytest.mark.parametrize(
    "line", ["ha\t7\tid", "ha\t-1\tid", "ha\tjoy\tid", "ha", "ha\t3"],
    ids=["too-large", "negative", "word", "no-label", "no-id"],
)  # fmt: skip
def test_a_line_that_does_not_fit_is_a_sentence(tmp_path, line):
    with pytest.raises(InputError, match="Line 1 of"):
        read_split(folder_with(tmp_path, line), "dev")


def test_other_emotions_and_missing_files_are_sentences(tmp_path):
    folder = folder_with(tmp_path, "ha\t3\tid")
    with pytest.raises(NotFoundError, match=r"test\.tsv"):
        read_split(folder, "test")
    (folder / "labels.txt").write_text("joy\nanger", encoding="utf-8")
    with pytest.raises(InputError, match="in this order"):
        read_split(folder, "dev")


def test_thresholds_are_the_best_there_are():
    rng = np.random.default_rng(1)
    labels = (rng.random((300, 3)) < 0.3).astype(np.float32)
    said = np.clip(0.4 * labels + 0.5 * rng.random((300, 3)), 0, 1)
    found = macro_f1(said >= best_thresholds(said, labels), labels)
    tried = max(macro_f1(said >= level, labels) for level in np.linspace(0, 1, 101))
    assert found >= tried


def test_calibration_mends_probabilities_that_are_too_sure():
    rng = np.random.default_rng(2)
    logits = rng.normal(-1, 2, (4000, 2))
    labels = (rng.random((4000, 2)) < sigmoid(logits)).astype(np.float32)
    loud = 3 * logits + 1
    assert calibration_error(sigmoid(loud), labels) > 0.05
    fitted = Calibration.fit(loud, labels)
    assert calibration_error(fitted.probabilities(loud), labels) < 0.02
    assert fitted.slope == pytest.approx([1 / 3, 1 / 3], abs=0.05)


@pytest.mark.parametrize(
    ("stored", "least"), [(Stored.SINGLE, 1e-5), (Stored.EIGHT_BITS, 0.05)], ids=["exact", "small"]
)
def test_the_exported_graph_says_what_the_network_says(tmp_path, stored, least):
    torch.manual_seed(3)
    network = TextEmotionNetwork(SMALL).eval()
    tokens = torch.randint(0, 30, (5, 9))
    is_token = torch.ones(5, 9)
    is_token[2, 4:] = 0
    with torch.no_grad():
        wanted = network(tokens, is_token).sigmoid().numpy()
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    plain = Calibration(np.ones(7), np.zeros(7))
    model = text_graph(weights, SMALL, plain, np.arange(30), most_tokens=16, stored=stored)
    path = tmp_path / "text.onnx"
    path.write_bytes(model.SerializeToString())
    shapes = {"tokens": (None, None), "is_token": (None, None)}
    loaded = Network.load(path, inputs=shapes, outputs={"probabilities": (None, 7)})
    found = loaded.run({"tokens": tokens.numpy(), "is_token": is_token.numpy()})["probabilities"]
    assert np.abs(found - wanted).max() < least
