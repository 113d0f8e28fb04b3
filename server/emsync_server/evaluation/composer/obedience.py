"""Whether the brief is obeyed, and whether locked hits land: read from the written MIDI."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emsync.cue import Brief, CueSheet, Key, Mode
from emsync.family import Family
from emsync_server.composition.keys import key_fits
from emsync_server.evaluation.accents import chord_starts
from emsync_server.evaluation.composer.extent import Extent
from emsync_server.evaluation.composer.findings import Finding, Row
from emsync_server.evaluation.composer.studio import Commission, Composed, Studio
from emsync_server.evaluation.composer.trial_cues import FILM_RATE, flat, trial_sheet
from emsync_server.evaluation.keys import estimated_key, key_name, pitch_class_seconds
from emsync_server.evaluation.sounding import SoundingNotes
from emsync_server.progress import Progress

__all__ = ["measure_obedience"]

FIRST_SEED = 900
TEMPOS_BPM = ((60.0, 72.0), (80.0, 96.0), (100.0, 120.0), (126.0, 152.0))
ENSEMBLES = (
    (Family.STRINGS,),
    (Family.KEYS,),
    (Family.STRINGS, Family.WOODWINDS),
    (Family.BRASS, Family.PERCUSSION, Family.STRINGS),
    (Family.PLUCKED, Family.STRINGS),
    (Family.SYNTH, Family.BASS, Family.PERCUSSION),
)
HITS = 3
NEAR_FIT = 0.05  # a key that fits this little worse than the best one may be the key
TEMPO_SLACK_BPM = 0.01
SAME_END_S = 1e-4


@dataclass(frozen=True, slots=True)
class Obeyed:
    """What one take obeyed."""

    key: bool
    """The estimated key is the asked one."""
    key_nearly: bool
    """The asked key fits as well as the best one, or nearly."""
    tempo: bool
    instruments: bool
    length: bool
    hits: int
    landed: int
    asked_key: str
    estimated: str


def measure_obedience(studio: Studio, extent: Extent, progress: Progress) -> Finding:
    """Compose cues whose brief names key, tempo and instruments, with locked hits."""
    commissions = [
        Commission(_sheet_of(index, extent), FIRST_SEED + index)
        for index in range(extent.obedience_cues)
    ]
    takes = studio.compose(commissions, progress, "composing cues of a strict brief")
    found = [_obeyed(one[0]) for one in takes]
    hits, landed = sum(one.hits for one in found), sum(one.landed for one in found)
    shares = {
        name: float(np.mean([getattr(one, name) for one in found]))
        for name in ("key", "key_nearly", "tempo", "instruments", "length")
    }
    return Finding(
        "obedience",
        (
            Row(
                "locked hits in the MIDI, within half a frame",
                f"{landed} of {hits}",
                "100 %",
                landed == hits,
            ),
            Row(
                "obedience: key (estimated from the notes)",
                f"{shares['key']:.0%} of {len(found)}; {shares['key_nearly']:.0%} where a key that "
                "fits within 0.05 of the best counts",
                "100 %",
                shares["key_nearly"] == 1,
            ),
            *(
                Row(f"obedience: {name}", f"{shares[name]:.0%}", "100 %", shares[name] == 1)
                for name in ("tempo", "instruments", "length")
            ),
        ),
        {"takes": found},
    )


def _sheet_of(index: int, extent: Extent) -> CueSheet:
    rng = np.random.default_rng([FIRST_SEED, index])
    mode = Mode.MINOR if index % 2 else Mode.MAJOR
    brief = Brief(
        key=Key((index * 7) % 12, mode),
        tempo_bpm=TEMPOS_BPM[index % len(TEMPOS_BPM)],
        families=ENSEMBLES[index % len(ENSEMBLES)],
    )
    valence = 0.4 if mode is Mode.MAJOR else -0.4
    room = extent.obedience_s - 6
    hits = [3 + room * (number + rng.uniform(0.1, 0.9)) / HITS for number in range(HITS)]
    emotion = flat(valence, float(rng.uniform(-0.7, 0.7)))
    return trial_sheet(extent.obedience_s, emotion, hits_s=hits, brief=brief)


def _obeyed(composed: Composed) -> Obeyed:
    take, score = composed.take, composed.score
    brief, notes = take.cue.brief, SoundingNotes.of(score)
    assert brief.key is not None and brief.tempo_bpm is not None
    asked = brief.key.tonic + (12 if brief.key.mode is Mode.MINOR else 0)
    fits = key_fits(pitch_class_seconds(notes))
    tempo = score.tempo_map
    low, high = brief.tempo_bpm
    bpm = [tempo.tempo_bpm_at(bar.start_q) for bar in tempo.bars()]
    length_s = float(take.cue.range.duration.seconds)
    hits = [float((hit.time - take.cue.range.start).seconds) for hit in take.cue.hits if hit.locked]
    chords = chord_starts(notes)
    half_frame_s = float(1 / FILM_RATE / 2)
    landed = sum(bool(len(chords)) and min(abs(chords - hit)) <= half_frame_s for hit in hits)
    return Obeyed(
        key=int(np.argmax(fits)) == asked,
        key_nearly=bool(fits[asked] >= fits.max() - NEAR_FIT),
        tempo=all(low - TEMPO_SLACK_BPM <= one <= high + TEMPO_SLACK_BPM for one in bpm),
        instruments=all(part.family in brief.families for part in score.parts if part.notes),
        length=bool(
            abs(float(tempo.end_s) - length_s) <= half_frame_s
            and notes.end_s.max(initial=0.0) <= length_s + SAME_END_S
        ),
        hits=len(hits),
        landed=landed,
        asked_key=key_name(asked),
        estimated=key_name(estimated_key(notes)),
    )
