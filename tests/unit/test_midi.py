"""MIDI files: ours come back as they were, a DAW's come back as they were meant."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emsync.cue import Key, Mode
from emsync.errors import InputError, NotFoundError
from emsync.family import Family
from emsync.score import (
    ControlChange,
    Controller,
    KeySignature,
    Meter,
    Note,
    Part,
    Score,
    TempoAnchor,
    TempoMap,
)
from emsync_server.composition.instruments import INSTRUMENTS
from emsync_server.midi import MidiMarker, family_of_program, read_midi, write_midi

TEMPO = TempoMap(
    (TempoAnchor(Fraction(0), Fraction(0)), TempoAnchor(Fraction(8), Fraction(4))),
    (Meter(Fraction(0), 4, 4),),
)


def part_of(notes, *, program=40, name="Violin", is_drums=False) -> Part:
    family = family_of_program(program, is_drums=is_drums)
    return Part(name, program, is_drums, family, tuple(notes))


@st.composite
def scores(draw):
    """Scores on the grid: up to 20 parts, notes of one pitch never overlap."""
    parts = []
    for number in range(draw(st.integers(1, 20))):
        is_drums = number > 0 and draw(st.booleans()) and not any(p.is_drums for p in parts)
        free_from: dict[int, int] = {}
        notes = []
        for start, length, pitch, velocity in draw(
            st.lists(
                st.tuples(
                    st.integers(0, 500),
                    st.integers(1, 60),
                    st.integers(0, 127),
                    st.integers(1, 127),
                ),
                min_size=1,
                max_size=8,
            ).map(sorted)
        ):
            if start >= free_from.get(pitch, 0):
                free_from[pitch] = start + length
                notes.append(Note(Fraction(start, 12), Fraction(length, 12), pitch, velocity))
        program = 0 if is_drums else number * 6
        made = part_of(notes, program=program, name=f"Part {number}", is_drums=is_drums)
        turned = draw(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 127)), max_size=4))
        controls = tuple(
            ControlChange(Fraction(at, 12), draw(st.sampled_from(Controller)), value)
            for at, value in sorted(turned)
        )
        parts.append(replace(made, controls=controls))
    return Score(tuple(parts), draw(tempo_maps()))


@st.composite
def tempo_maps(draw):
    """Anchors anywhere on the grid, at any tempo from 20 to 400."""
    anchors = [TempoAnchor(Fraction(0), Fraction(0))]
    for _ in range(draw(st.integers(1, 12))):
        quarters = Fraction(draw(st.integers(1, 400)), 12)
        bpm = draw(st.fractions(20, 400, max_denominator=10_000))
        last = anchors[-1]
        anchors.append(TempoAnchor(last.time_q + quarters, last.time_s + quarters * 60 / bpm))
    numerator = draw(st.integers(1, 12))
    meter = Meter(Fraction(0), numerator, draw(st.sampled_from([4, 8])))
    return TempoMap(tuple(anchors), (meter,))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("midi")


def described(part):
    notes = sorted(part.notes, key=lambda n: (n.start_q, n.pitch))
    return part.name, part.program, part.is_drums, part.family, notes, part.controls


@given(scores())
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_back(folder, score):
    write_midi(score, folder / "score.mid")
    back = read_midi(folder / "score.mid")
    assert [
        (
            p.name,
            p.program,
            p.is_drums,
            p.family,
            sorted(p.notes, key=lambda n: (n.start_q, n.pitch)),
        )
        for p in back.parts
    ] == [
        (
            p.name,
            p.program,
            p.is_drums,
            p.family,
            sorted(p.notes, key=lambda n: (n.start_q, n.pitch)),
        )
        for p in score.parts
    ]
    assert back.tempo_map.meters == score.tempo_map.meters


@given(tempo_maps())
@settings(max_examples=100, deadline=None)
def test_rounded_tempos_never_drift_from_the_anchors(folder, tempo_map):
    write_midi(Score((), tempo_map), folder / "tempo.mid")
    back = read_midi(folder / "tempo.mid").tempo_map
    for anchor in tempo_map.anchors:
        assert abs(back.seconds_at(anchor.time_q) - anchor.time_s) < Fraction(10, 1_000_000)


def test_a_thousand_anchors_stay_within_ten_microseconds(folder):
    anchors = [TempoAnchor(Fraction(0), Fraction(0))]
    for number in range(1000):
        last = anchors[-1]
        bpm = 90 + number % 7 + Fraction(1, 3)
        anchors.append(TempoAnchor(last.time_q + 37, last.time_s + 37 * 60 / bpm))
    tempo_map = TempoMap(tuple(anchors), (Meter(Fraction(0), 4, 4),))
    write_midi(Score((), tempo_map), folder / "long.mid")
    back = read_midi(folder / "long.mid").tempo_map
    assert abs(back.end_s - tempo_map.end_s) < Fraction(10, 1_000_000)


def test_the_same_score_is_the_same_file_byte_for_byte(folder):
    score = Score((part_of([Note(Fraction(1), Fraction(2), 60, 80)]),), TEMPO)
    for name in ("one.mid", "two.mid"):
        write_midi(score, folder / name, [MidiMarker(Fraction(4), "Schnitt № 1 – 🎬")])
    assert (folder / "one.mid").read_bytes() == (folder / "two.mid").read_bytes()


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("tonic", range(12))
def test_key_signatures_are_written_and_read_back(folder, tonic, mode):
    fifth = Key((tonic + 7) % 12, mode)
    keys = (KeySignature(Fraction(0), Key(tonic, mode)), KeySignature(Fraction(4), fifth))
    part = part_of([Note(Fraction(0), Fraction(1), 60, 80)])
    write_midi(Score((part,), TEMPO, keys), folder / "key.mid")
    assert read_midi(folder / "key.mid").keys == keys


def test_markers_travel_as_utf8(folder):
    write_midi(Score((), TEMPO), folder / "m.mid", [MidiMarker(Fraction(4), "Бах 🎬")])
    markers = [
        m for m in mido.MidiFile(folder / "m.mid", charset="utf-8").tracks[0] if m.type == "marker"
    ]
    assert [(m.text, m.time) for m in markers] == [("Бах 🎬", 4 * 480)]


def test_the_file_ends_where_the_cue_does(folder):
    write_midi(Score((part_of([Note(Fraction(0), Fraction(1), 60, 80)]),), TEMPO), folder / "e.mid")
    assert read_midi(folder / "e.mid").tempo_map.end_q == 8


def test_drums_sit_on_channel_ten_and_nothing_else_does(folder):
    parts = [part_of([Note(Fraction(0), Fraction(1), 60, 80)], program=n) for n in range(20)]
    parts.append(part_of([Note(Fraction(0), Fraction(1), 36, 80)], program=0, is_drums=True))
    write_midi(Score(tuple(parts), TEMPO), folder / "many.mid")
    channels = [
        {message.channel for message in track if not message.is_meta}
        for track in mido.MidiFile(folder / "many.mid").tracks[1:]
    ]
    assert channels[-1] == {9}
    assert all(9 not in used for used in channels[:-1])
    assert len(read_midi(folder / "many.mid").parts) == 21


def test_every_instrument_of_the_vocabulary_has_the_family_of_its_programmes():
    for instrument in INSTRUMENTS:
        for program in instrument.programs:
            assert family_of_program(program) is instrument.family, (instrument.name, program)
    assert family_of_program(40, is_drums=True) is Family.PERCUSSION


def daw_file(path, *tracks, kind=1, per_quarter=96):
    file = mido.MidiFile(type=kind, ticks_per_beat=per_quarter)
    for messages in tracks:
        file.tracks.append(mido.MidiTrack(messages))
    file.save(path)
    return read_midi(path)


def on(pitch, time=0, *, channel=0, velocity=80):
    return mido.Message("note_on", note=pitch, velocity=velocity, time=time, channel=channel)


def off(pitch, time=0, *, channel=0):
    return mido.Message("note_off", note=pitch, time=time, channel=channel)


def test_a_type_0_file_is_taken_apart_into_its_parts(tmp_path):
    score = daw_file(
        tmp_path / "t0.mid",
        [
            mido.Message("program_change", program=48, channel=0),
            mido.Message("program_change", program=73, channel=1),
            on(60),
            on(72, channel=1),
            on(36, channel=9),
            off(60, 96),
            off(72, channel=1),
            off(36, channel=9),
        ],
        kind=0,
    )
    assert [(p.program, p.is_drums, len(p.notes)) for p in score.parts] == [
        (48, False, 1),
        (73, False, 1),
        (0, True, 1),
    ]


def test_a_programme_change_on_another_track_counts(tmp_path):
    program = mido.Message("program_change", program=40, channel=2)
    score = daw_file(tmp_path / "p.mid", [on(60, channel=2), off(60, 96, channel=2)], [program])
    assert [part.program for part in score.parts] == [40]


def test_a_note_left_open_sounds_to_the_end(tmp_path):
    score = daw_file(tmp_path / "o.mid", [on(60), mido.MetaMessage("end_of_track", time=192)])
    assert score.parts[0].notes == (Note(Fraction(0), Fraction(2), 60, 80),)


def test_an_off_that_belongs_to_nothing_is_passed_over(tmp_path):
    score = daw_file(tmp_path / "x.mid", [off(60, 10), on(61, 86), off(61, 96)])
    assert score.parts[0].notes == (Note(Fraction(1), Fraction(1), 61, 80),)


def test_a_note_without_length_lasts_one_tick(tmp_path):
    score = daw_file(tmp_path / "z.mid", [on(60), off(60), on(62, 96), off(62, 96)])
    assert score.parts[0].notes[0].length_q == Fraction(1, 96)


def test_a_note_on_with_velocity_zero_is_an_off(tmp_path):
    score = daw_file(tmp_path / "v.mid", [on(60), on(60, 96, velocity=0)])
    assert score.parts[0].notes == (Note(Fraction(0), Fraction(1), 60, 80),)


def test_the_same_pitch_twice_is_paired_first_in_first_out(tmp_path):
    score = daw_file(
        tmp_path / "f.mid", [on(60), on(60, 48, velocity=90), off(60, 48), off(60, 48)]
    )
    lengths = [(note.start_q, note.length_q, note.velocity) for note in score.parts[0].notes]
    assert lengths == [(0, 1, 80), (Fraction(1, 2), 1, 90)]


def test_a_file_without_a_tempo_runs_at_120(tmp_path):
    score = daw_file(tmp_path / "n.mid", [on(60), off(60, 96)])
    assert score.tempo_map.end_s == Fraction(1, 2)
    assert score.tempo_map.meters == (Meter(Fraction(0), 4, 4),)


def test_tempo_on_any_track_counts_and_anchors_follow_one_another(tmp_path):
    tempo = [
        mido.MetaMessage("set_tempo", tempo=600_000, time=0),
        mido.MetaMessage("set_tempo", tempo=500_000, time=96),
        mido.MetaMessage("set_tempo", tempo=400_000, time=0),
    ]
    score = daw_file(tmp_path / "s.mid", [on(60), off(60, 192)], tempo)
    assert score.tempo_map.end_s == Fraction(1)
    assert all(a.time_q < b.time_q for a, b in pairwise(score.tempo_map.anchors))


def test_latin_1_names_are_read(tmp_path):
    score = daw_file(
        tmp_path / "l.mid", [mido.MetaMessage("track_name", name="Flöte"), on(60), off(60, 96)]
    )
    assert score.parts[0].name == "Flöte"


def test_a_file_without_notes_has_no_parts(tmp_path):
    assert daw_file(tmp_path / "0.mid", []).parts == ()


@pytest.mark.parametrize(
    "content",
    [b"", b"this is not MIDI", b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\0\x20\0\x90\x3c"],
    ids=["empty", "text", "truncated"],
)
def test_what_is_no_midi_file_gets_a_sentence(tmp_path, content):
    path = tmp_path / "broken.mid"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.mid"):
        read_midi(path)


def test_time_in_frames_gets_a_sentence(tmp_path):
    path = tmp_path / "smpte.mid"
    path.write_bytes(b"MThd\0\0\0\6\0\1\0\0\xe7\x28")
    with pytest.raises(InputError, match="counts time in frames"):
        read_midi(path)


@pytest.mark.parametrize("name", ["nowhere.mid", "."], ids=["missing", "folder"])
def test_a_path_without_a_file_is_not_found(tmp_path, name):
    with pytest.raises(NotFoundError):
        read_midi(tmp_path / name)


def test_any_bytes_are_read_or_refused_in_a_sentence(tmp_path):
    write_midi(
        Score((part_of([Note(Fraction(1), Fraction(2), 60, 80)]),), TEMPO), tmp_path / "a.mid"
    )
    whole = (tmp_path / "a.mid").read_bytes()
    broken = tmp_path / "b.mid"
    refused = 0
    for position in range(len(whole)):
        for value in (0, 0x7F, 0xFF):
            broken.write_bytes(whole[:position] + bytes([value]) + whole[position + 1 :])
            try:
                read_midi(broken)
            except InputError:
                refused += 1
    assert refused > 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "it ends too early", id="empty"),
        pytest.param(b"MThd\0\0\0\6\0\1\0\2", "it ends too early", id="cut off"),
        pytest.param(b"No MIDI, but words.\n" * 9, "it is none, or it is damaged", id="text"),
    ],
)
def test_a_file_that_is_no_midi_gets_a_sentence_of_ours(tmp_path, content, words):
    path = tmp_path / "score.mid"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"as a MIDI file: {words}. Export it again"):
        read_midi(path)
