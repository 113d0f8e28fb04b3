"""Which synthesiser plays, and what `emsync doctor` says about it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from emsync.errors import InputError, NotFoundError
from emsync_server.rendering.embedded import EmbeddedSynthesizer
from emsync_server.rendering.fluid import FluidSynthesizer, fluidsynth_version
from emsync_server.rendering.soundfonts import (
    ENVIRONMENT_VARIABLE,
    asked_for,
    bundled_soundfont,
    find_soundfont,
)
from emsync_server.rendering.synthesizer import Synthesizer

__all__ = ["SoundReport", "choose_synthesizer", "describe_sound"]


@dataclass(frozen=True, slots=True)
class SoundReport:
    """What makes the sound on this machine."""

    synthesizer: str
    soundfont: str
    """Name and path."""
    advice: tuple[str, ...]
    """How to get a better one, a sentence each; empty where there is none."""


def choose_synthesizer(wanted: Path | None = None) -> Synthesizer:
    """FluidSynth with the wanted or best soundfont; where one of both is missing, what pip
    brought.

    Raises NotFoundError or InputError for a wanted soundfont that cannot be used,
    MissingPartError where even pip's is gone.
    """
    font = find_soundfont(wanted)
    if font is not None and fluidsynth_version() is not None:
        return FluidSynthesizer(font)
    is_asked_for = (wanted or asked_for()) is not None
    if font is None or not is_asked_for:  # midirenderer reads large sets anew for each chunk
        return EmbeddedSynthesizer(bundled_soundfont())
    if font.is_compressed:
        raise InputError(
            f"The soundfont '{font.path}' is compressed (SoundFont 3), which needs FluidSynth. "
            f"Install it ({_install('libfluidsynth3')}), or name an .sf2 file."
        )
    return EmbeddedSynthesizer(font)


def describe_sound() -> SoundReport:
    """The synthesiser and soundfont that a rendering would use now, and what would be better."""
    version = fluidsynth_version()
    advice = []
    if version is None:
        advice.append(
            f"FluidSynth sounds better than the built-in synthesiser: {_install('libfluidsynth3')}."
        )
    try:
        synthesizer = choose_synthesizer()
    except (InputError, NotFoundError) as err:
        return SoundReport("none", str(err), (f"Set {ENVIRONMENT_VARIABLE} anew, or unset it.",))
    assert isinstance(synthesizer, FluidSynthesizer | EmbeddedSynthesizer)
    font = synthesizer.soundfont
    if font.rank > 0:
        advice.append(
            "MuseScore General is the best free General MIDI soundfont: "
            f"{_install('musescore-general-soundfont')}; "
            f"or put one anywhere and name it in {ENVIRONMENT_VARIABLE}."
        )
    is_fluid = isinstance(synthesizer, FluidSynthesizer)
    name = f"FluidSynth {version}" if is_fluid else "midirenderer (built in)"
    return SoundReport(name, f"{font.name} ({font.path})", tuple(advice))


def _install(package: str) -> str:
    """How to get a Debian package's like on this system."""
    if sys.platform == "darwin" and package == "libfluidsynth3":
        return "'brew install fluid-synth'"
    if sys.platform == "win32":
        return "see the FluidSynth or MuseScore pages"
    return f"on Debian or Ubuntu 'apt install {package}'"
