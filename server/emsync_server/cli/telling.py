"""What the command line says of finished work."""

from __future__ import annotations

from pathlib import Path

from emsync.counted import counted
from emsync.cue import CueSheet
from emsync.score import Take
from emsync.stem import StemSet
from emsync_server.again import Again
from emsync_server.app import Scored
from emsync_server.cli.console import say, warn

__all__ = [
    "family_list",
    "key_and_tempo",
    "tell",
    "tell_kept",
    "tell_of_silent_words",
    "tell_replaced",
]

NOT_JUDGED = "judged by nobody"
"""What `words_from` says of lines in a language that no expert reads."""


def tell_kept(made: Again) -> None:
    """How much of the earlier score is as it was."""
    for name in made.unchanged_cues:
        say(f"{name}: its picture did not change; kept as it was")
    if made.all_bars:
        where = " of the other cues" if made.unchanged_cues else ""
        bars = counted(made.all_bars, "bar")
        say(f"kept {made.kept_bars} of {bars}{where}; the rest is new")


def tell_replaced(kept: Path | None, instead: str = "") -> None:
    """Where a cue sheet or a take lay where a new one is now: what became of it. `instead` says
    what the new cue sheet is."""
    if kept is None:
        return
    if kept.suffix == ".mid":
        warn(f"The take that lay here was replaced by a new one; its notes are kept as {kept}.")
    else:
        warn(f"The cue sheet that lay here is kept as {kept}; {instead}.")


def tell_of_silent_words(sheet: CueSheet) -> None:
    """Where words were found that could be judged, were the package for it on this machine."""
    from emsync_server.spotting.experts import expert_row

    found = any(shot.text for shot in sheet.shots)
    foreign = sheet.words_from and all(NOT_JUDGED in sentence for sentence in sheet.words_from)
    if found and not foreign and not expert_row("text_emotion").is_available():
        warn(
            "What is said has no vote on how the film feels: that needs a package. Run: "
            "pip install 'emsync[words]'."
        )


def tell(scored: Scored) -> None:
    """What was made, where it is, and whether it landed."""
    for sentence in scored.sheet.picture.warnings:
        warn(sentence)
    for sentence in scored.sheet.words_from:
        say(sentence)
    for take, stems in zip(scored.takes, scored.stems, strict=True):
        for sentence in (*take.cue.crowded_hits, *stems.silence_warning):
            warn(sentence)
        half_frame_s = float(1 / (2 * take.picture.rate))
        landed = sum(abs(landing.error_s) <= half_frame_s for landing in take.landings)
        hits = f"{landed} of {counted(len(take.landings), 'hit')} within half a frame"
        landings = hits if take.landings else "no hits to land on"
        say(f"{take.cue.name}: {landings} · {key_and_tempo(take)}")
        say(
            f"  {family_list(stems)} · stems at {stems.loudness_lufs:.1f} LUFS · "
            f"{stems.synthesizer}"
        )
    say(f"score:    {scored.folder}")
    if scored.film:
        say(f"film:     {scored.film}")
    for timeline in sorted(scored.folder.glob("timeline.*")):
        say(f"timeline: {timeline}")


def key_and_tempo(take: Take) -> str:
    """As a brief asks for them, so that a person can ask for them again."""
    tempo = f"{take.tempo_map.mean_bpm:.0f} quarters a minute"
    return tempo if take.key is None else f"{take.key}, {tempo}"


def family_list(stems: StemSet) -> str:
    """The stems' families, or that there are none."""
    return ", ".join(stem.family.value for stem in stems.stems) or "silence"
