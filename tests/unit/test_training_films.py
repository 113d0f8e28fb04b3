"""Published fusion and genre networks: sizes, planted labels, checkpoints, hostile input."""

import csv
import os
import pickle

import numpy as np
import pytest
from tests.films import draw_film
from tests.full_tier import write_scene_stand_in

torch = pytest.importorskip("torch")

from emsync.errors import (  # noqa: E402 - after torch is known to be there
    InputError,
    MissingPartError,
    NotFoundError,
    OutputError,
)
from emsync_server.spotting.experts import Ekman, Picture, Reading, feature_experts  # noqa: E402
from emsync_server.spotting.experts.features import features_in  # noqa: E402
from emsync_server.spotting.experts.scene_full import SceneFullExpert  # noqa: E402
from emsync_training.commands import main  # noqa: E402
from emsync_training.film_features.extraction import extract_features  # noqa: E402
from emsync_training.film_features.films import read_films  # noqa: E402
from emsync_training.film_features.made_by import note_made_by, read_made_by  # noqa: E402
from emsync_training.film_features.published import load_weights  # noqa: E402
from emsync_training.film_features.restricted_pickle import read_pickle  # noqa: E402
from emsync_training.film_features.run import FilmNetwork, train_film_network  # noqa: E402
from emsync_training.film_features.training import FilmTraining  # noqa: E402
from emsync_training.networks.attention_fusion import published_fusion  # noqa: E402
from emsync_training.networks.genre import (  # noqa: E402
    MILLIONS,
    GenreMLP,
    MultiTransformer,
    SingleTransformer,
)

pytestmark = pytest.mark.training

SIZE, STEPS, CLASSES = 12, 5, ("anger", "joy", "fear", "sadness")


def planted(count=240, seed=3):
    """Films whose label is two bits, one in each modality: each alone tells half of it."""
    rng = np.random.default_rng(seed)
    films, labels = {}, {}
    for at in range(count):
        bits = rng.integers(2, size=2)
        parts = {}
        for name, bit in zip(("audio", "scene"), bits, strict=True):
            parts[name] = rng.normal(0, 1, (STEPS, SIZE)).astype(np.float32)
            parts[name][:, 0] += 3.0 * (2 * bit - 1)
        films[f"film{at:03d}"], labels[f"film{at:03d}"] = parts, CLASSES[2 * bits[0] + bits[1]]
    return films, labels


def write_labels(path, labels, *, words=None):
    names = sorted(labels)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["name", "split", "labels"])
        for at, name in enumerate(names):
            split = ("train", "train", "train", "dev", "test")[at % 5]
            table.writerow([name, split, words or labels[name]])
    return path


def write_folder(folder, films):
    folder.mkdir()
    for name, parts in films.items():
        np.savez(folder / f"{name}.npz", **parts)
    return folder


@pytest.mark.parametrize("with_ocr", [True, False], ids=["ocr", "no-ocr"])
def test_the_published_fusion_has_the_published_size(with_ocr):
    network = published_fusion(with_ocr=with_ocr)  # asserts its number of parameters
    features = {n: torch.zeros(2, 16, s) for n, s in (("audio", 768), ("scene", 512),
                                                      ("face", 768))}  # fmt: skip
    features |= {name: torch.zeros(2, 768) for name in network.texts}
    assert network(features).shape == (2, 6)


def test_the_published_genre_transformer_has_the_published_size():
    count = sum(parameter.numel() for parameter in SingleTransformer().parameters())
    assert round(count / 1e6, 1) == MILLIONS


@pytest.mark.slow
def test_a_label_planted_across_two_modalities_is_found_by_the_fusion_and_by_neither_alone(
    tmp_path,
):
    films, labels = planted()
    table = write_labels(tmp_path / "labels.csv", labels)
    folder = write_folder(tmp_path / "features", films)
    settings = FilmTraining(
        one_label=True, epochs=14, patience=14, rate=1e-3, steps=STEPS, batch=16
    )
    facts = train_film_network(FilmNetwork.FUSION, table, folder, tmp_path / "out", settings,
                               lambda line: None, subsets=True)  # fmt: skip
    found = {name: each["accuracy"] for name, each in facts["test"].items()}
    assert found["all"] > 0.9
    assert max(found["only audio"], found["only scene"]) < 0.7
    low, high = facts["test"]["all"]["macro_f1_95"]
    assert low <= facts["test"]["all"]["macro_f1"] <= high
    again = train_film_network(FilmNetwork.FUSION, table, folder, tmp_path / "out", settings,
                               lambda line: pytest.fail(line))  # fmt: skip
    assert again["test"]["all"] == facts["test"]["all"]  # resumed: nothing was left to train


def test_genres_are_several_a_film_and_the_pickle_reads_as_the_folder_does(tmp_path):
    films, labels = planted(60)
    table = write_labels(tmp_path / "labels.csv", {n: f"{w};drama" for n, w in labels.items()})
    path = tmp_path / "features.pkl"
    path.write_bytes(pickle.dumps(films))
    by_folder = read_films(table, write_folder(tmp_path / "features", films))
    by_pickle = read_films(table, path)
    for one, other in zip(by_folder.features, by_pickle.features, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in ("audio", "scene"))
    settings = FilmTraining(one_label=False, epochs=2, rate=1e-3, steps=STEPS)
    facts = train_film_network(FilmNetwork.MLP, table, path, tmp_path / "out", settings,
                               lambda line: None)  # fmt: skip
    assert 0 < facts["test"]["all"]["macro_average_precision"] <= 1


@pytest.mark.parametrize("network", [MultiTransformer, GenreMLP], ids=["multi", "mlp"])
def test_other_genre_networks_take_sequences_and_texts(network):
    sizes = {"audio": 6, "asr": 4}
    options = {} if network is GenreMLP else {"positions": 16}
    out = network(sizes, classes=3, **options)({"audio": torch.zeros(2, 5, 6),
                                                "asr": torch.zeros(2, 4)})  # fmt: skip
    assert out.shape == (2, 3)


def test_a_checkpoint_with_other_names_and_the_published_shapes_is_taken_over(tmp_path):
    theirs = published_fusion(with_ocr=True)
    renamed = {f"model.{at}.{name.rpartition('.')[2]}" if name.endswith((".weight", ".bias"))
               else f"model.{at}.{name}": value
               for at, (name, value) in _by_module(theirs.state_dict())}  # fmt: skip
    path = tmp_path / "fusion.pt"
    torch.save({"state_dict": renamed}, path)
    ours = load_weights(published_fusion(with_ocr=True), path)
    for name, value in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], value), name


def _by_module(state):
    """Each parameter with the number of its module."""
    numbers = {}
    for name, value in state.items():
        module = name.rpartition(".")[0] if name.endswith((".weight", ".bias")) else name
        yield numbers.setdefault(module, len(numbers)), (name, value)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    path = tmp_path / "other.pt"
    torch.save(torch.nn.Linear(3, 3).state_dict(), path)
    with pytest.raises(InputError, match="not a checkpoint of this network"):
        load_weights(published_fusion(with_ocr=False), path)


class Evil:
    def __reduce__(self):
        return os.system, ("echo never > evil.txt",)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pickle.dumps({"film": {"audio": Evil()}}), "wants to run"),
        (
            pickle.dumps({"film": {"audio": np.zeros((3, 2))}})[:60],
            "not a complete pickle|not read",
        ),
        (pickle.dumps({"a": np.array([Evil()], dtype=object)}), "wants to run"),
        (b"not a pickle", "not a complete pickle|not read"),
    ],
    ids=["program", "truncated", "objects", "text"],
)
def test_a_hostile_pickle_is_refused_in_a_sentence_and_nothing_runs(
    tmp_path, monkeypatch, data, words
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "features.pkl"
    path.write_bytes(data)
    with pytest.raises(InputError, match=words):
        read_pickle(path)
    assert not (tmp_path / "evil.txt").exists()


def test_labels_without_features_nan_and_odd_shapes_are_sentences(tmp_path):
    films, labels = planted(10)
    table = write_labels(tmp_path / "labels.csv", labels)
    few = {name: films[name] for name in list(films)[:5]}
    with pytest.raises(InputError, match=r"5 of 10 films .* have no features"):
        read_films(table, write_folder(tmp_path / "few", few))
    broken = {name: dict(parts) for name, parts in films.items()}
    broken["film003"]["audio"] = np.full((STEPS, SIZE), np.nan, np.float32)
    with pytest.raises(InputError, match=r"film003.*not numbers"):
        read_films(table, write_folder(tmp_path / "nan", broken))
    broken["film003"]["audio"] = np.zeros((STEPS, SIZE + 1), np.float32)
    with pytest.raises(InputError, match="'audio' of film 'film003'"):
        read_films(table, write_folder(tmp_path / "odd", broken))
    with pytest.raises(InputError, match=r"Line 2 of .*labels"):
        read_films(write_labels(tmp_path / "empty.csv", labels, words=" "), tmp_path / "few")
    with pytest.raises(NotFoundError, match="no folder"):
        read_films(table, tmp_path / "nowhere")


def test_features_that_one_cannot_train_on_are_sentences(tmp_path):
    films, labels = planted(10)
    table = write_labels(tmp_path / "labels.csv", labels)
    huge = {name: {"audio": parts["audio"].astype(np.float64) * 1e300, "scene": parts["scene"]}
            for name, parts in films.items()}  # fmt: skip
    with pytest.raises(InputError, match="too large for single precision"):
        read_films(table, write_folder(tmp_path / "huge", huge))
    late = {name: {key: value for key, value in parts.items()
                   if key == "scene" or at % 5 == 4}
            for at, (name, parts) in enumerate(films.items())}  # fmt: skip
    with pytest.raises(InputError, match=r"No film of the split 'train' has .* 'audio'"):
        read_films(table, write_folder(tmp_path / "late", late))
    table.write_bytes(table.read_bytes().replace(b"film000", b"x" * 300))
    with pytest.raises(InputError, match="not a complete file of arrays"):
        read_films(table, tmp_path / "late")


def trained(tmp_path, films, labels, **settings):
    table = write_labels(tmp_path / "labels.csv", labels)
    path = tmp_path / "features.pkl"
    path.write_bytes(pickle.dumps(films))
    told = FilmTraining(one_label=True, epochs=1, steps=STEPS, **settings)
    return train_film_network(FilmNetwork.MLP, table, path, tmp_path / "out", told,
                              lambda line: None)  # fmt: skip


@pytest.mark.parametrize("batch", [2, 32], ids=["in an epoch", "by its last step"])
def test_a_run_that_goes_astray_says_so_and_leaves_nothing(tmp_path, batch):
    films, labels = planted(10)
    with pytest.raises(InputError, match=r"astray in epoch 1: .* smaller --rate than 1e\+30"):
        trained(tmp_path, films, labels, rate=1e30, batch=batch)
    assert not (tmp_path / "out").exists()


def test_a_modality_may_not_be_called_as_pytorch_calls_itself(tmp_path):
    films, labels = planted(10)
    renamed = {name: {"keys": parts["audio"]} for name, parts in films.items()}
    with pytest.raises(InputError, match="called 'keys', a word that PyTorch needs"):
        trained(tmp_path, renamed, labels)


@pytest.mark.parametrize("damage", ["noise", "half", "other", "list"])
def test_a_damaged_checkpoint_is_told_of_and_kept(tmp_path, damage):
    films, labels = planted(10)
    path = tmp_path / "out" / "checkpoint.pt"
    path.parent.mkdir()
    torch.save([1] if damage == "list" else {"epoch": 1}, path)
    data = path.read_bytes()
    path.write_bytes({"noise": b"noise", "half": data[: len(data) // 2]}.get(damage, data))
    with pytest.raises(InputError, match=r"no complete checkpoint\. Remove it to begin anew"):
        trained(tmp_path, films, labels)
    assert [each.name for each in path.parent.iterdir()] == ["checkpoint.pt"]


def test_a_file_in_the_place_of_the_folder_is_told_of(tmp_path):
    films, labels = planted(10)
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="a file is in the way"):
        trained(tmp_path, films, labels)
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize(
    ("option", "value"),
    [("--epochs", "0"), ("--batch", "-1"), ("--rate", "nan"), ("--rate", "0"), ("--rate", "x")],
)
def test_settings_that_train_nothing_are_refused(tmp_path, capsys, option, value):
    paths = ["--labels", "l.csv", "--features", "f", "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit, match="2"):
        main(["fusion", *paths, option, value])
    assert f"'{value}' is not a" in capsys.readouterr().err


def test_every_film_of_a_folder_gets_features_and_what_is_none_is_named(tmp_path):
    films, out, said = tmp_path / "films", tmp_path / "out", []
    films.mkdir()
    draw_film(films / "one.mp4", seconds=4.0, cuts_s=(2.0,))
    (films / "none.mp4").write_text("no film")
    read, complaints = extract_features(films, out, workers=1, say=said.append)
    assert read == 1
    assert len(complaints) == 1 and "none.mp4" in complaints[0]
    with np.load(out / "one.npz") as features:
        assert features.files
        assert all(np.isfinite(features[name]).all() for name in features.files)


def test_experts_of_the_full_tier_give_features_where_they_are_asked_to(tmp_path, monkeypatch):
    films, models = tmp_path / "films", tmp_path / "models"
    films.mkdir()
    (models / "scene_full").mkdir(parents=True)
    monkeypatch.setenv("EMSYNC_MODELS", str(models))
    draw_film(films / "one.mp4", seconds=4.0, cuts_s=(2.0,))

    def read(*experts):
        return extract_features(films, tmp_path / "out", workers=1, say=lambda line: None,
                                experts=experts)  # fmt: skip

    with pytest.raises(NotFoundError, match=r"no expert 'clip' .* There are: .*scene_full"):
        read("clip")
    with pytest.raises(MissingPartError, match=r"scene_full\.onnx are not installed"):
        read("scene_full")
    write_scene_stand_in(models / "scene_full" / "scene_full.onnx")
    assert read("scene_full") == (1, [])
    with np.load(tmp_path / "out" / "one.npz") as features:
        assert features["scene_full"].shape == (len(features["scene"]), 512)


def test_features_of_other_versions_of_an_expert_are_not_mixed(tmp_path):
    note_made_by(tmp_path, {"scene": "1", "faces": "1"})
    note_made_by(tmp_path, {"scene": "1", "scene_full": "5"})
    made_by = {"scene": "1", "faces": "1", "scene_full": "5"}
    assert read_made_by(tmp_path) == made_by
    with pytest.raises(InputError, match=r"made by another version of 'scene'\. Name another"):
        note_made_by(tmp_path, {"scene": "2"})
    assert read_made_by(tmp_path) == made_by and read_made_by(tmp_path / "features.pkl") == {}
    (tmp_path / "experts.json").write_text("[1")
    with pytest.raises(InputError, match="is damaged"):
        read_made_by(tmp_path)


def test_words_are_one_feature_a_film_by_who_heard_or_saw_them():
    heard = [Reading("transcript", at, at + 1.0, text=text)
             for at, text in enumerate(("I am so afraid.", "Please do not hurt me!"))]  # fmt: skip
    seen = Reading("screen_text", 5.0, 5.0, text="I love this, thank you so much!")
    (told,) = features_in([[*heard, seen]], feature_experts(), [(0.0, 6.0)])
    found = told.arrays
    assert {name: array.shape for name, array in found.items()} == {
        "text_emotion_screen_text": (7,), "text_emotion_transcript": (7,)}  # fmt: skip
    six = [each.value for each in Ekman]
    assert six[found["text_emotion_transcript"][:6].argmax()] == "fear"
    assert six[found["text_emotion_screen_text"][:6].argmax()] == "joy"
    assert features_in([[]], feature_experts(), [(0.0, 1.0)])[0].arrays == {}


@pytest.mark.parametrize("damage", ["layers", "numbers"])
def test_weights_that_fail_only_as_they_run_are_told_of(tmp_path, damage):
    write_scene_stand_in(tmp_path / "scene_full.onnx", damage=damage)
    expert = SceneFullExpert(tmp_path)
    with pytest.raises(MissingPartError, match=r"it fails on what|its 'image_embeds' are not numb"):
        expert.read([Picture(0.0, np.full((90, 160, 3), 255, np.uint8))])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff\xfe\x00name", "not a table of text in UTF-8"),
        (b"name,split,labels\na,train,joy\nb,dev,joy\nc,test,joy\n", "one label for all films"),
        (b"", "names no film of the split 'train'"),
    ],
    ids=["no text", "one label", "empty"],
)
def test_a_table_of_labels_that_is_none_is_told_of(tmp_path, data, says):
    (tmp_path / "labels.csv").write_bytes(data)
    with pytest.raises(InputError, match=says):
        read_films(tmp_path / "labels.csv", tmp_path)


def test_a_truncated_file_of_features_is_told_of_and_a_spreadsheets_mark_is_none(tmp_path):
    films, labels = planted(12)
    table = write_labels(tmp_path / "labels.csv", labels)
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    folder = write_folder(tmp_path / "features", films)
    assert len(read_films(table, folder).names) == len(films)
    broken = folder / f"{next(iter(films))}.npz"
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a complete file of arrays"):
        read_films(table, folder)
