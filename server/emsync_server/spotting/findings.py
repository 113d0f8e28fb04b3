"""What looking and listening found in a film, kept for the next time.

Everything that depends on the film's content alone: a second run, with another brief or other
spacing of hits, reads it from the cache in place of decoding the film again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emsync import __version__
from emsync.errors import OutputError
from emsync.picture import Boundary, BoundaryKind, PictureInfo
from emsync.settings import SpotSettings
from emsync.timecode import RationalTime
from emsync_server.access import Access
from emsync_server.models import list_models
from emsync_server.spotting.appearance import Appearance
from emsync_server.spotting.experts import ExpertRow, Reading, Sense
from emsync_server.spotting.experts.cache import ReadingCache, content_id
from emsync_server.spotting.experts.packing import identity_of, pack, unpack
from emsync_server.spotting.hearing import Hearing
from emsync_server.spotting.looking import Seen

__all__ = ["FilmFindings", "arrays_of", "made_with", "part_of", "remembered"]

LATER_SETTINGS = frozenset({"brief", "min_spacing_s", "markers", "rate"})
"""What `SpotSettings` say of these matters only after the film has been looked at."""


@dataclass(frozen=True, slots=True)
class FilmFindings:
    """All that one pass over a film gives."""

    picture: PictureInfo
    seen: Seen
    hearing: Hearing | None
    readings: tuple[Reading, ...]


def remembered(
    source: Path,
    settings: SpotSettings,
    rows: Sequence[ExpertRow],
    find: Callable[[], FilmFindings],
    *,
    cache: ReadingCache | None,
    access: Access,
) -> FilmFindings:
    """The findings of a film: those that are kept, or what `find` finds, which is kept then.

    A cache that cannot be written to, or holds something damaged, costs time and nothing else.
    """
    if cache is None:
        return find()
    try:
        content = content_id(source, cache.folder, access=access)
    except (OSError, ValueError):
        return find()  # whoever opens the film says why it cannot be
    told = {each.name: str(getattr(settings, each.name)) for each in fields(settings)
            if each.name not in LATER_SETTINGS}  # fmt: skip
    key = cache.key(content, told, made_with(rows))
    if (kept := cache.get(key)) is not None:
        with contextlib.suppress(KeyError, TypeError, ValueError, IndexError):
            return _unpacked(source, *kept)
    found = find()
    with contextlib.suppress(OutputError):
        cache.put(key, *_packed(found))
    return found


def made_with(rows: Sequence[ExpertRow]) -> list[object]:
    """What findings rest on beside the film and the settings: this version, weights, experts."""
    weights = [(model.name, model.sha256) for model in list_models() if not model.is_full_tier]
    asked = [row for row in rows if row.sense in (Sense.PICTURE, Sense.SOUND)]
    return [__version__, weights, identity_of(asked)]


def arrays_of(part: str, value: Appearance | Hearing | None) -> dict[str, NDArray[Any]]:
    """The arrays of a value, named by a part."""
    if value is None:
        return {}
    return {f"{part}/{each.name}": getattr(value, each.name) for each in fields(value)}


def part_of(arrays: dict[str, NDArray[Any]], part: str) -> dict[str, NDArray[np.float32]]:
    """The arrays of a part, by their names in the value."""
    return {name.removeprefix(f"{part}/"): array for name, array in arrays.items()
            if name.startswith(f"{part}/")}  # fmt: skip


def _packed(found: FilmFindings) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    arrays, readings = pack(found.readings)
    arrays |= arrays_of("appearance", found.seen.appearance)
    arrays |= arrays_of("hearing", found.hearing)
    picture = found.picture
    told = {
        "rate": str(picture.rate),
        "duration": _time(picture.duration),
        "start": _time(picture.start),
        "size": [picture.width, picture.height],
        "has_sound": picture.has_sound,
        "warnings": list(picture.warnings),
        "end": _time(found.seen.end),
        "boundaries": [
            [_time(each.time), each.kind.value, each.strength] for each in found.seen.boundaries
        ],
        "readings": readings,
    }
    return arrays, told


def _unpacked(source: Path, arrays: dict[str, NDArray[Any]], told: Any) -> FilmFindings:  # noqa: ANN401 - JSON
    width, height = told["size"]
    picture = PictureInfo(
        source=str(source.absolute()),
        rate=Fraction(told["rate"]),
        duration=_moment(told["duration"]),
        start=_moment(told["start"]),
        width=width,
        height=height,
        has_sound=told["has_sound"],
        warnings=tuple(told["warnings"]),
    )
    boundaries = tuple(
        Boundary(_moment(time), BoundaryKind(kind), strength)
        for time, kind, strength in told["boundaries"]
    )
    appearance = Appearance(**part_of(arrays, "appearance"))
    heard = part_of(arrays, "hearing")
    return FilmFindings(
        picture,
        Seen(boundaries, appearance, _moment(told["end"])),
        Hearing(**heard) if heard else None,
        tuple(unpack(arrays, told["readings"])),
    )


def _time(time: RationalTime) -> list[object]:
    return [time.value, str(time.rate)]


def _moment(told: Sequence[Any]) -> RationalTime:
    return RationalTime(int(told[0]), Fraction(told[1]))
