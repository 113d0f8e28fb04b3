"""A take says in which key most of it stands, also when bars of it were written anew."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from tests.cues import sheet_of
from tests.tiny_composer import tiny_composer

from emsync import wire
from emsync.cue import Brief, Key
from emsync.family import Family
from emsync.score import KeySignature, Meter, Note, Part, Score, Take, TempoAnchor, TempoMap
from emsync.settings import ComposeSettings
from emsync_server.composition import compose
from emsync_server.composition.take_files import _key_of
from emsync_server.midi import read_midi, write_midi
from emsync_server.progress import silent_progress

MAP = TempoMap(
    (TempoAnchor(Fraction(0), Fraction(0)), TempoAnchor(Fraction(16), Fraction(16))),
    (Meter(Fraction(0), 4, 4),),
)


def composed(folder: Path, key: str | None, bars: tuple[int, int] | None = None) -> Take:
    sheet = sheet_of(24 * 20, [200], emotion=[(0, -0.4, 0.0)])
    (cue,) = sheet.cues
    brief = Brief(key=Key.parse(key)) if key else Brief()
    sheet = replace(sheet, cues=(replace(cue, brief=brief),))
    settings = ComposeSettings(seed=3, bars=bars)
    composer = tiny_composer()
    takes = compose(sheet, "film", folder, settings, silent_progress(), composer=composer)
    return takes[0]


@pytest.mark.parametrize("key", ["D minor", "Bb major"])
def test_it_is_the_key_that_was_asked_for(tmp_path: Path, key: str) -> None:
    take = composed(tmp_path, key)
    assert str(take.key) == key
    assert wire.read_take(tmp_path / "take.json").key == take.key


def test_it_is_one_of_those_that_are_written(tmp_path: Path) -> None:
    take = composed(tmp_path, None)
    assert take.key in [one.key for one in read_midi(tmp_path / take.midi).keys]


def test_a_take_that_was_laid_out_anew_keeps_it(tmp_path: Path) -> None:
    take = composed(tmp_path, "D minor")
    score = replace(read_midi(tmp_path / take.midi), keys=(), tempo_map=take.tempo_map)
    write_midi(score, tmp_path / take.midi)
    again = composed(tmp_path, None, bars=(2, 3))
    assert again.key == Key.parse("D minor")
    assert [one.key for one in read_midi(tmp_path / again.midi).keys] == [again.key]


def score_of(pitches: list[int], keys: list[tuple[int, str]]) -> Score:
    notes = tuple(Note(Fraction(q), Fraction(1), pitch, 80) for q, pitch in enumerate(pitches))
    signatures = tuple(KeySignature(Fraction(q), Key.parse(key)) for q, key in keys)
    return Score((Part("Piano", 0, False, Family.KEYS, notes),), MAP, signatures)


def test_of_several_keys_the_longest_counts_and_of_none_the_notes() -> None:
    keys = [(0, "C major"), (5, "A minor"), (10, "C major"), (14, "E minor")]
    assert str(_key_of(score_of([60], keys))) == "C major"
    scale = [62, 64, 66, 67, 69, 71, 73, 74, 62, 66, 69, 62, 69, 66, 62, 62]
    assert str(_key_of(score_of(scale, []))) == "D major"
