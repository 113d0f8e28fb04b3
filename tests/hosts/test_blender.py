"""The extension in real Blenders: `bpy` from PyPI, named by EMSYNC_BPY.

`python tests/hosts/with_blender.py 4.5 5.0` installs them and runs these tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from tests.contract.conftest import REPOSITORY, wait_until
from tests.films import draw_film
from tests.hosts.fake_studio import FakeClient
from tests.hosts.host_timelines import cut, quiet

from emsync import wire
from emsync.client.runtime_file import read_address
from emsync.hosting import HostTimeline, Order, Span, Studio, TrackKind, Wishes
from emsync.hosting.picture_file import picture_text
from emsync_otio import read_edit

pytestmark = [pytest.mark.blender, pytest.mark.timeout(600)]

BLENDERS = [each for each in os.environ.get("EMSYNC_BPY", "").split(os.pathsep) if each]
HERE = Path(__file__).parent
STAGE_S = 400.0


@pytest.fixture(
    params=BLENDERS or ["none"], scope="module", ids=lambda path: "-".join(Path(path).parts[-3:-2])
)
def blender(request: pytest.FixtureRequest) -> str:
    """A Python that has `bpy`."""
    return str(request.param)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A real server process with real steps; the environment in which a host finds it."""
    runtime = tmp_path_factory.mktemp("rt")
    root = tmp_path_factory.getbasetemp()
    emsync = [sys.executable, str(HERE / "emsync_here.py")]
    environment = {
        **os.environ,
        "EMSYNC_RUNTIME_DIR": str(runtime),
        "EMSYNC_COMMAND": " ".join(emsync),
        "PYTHONPATH": os.pathsep.join(
            str(REPOSITORY / part) for part in ("shared", "plugins/blender")
        ),
    }
    process = subprocess.Popen([*emsync, "serve", "--allow-root", str(root)], env=environment)
    try:
        wait_until(lambda: read_address(runtime) is not None, 60.0)
        yield environment
    finally:
        process.terminate()
        process.wait(30)


def stage(blender: str, name: str, folder: Path, environment: dict[str, str]) -> Any:
    """Run a stage of in_blender.py; what it found."""
    with (folder / f"{name}.log").open("w") as log:
        done = subprocess.run(
            [blender, "-W", "error::DeprecationWarning", str(HERE / "in_blender.py"), name, folder],
            env=environment,
            stdout=log,
            stderr=log,
            timeout=STAGE_S,
            check=False,
        )
    said = (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
    if "compiled without Audaspace" in said:
        pytest.skip("this bpy has no sound (4.2's wheel)")
    found = folder / f"{name}.json"
    assert found.is_file(), f"{name} ended with {done.returncode}: {said[-3000:]}"
    return json.loads(found.read_text(encoding="utf-8"))


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A folder with a film of 240 frames that was cut at 2.5, 5 and 7.5 s."""
    draw_film(tmp_path / "film.mp4")
    return tmp_path


def test_the_sequencer_is_read_as_the_audience_sees_it(
    blender: str, server: dict[str, str], film: Path
) -> None:
    found = stage(blender, "read", film, server)
    rates = {"24": Fraction(24), "23.976": Fraction(24_000, 1001), "29.97": Fraction(30_000, 1001)}
    for name, rate in rates.items():
        timeline = wire.from_dict(HostTimeline, found[name], origin="Blender")
        assert timeline.rate == rate and timeline.length_frames == 240
        path = film / f"{name}.otio"
        path.write_text(picture_text(timeline, Span(0, 240)), encoding="utf-8")
        edit = read_edit(path)
        assert [(b.time.value, b.kind.value) for b in edit.boundaries] == [
            (125, "dissolve"),
            (199, "cut"),  # the meta begins
        ]
        assert [hit.time.value for hit in edit.hits] == [60]
        second = edit.shots[1].source_start
        speed = float(rate / 24)  # Blender plays frame by frame
        assert second is not None and float(second.seconds) == pytest.approx(125 / 24, abs=0.01)
        assert [float(shot.speed) for shot in edit.shots] == pytest.approx([speed] * 3, rel=2e-3)
        assert {track.kind for track in timeline.tracks} == set(TrackKind)
        heard = [c.media for t in timeline.tracks if t.kind is TrackKind.SOUND for c in t.clips]
        assert heard == [str(film / "film.mp4"), "/nowhere/talk.wav"]
    assert found["clips"] == 1000 and found["icons"] == []
    print(f"1,000 strips read in {found['seconds_to_read_1000']:.3f} s")  # pytest -s shows it
    assert found["seconds_to_read_1000"] < 1.0
    print(f"imported and registered in {1000 * found['seconds_to_register']:.0f} ms")
    assert found["seconds_to_register"] < 0.1


def test_a_score_is_made_laid_saved_and_heard(
    blender: str, server: dict[str, str], film: Path
) -> None:
    made = stage(blender, "score", film, server)
    assert made["diagnose"] == ["FINISHED"]
    assert made["score"] == made["second_take"] == made["regenerate"] == ["FINISHED"], made
    print(f"10 s of film, two takes: laid after {made['seconds']:.1f} s; {made['told']}")
    assert "locked hits are exact" in made["told"]
    exact, _, locked = made["told"].split("; ")[1].split()[:3]
    assert exact == locked
    for take, name in ((1, "first"), (2, "second"), (1, "third")):
        laid = made[name]
        assert laid and {strip["take"] for strip in laid} == {take}
        assert {(strip["first"], strip["end"]) for strip in laid} == {(1, 241)}
        assert all(strip["channel"] == strip["name"] for strip in laid)
        assert all(strip["name"].startswith("film – ") for strip in laid)
    assert {strip["seed"] for strip in made["third"]} == {7}
    check_mixdown(film / "take 2.wav", made["second"])
    check_another(made["first"], made["second"])
    wrong, said, same = made["no such bars"]
    assert "do not all lie in it" in " ".join([*wrong, said]) and same
    check_again(stage(blender, "again", film, server), made["third"])
    again = stage(blender, "reopened", film, server)
    for strip in made["third"]:
        strip["file"] = strip["file"].replace(str(film), str(film / "elsewhere"))
    assert again["ours"] == made["third"]
    assert again["note"]["folder"].startswith(str(film / "elsewhere"))
    assert again["note"]["seed"] == 7 and again["note"]["cues"] == 1
    assert again["note"]["model"].startswith("composer")
    assert ["hit door", 61] in again["markers"]
    assert any(name.startswith("film: ") for name, _ in again["markers"])
    check_mixdown(film / "mix.wav", again["ours"])
    assert again["remove"] == ["FINISHED"] and again["after"] == made["before"]


def check_another(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    """Two takes are two pieces, and the first one's files are still there for an undo."""
    sums = []
    for laid in (one, other):
        sounds = [soundfile.read(strip["file"], dtype="float64")[0] for strip in laid]
        sums.append(np.sum(sounds, axis=0))
    length = min(map(len, sums))
    assert np.corrcoef(sums[0][:length, 0], sums[1][:length, 0])[0, 1] < 0.9


def check_again(found: dict[str, Any], before: list[dict[str, Any]]) -> None:
    """Made again: nothing where the edit is the same, else what is over the new picture."""
    result, said, same = found["same"]
    assert result == ["CANCELLED"] and "is as it was" in said and same
    assert found["renewed"] == ["FINISHED"] and "follows the new edit" in found["told"], found
    assert {(strip["first"], strip["end"]) for strip in found["ours"]} == {(1, 201)}
    assert {strip["seed"] for strip in found["ours"]} == {strip["seed"] for strip in before}
    assert found["theirs"] == ["cross", "first", "second", "talk"]
    assert found["notes"]["film"]["note"]["span"]["length_frames"] == 200


def check_mixdown(path: Path, laid: list[dict[str, Any]]) -> None:
    """What Blender mixed is the sum of our stems: the film's own sound is silent."""
    mixed, rate = soundfile.read(path, dtype="float64")
    stems = [soundfile.read(strip["file"], dtype="float64") for strip in laid]
    assert {stem_rate for _, stem_rate in stems} == {48_000}
    total = np.sum([sound for sound, _ in stems], axis=0)
    assert 20 * np.log10(np.sqrt(np.mean(mixed**2))) > -50.0  # dB: it is heard
    length = min(len(mixed) * 48_000 // rate, len(total))
    ours = np.abs(total[:length]).sum(axis=1)
    theirs = np.interp(
        np.arange(length) / 48_000, np.arange(len(mixed)) / rate, np.abs(mixed).sum(axis=1)
    )
    block = 4800
    blocks = length // block
    levels = [each[: blocks * block].reshape(blocks, block).mean(axis=1) for each in (ours, theirs)]
    assert np.corrcoef(*levels)[0, 1] > 0.98


def test_what_goes_wrong_is_one_sentence_and_the_scene_is_as_it_was(
    blender: str, server: dict[str, str], film: Path
) -> None:
    found = stage(blender, "trouble", film, server)
    words = {
        "empty": "shows no picture",
        "brief": "H moll",
        "no range": "There is no range",
        "no score": "There is no score",
        "channels full": "128 are free",
        "locked": "is locked",
        "locked again": "is locked",
    }
    for case, word in words.items():
        result, _, unchanged = found[case]
        assert word in " ".join([*result, found[case][1]]), (case, found[case])
        assert unchanged, case
    assert found["channels"] == list(range(7, 7 + len(found["channels"])))  # 5 locked, 6 muted
    assert found["fetched"][0] == ["FINISHED"]  # what did not fit was composed all the same


def test_a_blender_that_is_killed_takes_its_job_with_it(
    blender: str, server: dict[str, str], film: Path
) -> None:
    with pytest.raises(AssertionError, match="ended with -9"):
        stage(blender, "killed", film, server)
    assert "notes in" in (film / "heard.txt").read_text(encoding="utf-8")  # while composing
    ask = [*server["EMSYNC_COMMAND"].split(), "rpc", "SystemService/GetServerInfo"]

    def jobs() -> int:
        answer = subprocess.run(ask, env=server, input="{}", capture_output=True, text=True)
        return int(json.loads(answer.stdout)["result"].get("jobs", 0))

    wait_until(lambda: jobs() == 0, 60.0)
    left = [path for path in (film / "killed.emsync").rglob("*") if path.suffix in (".mid", ".wav")]
    assert left == []


def test_stems_and_their_ducking_are_laid_quickly_and_leave_without_a_trace(
    blender: str, server: dict[str, str], film: Path
) -> None:
    order = Order(cut(), str(film / "scores"), Wishes())
    placement = Studio(FakeClient()).score(order, quiet)  # type: ignore[arg-type]
    text = json.dumps({**wire.to_dict(placement), "cue": "film"})
    (film / "placement.json").write_text(text, encoding="utf-8")
    found = stage(blender, "placing", film, server)
    print(f"8 stems with ducking laid in {found['seconds']:.3f} s")
    assert found["seconds"] < 1.0
    assert found["volumes"] == pytest.approx([10 ** (-6 / 20)] * 8, abs=2e-3)
    assert found["action"] and found["same"]
    assert found["channels"] == list(range(5, 13)) and found["starts"] == [11]


def test_the_built_extension_is_installed_run_and_removed(
    blender: str, server: dict[str, str], film: Path
) -> None:
    built = subprocess.run(
        [sys.executable, "packaging/build_plugins.py", "--out", film, "--blender-python", blender],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    throw_away = {**server, "BLENDER_USER_RESOURCES": str(film / "user"), "PYTHONPATH": ""}
    found = stage(blender, "extension", film, throw_away)
    assert found["install"] == ["FINISHED"] and found["enabled"], found
    assert str(film) in found["emsync"]  # out of the wheel inside
    assert found["operator"] == ["FINISHED"]
    assert found["remove"] == ["FINISHED"] and found["left"] == []
