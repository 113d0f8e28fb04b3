"""The composition step: one cue of a sheet becomes takes, the best first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from emsync.counted import counted
from emsync.cue import Cue, CueSheet
from emsync.emotion import ShotNotes
from emsync.errors import CueSheetError, MemoryFullError, NotFoundError
from emsync.score import Take
from emsync.settings import ComposeSettings
from emsync.timecode import moment_of
from emsync_server.composition.beginning import Beginning, beginning_in
from emsync_server.composition.composer import Composer, load_composer
from emsync_server.composition.decoder import DecoderSettings, Writer, write_takes
from emsync_server.composition.expression import expressed
from emsync_server.composition.measures import measure, rank
from emsync_server.composition.representation import STEPS_PER_QUARTER
from emsync_server.composition.requesting import asked_tempo, request_for
from emsync_server.composition.rewriting import rewrite_bars
from emsync_server.composition.score_writing import score_of
from emsync_server.composition.take_files import Composed, write_take_files
from emsync_server.composition.time_plan import (
    LEAST_SEPARATION_S,
    PlannedHit,
    TimePlan,
    TimePlanSettings,
    plan_time,
)
from emsync_server.progress import Progress

__all__ = ["compose"]

PLANNED, WRITTEN = 0.03, 0.97  # shares of the work
WALTZ_SHARE = 0.15  # of calm cues
CALM_AROUSAL = 0.2


def compose(
    sheet: CueSheet,
    cue_name: str,
    folder: Path,
    settings: ComposeSettings,
    progress: Progress,
    *,
    composer: Composer | None = None,
    decoding: DecoderSettings | None = None,
) -> tuple[Take, ...]:
    """Compose a cue; writes `score.mid` and `take.json` to `folder` (`score-2.mid`, … for more
    takes).

    While it goes on, `progress.ready` hears where the first bars lie: of one of the versions that
    are written side by side, which need not be the take that is kept.
    With `settings.bars` only these bars of the take that lies in `folder` are written anew.
    composer: the network and its identity; None loads the one that emsync ships.
    """
    cue = _cue_of(sheet, cue_name)
    progress.report(0.0, f"planning '{cue.name}'")
    try:
        composer = composer or load_composer()
        network = (composer, decoding or DecoderSettings())
        shots = () if cue.overrides else sheet.shots  # what a person says is said on the axes
        composed = _made(cue, shots, folder, (settings, network, progress))
    except MemoryError as err:
        raise MemoryFullError(
            f"The memory is full: '{cue.name}' could not be composed, and nothing was written. "
            "Close other programs, ask for fewer takes, or compose a shorter cue."
        ) from err
    return write_take_files(sheet, cue, folder, composed, (settings.seed, composer.identity))


def _made(
    cue: Cue,
    shots: Sequence[ShotNotes],
    folder: Path,
    how: tuple[ComposeSettings, tuple[Composer, DecoderSettings], Progress],
) -> list[Composed]:
    """All takes of the cue, or of some of its bars, best first."""
    settings, network, progress = how
    cue = expressed(cue)
    if settings.bars is not None:
        return rewrite_bars(cue, folder, settings, network, progress)
    plan, landings = planned(cue, settings.seed)
    bars = len(plan.tempo_map.bars())
    progress.report(PLANNED, f"{counted(bars, 'bar')} planned")
    with beginning_in(folder, progress) as beginning:
        return _composed((cue, shots), (plan, landings), settings, network, (progress, beginning))


def _cue_of(sheet: CueSheet, name: str) -> Cue:
    for cue in sheet.cues:
        if cue.name == name:
            return cue
    names = ", ".join(f"'{cue.name}'" for cue in sheet.cues) or "none"
    raise NotFoundError(f"The cue sheet has no cue '{name}'; its cues are: {names}.")


def planned(cue: Cue, seed: int) -> tuple[TimePlan, tuple[int, ...]]:
    """Bars and tempo, and the grid steps of the locked hits; the same for all takes of a seed."""
    rng = np.random.default_rng([seed, 0])
    _check_apart(cue)
    start_s = cue.range.start.seconds
    asked = asked_tempo(cue, rng)
    middle_s = float(cue.range.duration.seconds) / 2
    calm = cue.felt.at(float(start_s) + middle_s).arousal < CALM_AROUSAL
    waltz = rng.random() < WALTZ_SHARE and calm
    limits = cue.brief.tempo_bpm
    defaults = TimePlanSettings()
    plan = plan_time(
        cue.range.duration.seconds,
        [PlannedHit(hit.time.seconds - start_s, hit.weight) for hit in cue.hits if hit.locked],
        asked,
        TimePlanSettings(
            bar_quarters=3 if waltz else 4,
            tempo_bpm=limits or defaults.tempo_bpm,
            max_rubato=cue.brief.max_rubato,
        ),
    )
    return plan, tuple(int(q * STEPS_PER_QUARTER) for q in plan.hit_q)


def _check_apart(cue: Cue) -> None:
    """The time plan refuses such hits too, but knows nothing of the picture's timecode."""
    for one, other in pairwise(hit for hit in cue.hits if hit.locked):
        apart_s = other.time.seconds - one.time.seconds
        if apart_s < LEAST_SEPARATION_S:
            raise CueSheetError(
                f"The locked hits of '{cue.name}' at {moment_of(one.time)} and "
                f"{moment_of(other.time)} lie {float(1000 * apart_s):.0f} ms apart; music cannot "
                f"separate two accents closer than {float(1000 * LEAST_SEPARATION_S):.0f} ms. "
                "Unlock or remove one of them."
            )


def _composed(
    asked: tuple[Cue, Sequence[ShotNotes]],
    planned_time: tuple[TimePlan, tuple[int, ...]],
    settings: ComposeSettings,
    network: tuple[Composer, DecoderSettings],
    told: tuple[Progress, Beginning],
) -> list[Composed]:
    cue, shots = asked
    plan, landings = planned_time
    composer, decoding = network
    progress, beginning = told
    writers = []
    for number in range(max(settings.takes, decoding.candidates)):
        rng = np.random.default_rng([settings.seed, 1, number])
        request = request_for(cue, plan.tempo_map, landings, rng, shots=shots)
        writers.append(Writer(request, rng, textured=decoding.textured))
    part = progress.part(PLANNED, WRITTEN)
    write_takes(composer.session, writers, decoding, part, at_barline=beginning.show)
    composed = []
    for writer in writers:
        score = score_of(writer.piece.notes, writer.request)
        composed.append(Composed(score, measure(score, writer, strains=_worst_strain(plan))))
    return rank(composed, key=lambda one: one.measures)[: settings.takes]


def _worst_strain(plan: TimePlan) -> float:
    """By how much the tempo left its limits at worst, as a share of what was asked."""
    return max((abs(s.tempo_bpm / s.asked_bpm - 1) for s in plan.strains), default=0.0)
