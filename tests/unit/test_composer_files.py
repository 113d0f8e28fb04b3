"""Weights that are missing, damaged, of another version or hostile: one clear sentence each."""

import json
import pickle
import shutil
import struct

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from emsync.errors import MissingPartError, VersionMismatchError
from emsync_server.composition.representation import vocabulary
from emsync_server.inference.composer_session import (
    HEADS_FILE,
    SIDE_FILE,
    TRUNK_FILE,
    ComposerSession,
)
from emsync_server.inference.onnx_reading import read_onnx
from emsync_server.models import MODELS_FOLDER, list_models

FILES = (TRUNK_FILE, HEADS_FILE, SIDE_FILE)


@pytest.fixture
def folder(tmp_path):
    """The shipped weights, without the list that pins them."""
    for name in FILES:
        shutil.copy(MODELS_FOLDER / name, tmp_path / name)
    return tmp_path


def load(folder):
    return ComposerSession.load(folder, vocabulary=vocabulary(), threads=1)


def field(number, value):
    """One protobuf field: a message or text, or a number."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value):
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def onnx_file(*graph_fields):
    return field(1, 8) + field(7, b"".join(graph_fields)) + field(8, field(2, 17))


def node(kind, *attributes):
    return field(1, field(1, b"x") + field(2, b"y") + field(4, kind) + b"".join(attributes))


def typed(number, name):
    """A float input (11) or output (12) of no known shape."""
    return field(number, field(1, name) + field(2, field(1, field(1, 1))))


EXTERNAL = field(5, field(8, b"w") + field(13, field(1, b"location") + field(2, b"/etc/passwd")))
PLAIN = (node(b"Relu"), typed(11, b"x"), typed(12, b"y"))
HOSTILE = {
    "other files": (onnx_file(EXTERNAL, *PLAIN), "reads its weights from other files"),
    "a loop": (onnx_file(node(b"Loop"), *PLAIN[1:]), r"operators that no composer has \(Loop\)"),
    "a nested graph": (
        onnx_file(node(b"Relu", field(5, field(6, b"")))),
        "holds tensors or graphs",
    ),
    "a function": (field(25, b"") + onnx_file(*PLAIN), "functions of its own"),
    "no graph": (field(1, 8), "holds 0 graphs"),
    "a long shape": (
        onnx_file(field(5, field(1, 1 << 40) + field(2, 1))),
        "not as long as its shape",
    ),
    "other inputs": (onnx_file(*PLAIN), "other inputs or outputs"),
    "a graph that contradicts itself": (onnx_file(node(b"Relu"), typed(12, b"z")), "does not take"),
    "a pickle": (pickle.dumps({"weights": [1, 2, 3]}), "cannot be used"),
    "nothing": (b"", "holds 0 graphs"),
    "text": (b"<html>not found</html>", "cannot be used"),
    "an endless number": (b"\xff" * 64, "ends in the middle"),
}


@pytest.mark.parametrize("name", FILES)
def test_missing_weights_are_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(MissingPartError, match=f"not installed .looked for {name}"):
        load(folder)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
@pytest.mark.parametrize("name", FILES)
def test_truncated_weights_are_refused(folder, name, share):
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: int(share * len(data))])
    with pytest.raises(MissingPartError, match=f"{name} cannot be used"):
        load(folder)


def test_a_changed_byte_is_noticed_where_the_list_pins_the_files(folder):
    shutil.copy(MODELS_FOLDER / "registry.json", folder / "registry.json")
    load(folder)
    data = bytearray((folder / TRUNK_FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / TRUNK_FILE).write_bytes(bytes(data))
    with pytest.raises(MissingPartError, match="not the file that was installed"):
        load(folder)


@pytest.mark.parametrize("text", ["{", "[]", '{"composer": {}}', '{"composer": 3}'])
def test_a_damaged_list_of_weights_says_so(folder, text):
    (folder / "registry.json").write_text(text)
    with pytest.raises(MissingPartError, match="list of weights cannot be read"):
        list_models(folder)


def test_weights_of_another_vocabulary_are_refused(folder):
    side = folder / SIDE_FILE
    side.write_text(json.dumps(json.loads(side.read_text()) | {"steps_per_quarter": 24}))
    with pytest.raises(VersionMismatchError, match="steps_per_quarter"):
        load(folder)


@pytest.mark.parametrize("text", ["null", "[" * 100_000, "\udcff"])
def test_a_vocabulary_that_is_none_is_refused(folder, text):
    (folder / SIDE_FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(MissingPartError, match=SIDE_FILE):
        load(folder)


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_trunk_is_refused_before_it_runs(folder, case):
    data, message = HOSTILE[case]
    (folder / TRUNK_FILE).write_bytes(data)
    with pytest.raises(MissingPartError, match=message):
        load(folder)


def test_weights_that_are_not_numbers_are_refused(folder):
    data = bytearray((folder / TRUNK_FILE).read_bytes())
    constant = read_onnx(bytes(data)).constants["condition_base"]
    at = bytes(data).index(constant.tobytes())
    data[at : at + 4] = struct.pack("<f", np.nan)
    (folder / TRUNK_FILE).write_bytes(bytes(data))
    with pytest.raises(
        MissingPartError, match="'condition_base' holds values that are not numbers"
    ):
        load(folder)


def without(tensors, name):
    del tensors[name]


def spoiled(tensors, name, value):
    tensors[name] = value


@pytest.mark.parametrize(
    "change",
    [
        lambda t: without(t, "heads.2.inner.bias"),
        lambda t: without(t, "chained.1.weight"),
        lambda t: spoiled(t, "heads.0.outer.bias", np.zeros(3, np.float16)),
        lambda t: spoiled(t, "heads.1.norm.weight", np.zeros((2, 2), np.float16)),
        lambda t: spoiled(t, "heads.1.inner.bias", t["heads.1.inner.bias"] * np.float16(np.nan)),
        lambda t: t.clear(),
    ],
    ids=["a bias is missing", "a chain is missing", "classes", "a gain's shape", "NaN", "empty"],
)
def test_heads_that_do_not_fit_are_refused(folder, change):
    tensors = load_file(folder / HEADS_FILE)
    change(tensors)
    save_file(tensors, folder / HEADS_FILE)
    with pytest.raises(MissingPartError, match=HEADS_FILE):
        load(folder)


def test_a_pickle_in_the_place_of_the_heads_is_never_unpickled(folder):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    (folder / HEADS_FILE).write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(MissingPartError, match="safetensors"):
        load(folder)
