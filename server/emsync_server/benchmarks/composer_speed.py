"""How fast the composer is: cues, first bars, rewritten bars, candidates, steps; and, where torch
is installed, beside torch with a cache and the memory's own speed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync.settings import ComposeSettings
from emsync_server.benchmarks.speed_cue import cue_to_compose, published_tokens
from emsync_server.benchmarks.tables import Table, percent, write_table
from emsync_server.composition import Composer, compose, load_composer
from emsync_server.composition.decoder import DecoderSettings, Network
from emsync_server.composition.representation import BAR, CONDITION_SIZE
from emsync_server.midi import read_midi
from emsync_server.models import MODELS_FOLDER
from emsync_server.progress import ProgressSink, silent_progress

__all__ = ["benchmark_composer_speed"]

CUE_S, PAIRED_S = 60, 30
CANDIDATES, MANY = 4, 8
BARS = (9, 13)
EARLY, LATE = 1_000, 10_000  # steps
PERIOD = 256  # steps between two refills of the buffer
ROUNDS = 3


@dataclass(slots=True)
class _Counting:
    """A network that counts its steps."""

    network: Network
    steps: int = 0
    cpu_s: float = 0.0
    """Inside the network."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 – whatever the network has
        return getattr(self.network, name)

    def step(self, state: Any, events: NDArray[np.int64], condition: Any) -> Any:  # noqa: ANN401
        self.steps += 1
        start = time.process_time()
        hidden = self.network.step(state, events, condition)
        self.cpu_s += time.process_time() - start
        return hidden


def benchmark_composer_speed(output: Path, models: Path = MODELS_FOLDER) -> None:
    """Measure everything and write the table."""
    composer = load_composer(models)
    figures: dict[str, Any] = {
        "machine": f"{os.cpu_count()} processors, {platform.machine()}, "
        f"Python {platform.python_version()}",
        "load_before": os.getloadavg()[0],
        "cue": _cue(models),
        "candidates": _candidates(composer),
        "late_steps": _late_steps(composer.session),
        "load_after": os.getloadavg()[0],
    }
    if importlib.util.find_spec("torch"):
        figures["steps"] = _child("emsync_training.step_cost", models)
    columns = ("what", "measured", "bar")
    command = "emsync benchmark composer-speed -o composer-speed.json"
    write_table(Table(command, columns, tuple(_lines(figures))), figures, output)


def _cue(models: Path) -> dict[str, Any]:
    """One cue from a cold start, then some of its bars anew."""
    sheet, decoding = cue_to_compose(CUE_S), DecoderSettings(candidates=CANDIDATES)
    with tempfile.TemporaryDirectory(prefix="emsync-benchmark-") as folder:
        start, cpu = time.perf_counter(), time.process_time()
        loaded = load_composer(models)
        listening = _Counting(loaded.session)
        composer = replace(loaded, session=listening)
        playable: list[tuple[float, float, float]] = []  # music, wall and processor seconds

        def note(path: Path, music_s: float) -> None:
            spent = time.perf_counter() - start, time.process_time() - cpu
            playable.append((music_s, *spent))

        def run(settings: ComposeSettings) -> None:
            progress = ProgressSink(lambda fraction, note: None, ready_sink=note)
            compose(sheet, "cue", Path(folder), settings, progress,
                    composer=composer, decoding=decoding)  # fmt: skip

        run(ComposeSettings())
        tokens = published_tokens(read_midi(Path(folder) / "score.mid"))
        whole_s, whole_cpu_s = time.perf_counter() - start, time.process_time() - cpu
        steps = listening.steps
        again = np.array([_seconds(lambda: run(ComposeSettings(bars=BARS))) for _ in range(ROUNDS)])
    return {
        "length_s": CUE_S,
        "candidates": CANDIDATES,
        "wall_s": whole_s,
        "cpu_s": whole_cpu_s,
        "steps": steps,
        "published_tokens": tokens,
        "first_bars_of_music_s": playable[0][0],
        "first_bars_s": playable[0][1],
        "first_bars_cpu_s": playable[0][2],
        "four_bars_again_s": float(np.median(again[:, 0])),
        "four_bars_again_cpu_s": float(np.median(again[:, 1])),
    }


def _candidates(composer: Composer) -> dict[str, Any]:
    """Processor time of many candidates over that of one, in turn, for each written event."""
    sheet, pairs = cue_to_compose(PAIRED_S), []
    for seed in range(ROUNDS):
        costs = []
        for candidates in (1, MANY):
            listening = _Counting(composer.session)
            with tempfile.TemporaryDirectory(prefix="emsync-benchmark-") as folder:
                start = time.process_time()
                compose(sheet, "cue", Path(folder), ComposeSettings(seed=seed), silent_progress(),
                        composer=replace(composer, session=listening),
                        decoding=DecoderSettings(candidates=candidates))  # fmt: skip
            cpu_s = time.process_time() - start
            costs += [cpu_s / listening.steps, listening.cpu_s / cpu_s]
        pairs.append(costs)
    one, share, many, _ = np.array(pairs).T
    return {
        "candidates": MANY,
        "one_step_s": float(np.median(one)),
        "many_step_s": float(np.median(many)),
        "network_share": float(np.median(share)),
        "ratio": float(np.median(many / one)),
    }


def _late_steps(network: Network) -> dict[str, Any]:
    """Steps around the ten thousandth beside steps around the thousandth, in turn, refills and
    all.
    """
    rng = np.random.default_rng(0)
    rows = np.array([[int(rng.integers(0, BAR)), 0, 60, 7, 4] for _ in range(PERIOD)], np.int64)
    condition = np.zeros((1, CONDITION_SIZE), np.float32)

    def steps(state: Any, count: int) -> float:  # noqa: ANN401
        start = time.process_time()
        for number in range(count):
            network.step(state, rows[None, number % PERIOD], condition)
        return (time.process_time() - start) / count

    states = [network.start(1), network.start(1)]
    for state, before in zip(states, (EARLY, LATE), strict=True):
        steps(state, before - PERIOD)
    pairs = np.array([[steps(state, PERIOD) for state in states] for _ in range(ROUNDS)])
    early, late = pairs.T
    return {
        "early": EARLY,
        "late": LATE,
        "early_s": float(np.median(early)),
        "late_s": float(np.median(late)),
        "ratio": float(np.median(late / early)),
    }


def _lines(figures: dict[str, Any]) -> Sequence[tuple[str, str, str]]:
    cue, many, late = figures["cue"], figures["candidates"], figures["late_steps"]
    lines = [
        (f"{CUE_S} s cue, {CANDIDATES} candidates, weights loaded", _both(cue, ""), "6 s"),
        ("first bar playable: a MIDI file, from a cold start", _both(cue, "first_bars_"), "2 s"),
        ("4 bars of it again", _both(cue, "four_bars_again_"), "1.5 s"),
        (f"{MANY} candidates over one, an event", f"{many['ratio']:.2f} ×", "5 ×"),
        (f"a step near {LATE} over one near {EARLY}", f"{late['ratio']:.2f} ×", "1.1 ×"),
    ]
    steps = figures.get("steps")
    if steps:
        step = steps["published"]["ratio"]
        music = step * many["network_share"] * cue["published_tokens"] / cue["steps"]
        context = steps["published"]["context"]
        lines += [
            (f"published generator over a step, {context} tokens", f"{step:.0f} ×", "300 ×"),
            ("… over a second of music, rules and all", f"{music:.0f} ×", "1,000 ×"),
        ]
        for row in steps["torch"]:
            what = f"torch with a cache over a step, {row['batch']} at once"
            lines.append((what, f"{row['ratio']:.1f} ×", "3 ×"))
        for row in steps["large"]:
            what = f"memory bandwidth used, {row['weights'] / 1e6:.0f} M weights ({row['storage']})"
            lines.append((what, percent(row["share_of_memory_speed"]), "45 %"))
    return lines


def _both(figures: dict[str, Any], name: str) -> str:
    """Seconds by the clock and of the processor."""
    wall_s = figures[f"{name}s" if name else "wall_s"]
    return f"{wall_s:.2f} s, {figures[f'{name}cpu_s']:.2f} s of processor"


def _child(module: str, models: Path) -> Any:  # noqa: ANN401 – what the module prints
    done = subprocess.run(
        [sys.executable, "-m", module, str(models)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)


def _seconds(work: Callable[[], object]) -> tuple[float, float]:
    """By the clock, and of the processor."""
    start, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - cpu
