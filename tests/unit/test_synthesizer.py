"""Both synthesisers keep one promise: notes where they were asked for, the same on every run."""

from __future__ import annotations

import itertools
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.unit.rendered_scores import STRINGS, part, write_take

from emsync.errors import InputError, NotFoundError
from emsync.family import Family
from emsync.score import Controller
from emsync_server.rendering import choice, embedded, fluid
from emsync_server.rendering.embedded import EmbeddedSynthesizer
from emsync_server.rendering.fluid import FluidSynthesizer, fluidsynth_version
from emsync_server.rendering.performance import (
    Instrument,
    Performance,
    PlayedControl,
    PlayedNote,
    left_to_ring,
    perform,
)
from emsync_server.rendering.soundfonts import (
    bundled_soundfont,
    find_soundfont,
    read_soundfont,
    system_soundfonts,
)
from emsync_server.rendering.synthesizer import BLOCK_SAMPLES, PHASE_SAMPLES, phases_of

SQUARE_LEAD = 80  # starts at full level
BRASS_SECTION = 61  # an even tone
needs_fluidsynth = pytest.mark.skipif(
    fluidsynth_version() is None, reason="libfluidsynth is not on this machine"
)


@pytest.fixture(
    params=[
        pytest.param(FluidSynthesizer, id="fluidsynth", marks=needs_fluidsynth),
        pytest.param(EmbeddedSynthesizer, id="midirenderer"),
    ]
)
def synthesizer(request):
    return request.param(bundled_soundfont())


def performance(*notes: PlayedNote, program: int = SQUARE_LEAD, drums: bool = False) -> Performance:
    return Performance((Instrument(program, drums, pan=0.0, reverb=0.0),), notes)


def rendered(synthesizer, played: Performance, length: int, rate_hz: int = 48_000) -> np.ndarray:
    blocks = list(synthesizer.render(played, length_samples=length, rate_hz=rate_hz))
    return np.concatenate(blocks)


def onset(sound: np.ndarray, near: int) -> int:
    window = np.abs(sound[near - 1000 : near + 2000]).max(axis=1)
    return near - 1000 + int(np.argmax(window > 0.02 * window.max()))


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
def test_notes_begin_within_a_few_samples_of_their_place(synthesizer, rate_hz):
    random = np.random.default_rng(7)
    apart = rate_hz * 5 // 4
    starts = [1000 + int(step) for step in np.cumsum(random.integers(apart, apart + 999, 12))]
    notes = [PlayedNote(start, start + 1500, 0, 60, 110) for start in starts]
    sound = rendered(synthesizer, performance(*notes), starts[-1] + 5000, rate_hz)
    errors = [onset(sound, start) - start for start in starts]
    assert (max(errors) - min(errors)) / rate_hz <= 2 * PHASE_SAMPLES / 48_000, errors
    assert abs(np.mean(errors)) <= rate_hz / 1000, "onsets are biased by more than a millisecond"


def test_sound_is_as_long_as_asked_to_the_sample(synthesizer):
    sound = rendered(synthesizer, performance(PlayedNote(0, 900, 0, 60, 90)), 12_345)
    assert sound.shape == (12_345, 2) and sound.dtype == np.float32
    assert np.abs(sound).max() > 0.01


def test_no_notes_give_silence_of_the_full_length(synthesizer):
    sound = rendered(synthesizer, performance(), 70_001)
    assert sound.shape == (70_001, 2) and not sound.any()


def test_the_same_performance_sounds_the_same_twice(synthesizer):
    played = performance(PlayedNote(100, 9000, 0, 60, 90), PlayedNote(2000, 9000, 0, 64, 50))
    first, second = (rendered(synthesizer, played, 20_000) for _ in range(2))
    assert np.array_equal(first, second)


def test_louder_velocities_sound_louder(synthesizer):
    peaks = [
        np.abs(rendered(synthesizer, performance(PlayedNote(0, 8000, 0, 60, v)), 9000)).max()
        for v in (30, 60, 90, 120)
    ]
    assert all(later > 1.5 * earlier for earlier, later in itertools.pairwise(peaks))


def test_drums_and_other_instruments_share_a_stem(synthesizer):
    both = Performance(
        (Instrument(SQUARE_LEAD, False, 0.0, 0.0), Instrument(0, True, 0.0, 0.0)),
        (PlayedNote(0, 4000, 0, 60, 90), PlayedNote(20_000, 24_000, 1, 38, 110)),
    )
    sound = np.abs(rendered(synthesizer, both, 40_000)).max(axis=1)
    assert sound[:4000].max() > 0.01 and sound[20_000:24_000].max() > 0.01
    assert sound[15_000:19_900].max() < 0.01


def test_more_instruments_than_midi_has_channels_all_sound(synthesizer):
    instruments = tuple(Instrument(SQUARE_LEAD, False, 0.0, 0.0) for _ in range(20))
    notes = tuple(
        PlayedNote(index * 9600, index * 9600 + 2000, index, 60, 100) for index in range(20)
    )
    sound = np.abs(rendered(synthesizer, Performance(instruments, notes), 200_000)).max(axis=1)
    assert all(sound[index * 9600 : index * 9600 + 2000].max() > 0.01 for index in range(20))


def test_chunks_of_the_embedded_synthesizer_join_without_a_trace(monkeypatch):
    random = np.random.default_rng(1)
    notes = [
        PlayedNote(start, start + 60_000, 0, int(random.integers(40, 80)), 80)
        for start in range(0, 700_000, 15_000)
    ]
    played = Performance((Instrument(48, False, 0.3, 0.5),), tuple(notes))
    synthesizer = EmbeddedSynthesizer(bundled_soundfont())
    whole = rendered(synthesizer, played, 800_000)
    monkeypatch.setattr(embedded, "CHUNK_SAMPLES", embedded.CHORUS_PERIOD_SAMPLES)
    chunked = rendered(synthesizer, played, 800_000)
    step = 1 / embedded.FULL_SCALE
    phases, overlaps = 4, 4
    assert np.abs(whole - chunked).max() <= phases * overlaps * step
    assert np.sqrt(np.mean((whole - chunked) ** 2)) <= 2 * step


def test_the_embedded_synthesizer_does_not_clip_a_full_orchestra():
    chord = tuple(PlayedNote(0, 20_000, 0, pitch, 127) for pitch in range(36, 84, 2))
    sound = rendered(EmbeddedSynthesizer(bundled_soundfont()), performance(*chord), 24_000)
    assert np.abs(sound).max() > 1.0  # more than its 16 bits hold
    assert np.mean(np.abs(sound) >= 0.999 * np.abs(sound).max()) < 0.001


def test_phases_keep_each_note_near_its_place_and_hi_hats_together():
    notes = tuple(PlayedNote(start, start + 500, 0, 42, 90) for start in range(0, 5000, 37))
    hats = phases_of(performance(*notes, drums=True))
    assert [phase.delay_samples for phase in hats] == [0]
    melodic = phases_of(performance(*notes))
    placed = sorted(n.start_samples + phase.delay_samples for phase in melodic for n in phase.notes)
    wanted = sorted(note.start_samples for note in notes)
    assert max(abs(a - b) for a, b in zip(placed, wanted, strict=True)) <= PHASE_SAMPLES // 2
    assert all(n.start_samples % BLOCK_SAMPLES == 0 for phase in melodic for n in phase.notes)


def test_a_pitch_struck_again_ends_the_note_before(tmp_path):
    from emsync_server.midi import read_midi

    write_take(tmp_path, [part(Family.STRINGS, 48, (60,), (0, 0.5, 1))])
    played = perform(
        read_midi(tmp_path / "score.mid"), Family.STRINGS, rate_hz=48_000, cue_samples=144_000
    )
    for earlier, later in zip(played.notes, played.notes[1:], strict=False):
        assert earlier.end_samples <= later.start_samples


def test_notes_after_the_cue_are_left_out_and_long_ones_end_with_it(tmp_path):
    from emsync_server.midi import read_midi

    write_take(tmp_path, [STRINGS])
    score = read_midi(tmp_path / "score.mid")
    played = perform(score, Family.STRINGS, rate_hz=48_000, cue_samples=30_000)
    assert {note.start_samples for note in played.notes} == {0, 24_000}
    assert max(note.end_samples for note in played.notes) == 30_000


def turned(*changes: tuple[int, int], controller: Controller = Controller.EXPRESSION):
    return tuple(PlayedControl(time, 0, controller, value) for time, value in changes)


def level_db(sound: np.ndarray, start: int, stop: int) -> float:
    return 20 * np.log10(np.sqrt((sound[start:stop] ** 2).mean()) + 1e-9)


def test_expression_falls_while_a_note_is_held(synthesizer):
    held = performance(PlayedNote(0, 90_000, 0, 60, 100), program=BRASS_SECTION)
    played = replace(held, controls=turned((0, 127), (48_000, 64)))
    sound = rendered(synthesizer, played, 90_000)
    fallen = level_db(sound, 60_000, 88_000) - level_db(sound, 20_000, 44_000)
    assert fallen == pytest.approx(40 * np.log10(64 / 127), abs=1.0)


def test_a_pedal_keeps_what_the_fingers_let_go(synthesizer):
    struck = performance(PlayedNote(0, 9_000, 0, 60, 100))
    up, down = (
        rendered(synthesizer, replace(struck, controls=changes), 60_000)
        for changes in ((), turned((0, 127), (50_000, 0), controller=Controller.PEDAL))
    )
    assert level_db(down, 30_000, 40_000) > level_db(up, 30_000, 40_000) + 20


def test_a_controller_set_before_a_chunk_holds_in_it(monkeypatch):
    synthesizer = EmbeddedSynthesizer(bundled_soundfont())
    notes = [PlayedNote(start, start + 40_000, 0, 60, 90) for start in range(0, 500_000, 50_000)]
    played = replace(performance(*notes), controls=turned((10_000, 50)))
    whole = rendered(synthesizer, played, 520_000)
    monkeypatch.setattr(embedded, "CHUNK_SAMPLES", embedded.CHORUS_PERIOD_SAMPLES)
    chunked = rendered(synthesizer, played, 520_000)
    assert np.abs(whole - chunked).max() < 3 / 32_768


@needs_fluidsynth
def test_synthesisers_that_start_side_by_side_obey_controllers():
    """FluidSynth's tables are filled once; who comes second must not find them empty."""
    script = (
        "import threading, numpy as np\n"
        "from tests.unit.test_synthesizer import *\n"
        "played = replace(performance(PlayedNote(0, 40_000, 0, 60, 100)), "
        "controls=turned((0, 20)))\n"
        "peaks = []\n"
        "def play():\n"
        "    sound = rendered(FluidSynthesizer(bundled_soundfont()), played, 20_000)\n"
        "    peaks.append(float(np.abs(sound).max()))\n"
        "threads = [threading.Thread(target=play) for _ in range(4)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "assert len(peaks) == 4 and max(peaks) < 1.1 * min(peaks), peaks\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_last_chord_rings_past_the_out_point_and_falls(synthesizer):
    cue, room = 60_000, 80_000
    notes = (PlayedNote(0, cue, 0, 60, 100), PlayedNote(0, 20_000, 0, 72, 100))
    held = performance(*notes, program=BRASS_SECTION)
    played = left_to_ring(held, rate_hz=48_000, cue_samples=cue, room_samples=room)
    assert [note.end_samples for note in played.notes] == [cue + 72_000, 20_000]
    sound = rendered(synthesizer, played, cue + room)
    levels = [level_db(sound, at, at + 6_000) for at in range(cue - 6_000, cue + 66_000, 12_000)]
    assert all(later < earlier - 2 for earlier, later in itertools.pairwise(levels))
    assert left_to_ring(held, rate_hz=48_000, cue_samples=cue, room_samples=0) == held


# Soundfonts


def soundfont_file(path: Path, name: str) -> Path:
    """A header with a name: enough to be found, not enough to be played."""
    text = name.encode() + b"\0" * (2 - len(name) % 2)
    info = b"INFO" + struct.pack("<4sIHH", b"ifil", 4, 2, 1)
    info += struct.pack("<4sI", b"INAM", len(text)) + text
    body = b"sfbk" + struct.pack("<4sI", b"LIST", len(info)) + info
    path.write_bytes(struct.pack("<4sI", b"RIFF", len(body)) + body)
    return path


def test_the_best_known_soundfont_is_chosen_by_its_own_name(tmp_path):
    soundfont_file(tmp_path / "MuseScore_General.sf2", "FluidR3Mono_GM")  # Debian's link
    soundfont_file(tmp_path / "a.sf2", "Fluid R3 GM")
    soundfont_file(tmp_path / "b.sf2", "MuseScore General")
    soundfont_file(tmp_path / "trumpet.sf2", "My trumpet")
    (tmp_path / "broken.sf2").write_bytes(b"RIFF")
    found = sorted(system_soundfonts([tmp_path, tmp_path / "missing"]), key=lambda font: font.rank)
    assert "b.sf2" in {font.path.name for font in found[:2]}
    assert "trumpet.sf2" not in {font.path.name for font in found}
    assert len(found) == 3


def test_the_environment_names_a_soundfont(tmp_path, monkeypatch):
    path = soundfont_file(tmp_path / "mine.sf2", "Mine")
    monkeypatch.setenv("EMSYNC_SOUNDFONT", str(path))
    assert find_soundfont() is not None and find_soundfont().path == path
    monkeypatch.setenv("EMSYNC_SOUNDFONT", str(tmp_path / "gone.sf2"))
    with pytest.raises(NotFoundError, match=r"gone\.sf2"):
        find_soundfont()


@pytest.mark.parametrize("content", [b"", b"a text, no soundfont", b"RIFF\0\0\0\0WAVEfmt "])
def test_what_is_no_soundfont_is_refused_in_a_sentence(tmp_path, content):
    path = tmp_path / "odd.sf2"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is not a soundfont"):
        read_soundfont(path)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(FluidSynthesizer, id="fluidsynth", marks=needs_fluidsynth),
        pytest.param(EmbeddedSynthesizer, id="midirenderer"),
    ],
)
def test_a_soundfont_that_is_cut_off_is_refused_in_a_sentence(tmp_path, kind, capfd):
    cut_off = tmp_path / "cut off.sf2"
    cut_off.write_bytes(bundled_soundfont().path.read_bytes()[:100_000])
    with pytest.raises(InputError, match="cut off"):
        rendered(kind(read_soundfont(cut_off)), performance(PlayedNote(0, 500, 0, 60, 90)), 1000)
    assert capfd.readouterr() == ("", "")


def test_without_fluidsynth_the_embedded_synthesizer_plays_and_doctor_says_what_is_better(
    monkeypatch,
):
    monkeypatch.delenv("EMSYNC_SOUNDFONT", raising=False)
    monkeypatch.setattr(fluid, "_library", lambda: None)
    assert isinstance(choice.choose_synthesizer(), EmbeddedSynthesizer)
    report = choice.describe_sound()
    assert "midirenderer" in report.synthesizer and "TimGM6mb" in report.soundfont
    assert len(report.advice) == 2


def test_without_a_better_soundfont_the_embedded_synthesizer_plays(monkeypatch):
    monkeypatch.delenv("EMSYNC_SOUNDFONT", raising=False)
    monkeypatch.setattr(choice, "find_soundfont", lambda wanted: None)
    chosen = choice.choose_synthesizer()
    assert chosen == EmbeddedSynthesizer(bundled_soundfont())


def test_a_compressed_soundfont_that_was_asked_for_needs_fluidsynth(tmp_path, monkeypatch):
    monkeypatch.setattr(fluid, "_library", lambda: None)
    path = soundfont_file(tmp_path / "mine.sf3", "Mine")
    path.write_bytes(path.read_bytes().replace(struct.pack("<HH", 2, 1), struct.pack("<HH", 3, 1)))
    with pytest.raises(InputError, match="needs FluidSynth"):
        choice.choose_synthesizer(path)


@needs_fluidsynth
def test_fluidsynth_plays_with_the_soundfont_that_was_asked_for():
    chosen = choice.choose_synthesizer(bundled_soundfont().path)
    assert chosen.name == f"FluidSynth {fluidsynth_version()} with TimGM6mb"
