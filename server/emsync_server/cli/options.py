"""Options that several commands share, and how their words become values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from emsync.cue import Brief, Key, Style
from emsync.family import Family
from emsync.settings import (
    MAX_DUCKING_DB,
    SAMPLE_RATES_HZ,
    MarkerRule,
    MarkerUse,
    RenderSettings,
    ShotDetector,
)
from emsync.stem import LoudnessTarget, SampleFormat
from emsync.timecode import parse_rate

__all__ = [
    "HERE",
    "BarsOption",
    "BitDepth",
    "BitDepthOption",
    "DensityOption",
    "DraftOption",
    "DuckingOption",
    "FamilyOption",
    "KeyOption",
    "MarkersOption",
    "RateOption",
    "RubatoOption",
    "SampleRateOption",
    "SeedOption",
    "ServerOption",
    "ShotsOption",
    "SoundfontOption",
    "SpacingOption",
    "StyleOption",
    "TakesOption",
    "TargetOption",
    "TempoOption",
    "brief_from",
    "render_settings",
    "whole_path",
    "with_server_named",
]

HERE = "here"
"""What `--server` alone stands for."""
ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+):[0-9]{1,5}")
MARKER_COLORS = (
    *("red", "pink", "orange", "yellow", "green", "cyan", "blue", "purple", "magenta"),
    *("black", "white"),
)
"""OpenTimelineIO's; other colours are the nearest of these there."""


class TempoRange(NamedTuple):
    """Least and greatest tempo. A class of its own: of a plain pair typer makes two arguments."""

    low_bpm: float
    high_bpm: float


class BitDepth(Enum):
    """Bits of a sample, as people say it."""

    SIXTEEN = "16"
    TWENTY_FOUR = "24"
    FLOAT = "32"

    @property
    def sample_format(self) -> SampleFormat:
        """What the renderer calls it."""
        return {
            BitDepth.SIXTEEN: SampleFormat.PCM_16,
            BitDepth.TWENTY_FOUR: SampleFormat.PCM_24,
            BitDepth.FLOAT: SampleFormat.FLOAT_32,
        }[self]


class BarRange(NamedTuple):
    """Bars counted from 1; the end is not included."""

    first: int
    end: int


def with_server_named(words: Sequence[str]) -> list[str]:
    """The typed words, with what `--server` alone means; click's options take a value or none."""
    named: list[str] = []
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        alone = word == "--server" and ADDRESS.fullmatch(following) is None
        named.append(f"--server={HERE}" if alone else word)
    return named


def parse_key(text: str) -> Key:
    """'D minor', 'F# major', 'Bb' (major)."""
    try:
        return Key.parse(text)
    except ValueError as err:
        raise typer.BadParameter(str(err)) from err


def parse_tempo(text: str) -> TempoRange:
    """'90' or '80:110', in quarters per minute."""
    low, _, high = text.partition(":")
    try:
        limits = TempoRange(float(low), float(high or low))
        Brief(tempo_bpm=limits)
    except ValueError as err:
        raise typer.BadParameter(
            f"'{text}' is not a tempo like '90' or '80:110' (20 to 300)"
        ) from err
    return limits


def parse_bars(text: str) -> BarRange:
    """'5:9': bars 5 to 8, counted from 1; the end is not included."""
    first, _, end = text.partition(":")
    if not (first.isdecimal() and end.isdecimal() and 1 <= int(first) < int(end)):
        raise typer.BadParameter(f"'{text}' is not a range of bars like '5:9'")
    return BarRange(int(first), int(end))


def parse_markers(text: str) -> MarkerRule:
    """'meant', 'all', 'none', a colour such as 'red', or a name such as 'door*'."""
    word = text.strip()
    if not word:
        raise typer.BadParameter("say meant, all, none, a colour or a name such as 'door*'")
    for use in (MarkerUse.MEANT, MarkerUse.ALL, MarkerUse.NONE):
        if word.lower() == use.value:
            return MarkerRule(use)
    colored = word.lower() in MARKER_COLORS
    return MarkerRule(MarkerUse.COLORED if colored else MarkerUse.NAMED, word)


def parse_frame_rate(text: str) -> Fraction:
    """'25', '29.97', '30000/1001'."""
    try:
        return parse_rate(text)
    except (ValueError, ZeroDivisionError) as err:
        raise typer.BadParameter(
            f"'{text}' is not a frame rate like 25, 23.976 or 30000/1001"
        ) from err


SeedOption = Annotated[int, typer.Option(min=0, help="Same seed, same music.")]
TakesOption = Annotated[int, typer.Option(min=1, max=16, help="How many versions to compose.")]
StyleOption = Annotated[Style | None, typer.Option(help="Style; the film decides if left out.")]
FamilyOption = Annotated[
    list[Family] | None, typer.Option("--family", help="Use these instrument families only.")
]
KeyOption = Annotated[
    Key | None, typer.Option(parser=parse_key, metavar="KEY", help="Such as 'D minor'.")
]
TempoOption = Annotated[
    TempoRange | None,
    typer.Option(parser=parse_tempo, metavar="BPM", help="A tempo, or a range such as 80:110."),
]
DensityOption = Annotated[
    float | None, typer.Option(min=0.0, max=1.0, help="0, sparse, to 1, dense.")
]
SpacingOption = Annotated[
    float, typer.Option("--spacing", min=0.25, help="Least seconds between two hits.")
]
MarkersOption = Annotated[
    MarkerRule | None,
    typer.Option(
        parser=parse_markers,
        metavar="WHICH",
        help="Markers of a timeline to land on: meant (unnamed ones, and names that begin with "
        "hit, sync, music …), all, none, a colour (red), or a name ('door*').",
    ),
]
DraftOption = Annotated[
    bool,
    typer.Option(help="Look at packets and keyframes only, and ask no experts: faster, coarser."),
]
ShotsOption = Annotated[
    ShotDetector,
    typer.Option(
        "--shots",
        help="What finds a film's cuts: emsync's own (fast), the same with a second look where it "
        "is in doubt (accurate: slower, finds more dissolves and fades), or one of "
        "PySceneDetect's.",
    ),
]
TargetOption = Annotated[
    LoudnessTarget | None,
    typer.Option(help="Loudness; under the dialogue where the film has sound."),
]
SoundfontOption = Annotated[
    Path | None, typer.Option(help="A General MIDI soundfont (.sf2, .sf3).")
]
RateOption = Annotated[
    Fraction | None,
    typer.Option(parser=parse_frame_rate, metavar="FPS", help="For an EDL, which states none."),
]
BarsOption = Annotated[
    BarRange | None,
    typer.Option(parser=parse_bars, metavar="A:B", help="Compose only these bars anew."),
]
SampleRateOption = Annotated[
    int, typer.Option("--sample-rate", metavar="HZ", help="44100, 48000 or 96000.")
]
BitDepthOption = Annotated[
    BitDepth, typer.Option("--bit-depth", help="Of stems and mix; 32 is floating point.")
]
DuckingOption = Annotated[
    float,
    typer.Option(
        "--ducking",
        metavar="DB",
        min=0.0,
        max=MAX_DUCKING_DB,
        help="How far at most the music goes down under the film's sound; 0: not at all.",
    ),
]
RubatoOption = Annotated[
    float | None,
    typer.Option(
        "--rubato",
        min=0.0,
        max=0.5,
        help="How far the tempo may bend to reach the hits, as a share; 0.08 if left out.",
    ),
]
ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="[HOST:PORT]",
        help="Let the running server do it, or one on another machine (see 'emsync login').",
    ),
]


def brief_from(
    style: Style | None,
    families: list[Family] | None,
    key: Key | None,
    tempo: tuple[float, float] | None,
    density: float | None,
    rubato: float | None,
    *,
    base: Brief | None = None,
) -> Brief:
    """What the options ask for; where they say nothing, what `base` does."""
    base = base or Brief()
    return Brief(
        style=style or base.style,
        families=tuple(families or base.families),
        key=key or base.key,
        density=base.density if density is None else density,
        tempo_bpm=tempo or base.tempo_bpm,
        max_rubato=base.max_rubato if rubato is None else rubato,
    )


def render_settings(
    target: LoudnessTarget | None,
    soundfont: Path | None,
    sample_rate_hz: int,
    bit_depth: BitDepth,
    ducking_db: float,
) -> RenderSettings:
    """What the options ask of rendering."""
    if sample_rate_hz not in SAMPLE_RATES_HZ:
        known = ", ".join(map(str, SAMPLE_RATES_HZ))
        raise typer.BadParameter(f"--sample-rate: {sample_rate_hz} is not one of {known}")
    return RenderSettings(
        target=target,
        soundfont=soundfont,
        sample_rate_hz=sample_rate_hz,
        sample_format=bit_depth.sample_format,
        ducking_depth_db=ducking_db,
    )


def whole_path(path: Path) -> Path:
    """The path from the root, one spelling for each file; a final link stays one."""
    return path.absolute().parent.resolve() / path.name if path.name != ".." else path.resolve()
