"""`emsync models`: what it lists, and that what it installs can be used or is taken off."""

import re
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from emsync.errors import InputError, MissingPartError, NotFoundError
from emsync_server.cli.commands import command_tree
from emsync_server.models import ModelState, list_models, user_folder


def run(*arguments):
    result = CliRunner().invoke(command_tree(), ["models", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def state_of(name):
    return next(model for model in list_models() if model.name == name).state


def test_every_model_and_expert_is_listed_with_tier_licence_and_state():
    lines = {line.split()[0]: line for line in run().splitlines() if line}
    assert "built-in" in lines["scene"]
    assert "ready" in lines["scene"]
    assert "Apache-2.0" in lines["scene"]
    assert "not installed" in lines["scene_full"]
    assert "NOT FOR PAID WORK" in lines["faces_full"]
    assert "no weights" in lines["look"]
    assert "pip install --no-deps rapidocr-onnxruntime" in lines["screen_text"]


def test_weights_whose_package_is_missing_say_what_they_need(monkeypatch):
    from emsync_server.spotting import experts

    row = replace(experts.expert_row("text_emotion"), is_available=lambda: False)
    monkeypatch.setattr(experts, "EXPERTS", (row,))
    (line,) = [line for line in run().splitlines() if line.startswith("text_emotion")]
    assert line.endswith("needs the package tokenizers: pip install 'emsync[words]'")
    told = CliRunner().invoke(command_tree(), ["doctor"]).output
    assert "text_emotion: in place, but it needs the package tokenizers: pip install" in told
    assert "model         scene: ready" in told


def test_hostile_weights_are_taken_off_again(tmp_path):
    (tmp_path / "scene_full.onnx").write_bytes(b"\x80\x04pickle")
    told = re.escape(str(tmp_path / "scene_full.onnx"))
    with pytest.raises(MissingPartError, match=f"in {told} cannot be used: .* Nothing was"):
        run("import", "scene_full", tmp_path)
    assert state_of("scene_full") is ModelState.MISSING
    assert not (user_folder() / "scene_full").exists()


def test_a_folder_that_lacks_files_or_is_not_there_is_told_of(tmp_path):
    with pytest.raises(NotFoundError, match=r"fusion\.json, fusion\.onnx are missing\.$"):
        run("import", "fusion", tmp_path)
    (tmp_path / "fusion.json").touch()
    with pytest.raises(NotFoundError, match=r"'fusion': fusion\.onnx is missing\.$"):
        run("import", "fusion", tmp_path)
    with pytest.raises(NotFoundError, match=r"There is no folder '.*nowhere'"):
        run("import", "fusion", tmp_path / "nowhere")
    assert not (user_folder() / "fusion").exists()


def test_a_network_of_ones_own_that_is_none_is_named_where_it_was_given(tmp_path):
    (tmp_path / "fusion.json").write_text("{}")
    (tmp_path / "fusion.onnx").write_bytes(b"nothing")
    told = re.escape(str(tmp_path / "fusion.json"))
    with pytest.raises(MissingPartError, match=f"in {told} cannot be used") as refused:
        run("import", "fusion", tmp_path)
    assert "Fetch" not in str(refused.value) and str(user_folder()) not in str(refused.value)
    assert not (user_folder() / "fusion").exists()


@pytest.mark.training
def test_fitting_weights_are_ready_and_stay_when_others_do_not_fit(tmp_path):
    from emsync_training.experts.graph import Graph

    graph = Graph()
    x = graph.node("Flatten", graph.node("GlobalAveragePool", "pixel_values"))
    weight = graph.exact("weight", np.ones((3, 512), np.float32))
    graph.node("MatMul", x, weight, output="image_embeds")
    model = graph.model(
        {"pixel_values": ("B", 3, 224, 224)}, {"image_embeds": ("B", 512)}, source="stand-in"
    )
    (tmp_path / "scene_full.onnx").write_bytes(model.SerializeToString())
    assert "scene_full: ready" in run("import", "scene_full", tmp_path)
    assert state_of("scene_full") is ModelState.READY
    (tmp_path / "scene_full.onnx").write_bytes(b"\x80\x04pickle")
    with pytest.raises(MissingPartError, match=r"scene_full\.onnx cannot be used"):
        run("import", "scene_full", tmp_path)
    assert state_of("scene_full") is ModelState.READY
    assert not list(user_folder().glob(".emsync-*"))


def test_names_that_there_are_not_are_answered_with_those_that_are(tmp_path):
    with pytest.raises(NotFoundError, match="scene_full"):
        run("import", "composer", tmp_path)
    with pytest.raises(InputError, match=r"has no file x; it has scene_full\.onnx"):
        run("fetch", "scene_full", "--url", "https://example.org", "--sha256", "0" * 64,
            "--file", "x")  # fmt: skip
