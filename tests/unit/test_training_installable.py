"""Trained and adopted networks as files that the server runs: the same answers, measured variances,
and checkpoints that are none."""

import json
import os

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from safetensors.torch import save_file  # noqa: E402 - after torch is known to be there

from emsync.errors import InputError, NotFoundError  # noqa: E402 - after torch is known to be there
from emsync_server.inference.network import Network  # noqa: E402
from emsync_server.spotting.experts.description import (  # noqa: E402
    INPUT,
    OUTPUT,
    Description,
    Modality,
)
from emsync_server.spotting.fusion.evidence import PRIOR_VARIANCE  # noqa: E402
from emsync_training.commands import main  # noqa: E402
from emsync_training.film_features import graph  # noqa: E402
from emsync_training.film_features.films import FilmSet  # noqa: E402
from emsync_training.film_features.held_out import cut_up, error_variance  # noqa: E402
from emsync_training.film_features.installable import write_installable  # noqa: E402
from emsync_training.film_features.networks import FilmNetwork, built  # noqa: E402
from emsync_training.film_features.published import feature_of  # noqa: E402
from emsync_training.film_features.scaling import Scaling  # noqa: E402
from emsync_training.networks import genre  # noqa: E402
from emsync_training.networks.attention_fusion import published_fusion  # noqa: E402

pytestmark = pytest.mark.training

STEPS, CLASSES = 4, ("anger", "fear", "joy")
BOTH = {
    "scene": Modality("scene", 6, is_sequence=True, low=-1.0, high=2.0),
    "sound": Modality("sound", 5, is_sequence=True, low=0.0, high=1.0),
    "words": Modality("words", 3, is_sequence=False, low=0.0, high=1.0),
}
FUSION, SINGLE, MULTI, MLP = FilmNetwork
CASES = [(FUSION, "scene sound words"), (FUSION, "scene"), (FUSION, "words"), (MLP, "scene words"),
         (SINGLE, "scene words"), (MULTI, "scene words")]  # fmt: skip


@pytest.mark.parametrize(("kind", "names"), CASES, ids=[f"{k.value}-{n}" for k, n in CASES])
def test_the_server_gets_the_very_answers_of_the_trained_network(
    tmp_path, monkeypatch, kind, names
):
    for module, name, size in ((genre, "WIDTH", 64), (graph, "WIDTH", 64),
                               (genre, "FEED_FORWARD", 96)):  # fmt: skip
        monkeypatch.setattr(module, name, size)  # 26 million weights take seconds
    modalities = {name: BOTH[name] for name in names.split()}
    torch.manual_seed(5)
    network = built(kind, modalities, len(CLASSES)).eval()
    scaling, one_label = Scaling(dict(modalities), STEPS), kind is FilmNetwork.FUSION
    write_installable(network, scaling, CLASSES, tmp_path, one_label=one_label)
    path = tmp_path / f"{'fusion' if one_label else 'genre'}.onnx"
    side = Description.read(path.with_suffix(".json"))
    assert (side.labels, side.modalities, side.variance) == (CLASSES, modalities, None)
    rng = np.random.default_rng(2)
    films = [{name: rng.normal(0, 1, (7, each.size) if each.is_sequence else each.size)
              for name, each in modalities.items()} for _ in range(3)]  # fmt: skip
    films[1].pop("sound", None)  # and what is missing is zeros in both
    batch = scaling.batch(films)
    with torch.no_grad():
        logits = network(batch)
    wanted = logits.softmax(-1) if one_label else logits.sigmoid()
    loaded = Network.load(path, inputs=side.inputs, outputs={OUTPUT: (None, len(CLASSES))})
    found = loaded.run({f"{INPUT}{name}": each.numpy() for name, each in batch.items()})[OUTPUT]
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)


def test_the_variance_is_that_of_the_errors_and_a_few_films_are_not_believed():
    classes = ("joy", "neutral", "sadness")
    labels, films = np.eye(3)[np.arange(300) % 3], np.arange(300)
    right, wrong = (
        error_variance(each, labels, classes, films) for each in (labels, labels[:, ::-1])
    )
    assert right[0] < 0.06 and wrong[0] > 3 * PRIOR_VARIANCE
    few = error_variance(labels[:3], labels[:3], classes, films[:3])
    assert right[0] < 0.15 < few[0] < PRIOR_VARIANCE
    one_film = error_variance(labels, labels, classes, np.zeros(300, np.int64))
    assert one_film[0] > few[0]  # its many stretches are one film's
    assert error_variance(labels, labels, ("action", "drama", "comedy"), films) is None


def test_a_film_is_cut_into_stretches_as_long_as_shots_and_nothing_is_lost():
    long, short, words = np.arange(14.0).reshape(7, 2), np.ones((2, 4)), np.ones(3)
    features = {"scene": long, "face": short, "asr": words}, {"asr": words}
    labels, split = np.eye(2, dtype=np.float32), np.array(["test", "test"])
    films = FilmSet(("a", "b"), features, labels, split, ("x", "y"))
    pieces, of_film = cut_up(films)
    assert of_film.tolist() == [0, 0, 0, 1] and pieces.labels.tolist()[-1] == [0, 1]
    scenes = [piece["scene"] for piece in pieces.features[:3]]
    assert np.array_equal(np.concatenate(scenes), long) and max(map(len, scenes)) <= 3
    assert sum("face" in piece for piece in pieces.features) == 2  # else it is missing, not empty
    assert all("asr" in piece for piece in pieces.features)


@pytest.mark.parametrize(
    ("modality", "size", "feature"),
    [("scene", 512, "scene_full"), ("scene", 2816, "scene"), ("asr", 768, "text_full_transcript"),
     ("sound_full", 768, "sound_full")],
)  # fmt: skip
def test_published_names_mean_the_published_experts(modality, size, feature):
    assert feature_of(modality, size) == feature


def adopt(tmp_path, checkpoint, *options):
    arguments = ["adopt", checkpoint, "--out", tmp_path / "out", *options]
    return main([str(each) for each in arguments])


def scaling_file(tmp_path, *names, low=-1.0):
    path = tmp_path / "scaling.json"
    path.write_text(json.dumps({name: [low, 1.0] for name in names}))
    return path


def test_a_published_checkpoint_alone_is_adopted_unmeasured(tmp_path, capsys):
    torch.manual_seed(7)
    theirs = published_fusion(with_ocr=False)
    torch.save({"state_dict": theirs.state_dict()}, tmp_path / "fusion.pt")
    scaling = scaling_file(tmp_path, "audio", "scene", "face", "asr")
    adopt(tmp_path, tmp_path / "fusion.pt", "--network", "fusion", "--scaling", scaling)
    assert json.loads(capsys.readouterr().out)["test"] is None
    side = Description.read(tmp_path / "out" / "fusion.json")
    assert side.labels == ("anger", "disgust", "fear", "joy", "sadness", "surprise")
    assert {each.feature for each in side.modalities.values()} == {
        "sound_full", "scene_full", "faces_full", "text_full_transcript"}  # fmt: skip
    assert side.variance is None and side.films == 0
    path = tmp_path / "out" / "fusion.onnx"
    loaded = Network.load(path, inputs=side.inputs, outputs={OUTPUT: (None, 6)})
    batch = {name: each.prepared(np.ones((9, each.size) if each.is_sequence else each.size), 16)
             for name, each in side.modalities.items()}  # fmt: skip
    with torch.no_grad():
        wanted = theirs.eval()({n: torch.from_numpy(a[None]) for n, a in batch.items()}).softmax(-1)
    found = loaded.run({f"{INPUT}{name}": array[None] for name, array in batch.items()})[OUTPUT]
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)


def write_films(tmp_path, sizes):
    """Ten films, and the table of their labels."""
    folder = tmp_path / "features"
    folder.mkdir()
    rng, rows = np.random.default_rng(1), ["name,split,labels"]
    for at in range(10):
        np.savez(folder / f"f{at}.npz", **{name: rng.normal(0, 1, shape).astype(np.float32)
                                           for name, shape in sizes.items()})  # fmt: skip
        rows.append(f"f{at},{('train', 'dev', 'test')[at % 3]},{CLASSES[at % 3]}")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    return ["--labels", tmp_path / "labels.csv", "--features", folder]


def test_a_checkpoint_with_films_beside_it_is_measured_on_those_of_the_test_split(tmp_path, capsys):
    network = built(FilmNetwork.FUSION, BOTH, 3)
    torch.save(network.state_dict(), tmp_path / "fusion.pt")
    films = write_films(tmp_path, {"scene": (7, 6), "sound": (9, 5), "words": (3,)})
    adopt(tmp_path, tmp_path / "fusion.pt", "--network", "fusion", *films)
    facts = json.loads(capsys.readouterr().out)
    side = Description.read(tmp_path / "out" / "fusion.json")
    assert side.films == 3 and list(side.variance) == facts["variance"]
    assert 0 <= facts["test"]["accuracy"] <= 1
    save_file(network.state_dict(), tmp_path / "fusion.safetensors")
    adopt(tmp_path, tmp_path / "fusion.safetensors", "--network", "fusion", *films)
    assert json.loads(capsys.readouterr().out) == facts
    order = ["--classes", "joy", "fear", "anger"]  # of its outputs, as its owner knows it
    adopt(tmp_path, tmp_path / "fusion.pt", "--network", "fusion", *films, *order)
    assert Description.read(tmp_path / "out" / "fusion.json").labels == ("joy", "fear", "anger")
    with pytest.raises(InputError, match="they must be the same"):
        adopt(tmp_path, tmp_path / "fusion.pt", "--network", "fusion", *films, "--classes", "joy")


class Evil:
    def __reduce__(self):
        return os.system, ("echo never > evil.txt",)


def test_checkpoints_that_are_none_are_sentences_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scaling = scaling_file(tmp_path, "audio", "scene", "face", "asr")

    def refused(words, *options, checkpoint="c.pt"):
        kind = InputError if "There is no file" not in words else NotFoundError
        with pytest.raises(kind, match=words):
            adopt(tmp_path, tmp_path / checkpoint, "--network", *options)
        assert not (tmp_path / "out").exists() and not (tmp_path / "evil.txt").exists()

    refused("There is no file", "fusion", "--scaling", scaling)
    torch.save({"state_dict": Evil()}, tmp_path / "c.pt")
    refused("no weights that can be read safely", "fusion", "--scaling", scaling)
    (tmp_path / "c.safetensors").write_bytes(b"none")
    refused("no weights that can", "fusion", "--scaling", scaling, checkpoint="c.safetensors")
    torch.save(published_fusion(with_ocr=True).state_dict(), tmp_path / "c.pt")
    refused("not a checkpoint of this network", "fusion", "--scaling", scaling)
    state = published_fusion(with_ocr=False).state_dict()
    refused("scaled by numbers that its checkpoint does not hold", "fusion")
    torch.save(state | {"output.bias": torch.full((6,), float("nan"))}, tmp_path / "c.pt")
    refused("weights that are not numbers", "fusion", "--scaling", scaling)
    torch.save(state, tmp_path / "c.pt")
    refused("not a checkpoint of this network", "fusion", "--scaling", scaling, "--classes", "joy",
            "fear")  # fmt: skip
    refused("Name the genres in the order", "mlp", "--scaling", scaling)
    refused("is no scaling", "fusion", "--scaling", scaling_file(tmp_path, "audio", low=2.0))
    refused("is no scaling", "fusion", "--scaling", scaling_file(tmp_path, "smell"))


def test_only_the_features_that_are_named_are_trained_on(tmp_path, capsys):
    films = write_films(tmp_path, {"scene": (7, 6), "sound": (9, 5), "words": (3,)})
    told = [
        "genre",
        *films,
        "--out",
        tmp_path / "out",
        "--epochs",
        "1",
        "--network",
        "mlp",
        "--only",
    ]
    main([str(each) for each in [*told, "scene", "words"]])
    assert json.loads(capsys.readouterr().out)["modalities"] == {"scene": 6, "words": 3}
    side = Description.read(tmp_path / "out" / "genre.json")
    assert set(side.modalities) == {"scene", "words"}
    with pytest.raises(NotFoundError, match=r"has the features 'smell'\. There are: scene, sound"):
        main([str(each) for each in [*told, "smell"]])
