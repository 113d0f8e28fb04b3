"""How a person reads and writes values: '00:00:05:00', 'D minor', 24, '80:110', 'strings'.

The wire itself is typed (`emsync.v1`); its JSON mapping makes of a time seven lines. The files
between the steps are for people, and spell what has a short form that loses nothing. Whoever
reads a value takes both.

- A time is timecode, counted from the picture's first frame without dropped numbers, where it lies
  on a frame of the picture; the picture's own start is the timecode that the editor shows.
  Read as well: seconds, as a number or as '5.25 s'.
- A rate or other fraction is a whole number or '24000/1001'; read as well: 23.976.
- A key is 'D minor', two tempos are '80:110', a choice is its word.
"""

from __future__ import annotations

import re
from enum import Enum
from fractions import Fraction
from typing import Any

from emsync.cue import Hit, HitSource, Key
from emsync.timecode import (
    RationalTime,
    counts_drop_frame,
    is_timecode_rate,
    parse_rate,
    parse_timecode,
    timecode_of,
)

__all__ = ["spelled", "unspelled"]

TEMPOS = tuple[float, float]
DAY_S = 24 * 3600
NUMBER = r"[0-9]+(?:\.[0-9]+)?"
SECONDS = re.compile(rf"({NUMBER})\s*s")
TEMPO_RANGE = re.compile(rf"({NUMBER})\s*(?:[:–-]\s*({NUMBER}))?")


def spelled(kind: Any, value: Any, name: str, clock: Fraction | None) -> str | int | None:
    """A value's short form; None where it has none, or where that would lose something.

    clock: frames per second of the picture that a time counts in; name: the value's field.
    """
    if kind is RationalTime:
        return _spelled_time(value, name, clock)
    if kind is Fraction:
        return int(value) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"
    if kind is Key:
        return str(value)
    if kind == TEMPOS:
        return f"{value[0]:.17g}:{value[1]:.17g}"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return str(value.value)
    return None


def unspelled(kind: Any, data: object, name: str, clock: Fraction | None) -> object:
    """JSON as the wire has it; what is no short form comes back as it is.

    Raises ValueError with a sentence for text that is meant to be one and is wrong.
    """
    if kind is Hit:
        return _whole_hit(data)
    if isinstance(data, bool) or not isinstance(data, str | int | float):
        return data
    if kind is RationalTime:
        return _time(data, clock)
    if kind is Fraction:
        return _fraction(data, name)
    if kind is Key and isinstance(data, str):
        key = Key.parse(data)
        return {"tonic": key.tonic, "mode": key.mode.value}
    if kind == TEMPOS:
        return _tempos(data)
    return data


def _spelled_time(time: RationalTime, name: str, clock: Fraction | None) -> str | None:
    """Timecode of a time that counts the picture's frames."""
    if time.rate != clock or not is_timecode_rate(clock) or not 0 <= time.seconds < DAY_S:
        return None
    return timecode_of(time, drop_frame=name == "picture.start" and counts_drop_frame(time))


def _time(data: str | float, clock: Fraction | None) -> object:
    if clock is None:
        return data
    if isinstance(data, str):
        seconds = SECONDS.fullmatch(data.strip())
        if seconds is None:
            return _parts(parse_timecode(data, clock))
        data = float(seconds[1])
    if not 0 <= data < 2**31:
        raise ValueError(f"{data} is no time in seconds that lies in a film")
    return _parts(RationalTime.from_seconds(Fraction(str(data)), clock))


def _parts(time: RationalTime) -> dict[str, object]:
    numbers = {"numerator": time.rate.numerator, "denominator": time.rate.denominator}
    return {"value": time.value, "rate": numbers}


def _fraction(data: str | float, name: str) -> object:
    try:
        is_decimal = "." in str(
            data
        )  # 23.976 is a shorthand; what was written as a fraction is exact
        found = parse_rate(str(data)) if name == "rate" and is_decimal else Fraction(str(data))
    except (ValueError, ZeroDivisionError) as err:
        raise ValueError(
            f'there should be a number or a fraction such as "24000/1001", not "{data}"'
        ) from err
    return {"numerator": found.numerator, "denominator": found.denominator}


def _tempos(data: str | float) -> object:
    match = TEMPO_RANGE.fullmatch(str(data).strip())
    if match is None:
        raise ValueError(f'there should be a tempo such as 90 or "80:110", not "{data}"')
    return {"least": float(match[1]), "greatest": float(match[2] or match[1])}


def _whole_hit(data: object) -> object:
    """A hit that a person wrote, who gave a time and perhaps no more: it is meant to be landed on.

    Messages leave out what is zero; their times are objects, and they stay as they are.
    """
    if not isinstance(data, dict) or not isinstance(data.get("time"), str | int | float):
        return data
    return {"weight": 1.0, "locked": True, "source": HitSource.PERSON.value, **data}
