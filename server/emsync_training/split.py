"""Which music is never trained on: whole composers; works where composers are few or unknown;
titles of game music.

The split was drawn once, in the order of hashes, and is kept in `held_out.json` beside this:
weights trained and figures measured before stay comparable, also when the corpus grows.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path

GROUPS: dict[str, float] = {
    "orchestra": 0.15,
    "quartets": 0.10,
    "game": 0.25,
    "polish_ensemble": 0.25,
    "lieder": 0.10,
    "solo": 0.10,
    "mutopia": 0.05,
}
"""Share of training crops drawn from each group of sources."""

SPLIT_FILE = Path(__file__).with_name("held_out.json")
HELD_OUT_SHARE = 0.04  # of each group's notes, at least
LARGEST_HELD_OUT_UNIT = 0.08  # of its group's notes; a larger composer is never held out
_GAME = {"freedoom", "blasphemer", "easyrpg", "freedink", "simutrans"}
_NOBODY = {"anonim", "anonymous", "traditional", ""}

Row = dict[str, str]


def group_of(row: Row) -> str:
    """Which group of GROUPS a manifest row belongs to."""
    source = row["source"]
    if source in _GAME:
        return "game"
    if source == "polish-heritage":
        return "polish_ensemble" if int(row["n_programs"]) >= 3 else "solo"
    return {"openscore-orchestra": "orchestra", "openscore-quartets": "quartets",
            "openscore-lieder": "lieder", "mutopia": "mutopia"}[source]  # fmt: skip


def hold_out_unit(row: Row) -> str:
    """What is held out together: a composer; a work where composers are few or unknown; a title of
    game music.
    """
    work = re.split(r" / | - |, Op|: ", row["title"])[0].strip().lower()
    if row["source"] in _GAME:
        return f"title:{row['source']}:{work}"
    composer = composer_name(row["composer"])
    if row["source"] == "openscore-orchestra" or composer in _NOBODY:
        return f"work:{composer}:{work}"
    return f"composer:{composer}"


def composer_name(text: str) -> str:
    """A composer's family name in small letters: 'Mozart, Wolfgang Amadeus' and 'MozartWA' are
    both mozart.
    """
    family = text.split(",")[0].strip()
    return re.sub(r"(?<=[a-zß-ÿ])[A-Z]{1,4}$", "", family).lower()


def family_name(text: str) -> str:
    """As `composer_name`, however it is spelt: 'Fauré, Gabriel' and 'FaureG' are both faure,
    'Edward Elgar (1857-1934)' is elgar.
    """
    name = composer_name(re.sub(r"\(.*?\)", "", text))
    plain = unicodedata.normalize("NFKD", name.replace("ł", "l")).encode("ascii", "ignore").decode()
    return plain.split()[-1] if plain and "," not in text else plain


def held_out_units(rows: Sequence[Row]) -> set[str]:
    """The units no training crop may come from: of the kept split those that these rows have; for
    another corpus, drawn anew. Composers whom a training piece spells otherwise are let go.
    """
    there = {hold_out_unit(row) for row in rows}
    kept = there & set(json.loads(SPLIT_FILE.read_text(encoding="utf-8")))
    chosen = kept or drawn_split(rows)
    return chosen - composers_on_both_sides(rows, chosen)


def composers_on_both_sides(rows: Sequence[Row], chosen: Collection[str]) -> set[str]:
    """Of the chosen units, the composers who have pieces under another spelling too."""
    training: set[str] = set()
    held: dict[str, str] = {}
    for row in rows:
        unit = hold_out_unit(row)
        if unit.startswith("composer:") and unit in chosen:
            held[unit] = family_name(row["composer"])
        elif unit not in chosen:
            training.add(family_name(row["composer"]))
    return {unit for unit, family in held.items() if family in training}


def drawn_split(rows: Sequence[Row]) -> set[str]:
    """Units in hash order, until each group has its share."""
    notes: dict[str, dict[str, int]] = {group: defaultdict(int) for group in GROUPS}
    everywhere: dict[str, int] = defaultdict(int)
    for row in rows:
        notes[group_of(row)][hold_out_unit(row)] += int(row["notes"])
        everywhere[hold_out_unit(row)] += int(row["notes"])
    total = sum(everywhere.values())
    chosen: set[str] = set()
    for units in notes.values():
        size = sum(units.values())
        held = sum(count for unit, count in units.items() if unit in chosen)
        for unit in sorted(units, key=lambda u: hashlib.sha256(u.encode()).hexdigest()):
            if held >= HELD_OUT_SHARE * size:
                break
            small = units[unit] <= LARGEST_HELD_OUT_UNIT * size
            if small and everywhere[unit] <= 0.02 * total and unit not in chosen:
                chosen.add(unit)
                held += units[unit]
    return chosen
