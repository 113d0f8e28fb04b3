"""A host's jobs as JSON: for hosts whose Python is too old for `emsync`, and for Lua.

A request is one object: `{"score": Order}`, `{"choose": {"note", "number"}}`,
`{"regenerate": {"note", "seed", "span" or "bars"}}`, `{"renew": RenewalOrder}`,
`{"resume": {"folder"}}`, `{"compare": {"placement", "found"}}` or `{"diagnose": {}}`. The answer is
what the method of the same name gives, as JSON: a Placement, a Renewal, or lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from emsync import wire
from emsync.client import Client, Watcher
from emsync.errors import InputError
from emsync.hosting.diagnosis import diagnose
from emsync.hosting.placement import FoundStem, Placement, ScoreNote, differences
from emsync.hosting.renewing import Recutter, Renewal, RenewalOrder, renewed
from emsync.hosting.scoring import Ducker, Order, Studio
from emsync.hosting.timeline import Span

__all__ = ["answer"]

Value = TypeVar("Value")
Connect = Callable[[], Client]


@dataclass(frozen=True, slots=True)
class _Choose:
    note: ScoreNote
    number: int


@dataclass(frozen=True, slots=True)
class _Regenerate:
    note: ScoreNote
    seed: int
    span: Span | None = None
    bars: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class _Resume:
    folder: str


@dataclass(frozen=True, slots=True)
class _Compare:
    placement: Placement
    found: tuple[FoundStem, ...] = ()


def answer(
    request: dict[str, Any],
    connect: Connect,
    watch: Watcher,
    ducker: Ducker | None = None,
    recutter: Recutter | None = None,
) -> dict[str, Any]:
    """Do what a request asks for. `connect` is called only where a server is needed."""
    if len(request) != 1:
        raise InputError("A request of a host is one object with one name: the job.")
    ((job, data),) = request.items()
    if job == "compare":
        compared = _value(_Compare, data)
        return {"lines": list(differences(compared.placement, compared.found))}
    if job == "diagnose":
        return {"lines": list(diagnose(connect))}
    work = _work(job, data, recutter)
    with connect() as client:
        return wire.to_dict(work(Studio(client, ducker), watch))


def _work(
    job: str, data: object, recutter: Recutter | None
) -> Callable[[Studio, Watcher], Placement | Renewal]:
    """The job as a function; what is wrong with it is said before a server is looked for."""
    if job == "score":
        order = _value(Order, data)
        return lambda studio, watch: studio.score(order, watch)
    if job == "choose":
        choice = _value(_Choose, data)
        return lambda studio, watch: studio.choose(choice.note, choice.number, watch)
    if job == "regenerate":
        part = _value(_Regenerate, data)
        where = part.bars or part.span
        if where is None:
            raise InputError("Nothing says what to write anew. Name bars, or a range.")
        return lambda studio, watch: studio.regenerate(part.note, where, part.seed, watch)
    if job == "renew":
        again = _value(RenewalOrder, data)
        return lambda studio, watch: renewed(studio, again, recutter, watch)
    if job == "resume":
        folder = Path(_value(_Resume, data).folder)
        return lambda studio, watch: studio.resume(folder, watch)
    known = "score, choose, regenerate, renew, resume, compare, diagnose"
    raise InputError(f"There is no job '{job}'. There are: {known}.")


def _value(kind: type[Value], data: object) -> Value:
    return wire.from_dict(
        kind,
        data,
        origin="The host's request",
        error=InputError,
        advice="Install the plugin that came with this emsync.",
    )
