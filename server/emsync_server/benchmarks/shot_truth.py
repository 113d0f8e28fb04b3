"""What is true of annotated films, and how found changes are scored against it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Score", "Truth", "read_truths", "score"]

Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Truth:
    """Frames, counted from 0. Stretches are inclusive."""

    cuts: tuple[int, ...] = ()
    graduals: tuple[Stretch, ...] = ()
    ignored: tuple[Stretch, ...] = ()
    """Found changes in here are neither right nor wrong."""


@dataclass(frozen=True, slots=True)
class Score:
    """Counts, of one film or of many."""

    found: int = 0
    cuts: int = 0
    wrong: int = 0
    graduals_found: int = 0
    graduals: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            self.found + other.found,
            self.cuts + other.cuts,
            self.wrong + other.wrong,
            self.graduals_found + other.graduals_found,
            self.graduals + other.graduals,
        )

    @property
    def cut_f1(self) -> float:
        """Of cuts; 1 where there is none and none was told."""
        return _f1(self.found, self.cuts, self.wrong)

    @property
    def all_f1(self) -> float:
        """Of cuts and gradual changes."""
        told, there = self.found + self.graduals_found, self.cuts + self.graduals
        return _f1(told, there, self.wrong)

    @property
    def cut_recall(self) -> float:
        """Share of the cuts that were found."""
        return self.found / self.cuts if self.cuts else 1.0


def read_truths(media: Path) -> dict[str, dict[Path, Truth]]:
    """Annotated films by set: `clips/truth.json` (films it does not name are single shots), and
    every `montages/*.truth.json` a set of its own."""
    sets: dict[str, dict[Path, Truth]] = {}
    listed = media / "clips" / "truth.json"
    if listed.exists():
        told = json.loads(listed.read_text(encoding="utf-8"))["clips"]
        films = sorted(path for path in listed.parent.iterdir() if path.suffix != ".json")
        sets["clips"] = {film: _of_clip(told.get(film.name)) for film in films}
    for path in sorted((media / "montages").glob("*.truth.json")):
        one = json.loads(path.read_text(encoding="utf-8"))
        sets[one["name"]] = {path.with_name(f"{one['name']}.mp4"): _of_montage(one)}
    return sets


def score(frames: Iterable[int], truth: Truth, tolerance: int = 1) -> Score:
    """Cuts are matched one to one; a gradual change is found by anything within a frame of it."""
    left = sorted(frames)
    found = 0
    for cut in truth.cuts:
        near = [frame for frame in left if abs(frame - cut) <= tolerance]
        if near:
            left.remove(min(near, key=lambda frame: abs(frame - cut)))
            found += 1
    lenient = (*truth.graduals, *truth.ignored)
    wrong = [frame for frame in left if not _inside(frame, lenient, tolerance)]
    graduals = sum(
        any(_inside(frame, [stretch], tolerance) for frame in left) for stretch in truth.graduals
    )
    return Score(found, len(truth.cuts), len(wrong), graduals, len(truth.graduals))


def _inside(frame: int, stretches: Sequence[Stretch], tolerance: int) -> bool:
    return any(first - 1 - tolerance <= frame <= last + 1 + tolerance for first, last in stretches)


def _f1(told: int, there: int, wrong: int) -> float:
    return 2 * told / (there + told + wrong) if there + told + wrong else 1.0


def _of_clip(told: dict[str, list[list[int]]] | None) -> Truth:
    if told is None:
        return Truth()
    stretches = {
        name: tuple((first, last) for first, last, *_ in told[name])
        for name in ("gradual", "ignore")
    }
    cuts: list[int] = told["cuts"]  # type: ignore[assignment]  # a list of numbers, as JSON has it
    return Truth(tuple(cuts), stretches["gradual"], stretches["ignore"])


def _of_montage(told: dict[str, list[dict[str, int]]]) -> Truth:
    changes = told["boundaries"]
    return Truth(
        tuple(each["frame"] for each in changes if each["s"] == each["e"]),
        tuple((each["s"], each["e"]) for each in changes if each["s"] != each["e"]),
        tuple((first, last) for first, last in told.get("ignore", [])),  # type: ignore[misc]
    )
