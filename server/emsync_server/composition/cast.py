"""Who may play at a step of a cue, and how many notes of a chord."""

from __future__ import annotations

from functools import cache

from emsync_server.composition.accents import CHORD_NOTES, AccentPlan
from emsync_server.composition.force import Force
from emsync_server.composition.instruments import DRUM_KIT
from emsync_server.composition.orchestration import PERCUSSION, SOLOS, Ensemble
from emsync_server.composition.request import CueRequest
from emsync_server.composition.striking import force_of, runners_of, strikers_of

SOLO_CHORD, SECTION_CHORD, ACCENT_CHORD = 2, 4, 4  # notes of one instrument on one onset
CALM_CHORD, FIERCE_CHORD = 4, 5  # pitches of an accent, where the ensemble has them


class Cast:
    """The players of a cue, step by step."""

    def __init__(self, request: CueRequest, accents: AccentPlan) -> None:
        self._request = request
        self._accents = accents
        self._full_chords: dict[int, int] = {}

    def players(self, step: int, wanting: int) -> list[int]:
        """Instruments of the bar's ensemble; while an accent wants pitches, those that give it
        harmony; in a run of landings its strikers alone.
        """
        is_final = step == self._request.final_step
        return [*self.runners(step)] or _players_of(self._ensemble(step), wanting > 0, is_final)

    def strikers(self, step: int) -> tuple[int, ...]:
        """Who can strike at a step; the last chord is held, which no drum kit can."""
        ensemble = self._ensemble(step)
        is_final = step == self._request.final_step
        return strikers_of(ensemble - {DRUM_KIT} if is_final else ensemble)

    def runners(self, step: int) -> tuple[int, ...]:
        """The strikers that alone play here, inside a run of landings; empty elsewhere."""
        landing = self._accents.at(step)
        if landing is None or landing.is_final or not landing.in_run:
            return ()
        return runners_of(self._ensemble(step))

    def full_chord(self, step: int) -> int:
        """How many pitches an accent must have: three make one, more where the band is larger."""
        if step not in self._full_chords:
            self._full_chords[step] = self._counted_chord(step)
        return self._full_chords[step]

    def _counted_chord(self, step: int) -> int:
        if self.runners(step):
            return CHORD_NOTES
        landing = self._accents.at(step)
        if landing is not None and landing.force is Force.LIGHT:
            return CHORD_NOTES
        wanted = FIERCE_CHORD if self._arousal(step) > 0 else CALM_CHORD
        room = sum(self.most_in_chord(player, step) for player in self._harmonic(step))
        return max(min(wanted, room), CHORD_NOTES)

    def most_in_chord(self, instrument: int, step: int) -> int:
        """Notes that an instrument may play on one onset."""
        if self._accents.at(step) and len(self._harmonic(step)) == 1:
            return ACCENT_CHORD
        return SOLO_CHORD if instrument in SOLOS else SECTION_CHORD

    def later_room(self, step: int, instrument: int, wanting: int) -> int:
        """Notes that instruments after this one could still add to an accent."""
        later = [other for other in self.players(step, wanting) if other > instrument]
        return sum(self.most_in_chord(other, step) for other in later)

    def later_strike(self, step: int, instrument: int) -> int:
        """What strikers after this instrument could still give an accent."""
        later = [other for other in self.strikers(step) if other > instrument]
        return sum(force_of(other) * self.most_in_chord(other, step) for other in later)

    def _harmonic(self, step: int) -> list[int]:
        return [*self.runners(step)] or _players_of(self._ensemble(step), True, False)

    def _ensemble(self, step: int) -> Ensemble:
        bar = self._request.bars[self._request.bar_index_at(step)]
        return bar.ensemble if self._accents.at(step) else bar.players

    def _arousal(self, step: int) -> float:
        return self._request.bars[self._request.bar_index_at(step)].arousal


@cache
def _players_of(ensemble: Ensemble, wants_harmony: bool, is_final: bool) -> list[int]:
    harmonic = sorted(ensemble - PERCUSSION)
    if wants_harmony:
        return harmonic or sorted(ensemble - {DRUM_KIT})
    return sorted(ensemble - {DRUM_KIT}) if is_final else sorted(ensemble)
