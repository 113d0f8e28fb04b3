"""The steps as commands: score, demo, spot, compose, render, place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from emsync import wire
from emsync.counted import counted
from emsync.cue import Brief, CueSheet
from emsync.errors import CueSheetError, JobCancelledError, NotFoundError, OutputError
from emsync.settings import (
    ComposeSettings,
    MarkerRule,
    RenderSettings,
    ShotDetector,
    SpotSettings,
)
from emsync_server.again import score_again
from emsync_server.app import ScoreSettings, cue_folder, score
from emsync_server.cli.console import say, shown_progress, warn
from emsync_server.cli.options import (
    HERE,
    BarsOption,
    BitDepth,
    BitDepthOption,
    DensityOption,
    DraftOption,
    DuckingOption,
    FamilyOption,
    KeyOption,
    MarkersOption,
    RateOption,
    RubatoOption,
    SampleRateOption,
    SeedOption,
    ServerOption,
    ShotsOption,
    SoundfontOption,
    SpacingOption,
    StyleOption,
    TakesOption,
    TargetOption,
    TempoOption,
    brief_from,
    render_settings,
    whole_path,
)
from emsync_server.cli.placing import place_command
from emsync_server.cli.telling import (
    family_list,
    key_and_tempo,
    tell,
    tell_kept,
    tell_of_silent_words,
    tell_replaced,
)
from emsync_server.demo import draw_demo_film
from emsync_server.evaluation.emotion_page import emotion_lines, write_emotion_pages
from emsync_server.keeping import (
    check_not_sources,
    check_sheet_output,
    keeping_notes,
    kept_edits,
    pages_of,
    replace_sheet,
)
from emsync_server.outputs import replacing_file
from emsync_server.rpc.steps import LocalSteps, Steps

__all__ = ["register"]

DEFAULTS = RenderSettings()
SourceArgument = Annotated[Path, typer.Argument(help="A film, or a timeline file.")]
FolderOption = Annotated[
    Path | None, typer.Option("-o", "--output", help="Folder for the score; default NAME.emsync.")
]


def register(commands: typer.Typer) -> None:
    """Add the step commands."""
    for command in (score_command, demo, spot, compose, render, place_command):
        name = command.__name__.removesuffix("_command")
        commands.command(name)(command)


def score_command(
    source: SourceArgument,
    output: FolderOption = None,
    seed: SeedOption = 0,
    takes: TakesOption = 1,
    style: StyleOption = None,
    families: FamilyOption = None,
    key: KeyOption = None,
    tempo: TempoOption = None,
    density: DensityOption = None,
    rubato: RubatoOption = None,
    spacing: SpacingOption = 4.0,
    markers: MarkersOption = None,
    draft: DraftOption = False,
    shots: ShotsOption = ShotDetector.FAST,
    target: TargetOption = None,
    soundfont: SoundfontOption = None,
    sample_rate: SampleRateOption = DEFAULTS.sample_rate_hz,
    bit_depth: BitDepthOption = BitDepth.TWENTY_FOUR,
    ducking: DuckingOption = DEFAULTS.ducking_depth_db,
    rate: RateOption = None,
    again: Annotated[
        Path | None,
        typer.Option(help="The folder of the score for the edit before: keep what still fits."),
    ] = None,
    cues: Annotated[
        Path | None,
        typer.Option(help="The cue sheet of this film as you edited it, instead of a new look."),
    ] = None,
    server: ServerOption = None,
) -> None:
    """Score a film or a timeline: look, compose, render, lay back."""
    settings = ScoreSettings(
        SpotSettings(
            draft=draft,
            shots=shots,
            min_spacing_s=spacing,
            brief=brief_from(style, families, key, tempo, density, rubato),
            rate=rate,
            markers=markers or MarkerRule(),
        ),
        ComposeSettings(takes=takes, seed=seed),
        render_settings(target, soundfont, sample_rate, bit_depth, ducking),
    )
    folder = output or Path(f"{source.with_suffix('')}.emsync")
    if cues is not None and again is not None:
        raise typer.BadParameter("takes its cues from the edit before: leave out --cues.")
    brief = partial(brief_from, style, families, key, tempo, density, rubato)
    sheet = None if cues is None else _briefed(wire.read_cue_sheet(cues), brief)
    kept = kept_edits(folder)
    with shown_progress("score") as progress:
        where = (whole_path(source), whole_path(folder))
        if again is None:
            scored = score(*where, settings, progress, _steps(server), sheet=sheet)
        else:
            made = score_again(
                where[0], whole_path(again), where[1], settings, progress, _steps(server)
            )
            scored = made.scored
    if again is not None:
        tell_kept(made)
    tell(scored)
    if server in (None, HERE):
        tell_of_silent_words(scored.sheet)
    for path in sorted(kept_edits(folder) - kept):
        if path.suffix == ".mid" or cues is None:
            tell_replaced(path, "this score was made without it")


def _briefed(
    sheet: CueSheet, brief: Callable[..., Brief], names: Sequence[str] | None = None
) -> CueSheet:
    """The sheet with what the options ask for over the briefs of some cues; None: of all."""
    cues = tuple(
        replace(one, brief=brief(base=one.brief)) if names is None or one.name in names else one
        for one in sheet.cues
    )
    return replace(sheet, cues=cues)


def demo(output: FolderOption = None, seed: SeedOption = 0, server: ServerOption = None) -> None:
    """Draw a half-minute film of eight shots and score it: a first look, with nothing at hand."""
    folder = output or Path("demo.emsync")
    with _without_empty_folder(folder), shown_progress("demo") as progress:
        film = folder / "demo.mp4"
        with replacing_file(film) as working:
            draw_demo_film(working, progress.part(0.0, 0.2))
        settings = ScoreSettings(compose=ComposeSettings(seed=seed))
        scored = score(film, folder, settings, progress.part(0.2, 1.0), _steps(server))
    tell(scored)


@contextmanager
def _without_empty_folder(folder: Path) -> Iterator[None]:
    """A folder that was not there before, and that failing work left empty, is removed."""
    was_there = folder.exists()
    try:
        yield
    finally:
        if not was_there and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def spot(
    source: SourceArgument,
    output: Annotated[Path, typer.Option("-o", "--output", help="The cue sheet.")] = Path(
        "cues.json"
    ),
    style: StyleOption = None,
    families: FamilyOption = None,
    key: KeyOption = None,
    tempo: TempoOption = None,
    density: DensityOption = None,
    rubato: RubatoOption = None,
    spacing: SpacingOption = 4.0,
    markers: MarkersOption = None,
    draft: DraftOption = False,
    shots: ShotsOption = ShotDetector.FAST,
    rate: RateOption = None,
    pages: Annotated[
        bool, typer.Option(help="Draw the emotion curve and its reasons, as PNG and HTML.")
    ] = True,
    server: ServerOption = None,
) -> None:
    """Find boundaries, hits and emotion; write them to a cue sheet that you can edit.

    What is said comes from subtitles: text tracks in a film, or a file beside the film or
    timeline that is called like it (film.srt, film.en.vtt, film.ass); else from a speech
    recogniser, if there is one.
    """
    if output.is_dir():
        raise OutputError(
            f"'{output}' is a folder. Name the cue sheet's file with -o, such as "
            f"'{output / 'cues.json'}'."
        )
    check_not_sources([output, *(pages_of(output) if pages else ())], source)
    check_sheet_output(output)
    settings = SpotSettings(
        draft=draft,
        shots=shots,
        min_spacing_s=spacing,
        brief=brief_from(style, families, key, tempo, density, rubato),
        rate=rate,
        markers=markers or MarkerRule(),
    )
    with shown_progress("spot") as progress:
        sheet = _steps(server).spot(whole_path(source), settings, progress)
        kept = replace_sheet(output, wire.dumps(sheet))
    crowded = [sentence for cue in sheet.cues for sentence in cue.crowded_hits]
    for sentence in (*sheet.picture.warnings, *crowded):
        warn(sentence)
    tell_replaced(kept, "this one is of a new look")
    hits = sum(len(cue.hits) for cue in sheet.cues)
    found = ((len(sheet.boundaries), "boundary"), (hits, "hit"), (len(sheet.cues), "cue"))
    say(f"{output}: {', '.join(counted(*one) for one in found)}")
    for line in (*emotion_lines(sheet), *sheet.words_from):
        say(line)
    if server in (None, HERE):
        tell_of_silent_words(sheet)
    if pages and sheet.shots:
        try:
            _, page = write_emotion_pages(sheet, output)
        except KeyboardInterrupt as err:
            raise JobCancelledError(
                f"Cancelled; '{output}' is written, its picture and page were not drawn."
            ) from err
        say(f"how it feels, and why: {page}")


def compose(
    cues: Annotated[Path, typer.Argument(help="A cue sheet, as spot wrote it or you edited it.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the takes.")],
    cue: Annotated[str | None, typer.Option(help="Name of one cue; default all.")] = None,
    takes: TakesOption = 1,
    seed: SeedOption = 0,
    bars: BarsOption = None,
    style: StyleOption = None,
    families: FamilyOption = None,
    key: KeyOption = None,
    tempo: TempoOption = None,
    density: DensityOption = None,
    rubato: RubatoOption = None,
    server: ServerOption = None,
) -> None:
    """Compose the cues of a cue sheet: MIDI with a tempo map, and how it came about."""
    sheet = wire.read_cue_sheet(cues)
    beside = output / "cues.json"
    if is_other := cues.resolve() != beside.resolve():
        check_sheet_output(beside)
    chosen = [one for one in sheet.cues if cue in (None, one.name)]
    if not sheet.cues:
        raise CueSheetError(
            f"'{cues}' has no cues, so there is nothing to compose. Let 'emsync spot' make it anew."
        )
    if not chosen:
        names = ", ".join(f"'{one.name}'" for one in sheet.cues) or "none"
        raise NotFoundError(f"'{cues}' has no cue '{cue}'; it has {names}.")
    brief = partial(brief_from, style, families, key, tempo, density, rubato)
    sheet = _briefed(sheet, brief, [one.name for one in chosen])
    chosen = [one for one in sheet.cues if cue in (None, one.name)]
    settings = ComposeSettings(takes=takes, seed=seed, bars=bars)
    with shown_progress("compose") as progress:
        for index, one in enumerate(chosen):
            part = progress.part(index / len(chosen), (index + 1) / len(chosen))
            folder = cue_folder(sheet, one, output)
            with keeping_notes(folder) as kept:
                made = _steps(server).compose(sheet, one.name, folder, settings, part)
            for sentence in one.crowded_hits:
                warn(sentence)
            takes_made = f"{counted(len(made), 'take')}, seed {seed}"
            say(f"{folder / 'take.json'}: {takes_made} · {key_and_tempo(made[0])}")
            for notes in kept:
                tell_replaced(notes)
            if (folder / "stems.json").exists():
                warn(f"The stems and the mix in '{folder}' are of the notes before. Render again.")
    if is_other:  # the folder has all that place needs
        old = replace_sheet(beside, wire.dumps(sheet))
        tell_replaced(old, f"this one is a copy of {cues}")


def render(
    take: Annotated[Path, typer.Argument(help="A take.json, as compose wrote it.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for stems and mix.")],
    target: TargetOption = None,
    soundfont: SoundfontOption = None,
    sample_rate: SampleRateOption = DEFAULTS.sample_rate_hz,
    bit_depth: BitDepthOption = BitDepth.TWENTY_FOUR,
    ducking: DuckingOption = DEFAULTS.ducking_depth_db,
    server: ServerOption = None,
) -> None:
    """Render a take: one stem for each instrument family, and their mix."""
    settings = render_settings(target, soundfont, sample_rate, bit_depth, ducking)
    if take.parent.resolve() != output.resolve():
        check_sheet_output(output / "cues.json")
    with shown_progress("render") as progress:
        stems = _steps(server).render(take, output, settings, progress)
    _bring_along(take, output)
    for sentence in stems.silence_warning:
        warn(sentence)
    say(
        f"{output}: {family_list(stems)}; stems at {stems.loudness_lufs:.1f} LUFS, "
        f"{stems.synthesizer}"
    )


def _bring_along(take: Path, folder: Path) -> None:
    """Put the take, its MIDI and its cue sheet beside the stems, where place looks for them."""
    if take.parent.resolve() == folder.resolve():
        return
    midi = wire.read_take(take).midi
    with keeping_notes(folder) as kept:
        for old, new in ((take, "take.json"), (take.parent / midi, midi)):
            with replacing_file(folder / new) as working:
                working.write_bytes(old.read_bytes())
    for notes in kept:
        tell_replaced(notes)
    if (sheet := take.parent / "cues.json").is_file():
        aside = replace_sheet(folder / "cues.json", sheet.read_text(encoding="utf-8"))
        tell_replaced(aside, f"this one is a copy of {sheet}")


def _steps(server: str | None) -> Steps:
    """Here, on the running server, or on another machine's."""
    if server is None:
        return LocalSteps()
    from emsync_server.cli.remote import RemoteSteps  # costs grpc's import, only where asked for

    return RemoteSteps.of_running_server() if server == HERE else RemoteSteps.of_server_at(server)
