"""Clips as FCPXML has them, and the assets, effects and compounds that they refer to."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from itertools import count
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement

import opentimelineio as otio

from emsync_otio.clock import Seconds, exact_rate, seconds_range
from emsync_otio.fcpxml_resources import time_text
from emsync_otio.flattening import item_range, speed_of
from emsync_otio.looks import Looks, looks_of
from emsync_otio.media_paths import file_url
from emsync_otio.picture_size import PictureSize
from emsync_otio.ramps import ramp_of

__all__ = ["Clips"]

_TITLE = ".../Titles.localized/Bumper:Opener.localized/Basic Title.localized/Basic Title.moti"
_SOLID = ".../Generators.localized/Solids.localized/Custom.localized/Custom.motn"
"""Final Cut's own, as its files name them."""
_ANCHORED_ZERO = Fraction(3600)
_OFFLINE = "file:///offline/"
"""Where the media lies of which a timeline says nothing: an asset must name some file."""
_NAMES = {
    Fraction(24000, 1001): "2398",
    Fraction(30000, 1001): "2997",
    Fraction(60000, 1001): "5994",
    **{Fraction(rate): str(rate) for rate in (24, 25, 30, 50, 60)},
}

_SIZE_NAMES = {
    (1280, 720): "720",
    (1920, 1080): "1080",
    (3840, 2160): "3840x2160",
    (4096, 2160): "4096x2160",
}
"""Final Cut's own formats, which have names; others are told by their sides alone."""


class Clips:
    """Makes clip elements; adds what they refer to to the resources, once each."""

    def __init__(
        self,
        resources: Element,
        picture: tuple[Fraction, PictureSize],
        version: str,
        compound: Callable[[otio.schema.Stack], tuple[Element, Seconds]],
    ) -> None:
        self._resources = resources
        self._rate, self._size = picture
        self._with_media_rep = tuple(map(int, version.split(".")[:2])) >= (1, 9)
        self._compound = compound
        self._ids: dict[object, str] = {}
        self._assets: dict[str, Element] = {}
        self._numbers = count(1)

    def element(
        self, item: otio.core.Item, duration: Seconds, *, is_picture: bool
    ) -> tuple[Element, Seconds]:
        """An element that shows or plays an item, and what its clock reads at its head."""
        about = {"name": item.name or ""}
        if isinstance(item, otio.schema.Clip):
            element, start = self._clip(item, about, duration, is_picture=is_picture)
        else:
            element, start = self._nested(item, about, duration, is_picture=is_picture)
        element.set("start", time_text(start))
        element.set("duration", time_text(duration))
        if not item.enabled:
            element.set("enabled", "0")
        return element, start

    def format(self, rate: Fraction) -> str:
        """The id of a format of this rate, of the timeline's size."""
        if ("format", rate) not in self._ids:
            number = self._take_id(("format", rate))
            about = {"id": number, "frameDuration": time_text(1 / rate)}
            kind = _SIZE_NAMES.get((self._size.width, self._size.height))
            if rate in _NAMES and kind is not None:
                about["name"] = f"FFVideoFormat{kind}p{_NAMES[rate]}"
            sides = {"width": str(self._size.width), "height": str(self._size.height)}
            SubElement(self._resources, "format", {**about, **sides})
        return self._ids["format", rate]

    def effect(self, name: str, uid: str) -> str:
        """The id of one of Final Cut's own effects."""
        if ("effect", uid) not in self._ids:
            number = self._take_id(("effect", uid))
            SubElement(self._resources, "effect", {"id": number, "name": name, "uid": uid})
        return self._ids["effect", uid]

    def _clip(
        self, clip: otio.schema.Clip, about: dict[str, str], duration: Seconds, *, is_picture: bool
    ) -> tuple[Element, Seconds]:
        looks = looks_of(clip)
        if isinstance(clip.media_reference, otio.schema.GeneratorReference) and is_picture:
            if looks is Looks.OPAQUE:
                reference = self.effect("Custom", _SOLID)
                return Element("video", {"ref": reference, **about}), _ANCHORED_ZERO
            element = Element("title", {"ref": self.effect("Basic Title", _TITLE), **about})
            SubElement(SubElement(element, "text"), "text-style").text = clip.name
            return element, _ANCHORED_ZERO
        source, _ = item_range(clip)
        reference = self._asset(clip, source, duration, is_picture=is_picture)
        element = Element("asset-clip", {"ref": reference, **about})
        element.set("srcEnable", "video" if is_picture else "audio")
        if not is_picture:
            element.set("audioRole", "dialogue")
        return element, self._retimed(clip, element, source, duration)

    def _retimed(
        self, item: otio.core.Item, element: Element, source: Seconds, duration: Seconds
    ) -> Seconds:
        """A time map where an item's speed is not its own; what its clock reads at its head."""
        speed = speed_of(item)
        if speed == 1 and not ramp_of(item):
            return source
        times = SubElement(element, "timeMap")
        ends = ((Fraction(0), source), (duration, source + duration * speed))
        for at, value in ramp_of(item) or ends:
            about = {"value": time_text(value), "interp": "linear"}
            SubElement(times, "timept", {"time": time_text(at), **about})
        return Fraction(0)

    def _nested(
        self, item: otio.core.Item, about: dict[str, str], duration: Seconds, *, is_picture: bool
    ) -> tuple[Element, Seconds]:
        stack = item
        if not isinstance(item, otio.schema.Stack):
            stack = otio.schema.Stack(name=item.name, children=[item.deepcopy()])
        number = self._take_id(object())
        media = Element("media", {"id": number, **about})
        inside = stack.deepcopy()
        inside.source_range = None
        sequence, _ = self._compound(inside)
        media.append(sequence)
        self._resources.append(media)
        element = Element("ref-clip", {"ref": number, **about})
        element.set("srcEnable", "video" if is_picture else "audio")
        source, _ = item_range(item)
        return element, self._retimed(item, element, source, duration)

    def _asset(
        self, clip: otio.schema.Clip, source: Seconds, duration: Seconds, *, is_picture: bool
    ) -> str:
        """The id of the asset that a clip shows, which grows to hold all that is used of it."""
        media = clip.media_reference
        url = _url_of(clip)
        if url not in self._ids:
            number = self._take_id(url)
            asset = SubElement(self._resources, "asset", {"id": number, "name": _name_of(clip)})
            if self._with_media_rep:
                SubElement(asset, "media-rep", {"kind": "original-media", "src": url})
            else:
                asset.set("src", url)
            self._assets[number] = asset
        number = self._ids[url]
        asset = self._assets[number]
        available = media.available_range if media is not None else None
        begin, length = seconds_range(available) if available is not None else (source, duration)
        if asset.get("start") is not None:
            old = Fraction(asset.get("start", "0s")[:-1])
            end = max(old + Fraction(asset.get("duration", "0s")[:-1]), begin + length)
            begin = min(old, begin)
            length = end - begin
        asset.set("start", time_text(begin))
        asset.set("duration", time_text(length))
        if is_picture:
            asset.set("hasVideo", "1")
            rate = exact_rate(available.duration.rate) if available is not None else self._rate
            asset.set("format", self.format(rate if rate in _NAMES else self._rate))
        else:
            asset.set("hasAudio", "1")
            asset.set("audioSources", "1")
            asset.set("audioChannels", "2")
        return number

    def _take_id(self, key: object) -> str:
        number = f"r{next(self._numbers)}"
        self._ids[key] = number
        return number


def _name_of(clip: otio.schema.Clip) -> str:
    media = clip.media_reference
    return (media.name if media is not None else "") or clip.name or "media"


def _url_of(clip: otio.schema.Clip) -> str:
    """A URL, as Final Cut wants it; a path becomes one, what is offline gets a name there."""
    media = clip.media_reference
    target = media.target_url if isinstance(media, otio.schema.ExternalReference) else ""
    if not target:
        return _OFFLINE + quote(re.sub(r"[/\\]", "-", _name_of(clip)))
    return file_url(target)
