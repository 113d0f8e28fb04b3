"""The benchmarks as commands."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from emsync.errors import EmsyncError
from emsync_server.benchmarks.attacks import benchmark_attacks
from emsync_server.benchmarks.composer_speed import benchmark_composer_speed
from emsync_server.benchmarks.copies import benchmark_copies
from emsync_server.benchmarks.corpus import measured_ranges
from emsync_server.benchmarks.determinism import benchmark_determinism
from emsync_server.benchmarks.experts import benchmark_experts
from emsync_server.benchmarks.landing import benchmark_hits
from emsync_server.benchmarks.moods import benchmark_moods
from emsync_server.benchmarks.re_edits import benchmark_re_edits
from emsync_server.benchmarks.shots import DETECTORS, benchmark_shots, measure_shots
from emsync_server.benchmarks.timelines import benchmark_timelines
from emsync_server.benchmarks.timing import (
    benchmark_spotting,
    benchmark_time,
    measure_decoding,
    measure_score,
    measure_spotting,
)
from emsync_server.evaluation import music
from emsync_server.models import MODELS_FOLDER
from emsync_server.outputs import write_text
from emsync_server.progress import ProgressSink

__all__ = ["benchmark_commands", "run"]

Arrays = Annotated[Path, typer.Option(help="Folder that 'emsync_training corpus' wrote.")]
Output = Annotated[Path, typer.Option("-o", "--output", help="JSON file; the table goes beside.")]


def benchmark_commands() -> typer.Typer:
    """All benchmarks in one tree."""
    commands = typer.Typer(
        name="benchmark",
        help="The figures of BENCHMARKS.md.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    commands.command("attacks")(attacks)
    commands.command("hits")(hits)
    commands.command("time")(time)
    commands.command("spotting")(spotting)
    commands.command("shots")(shots)
    commands.command("experts")(experts)
    commands.command("moods")(moods)
    commands.command("composer-speed")(composer_speed)
    commands.command("determinism")(determinism)
    commands.command("copies")(copies)
    commands.command("timelines")(timelines)
    commands.command("re-edits")(re_edits)
    commands.command("music-ranges")(music_ranges)
    commands.command("score-once", hidden=True)(score_once)
    commands.command("decode-once", hidden=True)(decode_once)
    commands.command("spot-once", hidden=True)(spot_once)
    commands.command("shots-once", hidden=True)(shots_once)
    return commands


def run() -> int:
    """Run the command that was typed; returns the exit code."""
    try:
        benchmark_commands()(standalone_mode=False)
    except EmsyncError as err:
        print(f"emsync: {err.sentence}", file=sys.stderr)
        return err.exit_code
    return 0


def attacks(output: Output = Path("attacks.json")) -> None:
    """Find chords of known time, every instrument on every synthesiser: bias and spread."""
    benchmark_attacks(output.resolve(), _shown())
    print(output.with_suffix(".md").read_text(encoding="utf-8"))


def hits(
    media: Annotated[Path, typer.Option(help="Folder of films and timelines.")],
    output: Output = Path("hits.json"),
    only: Annotated[str, typer.Option(help="Only sources whose path holds this.")] = "",
    longest_s: Annotated[float, typer.Option(help="Only sources of so many seconds.")] = math.inf,
    workers: Annotated[int, typer.Option(min=1, help="Sources that are scored at a time.")] = 1,
) -> None:
    """Score every film and timeline with cuts; hits in score and sound, κ beside controls."""
    benchmark_hits(
        media.resolve(), output.resolve(), only=only, longest_s=longest_s, workers=workers
    )
    print(output.with_suffix(".md").read_text(encoding="utf-8"))


def time(output: Output = Path("time.json")) -> None:
    """Shares of film length for each step, and peak memory, over a minute and over ten."""
    benchmark_time(output.resolve())
    print(output.with_suffix(".md").read_text(encoding="utf-8"))


def spotting(
    films: Annotated[list[Path], typer.Argument(help="Films.")],
    output: Output = Path("spotting.json"),
) -> None:
    """Processor time of spotting over that of decoding once."""
    benchmark_spotting([film.resolve() for film in films], output.resolve())
    print(output.with_suffix(".md").read_text(encoding="utf-8"))


def shots(
    media: Annotated[Path, typer.Option(help="Folder with annotated clips and montages.")],
    output: Output = Path("shots.json"),
    detectors: Annotated[
        str, typer.Option(help=f"Which, with commas between; any of {', '.join(DETECTORS)}.")
    ] = ",".join(DETECTORS),
    only: Annotated[str, typer.Option(help="Only sets whose name holds this.")] = "",
    rounds: Annotated[
        int, typer.Option(min=1, help="Readings of each film; the least counts.")
    ] = 3,
) -> None:
    """Shot boundaries against truth, set by set, beside other detectors; cost over decoding."""
    chosen = tuple(detectors.split(","))
    if unknown := set(chosen) - set(DETECTORS):
        raise typer.BadParameter(f"--detectors: {', '.join(sorted(unknown))} is not known")
    benchmark_shots(media.resolve(), output.resolve(), chosen, only=only, rounds=rounds)
    print(output.with_suffix(".md").read_text(encoding="utf-8"))


def experts(
    film: Annotated[Path, typer.Argument(help="A film with sound.")],
    output: Output = Path("experts.json"),
) -> None:
    """Processor time of each expert, an item and a second of film."""
    benchmark_experts(film.resolve(), output.resolve())
    print(output.with_suffix(".md").read_text(encoding="utf-8"))


def moods(
    media: Annotated[Path, typer.Option(help="Folder with clips/ in it.")],
    output: Output = Path("moods.json"),
) -> None:
    """Moods of real clips against a table made by hand: what is taken for what."""
    benchmark_moods(media, output.resolve(), _shown())
    print(output.with_suffix(".md").read_text(encoding="utf-8"))


def composer_speed(
    output: Output = Path("composer-speed.json"),
    models: Annotated[Path, typer.Option(help="Folder of weights.")] = MODELS_FOLDER,
) -> None:
    """Cues, first bars, rewritten bars, candidates and steps; beside torch where it is there."""
    benchmark_composer_speed(output.resolve(), models.resolve())
    print(output.with_suffix(".md").read_text(encoding="utf-8"))


def determinism(
    films: Annotated[list[Path], typer.Argument(help="Films or timelines.")],
    output: Output = Path("determinism.json"),
) -> None:
    """Two runs with one seed, one with another."""
    benchmark_determinism([film.resolve() for film in films], output.resolve())
    print(output.with_suffix(".md").read_text(encoding="utf-8"))


def copies(
    scores: Annotated[list[Path], typer.Argument(help="Scores that emsync composed (.mid).")],
    arrays: Arrays,
    output: Output = Path("copies.json"),
) -> None:
    """The longest run of notes that scores share with a training piece."""
    benchmark_copies([path.resolve() for path in scores], arrays, output.resolve(), _shown())
    print(output.with_suffix(".md").read_text(encoding="utf-8"))


def timelines(
    output: Output = Path("timelines.json"),
    clips: Annotated[
        list[int] | None, typer.Option(min=1, help="How many; may be given again.")
    ] = None,
) -> None:
    """Read, place and verify timelines of 1,000 and 20,000 clips in every format."""
    benchmark_timelines(output.resolve(), _shown(), clips or (1_000, 20_000))
    print(output.with_suffix(".md").read_text(encoding="utf-8"))


def re_edits(output: Output = Path("re-edits.json")) -> None:
    """Score a cut, change it as editors do, score it again: what is kept, what it costs."""
    benchmark_re_edits(output.resolve(), _shown())
    print(output.with_suffix(".md").read_text(encoding="utf-8"))


def score_once(film: Path, folder: Path) -> None:
    """Score one film and print where its time went; run by `time` in a process of its own."""
    print(json.dumps(measure_score(film, folder)))


def spot_once(film: Path) -> None:
    """Spot one film and print the time; run by `spotting`."""
    print(json.dumps(measure_spotting(film)))


def decode_once(film: Path) -> None:
    """Decode one film and print the time; run by `time`."""
    print(json.dumps(measure_decoding(film)))


def music_ranges(
    arrays: Arrays,
    midi: Annotated[Path, typer.Option(help="Folder of the corpus' MIDI files.")],
) -> None:
    """Measure held-out real pieces, and put the ranges into the package."""
    ranges = measured_ranges(arrays, midi, _shown())
    target = Path(music.__file__).with_name(music.RANGES_FILE)
    write_text(target, json.dumps(ranges, indent=1) + "\n")
    print(target.read_text(encoding="utf-8"))


def _shown() -> ProgressSink:
    """Progress as lines on stderr, one each tenth."""
    last = [-1]

    def show(fraction: float, note: str) -> None:
        if int(fraction * 10) != last[0]:
            last[0] = int(fraction * 10)
            print(f"{fraction * 100:3.0f} %  {note}", file=sys.stderr, flush=True)

    return ProgressSink(show)


def shots_once(detector: str, films: list[Path], rounds: int = 3) -> None:
    """Find some films' shots and print them with their cost; run by `shots`."""
    print(json.dumps(measure_shots(films, detector, rounds)))
