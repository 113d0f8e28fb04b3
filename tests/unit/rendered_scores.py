"""Scores, takes and instruments that the rendering tests share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

from emsync import wire
from emsync.cue import Cue
from emsync.emotion import EmotionCurve, EmotionPoint, ValenceArousal
from emsync.family import Family
from emsync.picture import PictureInfo
from emsync.score import Meter, Note, Part, Score, Take, TempoAnchor, TempoMap
from emsync.timecode import RationalTime, TimeRange
from emsync_server.midi import write_midi
from emsync_server.rendering.performance import Performance
from emsync_server.rendering.synthesizer import Audio

RATE = Fraction(24)


@dataclass(frozen=True)
class SineSynthesizer:
    """A fake that plays a decaying sine a note: exact, fast, and the same on every machine."""

    amplitude: float = 0.1
    name: str = "sines"

    def render(
        self, performance: Performance, *, length_samples: int, rate_hz: int
    ) -> Iterator[Audio]:
        sound = np.zeros((length_samples, 2), np.float32)
        for note in performance.notes:
            time_s = np.arange(length_samples - note.start_samples) / rate_hz
            hertz = 440 * 2 ** ((note.pitch - 69) / 12)
            tone = np.sin(2 * np.pi * hertz * time_s) * np.exp(-2 * time_s)
            level = self.amplitude * note.velocity / 127
            sound[note.start_samples :] += (level * tone[:, None]).astype(np.float32)
        for start in range(0, length_samples, 10_000):
            yield sound[start : start + 10_000]


def part(family: Family, program: int, pitches: Sequence[int], quarters: Sequence[float]) -> Part:
    """A chord of these pitches at each of these quarters, one quarter long."""
    notes = tuple(
        Note(Fraction(quarter), Fraction(1), pitch, 90) for quarter in quarters for pitch in pitches
    )
    return Part(family.value, program, family is Family.PERCUSSION, family, notes)


STRINGS = part(Family.STRINGS, 48, (48, 55, 64), (0, 1, 2, 3))
BRASS = part(Family.BRASS, 60, (60, 67), (1, 3))
DRUMS = part(Family.PERCUSSION, 0, (36, 38), (0, 2, 3))


def write_take(
    folder: Path,
    parts: Sequence[Part] = (STRINGS, BRASS, DRUMS),
    *,
    cue_s: Fraction = Fraction(3),
    start_s: Fraction = Fraction(0),
    picture_s: Fraction | None = None,
    source: str = "/no/such/film.mp4",
) -> Path:
    """A take of 120 quarters a minute and its MIDI; returns the take's path."""

    def at(seconds: Fraction) -> RationalTime:
        return RationalTime.from_seconds(seconds, RATE)

    zero = ValenceArousal(0.0, 0.0)
    tempo = TempoMap(
        (TempoAnchor(Fraction(0), Fraction(0)), TempoAnchor(cue_s * 2, cue_s)),
        (Meter(Fraction(0), 4, 4),),
    )
    cue = Cue(
        name="test",
        range=TimeRange(at(start_s), at(cue_s)),
        hits=(),
        emotion=EmotionCurve((EmotionPoint(at(Fraction(0)), zero, zero),)),
    )
    end_s = picture_s if picture_s is not None else start_s + cue_s
    picture = PictureInfo(source, RATE, at(end_s), at(Fraction(0)))
    folder.mkdir(parents=True, exist_ok=True)
    write_midi(Score(tuple(parts), tempo), folder / "score.mid")
    take = Take(
        picture=picture,
        cue=cue,
        number=1,
        seed=0,
        model="none",
        version="0",
        midi="score.mid",
        tempo_map=tempo,
        landings=(),
    )
    path = folder / "take.json"
    path.write_text(wire.dumps(take), encoding="utf-8")
    return path


def samples_of(path: Path, bits: int = 24) -> np.ndarray:
    """Whole-number samples at the file's own scale, (N, 2)."""
    found, _ = soundfile.read(path, dtype="int32", always_2d=True)
    return found.astype(np.int64) >> (32 - bits)
