"""What the transcript expert lets through: the recogniser is a stand-in that says what a test tells
it to, the rest (the speech detector, the gate, times) is the real thing.

A real Whisper, which is not shipped, runs in `test_transcript_whisper.py`.
"""

from __future__ import annotations

import importlib.machinery
import sys
from dataclasses import dataclass, replace
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from emsync.errors import MissingPartError
from emsync_server.inference.speech import LEAD_STEPS, STEPS
from emsync_server.spotting.experts import Reading, SoundWindow
from emsync_server.spotting.experts.listening import Windows
from emsync_server.spotting.experts.speech import STEP_S
from emsync_server.spotting.experts.transcript import (
    AROUND_S,
    TRANSCRIPT_PLAN,
    TranscriptExpert,
    can_transcribe,
)

HZ = 16_000


@dataclass
class Segment:
    """As faster-whisper gives them; this one is sure of itself, and times its words well."""

    start: float
    end: float
    text: str
    avg_logprob: float = -0.2
    no_speech_prob: float = 0.05
    compression_ratio: float = 1.2
    sure: float = 0.9

    @property
    def words(self):
        middle = (self.start + self.end) / 2
        return [
            SimpleNamespace(start=self.start, end=middle, probability=self.sure),
            SimpleNamespace(start=middle, end=self.end, probability=self.sure),
        ]


class StandIn:
    """A recogniser with a script, in seconds of the window; it hears from the first speech on."""

    script: tuple[Segment, ...] = ()
    english: tuple[Segment, ...] = ()
    language = "en"
    asked = 0
    fails = False
    starts_s = 0.0

    def __init__(self, folder, **options):
        if StandIn.fails:
            raise RuntimeError("Unsupported model binary version")
        assert options["local_files_only"], "nothing is fetched"
        self.model = SimpleNamespace(is_multilingual=True)

    def transcribe(self, samples, **options):
        StandIn.asked += 1
        assert options["temperature"] == 0.0, "the same text in each run"
        said = self.english if options["task"] == "translate" else self.script
        moved = [replace(each, start=each.start - self.starts_s, end=each.end - self.starts_s)
                 for each in said]  # fmt: skip
        return iter(moved), SimpleNamespace(language=self.language)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A model folder, and the package with the stand-in in it."""
    module = ModuleType("faster_whisper")
    module.__spec__ = importlib.machinery.ModuleSpec("faster_whisper", None)
    module.WhisperModel = StandIn
    monkeypatch.setitem(sys.modules, "faster_whisper", module)
    monkeypatch.setattr(StandIn, "asked", 0)
    monkeypatch.setattr(StandIn, "fails", False)
    monkeypatch.setattr(StandIn, "language", "en")
    monkeypatch.setenv("EMSYNC_MODELS", str(tmp_path))
    (tmp_path / "transcript").mkdir()
    (tmp_path / "transcript" / "model.bin").write_bytes(b"stand-in")
    return tmp_path / "transcript"


def window(start_s=26.0, seconds=28):
    noise = np.random.default_rng(3).normal(0, 0.05, seconds * HZ)
    return SoundWindow(start_s, noise.astype(np.float32))


class Detector:
    """Speech from one second to another of picture time."""

    def __init__(self, start_s, end_s):
        self.span = start_s, end_s

    def read(self, items):
        return [self.reading(item) for item in items]

    def reading(self, item):
        middles = item.start_s + (LEAD_STEPS + np.arange(STEPS) + 0.5) * STEP_S
        speaks = (self.span[0] <= middles) & (middles < self.span[1])
        start_s = max(0.0, item.start_s)
        return Reading("speech", start_s, item.end_s, embedding=np.where(speaks, 0.9, 0.1))


def heard(folder, monkeypatch, *script, speech=(26.0, 54.0), english=()):
    monkeypatch.setattr(StandIn, "script", script)
    monkeypatch.setattr(StandIn, "english", english)
    expert = TranscriptExpert(folder)
    if speech is not None:
        monkeypatch.setattr(StandIn, "starts_s", max(0.0, speech[0] - AROUND_S - 26.0))
        monkeypatch.setattr(expert, "_speech", Detector(*speech))
    return expert.read([window()])[0]


@pytest.mark.parametrize("sound", ["noise", "tone", "silence"])
def test_where_nobody_speaks_the_recogniser_is_not_even_asked(folder, monkeypatch, sound):
    time = np.arange(28 * HZ) / HZ
    samples = {"noise": window().samples, "tone": 0.3 * np.sin(2 * np.pi * 330 * time),
               "silence": np.zeros(28 * HZ)}[sound]  # fmt: skip
    monkeypatch.setattr(StandIn, "script", (Segment(0, 5, "Thanks for watching!"),))
    expert = TranscriptExpert(folder)  # with the real detector
    assert expert.read([SoundWindow(0.0, samples.astype(np.float32))]) == [None]
    assert StandIn.asked == 0


def test_lines_come_with_their_times_in_the_film(folder, monkeypatch):
    reading = heard(folder, monkeypatch, Segment(3.0, 5.5, " Where are we? "),
                    Segment(6.0, 8.0, "Here."))  # fmt: skip
    times = [(part.start_s, part.end_s) for part in reading.parts]
    assert times == [pytest.approx((29.0, 31.5), abs=STEP_S), pytest.approx((32, 34), abs=STEP_S)]
    assert (reading.text, reading.language) == ("Where are we? Here.", "en")
    assert reading.parts[0].certainty == pytest.approx(0.9)


def test_a_line_is_no_longer_than_somebody_speaks(folder, monkeypatch):
    reading = heard(folder, monkeypatch, Segment(2.5, 9.0, "Run!"), speech=(31.0, 32.0))
    part = reading.parts[0]
    assert (part.start_s, part.end_s) == pytest.approx((31.0, 32.0), abs=2 * STEP_S)


def test_a_foreign_line_is_kept_and_translated(folder, monkeypatch):
    monkeypatch.setattr(StandIn, "language", "pt")
    script = (Segment(3.0, 5.5, "Onde estamos?"),)
    reading = heard(folder, monkeypatch, *script, english=[Segment(3.0, 5.0, "Where are we?")])
    assert [(part.expert, part.language, part.text) for part in reading.parts] == [
        ("transcript", "pt", "Onde estamos?"),
        ("translation", "en", "Where are we?"),
    ]


def test_a_line_across_two_windows_is_said_once_and_the_last_words_are_heard(folder, monkeypatch):
    """Both windows hear a line at 25 s; the film ends 3 s after a window's own stretch."""
    seconds, lines = 27.0, {25.0: "Across.", 26.2: "The last."}
    expert = TranscriptExpert(folder)
    monkeypatch.setattr(expert, "_speech", Detector(0.0, seconds))
    found = []

    def take(item):
        script = [Segment(at - item.start_s, at - item.start_s + 0.7, text)
                  for at, text in lines.items() if item.start_s <= at < item.end_s]  # fmt: skip
        monkeypatch.setattr(StandIn, "script", tuple(script))
        monkeypatch.setattr(StandIn, "starts_s", max(0.0, -item.start_s - AROUND_S))
        found.extend(expert.read([item]))

    windows = Windows(TRANSCRIPT_PLAN, take)
    windows.hear(np.zeros(round(seconds * HZ), np.float32))
    windows.end()
    assert [part.text for each in found if each for part in each.parts] == [*lines.values()]


@pytest.mark.parametrize(
    "invented",
    [
        Segment(3, 5, "Subtitles by the community", avg_logprob=-1.3),
        Segment(3, 5, "Thank you.", no_speech_prob=0.8),
        Segment(3, 5, "Te mothi saidan.", sure=0.45),
        Segment(3, 5, "and so and so and so and so", compression_ratio=8.0),
        Segment(22, 25, "said where nobody speaks"),
        Segment(3, 5, "   "),
    ],
    ids=["not sure of it", "no speech", "unsure words", "circles", "outside the speech", "nothing"],
)
def test_what_the_recogniser_invents_is_left_out(folder, monkeypatch, invented):
    speech = (26.0, 46.0)
    assert heard(folder, monkeypatch, invented, speech=speech) is None
    kept = heard(folder, monkeypatch, Segment(6, 8, "Run!"), invented, speech=speech)
    assert [part.text for part in kept.parts] == ["Run!"]


def test_a_line_that_goes_in_circles_was_never_said(folder, monkeypatch):
    circles = [Segment(k, k + 1, "You know?") for k in range(3, 6)]
    assert heard(folder, monkeypatch, *circles) is None
    twice = heard(folder, monkeypatch, *circles[:2])
    assert len(twice.parts) == 2


def test_a_model_that_fails_or_is_no_whisper_is_refused_in_a_sentence(folder, monkeypatch):
    (folder / "vocabulary.json").write_text('["a", "b"]')
    with pytest.raises(MissingPartError, match="vocabulary is not Whisper's"):
        TranscriptExpert(folder)
    (folder / "vocabulary.json").write_text('["<|startoftranscript|>"]')

    def fails(self, samples, **options):
        raise ValueError("token was not found in the prompt")

    monkeypatch.setattr(StandIn, "transcribe", fails)
    with pytest.raises(MissingPartError, match="fails with them"):
        heard(folder, monkeypatch, Segment(3, 5, "Run!"))


def test_there_is_no_transcript_without_a_model_or_the_package(folder, monkeypatch):
    assert can_transcribe()
    monkeypatch.setattr(StandIn, "fails", True)
    with pytest.raises(MissingPartError, match=r"faster-whisper does not take them \(Unsupported"):
        TranscriptExpert(folder)
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(MissingPartError, match="pip install faster-whisper"):
        TranscriptExpert(folder)
    (folder / "model.bin").unlink()
    assert not can_transcribe()
    with pytest.raises(MissingPartError, match="no speech recognition model"):
        TranscriptExpert(folder)
