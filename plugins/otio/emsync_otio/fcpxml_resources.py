"""What an FCPXML file says once and its clips refer to: media, formats, compounds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from xml.etree.ElementTree import Element

import opentimelineio as otio

from emsync.errors import TimelineError
from emsync.timecode import parse_rate
from emsync_otio.clock import Seconds, otio_range
from emsync_otio.ramps import RampPoint

__all__ = ["SCORE_KEY", "Media", "Resources", "parse_seconds", "seconds_of", "time_text"]

SCORE_KEY = "emsync.score"
"""Key of the metadata that carries the cue sheet, seed and model ids, on the first stem."""
_FORMAT_RATES = {
    "2398": Fraction(24000, 1001),
    "24": Fraction(24),
    "25": Fraction(25),
    "2997": Fraction(30000, 1001),
    "30": Fraction(30),
    "48": Fraction(48),
    "50": Fraction(50),
    "5994": Fraction(60000, 1001),
    "60": Fraction(60),
    "90": Fraction(90),
    "100": Fraction(100),
    "11988": Fraction(120000, 1001),
    "120": Fraction(120),
}
_CLOSE_RATES = Fraction(1, 10)
"""Final Cut Pro conforms by speed only between rates this close (23.98, 24 and 25)."""


def parse_seconds(text: str) -> Seconds:
    """FCPXML's time: '1001/24000s', '3600s', '2.5s'."""
    numerator, _, denominator = text.strip().removesuffix("s").partition("/")
    try:
        return Fraction(numerator) / Fraction(denominator or 1)
    except (ValueError, ZeroDivisionError) as err:
        raise TimelineError(
            f"The FCPXML holds a time of '{text[:40]}', which is none. Export it again from "
            "Final Cut Pro."
        ) from err


def time_text(seconds: Seconds) -> str:
    """A time as FCPXML writes it: '1001/24000s', '3600s'."""
    return f"{seconds}s"


def seconds_of(element: Element, name: str, default: Seconds = Fraction(0)) -> Seconds:
    """A time attribute, or what it is where it is missing."""
    text = element.get(name)
    return default if text is None else parse_seconds(text)


@dataclass(frozen=True)
class Media:
    """What a clip shows or plays."""

    name: str
    has_picture: bool
    has_sound: bool
    source_url: str = ""
    start: Seconds = Fraction(0)
    duration: Seconds = Fraction(0)
    rate: Fraction | None = None
    generator: str = ""
    """Of titles and generators: their kind; they need no file."""
    is_title: bool = False

    def reference(self) -> otio.core.MediaReference:
        """As OpenTimelineIO says it."""
        if self.generator:
            metadata = {"emsync_otio": {"see_through": True}} if self.is_title else {}
            return otio.schema.GeneratorReference(
                name=self.name, generator_kind=self.generator, metadata=metadata
            )
        available = (
            otio_range(self.start, self.duration, self.rate or Fraction(48000))
            if self.duration
            else None
        )
        if not self.source_url:
            return otio.schema.MissingReference(name=self.name, available_range=available)
        return otio.schema.ExternalReference(target_url=self.source_url, available_range=available)


class Resources:
    """Formats, assets, effects, compounds and multicams, by id."""

    def __init__(self) -> None:
        self.formats: dict[str, Element] = {}
        self.assets: dict[str, Element] = {}
        self.effects: dict[str, Element] = {}
        self.sequences: dict[str, Element] = {}
        self.multicams: dict[str, Element] = {}

    @classmethod
    def of(cls, root: Element) -> Resources:
        """Read the <resources> of a file."""
        resources = cls()
        tables = {
            "format": resources.formats,
            "asset": resources.assets,
            "effect": resources.effects,
        }
        for element in root.iterfind("./resources/*"):
            key = element.get("id", "")
            if element.tag in tables:
                tables[element.tag][key] = element
            elif element.tag == "media":
                for child in element:
                    if child.tag == "sequence":
                        resources.sequences[key] = child
                    elif child.tag == "multicam":
                        resources.multicams[key] = child
        return resources

    def rate_of(self, element: Element, default: Fraction | None = None) -> Fraction:
        """Frames per second of an element's format."""
        rate = self._format_rate(element.get("format", ""))
        if rate is None and default is None:
            raise TimelineError(
                "The FCPXML does not say how many frames its sequence shows in a second. "
                "Export it again from Final Cut Pro."
            )
        return rate or default or Fraction(24)

    def start_of(self, element: Element) -> Seconds:
        """What an element's clock reads at its first frame."""
        if element.get("start") is not None:
            return seconds_of(element, "start")
        asset = self.assets.get(element.get("ref", ""))
        if asset is not None:
            return seconds_of(asset, "start")
        for table in (self.sequences, self.multicams):
            nested = table.get(element.get("ref", ""))
            if nested is not None:
                return seconds_of(nested, "tcStart")
        return Fraction(0)

    def duration_of(self, element: Element) -> Seconds:
        """How long an element is; clips may leave it to their media."""
        if element.get("duration") is not None:
            return seconds_of(element, "duration")
        reference = element.get("ref", "")
        for table in (self.assets, self.sequences, self.multicams):
            if reference in table:
                return seconds_of(table[reference], "duration")
        return Fraction(0)

    def media_of(self, element: Element) -> Media:
        """What a clip without a sequence inside shows and plays."""
        name = element.get("name", "")
        if element.tag == "title":
            return Media(name, True, False, generator="title", is_title=True)
        if element.tag == "clip":
            return self._inside(element)
        use = element.get("srcEnable", "all")
        reference = element.get("ref", "")
        asset = self.assets.get(reference)
        if asset is None:
            effect = self.effects.get(reference)
            is_picture = element.tag != "audio"
            if effect is not None:
                return Media(
                    name, is_picture, not is_picture, generator=f"solid {effect.get('name', '')}"
                )
            return Media(name, is_picture, not is_picture)
        may_show = element.tag != "audio" and use != "audio"
        may_sound = element.tag != "video" and use != "video"
        return Media(
            name,
            may_show and asset.get("hasVideo") == "1",
            may_sound and asset.get("hasAudio") == "1",
            _source_url(asset),
            seconds_of(asset, "start"),
            seconds_of(asset, "duration"),
            self._format_rate(asset.get("format", "")),
        )

    def source_start(self, element: Element, start: Seconds) -> Seconds:
        """Where in its media or compound a clip begins, in that one's clock."""
        points = _time_map(element)
        if not points:
            return start + self._inner_shift(element)
        source = _mapped(points, start)
        zero, length = self._clock_of(element.get("ref", ""))
        # A time map may count from the first frame of its media, whatever timecode that has.
        return source + zero if source < zero and source <= length else source

    def ramp_of(
        self, element: Element, start: Seconds, source: Seconds, duration: Seconds
    ) -> list[RampPoint]:
        """The points of a retime that lie in a clip, its ends among them; `source` is what its
        media's or compound's clock reads at its first frame."""
        points = _time_map(element)
        if not points or duration <= 0:
            return []
        shift = source - _mapped(points, start)
        inside = {time for time, _ in points if start < time < start + duration}
        return [
            (time - start, _mapped(points, time) + shift)
            for time in sorted({start, *inside, start + duration})
        ]

    def speed_of(self, element: Element, start: Seconds, rate: Fraction) -> Fraction:
        """Media seconds per timeline second: the retime's mean over the clip, or the conform's."""
        points = _time_map(element)
        duration = self.duration_of(element)
        if points and duration > 0:
            return (_mapped(points, start + duration) - _mapped(points, start)) / duration
        conform = element.find("conform-rate")
        if conform is None or conform.get("scaleEnabled", "1") == "0":
            return Fraction(1)
        source_rate = parse_rate(conform.get("srcFrameRate", "") or str(rate))
        is_close = abs(source_rate / rate - 1) < _CLOSE_RATES
        return rate / source_rate if is_close else Fraction(1)

    def _clock_of(self, reference: str) -> tuple[Seconds, Seconds]:
        """What the clock of media, a compound or a multicam reads at its start; how long it is."""
        asset = self.assets.get(reference)
        if asset is not None:
            return seconds_of(asset, "start"), seconds_of(asset, "duration")
        for table in (self.sequences, self.multicams):
            if reference in table:
                inside = table[reference]
                return seconds_of(inside, "tcStart"), seconds_of(inside, "duration")
        return Fraction(0), Fraction(0)

    def _inner_shift(self, element: Element) -> Seconds:
        """From the clock of a <clip> to that of the media inside it."""
        first = next((part for part in element if part.tag in ("video", "audio")), None)
        if element.tag != "clip" or first is None or first.get("lane") is not None:
            return Fraction(0)
        return self.start_of(first) - seconds_of(first, "offset")

    def _inside(self, clip: Element) -> Media:
        """A <clip> around <video> and <audio>: their media as one."""
        held = [part for part in clip if part.get("lane") is None]
        held += [part for outer in held for part in outer if outer.tag in ("video", "gap")]
        parts = [self.media_of(part) for part in held if part.tag in ("video", "audio")]
        parts = [part for part in parts if part.has_picture or part.has_sound]
        if not parts:
            return Media(clip.get("name", ""), False, False)
        picture = next((part for part in parts if part.has_picture), parts[0])
        return Media(
            clip.get("name", ""),
            any(part.has_picture for part in parts),
            any(part.has_sound for part in parts),
            picture.source_url,
            picture.start,
            picture.duration,
            picture.rate,
            picture.generator,
        )

    def _format_rate(self, reference: str) -> Fraction | None:
        found = self.formats.get(reference)
        if found is None:
            return None
        frame = found.get("frameDuration")
        if frame is not None and parse_seconds(frame) > 0:
            return 1 / parse_seconds(frame)
        # Final Cut Pro's own formats may go by name alone: FFVideoFormat1080p2398, …1080i5994.
        named = re.search(r"(\d+)([pi])(\d+)", found.get("name", ""))
        rate = _FORMAT_RATES.get(named.group(3)) if named else None
        return rate / 2 if named and rate and named.group(2) == "i" else rate


def _source_url(asset: Element) -> str:
    """Since 1.9 in <media-rep>, before on the asset; the original rather than a proxy."""
    representations = sorted(
        asset.findall("media-rep"), key=lambda rep: rep.get("kind", "") != "original-media"
    )
    return next((rep.get("src", "") for rep in representations), asset.get("src", ""))


def _time_map(element: Element) -> list[tuple[Seconds, Seconds]]:
    """A retime's points: (the clip's time, the media's time)."""
    return sorted(
        (seconds_of(point, "time"), seconds_of(point, "value"))
        for point in element.iterfind("./timeMap/timept")
    )


def _mapped(points: list[tuple[Seconds, Seconds]], time: Seconds) -> Seconds:
    """Linear between points; beyond them as in the nearest stretch (easing is not modelled)."""
    if len(points) < 2:
        return points[0][1]
    right = next((i for i, point in enumerate(points) if point[0] > time), len(points) - 1)
    (time_a, value_a), (time_b, value_b) = points[max(right, 1) - 1], points[max(right, 1)]
    if time_a == time_b:
        return value_a
    return value_a + (value_b - value_a) * (time - time_a) / (time_b - time_a)
