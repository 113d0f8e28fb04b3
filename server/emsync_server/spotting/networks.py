"""What installed networks make of all that experts read: a fusion of each shot, a genre network of
the film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from emsync.errors import MissingPartError
from emsync_server.spotting.experts import ExpertRow, Reading, Sense, ShotReadings
from emsync_server.spotting.experts.by_shot import grouped
from emsync_server.spotting.experts.choosing import experts_behind, why_not
from emsync_server.spotting.experts.features import features_in
from emsync_server.spotting.experts.trained import TrainedNetwork

__all__ = ["NetworksAnswers", "ask_networks"]

MOST_AT_ONCE = 64
"""Shots whose features are held in memory together."""


@dataclass(frozen=True, slots=True)
class NetworksAnswers:
    """What they said."""

    shots: tuple[ShotReadings, ...]
    """As they were given, with what a network says of each."""
    genres: tuple[tuple[str, float], ...] | None = None
    """Of the film, the likeliest first. None: no genre network is installed."""
    complaints: tuple[str, ...] = ()
    """A sentence for each network that could not be asked."""


def ask_networks(
    shots: Sequence[ShotReadings], readings: Sequence[Reading], rows: Sequence[ExpertRow]
) -> NetworksAnswers:
    """Ask the networks among the experts. shots: one after another · readings: all that the others
    read of pictures and sound"""
    found = NetworksAnswers(tuple(shots))
    for row in rows:
        if row.sense is not Sense.FEATURES:
            continue
        try:
            found = _asked(found, readings, row)
        except MissingPartError as err:
            complaint = f"The network '{row.name}' was not asked. {err.sentence}"
            found = replace(found, complaints=(*found.complaints, complaint))
    return found


def _asked(found: NetworksAnswers, readings: Sequence[Reading], row: ExpertRow) -> NetworksAnswers:
    network = row.open()
    assert isinstance(network, TrainedNetwork)
    behind = experts_behind(row.name)
    if reason := why_not(network.description, behind):
        raise MissingPartError(reason)
    names = {each.name for each in behind}
    told = [each for each in readings if each.expert in names]
    told.sort(key=lambda each: each.start_s)  # glimpses into a timeline's media come film by film
    if network.is_of_shots:
        return replace(found, shots=_with_votes(found.shots, network, told, behind))
    span_s = (found.shots[0].start_s, found.shots[-1].end_s)
    (answer,) = _answers(network, [span_s], [told], behind)
    if answer is None:
        return found
    tags = sorted(answer.tags, key=lambda tag: -tag.probability)
    return replace(found, genres=tuple((tag.name, round(tag.probability, 3)) for tag in tags))


def _with_votes(
    shots: Sequence[ShotReadings],
    network: TrainedNetwork,
    told: Sequence[Reading],
    behind: Sequence[ExpertRow],
) -> tuple[ShotReadings, ...]:
    """The shots with what a network says of each, where it says anything."""
    spans_s = [(shot.start_s, shot.end_s) for shot in shots]
    by_shot = grouped(told, [spans_s[0][0], *(end_s for _, end_s in spans_s)])
    groups = [[each for pairs in shot.values() for _, each in pairs] for shot in by_shot]
    answers = _answers(network, spans_s, groups, behind)
    return tuple(
        shot
        if answer is None
        else replace(shot, by_expert={**shot.by_expert, network.name: answer})
        for shot, answer in zip(shots, answers, strict=True)
    )


def _answers(
    network: TrainedNetwork,
    spans_s: Sequence[tuple[float, float]],
    groups: Sequence[Sequence[Reading]],
    behind: Sequence[ExpertRow],
) -> list[Reading | None]:
    """One for each group of readings."""
    rows = [replace(row, open=cache(row.open)) for row in behind]  # once, not for each piece
    found: list[Reading | None] = []
    for first in range(0, len(groups), MOST_AT_ONCE):
        piece = slice(first, first + MOST_AT_ONCE)
        found += network.read(features_in(groups[piece], rows, spans_s[piece]))
    return found
