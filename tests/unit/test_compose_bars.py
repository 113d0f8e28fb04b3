"""Bars of a take that are written anew: these and nothing else."""

from __future__ import annotations

from fractions import Fraction

import mido
import pytest
from tests.compositions import HITS, composed
from tests.cues import sheet_of

from emsync.cue import Brief, Style
from emsync.errors import CueSheetError, NotFoundError
from emsync.score import ControlChange, Controller
from emsync_server.composition.rewriting import _controls as joined_controls
from emsync_server.midi import read_midi
from emsync_server.midi.writing import TICKS_PER_QUARTER


def notes_outside(folder, start_q, stop_q):
    score = read_midi(folder / "score.mid")
    return {
        (part.program, part.is_drums, note)
        for part in score.parts
        for note in part.notes
        if not start_q <= note.start_q < stop_q
    }


def test_some_bars_are_written_anew_and_nothing_else_changes(tmp_path):
    (old,) = composed(tmp_path, seed=1)
    bars = old.tempo_map.bars()
    start_q, stop_q = bars[2].start_q, bars[4].start_q
    before = notes_outside(tmp_path, start_q, stop_q)
    inside_before = notes_outside(tmp_path, 0, start_q)
    (new,) = composed(tmp_path, seed=2, bars=(3, 5))
    assert new.tempo_map == old.tempo_map
    assert notes_outside(tmp_path, start_q, stop_q) == before
    assert notes_outside(tmp_path, 0, start_q) != inside_before
    assert all(abs(landing.error_s) < 20e-6 for landing in new.landings)


def messages(folder, start_q, stop_q):
    """For each track of the file what stands outside the bars, ends of notes apart: any of these
    may have begun inside. And where each controller of a channel stands at `stop_q`.
    """
    start, stop = int(start_q * TICKS_PER_QUARTER), int(stop_q * TICKS_PER_QUARTER)
    outside, standing = {}, {}
    for track in mido.MidiFile(folder / "score.mid").tracks:
        now, kept = 0, []
        for message in track:
            now += message.time
            ends = message.type == "note_off" or (
                message.type == "note_on" and not message.velocity
            )
            if message.type == "control_change" and now <= stop:
                standing[track.name, message.control] = message.value
            if not start <= now < stop and not ends and message.type != "end_of_track":
                kept.append((now, message.copy(time=0).bytes()))
        outside[track.name] = kept
    return outside, standing


@pytest.mark.parametrize("seed", range(2, 7))
def test_every_event_outside_the_bars_stays_and_controllers_are_back_at_the_barline(tmp_path, seed):
    (old,) = composed(tmp_path, seed=1)
    bars = old.tempo_map.bars()
    range_q = bars[2].start_q, bars[4].start_q
    before, stood = messages(tmp_path, *range_q)
    composed(tmp_path, seed=seed, bars=(3, 5))
    after, stands = messages(tmp_path, *range_q)
    assert before.keys() <= after.keys() | {
        name for name, kept in before.items() if not any(data[0] >> 4 == 9 for _, data in kept)
    }  # who played in these bars alone may be gone
    for name in before.keys() & after.keys():
        assert after[name] == before[name], name
    played = {key for key in stood if key[0] in after}
    assert {key: stands[key] for key in played} == {key: stood[key] for key in played}


@pytest.mark.parametrize("style", [Style.BAND, Style.GAME], ids=lambda style: style.value)
def test_bars_written_anew_keep_to_the_riff_of_the_bars_that_stay(tmp_path, style):
    sheet = sheet_of(24 * 45, [], emotion=[(0, 0.3, 0.4)], brief=Brief(style=style))
    (old,) = composed(tmp_path, sheet, seed=1)
    first, phrase, stop = (old.tempo_map.bars()[index].start_q for index in (0, 4, 8))
    composed(tmp_path, sheet, seed=2, bars=(5, 9))  # of the same letter as those before
    score = read_midi(tmp_path / "score.mid")
    notes = [(part.program, note) for part in score.parts for note in part.notes]
    stayed = {(who, n.start_q - first, n.pitch) for who, n in notes if first <= n.start_q < phrase}
    new = {(who, n.start_q - phrase, n.pitch) for who, n in notes if phrase <= n.start_q < stop}
    assert (
        len(new & stayed) / len(new) > 0.33
    )  # the line apart, which is new; where each draws its own, 0.3 at most


def test_the_last_bars_can_be_written_anew(tmp_path):
    (old,) = composed(tmp_path, seed=1)
    count = len(old.tempo_map.bars())
    (new,) = composed(tmp_path, seed=2, bars=(count - 1, count + 1))
    assert all(abs(landing.error_s) < 20e-6 for landing in new.landings)


def test_bars_that_the_take_does_not_have_are_refused(tmp_path):
    (take,) = composed(tmp_path)
    count = len(take.tempo_map.bars())
    with pytest.raises(CueSheetError, match=f"has {count} bars"):
        composed(tmp_path, bars=(count, count + 2))


def test_bars_of_a_take_that_is_not_there_are_refused(tmp_path):
    with pytest.raises(NotFoundError):
        composed(tmp_path, bars=(1, 2))


def test_bars_are_refused_when_the_cue_got_a_new_hit(tmp_path):
    composed(tmp_path)
    sheet = sheet_of(
        24 * 20, (*HITS, 411), emotion=[(0, 0.3, -0.4), (9, -0.5, 0.7), (20, 0.4, 0.0)]
    )
    with pytest.raises(CueSheetError, match="Compose the whole cue"):
        composed(tmp_path, sheet, bars=(1, 2))


@pytest.mark.parametrize("fresh", [(), ((17, 40), (19, 60))], ids=["nobody plays", "others play"])
@pytest.mark.parametrize("old", [(), ((8, 90),), ((8, 90), (17, 50), (40, 70))], ids=len)
def test_controllers_of_bars_written_anew_reach_no_further(old, fresh):
    def controls(pairs):
        return tuple(ControlChange(Fraction(q), Controller.EXPRESSION, v) for q, v in pairs)

    def outside(changes):
        return [one for one in changes if not 16 <= one.time_q < 32]

    def level(changes):
        return [127, *(one.value for one in changes if one.time_q <= 32)][-1]

    before = controls(old)
    after = joined_controls(controls(fresh), before, (Fraction(16), Fraction(32)))
    assert outside(after) == outside(before)
    assert level(after) == level(before)
