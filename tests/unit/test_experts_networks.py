"""Weights of experts: hostile files, stand-ins of the full tier, and the conversions behind the
built-in ones."""

import pickle
import re
import struct

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tests.unit.test_composer_files import HOSTILE

from emsync.errors import MissingPartError
from emsync_server.inference.network import Network
from emsync_server.inference.onnx_reading import read_onnx
from emsync_server.models import MODELS_FOLDER
from emsync_server.spotting.experts import EXPERTS, Line, Picture, Sense, SoundWindow, Tier
from emsync_server.spotting.experts.faces_full import FacesFullExpert
from emsync_server.spotting.experts.mel import MelShape, kaldi_bands, mel_power
from emsync_server.spotting.experts.scene import FEATURES, LAYERS, SceneExpert
from emsync_server.spotting.experts.scene_full import SceneFullExpert
from emsync_server.spotting.experts.sound_emotion import SoundEmotionExpert, soundscape_features
from emsync_server.spotting.experts.sound_full import SoundFullExpert

RANDOM = np.random.default_rng(1)


def picture(height=90, width=160, time_s=0.0):
    return Picture(time_s, RANDOM.integers(0, 255, (height, width, 3)).astype(np.uint8))


def noise(seconds, rate_hz=16_000, level=0.1):
    samples = level * RANDOM.standard_normal(round(seconds * rate_hz))
    return SoundWindow(1.0, samples.astype(np.float32), rate_hz)


def load(path, inputs=None, outputs=None):
    return Network.load(path, inputs=inputs or {"x": (None,)}, outputs=outputs or {"y": (None,)})


@pytest.mark.parametrize("case", [name for name in HOSTILE if name not in ("other inputs",)])
def test_a_hostile_network_is_refused_in_a_sentence(tmp_path, case):
    path = tmp_path / "evil.onnx"
    path.write_bytes(HOSTILE[case][0])
    with pytest.raises(MissingPartError, match=r"evil\.onnx cannot be used: .*\. Fetch"):
        load(path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_truncated_network_is_refused(tmp_path, share):
    data = (MODELS_FOLDER / "speech.onnx").read_bytes()
    path = tmp_path / "speech.onnx"
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(MissingPartError, match="cannot be used"):
        load(path)


def test_a_network_of_other_shapes_says_which(tmp_path):
    path = MODELS_FOLDER / "speech.onnx"
    shape = (None, None, 576)
    with pytest.raises(MissingPartError, match="has no 'sound', only steps"):
        load(path, {"sound": shape}, {"speech": (None, None)})
    with pytest.raises(MissingPartError, match=re.escape("not [None, None, 512]")):
        load(path, {"steps": (None, None, 512)}, {"speech": (None, None)})


def test_a_network_of_a_later_opset_is_refused(tmp_path):
    data = bytearray((MODELS_FOLDER / "speech.onnx").read_bytes())
    at = data.rindex(b"\x10\x11")  # version: 17
    data[at + 1] = 99
    path = tmp_path / "later.onnx"
    path.write_bytes(bytes(data))
    with pytest.raises(MissingPartError, match="opset 99"):
        load(path)


def test_a_network_with_a_nan_is_refused(tmp_path):
    data = bytearray((MODELS_FOLDER / "faces.expression.onnx").read_bytes())
    at = data.index(struct.pack("<f", 122.782))
    data[at : at + 4] = struct.pack("<f", np.nan)
    path = tmp_path / "nan.onnx"
    path.write_bytes(bytes(data))
    with pytest.raises(MissingPartError, match="'mean' holds values that are not numbers"):
        load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.pop("left"),
        lambda t: t["left"].__setitem__((0, 0, 0), 15),
        lambda t: t["feature"].__setitem__((0, 0, 0), 500),
        lambda t: t["value"].__setitem__((0, 0, 0), np.nan),
        lambda t: t.update(mean=np.zeros(3, np.float32)),
    ],
    ids=["missing", "a node that is not there", "a measure that is not there", "NaN", "shape"],
)
def test_trees_that_contradict_themselves_are_refused(tmp_path, change):
    trees = {name: array.copy() for name, array in
             load_file(MODELS_FOLDER / "sound_emotion.safetensors").items()}  # fmt: skip
    change(trees)
    save_file(trees, tmp_path / "sound_emotion.safetensors")
    with pytest.raises(MissingPartError, match="cannot be used"):
        SoundEmotionExpert(tmp_path)


def test_a_pickle_in_the_place_of_trees_is_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    (tmp_path / "sound_emotion.safetensors").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(MissingPartError, match="safetensors"):
        SoundEmotionExpert(tmp_path)


def test_a_batch_reads_as_each_alone_does():
    expert = SceneExpert()
    items = [picture(time_s=1.0), picture(120, 80, 2.0), picture(time_s=3.0)]
    together = expert.read(items)
    for item, reading in zip(items, together, strict=True):
        (alone,) = expert.read([item])
        assert reading.start_s == item.time_s
        assert reading.embedding.shape == (FEATURES,)
        assert np.allclose(reading.embedding, alone.embedding, atol=1e-3)
    assert sum(part.stop - part.start for part in LAYERS.values()) == FEATURES


HEARING = [row for row in EXPERTS if row.tier is Tier.BUILT_IN and row.sense is Sense.SOUND]


@pytest.mark.parametrize("row", HEARING, ids=lambda row: row.name)
def test_silence_gives_no_reading(row):
    assert row.windows is not None
    silence = np.zeros(round(row.windows.length_s * row.windows.rate_hz), np.float32)
    assert row.open().read([SoundWindow(0.0, silence, row.windows.rate_hz)]) == [None]


def test_a_picture_without_a_face_gives_no_reading():
    row = next(row for row in EXPERTS if row.name == "faces")
    grey = Picture(0.0, np.full((90, 160, 3), 90, np.uint8))
    assert row.open().read([grey, grey]) == [None, None]


def test_louder_sound_is_more_excited():
    expert = SoundEmotionExpert()
    soft, loud = expert.read([noise(6, 44_100, 0.002), noise(6, 44_100, 0.3)])
    assert loud.estimate.mean.arousal > soft.estimate.mean.arousal + 0.3
    assert soundscape_features(noise(6, 44_100).samples).shape == (122,)


def test_a_tone_lies_in_its_mel_band():
    shape = MelShape(16_000, 512, 256, 96)
    wave = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    power = mel_power(wave, shape)
    assert power.shape == (63, 96)
    # 1 kHz is mel 15 of 45.2 on Slaney's scale: a third of the way up.
    assert abs(int(power[30].argmax()) - round(15 / 45.245 * 97 - 1)) <= 1
    bands = kaldi_bands(wave)
    assert bands.shape == (98, 128)
    assert abs(int(bands[50].argmax()) - 44) <= 1


@pytest.mark.training
@pytest.mark.parametrize(
    ("kind", "values"),
    [("FLOAT", [0.5, -2.0, 3.0]), ("FLOAT16", [0.5, -2.0, 3.0]), ("INT64", [-1, 0, 1 << 40]),
     ("INT32", [-7, 0, 7]), ("INT8", [-128, 127, 0]), ("BOOL", [1, 0, 1]),
     ("DOUBLE", [1e-9, -1.0, 2.0])],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_constants_that_are_told_value_by_value_are_read(kind, values):
    import onnx

    tensor = onnx.helper.make_tensor("w", getattr(onnx.TensorProto, kind), [3], values)
    assert not tensor.raw_data
    graph = onnx.helper.make_graph([], "g", [], [], [tensor])
    found = read_onnx(onnx.helper.make_model(graph).SerializeToString()).constants["w"]
    assert found.tolist() == onnx.numpy_helper.to_array(tensor).tolist()


def stand_in(path, inputs, outputs, build, whole=()):
    """A small ONNX file with the names and shapes of a large one."""
    graph_module = pytest.importorskip("emsync_training.experts.graph")
    graph = graph_module.Graph()
    build(graph)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        graph.model(inputs, outputs, source="stand-in", whole=whole).SerializeToString()
    )


def pooled(graph, name, size):
    """(B, 3, H, W) to (B, size): means of the colours, times a weight."""
    x = graph.node("Flatten", graph.node("GlobalAveragePool", name))
    weight = np.ones((3, size), np.float32)
    return graph.node("MatMul", x, graph.exact(f"weight_{size}", weight))


@pytest.mark.training
def test_a_stand_in_of_clip_is_read(tmp_path):
    shapes = {"pixel_values": ("B", 3, 224, 224)}, {"image_embeds": ("B", 512)}

    def build(graph):
        graph.node("Identity", pooled(graph, "pixel_values", 512), output="image_embeds")

    stand_in(tmp_path / "scene_full.onnx", *shapes, build)
    expert = SceneFullExpert(tmp_path)
    white = Picture(1.0, np.full((90, 160, 3), 255, np.uint8))
    reading, _ = expert.read([white, picture()])
    assert reading.embedding.shape == (512,)
    assert reading.embedding[0] == pytest.approx(1.93034 + 2.07489 + 2.14590, abs=1e-3)


@pytest.mark.training
def test_a_stand_in_of_the_expression_transformer_is_read(tmp_path, monkeypatch):
    from emsync_server.spotting.experts import faces, faces_full

    def build(graph):
        logits = pooled(graph, "pixel_values", 7)
        graph.node("Identity", logits, output="logits")
        x = graph.node("Reshape", pooled(graph, "pixel_values", 768), graph.integers(-1, 1, 768))
        graph.node("Expand", x, graph.integers(1, 197, 768), output="last_hidden_state")

    outputs = {"last_hidden_state": ("B", 197, 768), "logits": ("B", 7)}
    stand_in(tmp_path / "faces_full.onnx", {"pixel_values": ("B", 3, 224, 224)}, outputs, build)
    face = faces.Face(40, 20, 30, 0.9)
    monkeypatch.setattr(
        faces_full.FacesExpert, "find", lambda self, pictures: [[face, face], []][: len(pictures)]
    )
    reading, nothing = FacesFullExpert(tmp_path).read([picture(), picture()])
    assert nothing is None
    assert reading.embedding.shape == (768,)
    assert reading.ekman.neutral == pytest.approx(1 / 7)
    assert reading.certainty == 0.9


@pytest.mark.training
def test_a_stand_in_of_beats_is_read(tmp_path):
    def build(graph):
        wide = graph.exact("wide", np.ones((128, 768), np.float32))
        graph.node("MatMul", "fbank", wide, output="features")

    shapes = {"fbank": ("B", "T", 128)}, {"features": ("B", "P", 768)}
    stand_in(tmp_path / "sound_full.onnx", *shapes, build)
    silence = SoundWindow(0.0, np.zeros(48_000, np.float32))
    nothing, reading = SoundFullExpert(tmp_path).read([silence, noise(3)])
    assert nothing is None
    assert reading.embedding.shape == (768,)


@pytest.mark.training
def test_a_stand_in_of_roberta_is_read(tmp_path):
    tokenizers = pytest.importorskip("tokenizers", reason="the package tokenizers is optional")
    from emsync_server.spotting.experts.text_full import TextFullExpert

    vocabulary = {"<s>": 0, "<pad>": 1, "<unk>": 2, "no": 3, "fear": 4}
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    words.save(str(tmp_path / "tokenizer.json"))

    def build(graph):
        table = graph.exact("table", np.arange(5 * 768, dtype=np.float32).reshape(5, 768))
        x = graph.node("Gather", table, "input_ids")
        kept = graph.node("Cast", "attention_mask", to=1)
        kept = graph.node("Unsqueeze", kept, graph.integers(2))
        graph.node("Mul", x, kept, output="last_hidden_state")

    inputs = {"input_ids": ("B", "T"), "attention_mask": ("B", "T")}
    stand_in(tmp_path / "text_full.onnx", inputs, {"last_hidden_state": ("B", "T", 768)}, build,
             tuple(inputs))  # fmt: skip
    lines = [Line(0, 1, "fear"), Line(2, 3, "no no fear")]
    first, second = TextFullExpert(tmp_path).read(lines)
    assert first.embedding[0] == 4 * 768
    assert second.embedding[0] == 3 * 768
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(MissingPartError, match="not a tokenizer"):
        TextFullExpert(tmp_path)
