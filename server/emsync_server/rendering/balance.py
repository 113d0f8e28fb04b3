"""How the families sit together: gain, place and room of each, as on a concert stage.

The gains even out what General MIDI sets measure: a triad at velocity 80 lies between -21 and
-34 LUFS, winds and brass loudest, bass and drums softest, in FluidR3 and TimGM6mb alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from emsync.family import Family

__all__ = ["BALANCE", "Balance"]


@dataclass(frozen=True, slots=True)
class Balance:
    """One family's place in the mix."""

    gain_db: float
    pan: float
    """-1, left, to 1, right: the seat, as the audience sees it; modest, since films are watched on
    anything from headphones to a cinema."""
    reverb: float
    """Send to the synthesiser's hall, 0 to 1: what sits at the back is wetter."""


BALANCE: dict[Family, Balance] = {
    Family.STRINGS: Balance(gain_db=0.0, pan=-0.10, reverb=0.45),
    Family.WOODWINDS: Balance(gain_db=-2.0, pan=0.12, reverb=0.45),
    Family.BRASS: Balance(gain_db=-2.5, pan=0.20, reverb=0.45),
    Family.CHOIR: Balance(gain_db=0.0, pan=0.0, reverb=0.55),
    Family.KEYS: Balance(gain_db=1.5, pan=-0.20, reverb=0.35),
    Family.PLUCKED: Balance(gain_db=1.5, pan=0.25, reverb=0.35),
    Family.BASS: Balance(gain_db=3.0, pan=0.0, reverb=0.15),
    Family.SYNTH: Balance(gain_db=0.0, pan=0.0, reverb=0.35),
    Family.PERCUSSION: Balance(gain_db=2.0, pan=0.0, reverb=0.30),
}
