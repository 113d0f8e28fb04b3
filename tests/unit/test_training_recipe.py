"""The composer that ships, in one command."""

import json
import tarfile

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.training

from tests.unit.test_training_data import FIELDS, scale, write_midi  # noqa: E402
from tests.unit.test_training_loop import TINY  # noqa: E402

from emsync_server.composition.representation import vocabulary  # noqa: E402
from emsync_server.inference.composer_session import ComposerSession  # noqa: E402
from emsync_training import recipe  # noqa: E402
from emsync_training.recipe import Run, make_composer  # noqa: E402

SOURCES = ("freedoom", "openscore-lieder", "polish-heritage", "mutopia")


@pytest.fixture
def source(tmp_path):
    """An archive of sixty pieces, some of which will be held out, and their manifest."""
    folder, lines = tmp_path / "music", [FIELDS]
    folder.mkdir()
    for n in range(60):
        write_midi(folder / f"{n}.mid", scale(8 + n % 9), bpm=80 + n)
        lines.append(f"{n},{SOURCES[n % 4]},T{n},C{n},PD,A,,0,100,3,9,0,C")
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("\n".join(lines), encoding="utf-8")
    with tarfile.open(tmp_path / "music.tar.xz", "w:xz") as tar:
        tar.add(folder, "music")
    return tmp_path / "music.tar.xz", manifest


def test_an_archive_becomes_files_that_load_and_what_was_stopped_goes_on(
    source, tmp_path, monkeypatch
):
    monkeypatch.setattr(recipe, "held_out_report", lambda *_, crops: {"crops": crops})
    real, told = recipe.train, []

    def made():
        runs = (Run(3e-3, steps=2), Run(1e-3, steps=1))
        return make_composer(*source, tmp_path / "out", runs=runs, shape=TINY, compiled=False,
                             held_out_crops=8, told=told.append)  # fmt: skip

    def stopped_in_the_second(corpus, folder, *rest, **more):
        if folder.name == "run2":
            raise KeyboardInterrupt
        real(corpus, folder, *rest, **more)

    monkeypatch.setattr(recipe, "train", stopped_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        made()
    first = (tmp_path / "out/run1/composer.pt").stat().st_mtime_ns
    monkeypatch.setattr(recipe, "train", real)
    told.clear()
    models = made()
    assert (tmp_path / "out/run1/composer.pt").stat().st_mtime_ns == first
    assert [line.split(":")[0] for line in told[:1]] == ["Training, run 2 of 2"]
    exported = json.loads((models / "composer.json").read_text())
    assert exported["training"]["step"] == 1
    assert json.loads((models / "registry.json").read_text())["composer"]["licence"] == "Apache-2.0"
    assert ComposerSession.load(models, vocabulary=vocabulary()) is not None
    assert json.loads((tmp_path / "out/evaluation.json").read_text()) == {"crops": 8}
