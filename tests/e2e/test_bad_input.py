"""Bad input gets one sentence, the right exit code, and nothing half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest
import soundfile
from tests.films import draw_film


def emsync(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "emsync_server", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


def complaint(done: subprocess.CompletedProcess[str], exit_code: int) -> str:
    """The one sentence on stderr; fails on a traceback or another exit code."""
    assert done.returncode == exit_code, (done.returncode, done.stderr)
    assert "Traceback" not in done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("emsync: ")]
    assert len(said) == 1, done.stderr
    return said[0]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    draw_film(path, seconds=3.0, cuts_s=(1.5,))
    return path


@pytest.fixture(scope="module")
def sheet(film: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    path = tmp_path_factory.mktemp("cues") / "cues.json"
    done = emsync("spot", film, "-o", path)
    assert done.returncode == 0, done.stderr
    return json.loads(path.read_text(encoding="utf-8"))


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("This is not a film.\n" * 40)


def truncated(path: Path) -> None:
    draw_film(path, seconds=2.0, cuts_s=())
    path.write_bytes(path.read_bytes()[:-4000])


def folder(path: Path) -> None:
    path.mkdir()


def absent(path: Path) -> None:
    pass


@pytest.mark.parametrize("make", [absent, folder, empty, text, truncated], ids=lambda f: f.__name__)
def test_a_film_that_is_none_is_refused_and_leaves_nothing(
    make: Callable[[Path], None], tmp_path: Path
):
    film = tmp_path / "film.mp4"
    make(film)
    said = complaint(emsync("score", film, "-o", tmp_path / "out"), 3)
    assert "film.mp4" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["broken.otio", "broken.edl", "broken.fcpxml", "broken.aaf"])
def test_an_unreadable_timeline_is_refused(name: str, tmp_path: Path):
    timeline = tmp_path / name
    timeline.write_text("{ not a timeline")
    said = complaint(emsync("score", timeline, "-o", tmp_path / "out"), 3)
    assert name in said
    assert not (tmp_path / "out").exists()


def two_cues_overlap(sheet: dict) -> None:
    sheet["cues"].append({**sheet["cues"][0], "name": "second"})


def hit_is_negative(sheet: dict) -> None:
    sheet["cues"][0]["hits"][0]["time"] = -3


def curve_has_nan(sheet: dict) -> None:
    sheet["cues"][0]["emotion"]["points"][0]["emotion"]["valence"] = float("nan")


def field_is_unknown(sheet: dict) -> None:
    sheet["cues"][0]["hitz"] = []


def there_are_no_cues(sheet: dict) -> None:
    sheet["cues"] = []


def emotion_is_set_after_the_end(sheet: dict) -> None:
    sheet["cues"][0]["overrides"] = [{"time": 9, "end": 10, "emotion": {"valence": 0.5}}]


def cue_is_longer_than_the_picture(sheet: dict) -> None:
    sheet["cues"][0]["range"]["duration"] = "00:00:06:00"


@pytest.mark.parametrize(
    "spoil",
    [
        two_cues_overlap,
        hit_is_negative,
        curve_has_nan,
        field_is_unknown,
        cue_is_longer_than_the_picture,
        there_are_no_cues,
        emotion_is_set_after_the_end,
    ],
    ids=lambda f: f.__name__,
)
def test_a_cue_sheet_that_contradicts_itself_is_refused(
    spoil: Callable[[dict], None], sheet: dict, tmp_path: Path
):
    spoiled = json.loads(json.dumps(sheet))
    spoil(spoiled)
    cues = tmp_path / "cues.json"
    cues.write_text(json.dumps(spoiled))
    said = complaint(emsync("compose", cues, "-o", tmp_path / "take"), 3)
    assert "cues.json" in said
    assert "None" not in said
    assert not (tmp_path / "take").exists()


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_folder_that_cannot_be_written_to_is_refused(film: Path, tmp_path: Path):
    # A file where a parent folder should be: fails for root too, unlike mode bits.
    (tmp_path / "file").touch()
    said = complaint(emsync("score", film, "-o", tmp_path / "file" / "out"), 5)
    assert "file" in said


def test_a_full_disk_is_said_and_nothing_is_left(film: Path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this system")
    said = complaint(emsync("spot", film, "-o", full / "cues.json"), 5)
    assert "/dev/full" in said


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--loudness-please"], "No such option: --loudness-please. See 'emsync score --help'."),
        (["--style", "jazz"], "--style: 'jazz' is not one of orchestral, chamber, piano, "),
        (["--seed", "x"], "--seed: there should be a whole number. See"),
        (["--density", "7"], "--density: there should be 1 or less. See"),
        (["--key", "H"], "--key: 'H' is not a key like 'D minor' or 'F# major'. See"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_was_typed_wrongly_gets_a_sentence(film: Path, words: list[str], sentence: str):
    assert sentence in complaint(emsync("score", film, *words), 2)


def test_the_wrong_file_or_folder_is_named_as_what_it_is(film: Path, sheet: dict, tmp_path: Path):
    cues = tmp_path / "cues.json"
    cues.write_text(json.dumps(sheet))
    said = complaint(emsync("render", cues, "-o", tmp_path / "out"), 3)
    assert "is a cue sheet, not a take. Name the take.json" in said
    said = complaint(emsync("spot", film, "-o", tmp_path), 5)
    assert "is a folder" in said and str(tmp_path / "cues.json") in said
    said = complaint(emsync("compose", cues, "-o", cues), 5)
    assert "a file is in the way" in said
    said = complaint(emsync("place", film, cues, "-o", tmp_path / "scored.otio"), 3)
    assert "no folder with a score" in said


def test_the_film_is_not_touched(film: Path, tmp_path: Path):
    before = film.read_bytes(), film.stat().st_mtime_ns
    assert emsync("score", film, "-o", tmp_path / "out").returncode == 0
    assert (film.read_bytes(), film.stat().st_mtime_ns) == before
    assert [entry.name for entry in film.parent.iterdir()] == [film.name]


def test_a_film_without_picture_is_refused(tmp_path: Path):
    sound = tmp_path / "sound only.m4a"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), "fltp", "mono")
        silence.sample_rate = 44_100
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    said = complaint(emsync("score", sound, "-o", tmp_path / "out"), 3)
    assert "sound only.m4a" in said
    assert not (tmp_path / "out").exists()


def test_a_film_of_one_frame_is_scored(tmp_path: Path):
    film = tmp_path / "one.mp4"
    draw_film(film, seconds=1 / 24, cuts_s=(), sound=False)
    done = emsync("score", film, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert soundfile.info(tmp_path / "out" / "mix.wav").frames == 2000  # 48,000 / 24


def test_a_timeline_whose_media_is_offline_is_scored_from_the_edit_alone(tmp_path: Path):
    timeline = otio.schema.Timeline("cut")
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    for shot in range(3):
        length = otio.opentime.RationalTime(100, 25)
        span = otio.opentime.TimeRange(otio.opentime.RationalTime(0, 25), length)
        reference = otio.schema.ExternalReference(f"/nowhere/shot{shot}.mov", span)
        track.append(otio.schema.Clip(f"shot {shot}", reference, span))
    timeline.tracks.append(track)
    path = tmp_path / "cut.otio"
    otio.adapters.write_to_file(timeline, str(path))
    before = path.read_bytes()
    done = emsync("score", path, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "offline" in done.stderr
    assert path.read_bytes() == before
    assert soundfile.info(tmp_path / "out" / "mix.wav").frames == 12 * 48_000
    assert not list((tmp_path / "out").glob("scored.*"))


@pytest.mark.slow
def test_five_hours_are_spotted_and_seven_are_refused(tmp_path: Path):
    for hours, exit_code in ((5, 0), (7, 3)):
        film = tmp_path / f"{hours} hours.mp4"
        draw_film(
            film,
            seconds=hours * 3600,
            cuts_s=(3600,),
            rate=Fraction(1),
            size=(64, 64),
            sound=False,
        )
        done = emsync("spot", film, "-o", tmp_path / f"{hours}.json")
        assert done.returncode == exit_code, done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_job_that_is_interrupted_leaves_nothing(film: Path, tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-m", "emsync_server", "score", str(film), "-o", str(tmp_path / "out")],
        stderr=subprocess.PIPE,
        text=True,
    ) as job:
        assert job.stderr is not None
        job.stderr.readline()  # it has begun
        job.send_signal(signal.SIGINT)
        rest = job.stderr.read()
    assert job.returncode == 130, rest
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_command_that_is_interrupted_while_it_loads_says_so(tmp_path: Path):
    code = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # jobs of a shell ignore it
        "from emsync_server.cli import main\n"
        "class Slow:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'emsync_server.cli.commands':\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Slow())\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "compose", "x", "-o", tmp_path / "out"],
        capture_output=True,
        text=True,
    )
    assert complaint(done, 130) == "emsync: Cancelled; nothing was left behind."


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    ("again", "said"),
    [
        pytest.param("in pages", "emsync: Cancelled; '{}' is written, its picture", id="in pages"),
        pytest.param("told", "emsync: Cancelled.", id="while it is told"),
        pytest.param("before pages", "emsync: Cancelled", id="where nobody waits"),
    ],
)
def test_a_command_that_is_interrupted_again_and_again_says_so(
    again: str, said: str, film: Path, tmp_path: Path
):
    code = (
        "import signal, sys\n"
        "from emsync_server.cli import console, main, scoring\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "def interrupt(*arguments): signal.raise_signal(signal.SIGINT)\n"
        "def twice(*arguments):\n"
        "    try: interrupt()\n"
        "    finally: interrupt()\n"
        "if sys.argv.pop() == 'before pages': scoring.emotion_lines = twice\n"
        "scoring.write_emotion_pages = twice\n"
        "class Err:\n"
        "    is_terminal = False\n"
        "    def print(self, words, **style):\n"
        "        if AGAIN and 'Cancelled' in words: interrupt()\n"
        "        print(words, file=sys.stderr, flush=True)\n"
        "console._err = Err()\n"
        "main()\n"
    ).replace("AGAIN", str(again == "told"))
    sheet = tmp_path / "cues.json"
    done = subprocess.run(
        [sys.executable, "-c", code, "spot", film, "--draft", "-o", sheet, again],
        capture_output=True,
        text=True,
    )
    assert complaint(done, 130).startswith(said.format(sheet))
    assert json.loads(sheet.read_text(encoding="utf-8"))["cues"]


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory")
def test_without_memory_for_the_libraries_a_sentence_says_so(tmp_path: Path):
    limited = f"ulimit -v 250000; exec '{sys.executable}' -m emsync_server compose x -o out"
    done = subprocess.run(["sh", "-c", limited], capture_output=True, text=True, cwd=tmp_path)
    assert "memory is full" in complaint(done, 5)
    assert list(tmp_path.iterdir()) == []
