"""A real Whisper in the transcript expert: what it hears of known speech, and that it invents
nothing where nobody speaks. `python tests/with_whisper.py` fetches one.

The known speech is a machine's voice: it tells that times, languages and gates work, and little of
how well a film's dialogue is heard.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from tests.films import draw_film
from typer.testing import CliRunner

from emsync.settings import SpotSettings
from emsync_server.cli.commands import command_tree
from emsync_server.media import open_film, read_sound
from emsync_server.progress import silent_progress
from emsync_server.spotting import spot
from emsync_server.spotting.experts import Reading
from emsync_server.spotting.experts.listening import Windows
from emsync_server.spotting.experts.transcript import TRANSCRIPT_PLAN, TranscriptExpert

pytestmark = [pytest.mark.whisper, pytest.mark.slow]

HZ = 16_000
LINES = (
    "We have to leave before the bridge closes.",
    "Where did you put the letter my mother sent me?",
    "I never wanted any of this to happen.",
    "Listen, there is somebody behind the door.",
    "Give me the keys and wait in the car.",
    "The doctor said that he would be fine in a week.",
    "Do you remember the house beside the lake?",
    "Nobody is coming to help us tonight.",
)
PAUSES_S = (1.5, 3.4, 3.4, 2.4, 1.7, 1.0, 2.1, 2.2)
NOISE_DB = -15.0
"""Under the speech."""


@pytest.fixture(scope="module")
def folder() -> Path:
    return Path(os.environ["EMSYNC_WHISPER"])


@pytest.fixture(scope="module")
def expert(folder):
    return TranscriptExpert(folder)


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    """Speaks a line: mono samples at HZ, without silence around them."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed: nobody speaks")
    path = tmp_path_factory.mktemp("voice") / "line.wav"

    def speak(line, language="en-us"):
        command = ["espeak-ng", "-v", language, "-s", "150", "-w", str(path), line]
        subprocess.run(command, check=True)
        samples, rate_hz = soundfile.read(path, dtype="float32")
        samples = soxr.resample(samples, rate_hz, HZ)
        loud = np.flatnonzero(np.abs(samples) > 0.01)
        return 0.3 * samples[loud[0] : loud[-1]] / np.abs(samples).max()

    return speak


def talk(spoken, pauses_s=PAUSES_S, noise_db=NOISE_DB):
    """Lines after pauses, over noise: samples, and when each begins and ends."""
    pieces, times, at = [], [], 0
    for line, pause_s in zip(spoken, pauses_s, strict=False):
        silence = np.zeros(round(pause_s * HZ), np.float32)
        pieces += [silence, line]
        times.append(((at + len(silence)) / HZ, (at + len(silence) + len(line)) / HZ))
        at += len(silence) + len(line)
    samples = np.concatenate([*pieces, np.zeros(HZ, np.float32)])
    level = np.sqrt(np.mean(np.concatenate(pieces[1::2]) ** 2)) * 10 ** (noise_db / 20)
    noise = np.random.default_rng(1).normal(0, level, len(samples))
    return (samples + noise).astype(np.float32), times


def heard(expert, samples) -> list[Reading]:
    found: list[Reading] = []
    windows = Windows(TRANSCRIPT_PLAN, lambda item: found.extend(parts_of(expert, item)))
    windows.hear(np.asarray(samples, np.float32))
    windows.end()
    return found


def parts_of(expert, item):
    (reading,) = expert.read([item])
    return () if reading is None else reading.parts


def words(text):
    return re.sub(r"[^\w' ]", " ", text.lower()).split()


def word_error(said, found):
    """Words that must be changed, over those that were said."""
    said, found = words(said), words(found)
    row = list(range(len(found) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row.copy(), i
        for j, other in enumerate(found, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (word != other))
    return row[-1] / len(said)


def test_known_speech_is_heard_and_timed(expert, voice):
    samples, times = talk([voice(line) for line in LINES])
    found = heard(expert, samples)
    assert word_error(" ".join(LINES), " ".join(part.text for part in found)) < 0.15
    assert {part.language for part in found} == {"en"}
    assert len(found) == len(LINES), "a line across two windows comes once"
    starts, ends = ([getattr(part, name) for part in found] for name in ("start_s", "end_s"))
    assert starts == pytest.approx([start_s for start_s, _ in times], abs=0.3)
    assert ends == pytest.approx([end_s for _, end_s in times], abs=0.5)


def test_a_short_film_and_the_end_of_a_long_one_are_heard(expert, voice):
    line = voice(LINES[6])
    (short,) = heard(expert, np.concatenate([np.zeros(HZ, np.float32), line]))
    (late,) = heard(expert, np.concatenate([np.zeros(55 * HZ, np.float32), line]))
    assert word_error(LINES[6], short.text) <= 0.25
    assert word_error(LINES[6], late.text) <= 0.25
    assert late.start_s == pytest.approx(55.0, abs=0.3)


def test_foreign_speech_is_kept_in_its_language_and_translated(expert, voice):
    said = (
        "Wo ist der Brief, den meine Mutter geschickt hat?",
        "Ich bin so glücklich, dass du hier bist.",
    )
    samples, _ = talk([voice(line, "de") for line in said], noise_db=-35.0)
    found = heard(expert, samples)
    assert {(part.expert, part.language) for part in found} <= {
        ("transcript", "de"),
        ("translation", "en"),
    }
    spoken = " ".join(part.text for part in found if part.language == "de")
    assert word_error(" ".join(said), spoken) < 0.3
    assert "happy" in " ".join(part.text for part in found if part.language == "en").lower()


def test_the_same_sound_gives_the_same_text(expert, voice):
    samples, _ = talk([voice(line) for line in LINES[:2]])
    once, again = (
        [(part.text, part.start_s, part.certainty) for part in heard(expert, samples)]
        for _ in range(2)
    )
    assert once == again


@pytest.mark.parametrize("sound", ["silence", "white", "brown", "tone", "pulsing", "chords"])
def test_nothing_is_invented_where_nobody_speaks(expert, sound):
    time = np.arange(30 * HZ) / HZ
    white = np.random.default_rng(2).normal(0, 0.1, len(time))
    brown = np.cumsum(white)
    chord = sum(np.sin(2 * np.pi * hz * time) for hz in (220, 277.2, 329.6, 440))
    samples = {
        "silence": np.zeros(len(time)),
        "white": white,
        "brown": 0.3 * brown / np.abs(brown).max(),
        "tone": 0.5 * np.sin(2 * np.pi * 1000 * time),
        "pulsing": white * (1 + np.sin(2 * np.pi * 5 * time)),
        "chords": 0.1 * chord * np.exp(-3 * (time % 1.0)),
    }[sound]
    assert heard(expert, samples) == []


def test_without_the_speech_detector_the_other_gates_hold(expert, monkeypatch):
    """What Whisper makes of noise when it is told that all of it is speech."""

    class Believes:
        def read(self, items):
            steps = np.ones(64, np.float32)
            return [Reading("speech", max(0.0, each.start_s), each.end_s, embedding=steps)
                    for each in items]  # fmt: skip

    monkeypatch.setattr(expert, "_speech", Believes())
    raw, transcribe = [], expert._model.transcribe

    def spied(*arguments, **options):
        segments, info = transcribe(*arguments, **options)
        kept = list(segments)
        raw.extend(kept)
        return iter(kept), info

    monkeypatch.setattr(expert._model, "transcribe", spied)
    noise = np.random.default_rng(2).normal(0, 0.1, 50 * HZ)
    assert heard(expert, np.concatenate([noise, np.zeros(25 * HZ)])) == []
    assert raw, "it did invent something"


@pytest.mark.media
def test_a_narrator_is_heard(expert, media):
    """NASA's film of the Webb telescope, public domain: 30 words."""
    said = (
        "This is the optical and science segment of the Webb Space Telescope in one of the largest "
        "clean rooms in the world at NASA's Goddard Space Flight Center in Greenbelt, Maryland."
    )
    with open_film(media / "clips" / "nasa_13013.mp4") as film:
        blocks = list(read_sound(film.probe, rate_hz=HZ, channels=1, duration_s=Fraction(13)))
    found = heard(expert, np.concatenate(blocks)[:, 0])
    assert word_error(said, " ".join(part.text for part in found)) < 0.1


def test_a_model_folder_is_imported_and_a_film_spotted_with_it(folder, voice, tmp_path):
    result = CliRunner().invoke(command_tree(), ["models", "import", "transcript", str(folder)])
    assert result.exit_code == 0, result.output
    samples, _ = talk([voice(line) for line in LINES[:2]])
    film = tmp_path / "talk.mp4"
    sound = soxr.resample(samples, HZ, 44_100)
    draw_film(film, seconds=len(sound) / 44_100, cuts_s=(5.0,), talk=sound)
    sheet = spot(film, SpotSettings(), silent_progress())
    assert "letter" in " ".join(note.text for note in sheet.shots)
    votes = {vote.expert for note in sheet.shots for vote in note.votes}
    assert "text_emotion" in votes, "what was said has a vote"
