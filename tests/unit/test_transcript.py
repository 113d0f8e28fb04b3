"""What the transcript expert lets through: the recogniser is a stand-in that says what a test tells
it to, the rest (the speech detector, the gate, times) is the real thing.

No Whisper is shipped and none is fetched: how well one hears is not tested here.
"""

from __future__ import annotations

import importlib.machinery
import sys
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from emsync.errors import MissingPartError
from emsync_server.spotting.experts import Reading, SoundWindow
from emsync_server.spotting.experts.transcript import TranscriptExpert, can_transcribe

HZ = 16_000


@dataclass
class Segment:
    """As faster-whisper gives them; this one is sure of itself."""

    start: float
    end: float
    text: str
    avg_logprob: float = -0.2
    no_speech_prob: float = 0.05


class StandIn:
    """A recogniser with a script."""

    script: tuple[Segment, ...] = ()
    asked = 0
    fails = False

    def __init__(self, folder, **options):
        if StandIn.fails:
            raise RuntimeError("Unsupported model binary version")
        assert options["local_files_only"], "nothing is fetched"

    def transcribe(self, samples, **options):
        StandIn.asked += 1
        return iter(self.script), SimpleNamespace(language="pt")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A model folder, and the package with the stand-in in it."""
    module = ModuleType("faster_whisper")
    module.__spec__ = importlib.machinery.ModuleSpec("faster_whisper", None)
    module.WhisperModel = StandIn
    monkeypatch.setitem(sys.modules, "faster_whisper", module)
    monkeypatch.setattr(StandIn, "asked", 0)
    monkeypatch.setattr(StandIn, "fails", False)
    monkeypatch.setenv("EMSYNC_MODELS", str(tmp_path))
    (tmp_path / "transcript").mkdir()
    (tmp_path / "transcript" / "model.bin").write_bytes(b"stand-in")
    return tmp_path / "transcript"


def window(start_s=28.0, seconds=28):
    noise = np.random.default_rng(3).normal(0, 0.05, seconds * HZ)
    return SoundWindow(start_s, noise.astype(np.float32))


class Detector:
    """Speech from one second to another of picture time."""

    def __init__(self, start_s, end_s):
        self.span = start_s, end_s

    def read(self, items):
        return [Reading("speech", *self.span, certainty=0.9), *[None] * (len(items) - 1)]


def heard(folder, monkeypatch, *script, speech=(28.0, 50.0)):
    monkeypatch.setattr(StandIn, "script", script)
    expert = TranscriptExpert(folder)
    if speech is not None:
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
    reading = heard(folder, monkeypatch, Segment(1.0, 3.5, " Onde estamos? "),
                    Segment(4.0, 6.0, "Aqui."))  # fmt: skip
    assert [(part.start_s, part.end_s, part.text) for part in reading.parts] == [
        (29.0, 31.5, "Onde estamos?"),
        (32.0, 34.0, "Aqui."),
    ]
    assert (reading.text, reading.language) == ("Onde estamos? Aqui.", "pt")
    assert reading.parts[0].certainty == pytest.approx(np.exp(-0.2))


@pytest.mark.parametrize(
    "invented",
    [
        Segment(1, 3, "Subtitles by the community", avg_logprob=-1.3),
        Segment(1, 3, "Thank you.", no_speech_prob=0.8),
        Segment(24, 27, "said where nobody speaks"),
        Segment(1, 3, "   "),
    ],
    ids=["not sure of it", "no speech", "outside the speech", "nothing"],
)
def test_what_the_recogniser_invents_is_left_out(folder, monkeypatch, invented):
    assert heard(folder, monkeypatch, invented) is None
    kept = heard(folder, monkeypatch, Segment(4, 6, "Run!"), invented)
    assert [part.text for part in kept.parts] == ["Run!"]


def test_a_line_that_goes_in_circles_was_never_said(folder, monkeypatch):
    circles = [Segment(k, k + 1, "You know?") for k in range(3)]
    assert heard(folder, monkeypatch, *circles) is None
    twice = heard(folder, monkeypatch, *circles[:2])
    assert len(twice.parts) == 2


def test_there_is_no_transcript_without_a_model_or_the_package(folder, monkeypatch):
    assert can_transcribe()
    monkeypatch.setattr(StandIn, "fails", True)
    with pytest.raises(MissingPartError, match="faster-whisper does not take it"):
        TranscriptExpert(folder)
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(MissingPartError, match="pip install faster-whisper"):
        TranscriptExpert(folder)
    (folder / "model.bin").unlink()
    assert not can_transcribe()
    with pytest.raises(MissingPartError, match="no speech recognition model"):
        TranscriptExpert(folder)
