"""A small score, one line a note: a change of rules, plan or sampling shows as a diff.

`pytest tests/golden --update-golden` writes it anew; read the diff before you keep it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cues import sheet_of
from tests.tiny_composer import tiny_composer

from emsync.score import Controller
from emsync.settings import ComposeSettings
from emsync_server.composition import compose
from emsync_server.midi import read_midi
from emsync_server.progress import silent_progress

GOLDEN = Path(__file__).with_name("score.txt")


def lines_of(folder: Path) -> list[str]:
    (take,) = compose(
        sheet_of(24 * 10, [70, 151], emotion=[(0, 0.3, -0.2), (6, -0.4, 0.5)]),
        "film",
        folder,
        ComposeSettings(seed=11),
        silent_progress(),
        composer=tiny_composer(sharpness=1.5),
    )
    score = read_midi(folder / take.midi)
    lines = [
        f"bar {bar.index + 1} at {bar.start_q} for {bar.length_q}, "
        f"{float(take.tempo_map.seconds_at(bar.start_q)):.4f} s"
        for bar in take.tempo_map.bars()
    ]
    lines += [f"hit {float(one.hit_s):.4f} s at {one.time_q}" for one in take.landings]
    lines += [
        f"{part.name}: {note.start_q} for {note.length_q}, pitch {note.pitch}, "
        f"velocity {note.velocity}"
        for part in score.parts
        for note in part.notes
    ]
    for part in score.parts:
        for controller in Controller:
            values = [str(one.value) for one in part.controls if one.controller is controller]
            lines += (
                [f"{part.name}, {controller.name.lower()}: {' '.join(values)}"] if values else []
            )
    return lines


def test_the_score_is_the_one_we_looked_at(tmp_path: Path, request: pytest.FixtureRequest):
    lines = lines_of(tmp_path)
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == GOLDEN.read_text(encoding="utf-8").splitlines()
