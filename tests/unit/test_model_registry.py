"""The weights that travel with the package."""

import json

import pytest

from emsync_server.composition.representation import CONDITION_SIZE, vocabulary
from emsync_server.inference.composer_session import ComposerSession
from emsync_server.models import MODELS_FOLDER, list_models

MODELS = [model for model in list_models() if not model.is_full_tier]
SHIPPED_BYTES = 52_000_000  # text 16, experts 14, composer 11, second look 8, picture 2.5


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_every_listed_file_is_here_unchanged_and_has_a_card(model):
    assert model.is_ready
    assert (MODELS_FOLDER / model.card).is_file()
    assert model.licence
    assert len(model.sha256) == 64


def test_all_weights_together_stay_small():
    files = [MODELS_FOLDER / name for model in MODELS for name, _ in model.files]
    assert sum(path.stat().st_size for path in files) < SHIPPED_BYTES


def test_a_changed_file_is_not_ready(tmp_path):
    row = {"licence": "CC0-1.0", "files": {"a.bin": "0" * 64}, "takes": "", "gives": "",
           "card": "a.md"}  # fmt: skip
    (tmp_path / "registry.json").write_text(json.dumps({"a": row}))
    assert not list_models(tmp_path)[0].is_ready
    (tmp_path / "a.bin").write_bytes(b"other")
    assert not list_models(tmp_path)[0].is_ready


def test_the_shipped_composer_loads_and_speaks_this_vocabulary():
    session = ComposerSession.load(MODELS_FOLDER, vocabulary=vocabulary(), threads=1)
    assert session.condition_size == CONDITION_SIZE
    assert session.heads.classes == tuple(vocabulary()["classes"])
