"""Same film, same seed: the same cue sheet and score, byte for byte; another seed: other music."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from emsync.errors import InputError
from emsync_server.benchmarks.tables import Table, write_table

__all__ = ["Run", "benchmark_determinism"]

FILES = ("cues.json", "score.mid")
OTHER_SEED = 1


@dataclass(frozen=True, slots=True)
class Run:
    """What one run wrote, as SHA-256 by file."""

    seed: int
    hashes: dict[str, str]


def benchmark_determinism(films: list[Path], output: Path) -> None:
    """Run every film twice with one seed and once with another, each in a process of its own."""
    figures, lines = [], []
    for film in films:
        with tempfile.TemporaryDirectory(prefix="emsync-benchmark-") as scratch:
            runs = [
                _run(film, Path(scratch) / str(count), seed, hash_seed=str(count + 1))
                for count, seed in enumerate((0, 0, OTHER_SEED))
            ]
        first, second, other = (run.hashes for run in runs)
        figures.append({"film": film.name, "runs": [run.hashes for run in runs]})
        lines.append(
            (
                film.name,
                *("identical" if first[f] == second[f] else "DIFFER" for f in FILES),
                "other music" if first["score.mid"] != other["score.mid"] else "THE SAME",
                first["score.mid"][:16] + "…",
            )
        )
    command = "emsync benchmark determinism FILM … -o determinism.json"
    columns = ("film", *(f"`{name}`, seed 0 twice" for name in FILES), "seed 1", "SHA-256")
    write_table(Table(command, columns, tuple(lines)), figures, output)


def _run(film: Path, folder: Path, seed: int, *, hash_seed: str) -> Run:
    """Spot and compose; another hash seed each time, so that no order of a set goes unnoticed."""
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    folder.mkdir()
    cues = folder / "cues.json"
    for command in (
        ["spot", str(film), "-o", str(cues)],
        ["compose", str(cues), "-o", str(folder), "--seed", str(seed)],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "emsync_server", *command],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise InputError(f"'{film}' was not scored: {done.stderr.strip().splitlines()[-1]}")
    return Run(
        seed,
        {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES},
    )
