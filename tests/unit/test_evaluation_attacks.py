"""Attacks and onsets found in sounds whose times are known."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import soundfile
from tests.unit.sounds_of_known_times import RATE_HZ, clicks, held_chords, write_sound

from emsync.errors import InputError, NotFoundError
from emsync_server.evaluation import find_onsets
from emsync_server.evaluation.attacks import ATTACK_BIAS_S
from emsync_server.evaluation.landing import landed_share, sound_errors
from emsync_server.rendering.embedded import EmbeddedSynthesizer
from emsync_server.rendering.performance import Instrument, Performance, PlayedNote
from emsync_server.rendering.soundfonts import bundled_soundfont

HALF_FRAME_24_S = 1 / 48
TIMES_S = (0.9, 2.013, 3.351, 4.2, 5.6177, 7.04, 8.333, 9.5)
LENGTH_S = 11.0


def errors_of(path, times_s=TIMES_S):
    """Errors of the attacks found near the moments, in seconds."""
    return np.array([error for error, _ in sound_errors(np.array(times_s), path)])


def play_chords(path, program, times_s=TIMES_S, *, is_drums=False):
    """Legato chords by the synthesiser that pip brings."""
    pitches = [(36, 38, 49), (36, 38, 49)] if is_drums else [(55, 59, 62), (57, 60, 64)]
    ends = [*times_s[1:], LENGTH_S]
    notes = tuple(
        PlayedNote(round(start * RATE_HZ), round(end * RATE_HZ), 0, pitch, 105)
        for index, (start, end) in enumerate(zip(times_s, ends, strict=True))
        for pitch in pitches[index % 2]
    )
    performance = Performance((Instrument(program, is_drums, 0.0, 0.3),), notes)
    synthesizer = EmbeddedSynthesizer(bundled_soundfont())
    blocks = synthesizer.render(
        performance, length_samples=round(LENGTH_S * RATE_HZ), rate_hz=RATE_HZ
    )
    sound = np.concatenate(list(blocks)).mean(axis=1)
    return write_sound(path, sound * 0.5 / abs(sound).max())


def play_run(path, program, times_s):
    """Short chords by the synthesiser that pip brings, each on other notes than the one before."""
    notes = tuple(
        PlayedNote(round(time * RATE_HZ), round((time + 0.03) * RATE_HZ), 0, pitch, 120)
        for index, time in enumerate(times_s)
        for pitch in ((60, 64, 67), (62, 65, 69))[index % 2]
    )
    performance = Performance((Instrument(program, False, 0.0, 0.3),), notes)
    blocks = EmbeddedSynthesizer(bundled_soundfont()).render(
        performance, length_samples=round((times_s[-1] + 1) * RATE_HZ), rate_hz=RATE_HZ
    )
    sound = np.concatenate(list(blocks)).mean(axis=1)
    return write_sound(path, sound * 0.5 / abs(sound).max())


def test_sudden_sounds_are_found_to_the_millisecond(tmp_path):
    path = write_sound(tmp_path / "clicks.wav", clicks(TIMES_S, LENGTH_S))
    errors = errors_of(path) + ATTACK_BIAS_S  # as heard, before the players' bias is taken off
    assert abs(np.median(errors)) < 0.002
    assert np.ptp(errors) < 0.003


@pytest.mark.parametrize("attack_s", [0.0, 0.02, 0.08], ids=["hard", "soft", "bowed"])
def test_a_chord_that_replaces_another_is_found_within_half_a_frame(tmp_path, attack_s):
    sound = held_chords(TIMES_S, LENGTH_S, attack_s=attack_s)
    errors = errors_of(write_sound(tmp_path / "chords.wav", sound))
    assert landed_share(errors, HALF_FRAME_24_S) == 1.0


@pytest.mark.parametrize(
    ("program", "is_drums"),
    [(48, False), (0, False), (61, False), (46, False), (0, True)],
    ids=["strings", "piano", "brass", "harp", "drums"],
)
def test_rendered_chords_land_and_moved_ones_do_not(tmp_path, program, is_drums):
    path = play_chords(tmp_path / "chords.wav", program, is_drums=is_drums)
    moved = np.array(TIMES_S) + np.where(np.arange(len(TIMES_S)) % 2, 0.06, -0.06)
    assert landed_share(errors_of(path), HALF_FRAME_24_S) == 1.0
    assert landed_share(errors_of(path, moved), HALF_FRAME_24_S) <= 0.125


def test_another_films_hits_land_by_chance_only(tmp_path):
    path = play_chords(tmp_path / "chords.wav", 48)
    shares = []
    for seed in range(6):
        others = np.sort(np.random.default_rng(seed).uniform(0.5, 10, 12))
        far = others[[np.min(abs(np.array(TIMES_S) - other)) > 0.05 for other in others]]
        shares.append(landed_share(errors_of(path, far), HALF_FRAME_24_S))
    assert np.mean(shares) < 0.3  # half a frame either way is a fifth of what is searched


def test_an_attack_that_began_before_the_search_does_not_count(tmp_path):
    path = write_sound(tmp_path / "sounds.wav", 4 * clicks([0.895], 3) + clicks([1.0], 3))
    assert abs(errors_of(path, [1.0])[0]) < HALF_FRAME_24_S


@pytest.mark.parametrize("gap_s", [0.06, 0.08, 0.12], ids=lambda gap_s: f"{1000 * gap_s:.0f} ms")
def test_a_run_of_struck_chords_is_told_apart_and_beside_it_nothing_lands(tmp_path, gap_s):
    times = [start + gap_s * number for start in (1.0, 2.5, 4.1) for number in range(4)]
    path = play_run(tmp_path / "run.wav", 0, times)
    assert landed_share(errors_of(path, times), HALF_FRAME_24_S) == 1.0
    between = np.array(times) + gap_s / 2
    assert landed_share(errors_of(path, between), HALF_FRAME_24_S) <= 0.1


def test_hits_close_together_are_each_measured_by_their_own_attack(tmp_path):
    times = (1.0, 1.08, 1.16, 1.2, 1.2)
    path = write_sound(tmp_path / "clicks.wav", clicks((1.0, 1.08, 1.16, 1.2), 3.0))
    assert landed_share(errors_of(path, times), HALF_FRAME_24_S) == 1.0


def test_hits_beside_the_ends_of_a_file_are_measured_too(tmp_path):
    times = (0.0, 2.0, 3.98)
    path = write_sound(tmp_path / "clicks.wav", clicks(times, 4.0))
    assert np.all(abs(errors_of(path, times)) < 0.006)


def test_every_onset_is_found_once_across_block_borders(tmp_path):
    times = np.arange(0.5, 59, 0.731)  # blocks end every 8.192 s
    path = write_sound(tmp_path / "clicks.wav", clicks(times.tolist(), 60))
    found = find_onsets(path).time_s
    assert len(found) == len(times)
    assert np.max(abs(found - times)) < 0.006  # out of digital silence: half a window early


def test_a_louder_onset_is_stronger(tmp_path):
    sound = clicks([1, 3], 4) + 6 * clicks([2], 4) + 0.002 * clicks(np.arange(0, 4, 0.01), 4)
    strength = find_onsets(write_sound(tmp_path / "clicks.wav", sound)).strength_db
    assert strength.argmax() == 1


def test_silence_and_a_held_tone_have_no_onsets(tmp_path):
    silent = write_sound(tmp_path / "silent.wav", np.zeros(96_000))
    tone = 0.2 * np.sin(2 * np.pi * 220 * np.arange(96_000) / RATE_HZ)
    tone[-24_000:] *= np.linspace(1, 0, 24_000)
    assert len(find_onsets(silent).time_s) == 0
    found = find_onsets(write_sound(tmp_path / "tone.wav", tone)).time_s
    assert found == pytest.approx([0.0], abs=0.006)  # where it begins, and nowhere else


def test_memory_does_not_grow_with_the_length_of_the_sound(tmp_path):
    def peak_bytes(length_s):
        sound = clicks(np.arange(0.5, length_s - 1, 5.0), length_s)
        path = write_sound(tmp_path / f"{length_s}.wav", sound)
        del sound
        tracemalloc.start()
        find_onsets(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_bytes(90) < 1.2 * peak_bytes(30)


def test_a_missing_or_broken_sound_is_said_in_a_sentence(tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"RIFF and nothing more")
    with pytest.raises(NotFoundError, match="Render the take again"):
        find_onsets(tmp_path / "none.wav")
    with pytest.raises(InputError, match="cannot be read as sound"):
        find_onsets(tmp_path / "broken.wav")


def test_a_file_of_another_rate_is_measured_alike(tmp_path):
    sound = clicks([1.0, 2.5], 4)[::2]
    soundfile.write(tmp_path / "half.wav", sound, RATE_HZ // 2)
    assert np.allclose(find_onsets(tmp_path / "half.wav").time_s, [1.0, 2.5], atol=0.006)
