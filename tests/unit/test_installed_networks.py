"""Networks that a user trained, from films with labels to their vote on a film that they never saw;
and networks that are none."""

import json
import math

import numpy as np
import pytest
from tests.films import draw_film
from tests.full_tier import write_scene_stand_in, write_sound_stand_in
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("onnx")

from emsync.errors import MissingPartError
from emsync.wire import read_cue_sheet
from emsync_server.cli.commands import command_tree
from emsync_server.models import ModelState, list_models, user_folder
from emsync_server.spotting import networks
from emsync_server.spotting.experts import Reading, ShotReadings, expert_row
from emsync_server.spotting.experts.description import Description, Modality
from emsync_server.spotting.experts.trained import EMOTIONS
from emsync_training.commands import main

pytestmark = pytest.mark.training

SUN, SEA = (235, 215, 90), (25, 45, 110)
SPLITS = ("train", "train", "train", "train", "dev", "dev", "test", "test")


def run(*arguments):
    result = CliRunner().invoke(command_tree(), [str(each) for each in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def draw(path, colours, rng, seconds=2.5):
    """Shots of about these colours."""
    near = [tuple(int(v) for v in np.clip(rng.normal(each, 12), 0, 255)) for each in colours]
    cuts = [seconds * at for at in range(1, len(near))]
    draw_film(path, seconds=seconds * len(near), cuts_s=cuts, size=(96, 54), palette=near)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Features of eight films by stand-ins of the full tier, and what was trained on them: a fusion
    in `fusion`, a genre network in `genre`, the experts' in `weights`."""
    home = tmp_path_factory.mktemp("trained")
    write_scene_stand_in(home / "weights" / "scene_full" / "scene_full.onnx")
    write_sound_stand_in(home / "weights" / "sound_full" / "sound_full.onnx")
    rng = np.random.default_rng(4)
    tables = {name: ["name,split,labels"] for name in ("fusion", "genre")}
    (home / "films").mkdir()
    for at, split in enumerate(SPLITS):
        colour, *labels = ((SUN, "joy", "musical"), (SEA, "sadness", "noir"))[at % 2]
        draw(home / "films" / f"f{at}.mp4", [colour], rng)
        for rows, label in zip(tables.values(), labels, strict=True):
            rows.append(f"f{at},{split},{label}")
    for name, rows in tables.items():
        (home / f"{name}.csv").write_text("\n".join(rows))
    experts = ("scene_full", "sound_full")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMSYNC_MODELS", str(home / "models"))
        install_experts(home)
        train("features", "--films", home / "films", "--out", home / "features",
              "--experts", *experts)  # fmt: skip
        for name, *more in (("fusion",), ("genre", "--network", "mlp")):
            train(name, "--labels", home / f"{name}.csv", "--features", home / "features",
                  "--out", home / name, "--only", *experts, "--epochs", 8, "--rate", "1e-3",
                  *more)  # fmt: skip
    return home


def train(*arguments):
    main([str(each) for each in arguments])


@pytest.fixture
def film(tmp_path):
    """A film that nothing was trained on: sun, then sea."""
    return draw(tmp_path / "film.mp4", [SUN, SEA], np.random.default_rng(9), seconds=3.0)


def spot(film):
    path = film.with_suffix(".json")
    output = run("spot", film, "-o", path)
    return read_cue_sheet(path), output


def install_experts(trained):
    for name in ("scene_full", "sound_full"):
        run("models", "import", name, trained / "weights" / name)


def votes_of(sheet, name="fusion"):
    return [next((v for v in shot.votes if v.expert == name), None) for shot in sheet.shots]


def test_a_trained_fusion_votes_on_a_film_that_it_never_saw(trained, film):
    before, _ = spot(film)
    assert not before.genres and not any(shot.ekman for shot in before.shots)
    assert "genres" not in film.with_suffix(".json").read_text()
    install_experts(trained)
    assert spot(film)[0] == before  # nobody asks them for their own sake
    said = run("models", "import", "fusion", trained / "fusion")
    assert "reads what scene_full, sound_full say; tells joy, sadness" in said
    assert "measured on 2 films" in said
    sheet, _ = spot(film)
    assert not sheet.picture.warnings and not sheet.genres
    sun, sea = votes_of(sheet)
    assert sun.emotion.valence > 0.3 and sea.emotion.valence < -0.3
    assert sun.share > 0 and sun.uncertainty.valence < 0.5
    likeliest = [max(shot.ekman, key=lambda each: each[1])[0] for shot in sheet.shots]
    assert likeliest == ["joy", "sadness"]
    for shot, sign in zip(sheet.shots, (1, -1), strict=True):
        at_s = float(shot.range.start.seconds)
        old, new = (each.cues[0].emotion.at(at_s).valence for each in (before, sheet))
        assert sign * (new - old) > 0.02
    assert [[v for v in shot.votes if v.expert != "fusion"] for shot in sheet.shots] != []
    assert run("spot", film, "--draft", "-o", film.with_suffix(".draft.json"))
    assert not read_cue_sheet(film.with_suffix(".draft.json")).shots[0].votes[1:]  # movement alone
    page = film.with_suffix(".emotion.html").read_text()
    assert '["fusion", ' in page and '"joy ' in page


def test_a_network_is_asked_by_a_score_of_a_timeline_too(trained, film, tmp_path):
    import opentimelineio as otio

    install_experts(trained)
    run("models", "import", "fusion", trained / "fusion")
    rate = 24
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    for start_s in (3.0, 0.0):  # the sea comes first here
        where = otio.opentime.TimeRange(otio.opentime.RationalTime(start_s * rate, rate),
                                        otio.opentime.RationalTime(3 * rate, rate))  # fmt: skip
        media = otio.schema.ExternalReference(film.as_uri())
        track.append(otio.schema.Clip("shot", media, where))
    edit = tmp_path / "edit.otio"
    otio.adapters.write_to_file(otio.schema.Timeline("edit", tracks=[track]), str(edit))
    sea, sun = votes_of(spot(edit)[0])
    assert sun.emotion.valence > 0.3 and sea.emotion.valence < -0.3


def test_another_network_speaks_at_once(trained, film, tmp_path):
    install_experts(trained)
    run("models", "import", "fusion", trained / "fusion")
    first = votes_of(spot(film)[0])
    other = tmp_path / "other"
    other.mkdir()
    (other / "fusion.onnx").write_bytes((trained / "fusion" / "fusion.onnx").read_bytes())
    told = json.loads((trained / "fusion" / "fusion.json").read_text())
    told["labels"].reverse()
    (other / "fusion.json").write_text(json.dumps(told))
    run("models", "import", "fusion", other)
    second = votes_of(spot(film)[0])
    assert [math.copysign(1, vote.emotion.valence) for vote in (*first, *second)] == [1, -1, -1, 1]


def test_genres_are_shown_where_a_genre_network_is_installed(trained, film):
    install_experts(trained)
    assert "tells musical, noir" in run("models", "import", "genre", trained / "genre")
    sheet, output = spot(film)
    assert {name for name, _ in sheet.genres} == {"musical", "noir"}
    assert 1 >= sheet.genres[0][1] >= sheet.genres[1][1] >= 0
    assert votes_of(sheet) == [None, None] and not any(shot.ekman for shot in sheet.shots)
    (name, value), page = sheet.genres[0], film.with_suffix(".emotion.html").read_text()
    assert f"{name} {value:.0%}" in output and f"{name} {value:.0%}" in page


def test_a_network_whose_experts_are_missing_is_not_asked_and_the_sheet_says_why(trained, film):
    before, _ = spot(film)
    said = run("models", "import", "fusion", trained / "fusion")
    assert "not asked yet: It reads what scene_full and sound_full say, and this" in said
    sheet, _ = spot(film)
    (warning,) = sheet.picture.warnings
    assert "The network 'fusion' was not asked. It reads what scene_full and sound_full" in warning
    assert sheet.shots == before.shots and sheet.cues == before.cues


def test_a_network_is_not_asked_about_what_other_versions_of_its_experts_say(trained, film):
    install_experts(trained)
    other = film.with_name("scene_full.onnx")
    write_scene_stand_in(other)
    other.write_bytes(other.read_bytes() + b"\x32\x00")  # the same network, by other hands
    run("models", "import", "scene_full", other.parent)
    said = run("models", "import", "fusion", trained / "fusion")
    assert "not asked yet: It was trained on what other versions of scene_full say" in said
    sheet, _ = spot(film)
    assert "other versions of scene_full" in sheet.picture.warnings[0]
    assert votes_of(sheet) == [None, None]


def test_weights_that_were_damaged_later_are_no_missing_reading(trained, film):
    install_experts(trained)
    run("models", "import", "fusion", trained / "fusion")
    (user_folder() / "scene_full" / "scene_full.onnx").write_bytes(b"damaged")
    with pytest.raises(MissingPartError, match=r"scene_full\.onnx cannot be used: .* Fetch them"):
        spot(film)


def test_a_network_that_nobody_measured_hardly_counts_and_says_so(trained, film, tmp_path):
    install_experts(trained)
    folder = changed(trained, tmp_path, lambda told: told | {"variance": None, "films": 0})
    assert "measured by nobody, so a wide one" in run("models", "import", "fusion", folder)
    unmeasured = votes_of(spot(film)[0])
    sure = {"variance": [0.08, 0.1], "films": 400}
    folder = changed(trained, tmp_path, lambda told: told | sure)
    assert "0.08 and 0.1, measured on 400 films" in run("models", "import", "fusion", folder)
    measured = votes_of(spot(film)[0])
    for wide, narrow in zip(unmeasured, measured, strict=True):
        assert 0 < wide.share < narrow.share / 2
        assert wide.uncertainty.valence > narrow.uncertainty.valence


def changed(trained, tmp_path, change=lambda told: told, weights=None):
    """A folder to import, with another description, or other weights."""
    folder = tmp_path / "changed"
    folder.mkdir(exist_ok=True)
    told = json.loads((trained / "fusion" / "fusion.json").read_text())
    (folder / "fusion.json").write_text(json.dumps(change(told)))
    data = (trained / "fusion" / "fusion.onnx").read_bytes()
    (folder / "fusion.onnx").write_bytes(data if weights is None else weights(data))
    return folder


def with_modality(**facts):
    return lambda told: (
        told
        | {
            "modalities": told["modalities"]
            | {"scene_full": told["modalities"]["scene_full"] | facts}
        }
    )


DESCRIPTIONS = {
    "too many labels": (lambda told: told | {"labels": ["joy", "sadness", "fear"]},
                        r"its 'probabilities' has shape .*, not \[None, 3\]"),
    "no emotion": (lambda told: told | {"labels": ["joy", "hunger"]}, "not 'hunger'"),
    "one label": (lambda told: told | {"labels": ["joy"]}, "1 labels"),
    "twice": (lambda told: told | {"labels": ["joy", "joy"]}, "two of one name"),
    "no names": (lambda told: told | {"labels": [1, 2]}, "no list of names"),
    "another size": (with_modality(size=300), r"has shape .*, not \[None, 16, 300\]"),
    "no expert": (with_modality(feature="smell"), "reads 'smell', which no expert"),
    "not a number": (with_modality(low=math.nan), "is scaled from nan"),
    "upside down": (with_modality(low=9.0, high=1.0), r"is scaled from 9\.0 to 1\.0"),
    "negative variance": (lambda told: told | {"variance": [-1, 1]}, "variances of"),
    "no modalities": (lambda told: {k: v for k, v in told.items() if k != "modalities"},
                      "says nothing of 'modalities'"),
    "endless": (lambda told: told | {"steps": math.inf}, "does not describe a network"),
    "half a variance": (lambda told: told | {"variance": [0.1]}, "does not describe a network"),
    "a list": (lambda told: [told], "does not describe a network"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "words"), DESCRIPTIONS.values(), ids=DESCRIPTIONS)
def test_a_description_that_does_not_fit_is_a_sentence_and_what_was_there_stays(
    trained, tmp_path, change, words
):
    run("models", "import", "fusion", trained / "fusion")
    kept = sorted((path.name, path.read_bytes()) for path in (user_folder() / "fusion").iterdir())
    with pytest.raises(MissingPartError, match=words) as failure:
        run("models", "import", "fusion", changed(trained, tmp_path, change))
    assert "\n" not in failure.value.sentence
    now = sorted((path.name, path.read_bytes()) for path in (user_folder() / "fusion").iterdir())
    assert now == kept
    assert next(m for m in list_models() if m.name == "fusion").state is ModelState.READY


def program(data):
    import os
    import pickle

    class Evil:
        def __reduce__(self):
            return os.system, ("echo never > evil.txt",)

    return pickle.dumps(Evil())


@pytest.mark.parametrize("weights", [program, lambda data: data[: len(data) // 2]],
                         ids=["a program", "half of it"])  # fmt: skip
def test_weights_that_are_none_are_refused_and_nothing_is_installed(
    trained, tmp_path, monkeypatch, weights
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingPartError, match=r"fusion\.onnx cannot be used"):
        run("models", "import", "fusion", changed(trained, tmp_path, weights=weights))
    assert not (tmp_path / "evil.txt").exists()
    assert next(m for m in list_models() if m.name == "fusion").state is ModelState.MISSING


def write_weights(path, kind):
    """A network of the trained one's inputs whose outputs are no probabilities."""
    from emsync_training.experts.graph import Graph

    graph = Graph()
    mean = graph.node("ReduceMean", "features.scene_full", axes=[1, 2], keepdims=0)
    column = graph.node("Unsqueeze", mean, graph.integers(1))
    other = graph.node("ReduceMean", "features.sound_full", axes=[1, 2], keepdims=0)
    total = graph.node("Add", column, graph.node("Unsqueeze", other, graph.integers(1)))
    if kind == "not numbers":
        total = graph.node("Sqrt", graph.node("Neg", graph.node("Exp", total)))
    if kind == "over one":
        total = graph.node("Exp", graph.node("Abs", total))
    if kind == "no sum":
        total = graph.node("Mul", total, graph.exact("nothing", np.float32(0)))
    graph.node("Concat", total, total, axis=1, output="probabilities")
    inputs = {"features.scene_full": ("B", 16, 512), "features.sound_full": ("B", 16, 768)}
    model = graph.model(inputs, {"probabilities": ("B", 2)}, source="stand-in")
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("kind", "words"),
    [("not numbers", "its 'probabilities' are not numbers"),
     ("over one", "its 'probabilities' are not 2 probabilities"),
     ("no sum", "its 'probabilities' do not sum to 1")],
    ids=["not numbers", "over one", "no sum"],
)  # fmt: skip
def test_weights_that_go_astray_on_a_film_are_told_of_and_the_film_is_spotted(
    trained, film, tmp_path, kind, words
):
    before, _ = spot(film)
    install_experts(trained)
    folder = changed(trained, tmp_path)
    write_weights(folder / "fusion.onnx", kind)
    run("models", "import", "fusion", folder)
    sheet, _ = spot(film)
    (warning,) = sheet.picture.warnings
    assert warning.startswith("The network 'fusion' was not asked. ") and words in warning
    assert sheet.shots == before.shots


def test_features_of_another_size_than_it_was_trained_on_are_told_of(trained, film, tmp_path):
    install_experts(trained)
    folder = changed(trained, tmp_path, with_modality(feature="scene"))  # 2,816 numbers
    run("models", "import", "fusion", folder)
    (warning,) = spot(film)[0].picture.warnings
    assert "trained on 512 numbers of 'scene', which are others here" in warning


def test_words_are_read_shot_by_shot_and_a_shot_without_any_gets_no_answer(monkeypatch):
    write_echo(user_folder() / "fusion", feature="text_emotion_transcript")
    monkeypatch.setattr(networks, "why_not", lambda *told: "")  # no recogniser is needed: it spoke
    spoken = [Reading("transcript", 0.5, 1.5, text="I am so afraid."),
              Reading("transcript", 4.2, 5.0, text="I love this,"),
              Reading("transcript", 5.0, 5.8, text="thank you so much!")]  # fmt: skip
    shots = [ShotReadings(start, start + 2.0, {}) for start in (0.0, 2.0, 4.0)]
    answers = networks.ask_networks(shots, spoken, [expert_row("fusion")])
    assert not answers.complaints and answers.genres is None
    afraid, nothing, thankful = [shot.by_expert.get("fusion") for shot in answers.shots]
    assert nothing is None
    assert afraid.ekman.fear > 0.5 and afraid.estimate.mean.valence < 0
    assert thankful.ekman.joy > 0.5 and thankful.estimate.mean.valence > 0
    assert (afraid.start_s, afraid.end_s) == (0.0, 2.0)


def write_echo(folder, feature):
    """A fusion that says what the words' own expert says."""
    from emsync_training.experts.graph import Graph

    graph = Graph()
    graph.node("Identity", "features.asr", output="probabilities")
    model = graph.model({"features.asr": ("B", 7)}, {"probabilities": ("B", 7)}, source="stand-in")
    folder.mkdir(parents=True)
    (folder / "fusion.onnx").write_bytes(model.SerializeToString())
    asr = Modality(feature, 7, is_sequence=False, low=0.0, high=1.0)
    (folder / "fusion.json").write_text(Description(EMOTIONS, 16, {"asr": asr}).json())
