"""A second opinion on where cuts are: timelines painted frame by frame, from the bottom up.

Shares nothing with emsync_otio. It reads Final Cut's and Kdenlive's XML itself, and for the other
formats the adapter's tree; later paint covers earlier paint, and a cut is where the colour changes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import count, pairwise
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import opentimelineio as otio

Paint = list[object]
"""What is seen at each frame; None where that is nothing."""
STORY = "asset-clip clip ref-clip sync-clip mc-clip video audio title gap audition".split()  # noqa: SIM905
COLOURS = count()
UNSEEN = ("transparent", "adjustment layer", "adjustment clip")


def changes(paint: Paint, length: int) -> list[int]:
    """Frames at which the picture differs from the one before."""
    paint = [*paint, *[None] * length][:length]
    return [i for i in range(1, length) if paint[i] != paint[i - 1]]


def whole(time: Fraction) -> int:
    return math.floor(time + Fraction(1, 2))


def covered(layers: list[tuple[object, Fraction, Fraction, object, bool]], rate: Fraction) -> Paint:
    """Layers (height, begin, end, colour or nested paint, opaque) one over the other."""
    layers = sorted(layers, key=lambda layer: layer[0])  # type: ignore[arg-type, return-value]
    length = max((whole(layer[2] * rate) for layer in layers), default=0)
    paint: Paint = [None] * max(length, 0)
    for opaque in (False, True):
        for _, begin, end, colour, is_opaque in layers:
            for frame in range(max(whole(begin * rate), 0), whole(end * rate)):
                seen = colour(Fraction(frame) / rate - begin) if callable(colour) else colour
                nested_opaque = not (isinstance(seen, tuple) and seen[0] == "title")
                if seen is not None and opaque is (is_opaque and nested_opaque):
                    paint[frame] = seen
    return paint


def seconds(text: str | None, default: Fraction = Fraction(0)) -> Fraction:
    if text is None:
        return default
    top, _, bottom = text.rstrip("s").partition("/")
    return Fraction(top) / Fraction(bottom or 1)


class FinalCut:
    """An FCPXML file."""

    def __init__(self, path: Path) -> None:
        self.root = ElementTree.parse(path / "Info.fcpxml" if path.is_dir() else path).getroot()
        self.by_id = {e.get("id"): e for e in self.root.find("resources") or ()}

    def paint(self) -> Paint:
        sequences = [s for p in self.root.iter("project") for s in p.findall("sequence")]
        sequences = [s for s in sequences if len(s.find("spine") or ())]
        if not sequences:
            outer = next(self.root.iter("ref-clip")).get("ref")
            sequences = self.by_id[outer].findall("sequence")
        return self.of_sequence(sequences[0])

    def of_sequence(self, sequence: Element) -> Paint:
        rate = self.rate(sequence)
        zero = seconds(sequence.get("tcStart"))
        layers: list = []
        for spine in sequence.findall("spine"):
            self.story(spine, zero, -zero, (0,), layers)
        return covered([(pad(h), *rest) for h, *rest in layers], rate)

    def rate(self, element: Element) -> Fraction:
        described = self.by_id[element.get("format")]
        if described.get("frameDuration"):
            return 1 / seconds(described.get("frameDuration"))
        named = re.search(r"([pi])(\d+)$", described.get("name", ""))
        count = {"2398": Fraction(24000, 1001), "2997": Fraction(30000, 1001)}
        rate = count.get(named[2]) or {"5994": Fraction(60000, 1001)}.get(named[2])
        return (rate or Fraction(named[2])) / (2 if named[1] == "i" else 1)

    def story(self, parent: Element, first: Fraction, shift: Fraction, height, layers) -> None:
        at, own, joins = first, [], []
        for child in parent:
            if child.tag == "transition":
                begin = seconds(child.get("offset"), at)
                is_sound = child.find("filter-audio") is not None
                if child.find("filter-video") is not None or not is_sound:
                    joins.append((at, begin, begin + seconds(child.get("duration"))))
            elif child.tag in STORY and child.get("lane") is None:
                picked = child
                if child.tag == "audition":
                    picked = next(c for c in child if c.tag in STORY)
                begin = seconds(child.get("offset"), at)
                at = begin + self.length(picked)
                own.append([begin, at, picked, self.look(picked), begin])
                self.hanging(picked, begin + shift, height, layers)
        for cut, begin, end in joins:
            middle = (begin + end) / 2
            for one in own:
                if one[1] == cut and one[3] is not None:
                    one[1] = middle
                if one[0] == cut and one[3] is not None:
                    one[0] = middle
        for begin, end, element, look, origin in own:
            if look is not None:
                colour = late(look, begin - origin) if callable(look) else look
                opaque = element.tag != "title"
                layers.append((height, begin + shift, end + shift, colour, opaque))

    def hanging(self, element: Element, begin: Fraction, height, layers) -> None:
        shift = begin - self.start(element)
        for child in element:
            lane = child.get("lane")
            if lane is None:
                continue
            above, offset = (*height, int(lane)), seconds(child.get("offset"))
            if child.tag == "spine":
                self.story(child, Fraction(0), shift + offset, above, layers)
            elif child.tag in STORY:
                picked = (
                    next(c for c in child if c.tag in STORY) if child.tag == "audition" else child
                )
                look = self.look(picked)
                at = offset + shift
                if look is not None:
                    opaque = picked.tag != "title"
                    layers.append((above, at, at + self.length(picked), look, opaque))
                self.hanging(picked, at, above, layers)

    def start(self, element: Element) -> Fraction:
        if element.get("start"):
            return seconds(element.get("start"))
        held = self.by_id.get(element.get("ref"))
        if held is None or held.tag == "effect":
            return Fraction(0)
        inner = held if held.tag == "asset" else held[0]
        return seconds(inner.get("start" if held.tag == "asset" else "tcStart"))

    def length(self, element: Element) -> Fraction:
        if element.get("duration"):
            return seconds(element.get("duration"))
        held = self.by_id.get(element.get("ref"))
        return seconds((held if held.tag == "asset" else held[0]).get("duration"))

    def look(self, element: Element) -> object:
        """A colour, or a function of the time in the clip that gives one; None: no picture."""
        name, tag, use = (element.get("name") or "").lower(), element.tag, element.get("srcEnable")
        if element.get("enabled") == "0" or tag in ("gap", "audio") or use == "audio":
            return None
        held = self.by_id.get(element.get("ref"))
        if tag in ("title", "video") and (held is None or held.tag == "effect"):
            if any(word in name for word in UNSEEN):
                return None
            return ("title" if tag == "title" else "solid", id(element))
        if tag == "ref-clip":
            return self.nested(element, held.find("sequence"))
        if tag == "mc-clip":
            angles = {a.get("angleID"): a for a in held.find("multicam")}
            for source in element.findall("mc-source"):
                if source.get("srcEnable", "all") in ("all", "video"):
                    return self.nested(
                        element, held.find("multicam"), angles[source.get("angleID")]
                    )
            return None
        if tag == "sync-clip" or (tag == "clip" and element.find("spine") is not None):
            inside = element.find("spine") if tag == "clip" else element
            return self.nested(element, None, inside)
        if tag == "clip":
            parts = [p for p in element.iter("video") if p.get("srcEnable") != "audio"]
            held = self.by_id.get(parts[0].get("ref")) if parts else None
            shows = bool(parts) and (held is None or held.get("hasVideo", "1") == "1")
        else:
            shows = held is None or held.get("hasVideo") == "1"
        return ("clip", id(element)) if shows else None

    def nested(self, element: Element, sequence: Element | None, story: Element | None = None):
        start = self.start(element)
        if story is None:
            rate, zero, paint = self.rate(sequence), seconds(sequence.get("tcStart")), None
            paint = self.of_sequence(sequence)
        else:
            rate = self.rate(sequence) if sequence is not None else Fraction(24000)
            zero = seconds(sequence.get("tcStart")) if sequence is not None else start
            layers: list = []
            self.story(story, zero, -zero, (0,), layers)
            if sequence is None:
                rate = Fraction(600)
            paint = covered([(pad(h), *rest) for h, *rest in layers], rate)
        if not any(colour is not None for colour in paint):
            return None
        points = sorted(
            (seconds(p.get("time")), seconds(p.get("value")))
            for p in element.iterfind("./timeMap/timept")
        )

        def at(inside: Fraction) -> object:
            source = start + inside
            if len(points) > 1:
                (a, x), (b, y) = points[0], points[-1]
                source = x + (y - x) * (source - a) / (b - a)
            frame = math.floor((source - zero) * rate + Fraction(1, 1000))
            colour = paint[frame] if 0 <= frame < len(paint) else None
            return (colour[0], id(element), colour[1:]) if isinstance(colour, tuple) else colour

        return at


def pad(height: tuple[int, ...]) -> tuple[int, ...]:
    return height + (0,) * (8 - len(height))


def late(look, by: Fraction):
    return lambda inside: look(inside + by)


def kdenlive(path: Path) -> Paint:
    """A Kdenlive project: the open sequence's tracks, by their playlists."""
    root = ElementTree.parse(path).getroot()
    about = root.find("profile")
    rate = Fraction(int(about.get("frame_rate_num")), int(about.get("frame_rate_den")))
    by_id = {e.get("id"): e for e in root if e.get("id")}
    tractors = root.findall("tractor")
    project = [t for t in tractors if said(t, "kdenlive:projectTractor") == "1"]
    main = by_id[project[0].find("track").get("producer")] if project else tractors[-1]
    return _sequence_paint(main, by_id, rate)


def said(element: Element, name: str) -> str:
    return next((p.text or "" for p in element.iterfind("property") if p.get("name") == name), "")


def _frame(text: str, rate: Fraction) -> int:
    if text.isdigit():
        return int(text)
    hours, minutes, rest = text.replace(",", ".").split(":")
    return round((int(hours) * 3600 + int(minutes) * 60 + Fraction(rest)) * rate)


def _sequence_paint(main: Element, by_id, rate: Fraction) -> Paint:
    layers: list = []
    for height, reference in enumerate(main.findall("track")):
        track = by_id.get(reference.get("producer"))
        if track is None or track.tag == "producer" or said(track, "kdenlive:audio_track") == "1":
            continue
        if reference.get("hide") in ("both", "video"):
            continue
        clips = list(_clips(track, by_id, rate))
        clips.sort(key=lambda clip: clip[0])
        for earlier, later in pairwise(clips):
            if later[0] < earlier[1]:
                end = min(earlier[1], later[1])
                # The middle of a mix is where its picture changes, its cut where the clips join.
                middle = Fraction(later[0] + end, 2)
                later[3] += middle - later[0]
                earlier[1] = later[0] = middle
        for begin, end, colour, lead in clips:
            look = late(colour, Fraction(lead) / rate) if callable(colour) else colour
            opaque = not (isinstance(colour, tuple) and colour[0] == "title")
            layers.append(((height,), Fraction(begin) / rate, Fraction(end) / rate, look, opaque))
    return covered(layers, rate)


def _clips(track: Element, by_id, rate: Fraction) -> Iterator[list]:
    inside = [by_id.get(t.get("producer")) for t in track.findall("track")]
    for playlist in [track] if track.tag == "playlist" else inside:
        at = 0
        for child in playlist:
            if child.tag == "blank":
                at += _frame(child.get("length"), rate)
            elif child.tag == "entry":
                first, last = _frame(child.get("in"), rate), _frame(child.get("out"), rate)
                producer = by_id[child.get("producer")]
                service = said(producer, "mlt_service")
                colour: object = ("clip", id(child))
                if service in ("kdenlivetitle", "qtext") or (
                    service == "color"
                    and re.fullmatch(r"(0x|#)\w{6}00", said(producer, "resource"))
                ):
                    colour = ("title", id(child))
                elif producer.tag == "tractor":
                    paint = _sequence_paint(producer, by_id, rate)

                    def colour(t, paint=paint, first=first):
                        frame = first + whole(t * rate)
                        return paint[frame] if frame < len(paint) else None

                if said(producer, "set.test_image") != "1":
                    yield [at, at + last - first + 1, colour, 0]
                at += last - first + 1


def adapters_tree(timeline: otio.schema.Timeline, rate: Fraction) -> Paint:
    """Any other format: by OpenTimelineIO's own account of where each child lies."""
    layers: list = []
    for height, row in enumerate(timeline.tracks):
        if getattr(row, "kind", "Video") != "Video" or not row.enabled:
            continue
        for begin, end, look, opaque in _row(row, rate):
            layers.append(((height,), begin, end, look, opaque))
    return covered(layers, rate)


def _exact(time: otio.opentime.RationalTime, rate: Fraction) -> Fraction:
    return Fraction(round(time.rescaled_to(float(rate)).value * 1000), 1000) / rate


def _row(row, rate: Fraction) -> list[list]:
    if not isinstance(row, otio.schema.Track):
        length = _exact(row.trimmed_range().duration, rate)
        look = _item_look(row, rate)
        return [[Fraction(0), length, look, True]] if look else []
    own = []
    end_of_row = _exact(row.duration(), rate)
    trimmed = row.source_range
    head = (
        _exact(trimmed.start_time, rate)
        if trimmed and trimmed.start_time.value > 0
        else Fraction(0)
    )
    for child in row:
        if isinstance(child, otio.schema.Transition):
            continue
        span = row.range_of_child(child)
        begin = _exact(span.start_time, rate) - head
        look = _item_look(child, rate) if child.enabled else None
        opaque = not (isinstance(look, tuple) and look[0] == "title")
        own.append([begin, begin + _exact(span.duration, rate), look, opaque, begin])
    place = -1
    for child in row:
        if not isinstance(child, otio.schema.Transition):
            place += 1
            continue
        cut = own[place][1] if place >= 0 else Fraction(0)
        shift = (_exact(child.out_offset, rate) - _exact(child.in_offset, rate)) / 2
        before = own[place] if place >= 0 and own[place][2] else None
        after = own[place + 1] if place + 1 < len(own) and own[place + 1][2] else None
        if before:
            before[1] = cut + shift
        if after:
            after[0] = cut + shift
    return [
        [max(b, Fraction(0)), min(e, end_of_row), late(k, b - o) if callable(k) else k, q]
        for b, e, k, q, o in own
        if k is not None and b < end_of_row
    ]


def _item_look(item, rate: Fraction) -> object:
    if isinstance(item, otio.schema.Gap):
        return None
    if isinstance(item, otio.schema.Clip):
        media, name = item.media_reference, item.name.lower()
        if any(word in name for word in UNSEEN):
            return None
        words = ("color", "solid", "matte", "bars", "leader", "black", "slug", "white")
        if isinstance(media, otio.schema.GeneratorReference):
            kind = media.generator_kind.lower()
            told = name if kind == "slug" else f"{kind} {name}"
            return ("solid" if any(w in told for w in words) else "title", next(COLOURS))
        return ("clip", next(COLOURS))
    layers: list = []
    for height, row in enumerate([item] if isinstance(item, otio.schema.Track) else item):
        if getattr(row, "kind", "Video") == "Video":
            bare = row.deepcopy() if row is item else row
            if row is item:
                bare.source_range = None
            layers += [((height,), *rest) for rest in _row(bare, rate)]
    paint = covered(layers, rate)
    if not layers:
        return ("title", next(COLOURS)) if not len(item) else None
    first = item.trimmed_range().start_time
    start = _exact(first, rate)
    speed = Fraction(1)
    for effect in item.effects:
        if isinstance(effect, otio.schema.LinearTimeWarp):
            speed *= Fraction(effect.time_scalar).limit_denominator(10**6)

    def at(inside: Fraction) -> object:
        frame = math.floor((start + inside * speed) * rate + Fraction(1, 1000))
        return paint[frame] if 0 <= frame < len(paint) else None

    return at
