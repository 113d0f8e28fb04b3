"""What real pieces measure, by style: what composed music is held against. Writes
`evaluation/style_ranges.json`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import fields
from itertools import islice
from pathlib import Path

import numpy as np

from emsync_server.composition.instruments import INSTRUMENTS
from emsync_server.evaluation.endings import ending_of
from emsync_server.evaluation.form import measure_form
from emsync_server.evaluation.sounding import SoundingNotes
from emsync_server.evaluation.style_ranges import all_measures
from emsync_server.evaluation.texture import instrument_registers
from emsync_training.corpus import Corpus
from emsync_training.real_pieces import Excerpt, chosen_pieces, excerpt, excerpts

EXCERPT_S = 60.0
EXCERPTS_A_PIECE = {"orchestra": 40, "quartets": 30, "game": 10}
"""Of groups with few and long held-out pieces; of the others the first ones."""
USUAL_EXCERPTS = 2
LEAST_EXCERPTS = 15  # fewer have no 5 and 95 %
LONG_S = (300.0, 600.0)
"""A long piece lasts as long as the first at least; no more than the second of it is looked at."""
LONG_PIECES = 100
ENDING_BARS = 16
PIANO_PROGRAMS = frozenset((0, 6, 19))
BAND_PROGRAMS = frozenset((27, 30, 33, 38))
STYLE_OF_GROUP = {
    "orchestra": "orchestral",
    "quartets": "chamber",
    "game": "game",
    "polish_ensemble": "chamber",
    "lieder": "song",
}
PERCENTILES = (5.0, 95.0)
REGISTER_EVERY = 8  # of all pieces
REGISTER_PARTS = 20  # fewer parts of an instrument have no range


def write_ranges(folder: Path, out: Path) -> dict[str, object]:
    """Measure the held-out pieces of a corpus, and write the ranges."""
    corpus = Corpus.open(folder)
    held_out = chosen_pieces(corpus, held_out=True)
    facts: dict[str, object] = {
        "excerpt_s": EXCERPT_S,
        "percentiles": PERCENTILES,
        "kinds": _kinds(corpus, held_out),
        "long": _long(corpus),
        "endings": _endings(corpus, held_out),
        "registers": _registers(corpus),
    }
    out.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return facts


def styles_of(piece: Excerpt) -> tuple[str, ...]:
    """The words of a brief that a real piece could have answered."""
    programs = {part.program for part in piece.score.parts if not part.is_drums}
    styles = [STYLE_OF_GROUP[piece.group]] if piece.group in STYLE_OF_GROUP else []
    if programs and programs <= PIANO_PROGRAMS:
        styles.append("piano")
    if piece.group == "game" and programs & BAND_PROGRAMS:
        styles.append("band")
    return tuple(styles)


def _kinds(corpus: Corpus, pieces: list[int]) -> dict[str, object]:
    rows: dict[str, list[dict[str, float | None]]] = defaultdict(list)
    names: dict[str, set[str]] = defaultdict(set)
    for piece in pieces:
        for one in _first_excerpts(corpus, piece):
            measured = all_measures(one.score, one.length_s)
            for style in ("all", *styles_of(one)):
                rows[style].append(measured)
                names[style].add(one.piece)
    return {
        style: {
            "pieces": len(names[style]),
            "excerpts": len(measured),
            "ranges": _ranges(measured),
        }
        for style, measured in sorted(rows.items())
        if len(measured) >= LEAST_EXCERPTS
    }


def _first_excerpts(corpus: Corpus, piece: int) -> list[Excerpt]:
    found = excerpts(corpus, piece, EXCERPT_S)
    first = next(found, None)
    if first is None:
        return []
    most = EXCERPTS_A_PIECE.get(first.group, USUAL_EXCERPTS)
    return [first, *islice(found, most - 1)]


def _long(corpus: Corpus) -> dict[str, object]:
    """Form of long pieces, held out or not: only the held-out ones would be too few."""
    everyone = chosen_pieces(corpus, held_out=True) + chosen_pieces(corpus, held_out=False)
    measured: list[dict[str, float | None]] = []
    for piece in everyone:
        if len(measured) >= LONG_PIECES:
            break
        if corpus.pieces["notes"][piece] < 1500:
            continue  # nothing of five minutes has so few
        for one in islice(excerpts(corpus, piece, LONG_S[1], least_s=LONG_S[0]), 1):
            form = measure_form(one.score)
            measured.append({field.name: getattr(form, field.name) for field in fields(form)})
    return {"pieces": len(measured), "ranges": _ranges(measured)}


def _endings(corpus: Corpus, pieces: list[int]) -> dict[str, object]:
    """How often real pieces end as `evaluation/endings.py` wants it; the measure's own ceiling.

    Where a real piece is held to is not asked: it has no out-point.
    """
    tonic, good = [], []
    for piece in pieces:
        bars = int(corpus.pieces["bar_stop"][piece] - corpus.pieces["bar_start"][piece])
        last = excerpt(corpus, piece, max(bars - ENDING_BARS, 0), bars)
        notes = SoundingNotes.of(last.score)
        sounding_to = float(notes.end_s.max(initial=0.0))
        ending = ending_of(notes, sounding_to)
        if ending is not None:
            tonic.append(ending.is_tonic)
            good.append(ending.is_good)
    return {
        "pieces": len(tonic),
        "tonic_share": round(float(np.mean(tonic)), 4),
        "good_share": round(float(np.mean(good)), 4),
    }


def _registers(corpus: Corpus) -> dict[str, list[float]]:
    """5 to 95 % of the mean pitch of a part, by programme, over all pieces."""
    rows = defaultdict(list)
    for held_out in (True, False):
        for piece in chosen_pieces(corpus, held_out=held_out)[::REGISTER_EVERY]:
            for one in islice(excerpts(corpus, piece, EXCERPT_S), 1):
                for program, pitch in instrument_registers(one.score).items():
                    rows[program].append(pitch)
    known = {instrument.program for instrument in INSTRUMENTS}
    return {
        str(program): [round(float(q), 1) for q in np.percentile(values, PERCENTILES)]
        for program, values in sorted(rows.items())
        if program in known and len(values) >= REGISTER_PARTS
    }


def _ranges(rows: list[dict[str, float | None]]) -> dict[str, list[float]]:
    out = {}
    for name in rows[0] if rows else ():
        values = [value for row in rows if (value := row[name]) is not None]
        if len(values) >= LEAST_EXCERPTS:
            out[name] = [round(float(q), 4) for q in np.percentile(values, PERCENTILES)]
    return out
