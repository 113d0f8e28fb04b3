"""Final Cut Pro 7 XML, as Premiere and Resolve write it, with what the adapter leaves out.

The format has no metadata. What emsync must know again travels in fields that editors keep and
show: a clip's master comment, a marker's comment. The cue sheet does not fit; it stays in .otio.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import opentimelineio as otio

from emsync.errors import TimelineError
from emsync_otio.counting import state_drop_frame_in_place
from emsync_otio.own import recover_in_place, recover_tracks_in_place
from emsync_otio.picture_size import state_picture_size_in_place

__all__ = ["read_timeline"]

_DEEPEST = 32


def read_timeline(path: Path) -> otio.core.SerializableObject:
    """Read with otio-fcp-adapter, and add what it leaves in its metadata (1.0.0).

    That is: what is switched off, speeds, track names, drop-frame counting, and our own.
    """
    root = ElementTree.parse(path).getroot()
    sizes = {
        sequence.findtext("name", ""): tuple(
            sequence.findtext(f"media/video/format/samplecharacteristics/{side}", "")
            for side in ("width", "height")
        )
        for sequence in root.iter("sequence")
    }
    nested = {clip.get("id") for clip in root.iterfind(".//clipitem/sequence")} - {None}
    _mend_in_place(root)
    _spell_out_nested_in_place(root)
    _rate_tracks_in_place(root)
    _lift_nested_in_place(root)
    written = ElementTree.tostring(root, encoding="unicode")
    opened = _without_nested(
        otio.adapters.read_from_string(written, adapter_name="fcp_xml"), nested
    )
    for timeline in _timelines(opened):
        _disable_in_place(timeline.tracks)
        _set_speeds_in_place(timeline)
        _name_tracks_in_place(timeline)
        said = timeline.metadata.get("fcp_xml", {}).get("timecode", {})
        if isinstance(said, Mapping) and said.get("displayformat") in ("DF", "NDF"):
            state_drop_frame_in_place(timeline, said["displayformat"] == "DF")
        if (size := sizes.get(timeline.name)) is not None:
            state_picture_size_in_place(timeline, *size)
        _recover_own_in_place(timeline)
    return opened


def _mend_in_place(root: ElementTree.Element) -> None:
    """Give what the format leaves to choice and the adapter (1.0.0) cannot do without."""
    for item in root.iter("transitionitem"):
        if item.find("alignment") is None:
            ElementTree.SubElement(item, "alignment").text = "center"
        if item.find("effect") is None:
            effect = ElementTree.SubElement(item, "effect")
            ElementTree.SubElement(effect, "name").text = "Cross Dissolve"
    for item in root.iter("clipitem"):
        if all(item.find(tag) is None for tag in ("file", "sequence")):
            ElementTree.SubElement(item, "file")  # an adjustment layer, a multiclip
        if item.find("in") is None:
            ElementTree.SubElement(item, "in").text = "0"
    for effect in root.iterfind(".//generatoritem/effect"):
        if effect.findtext("effecttype") != "generator":
            for told in effect.findall("effecttype"):
                effect.remove(told)
            ElementTree.SubElement(effect, "effecttype").text = "generator"
    for parent in root.iter():
        for marker in parent.findall("marker"):
            if marker.find("in") is None:
                parent.remove(marker)
            elif marker.find("out") is None:
                ElementTree.SubElement(marker, "out").text = "-1"
        for effect in [each for each in parent.findall("filter") if each.find("effect") is None]:
            parent.remove(effect)


def _spell_out_nested_in_place(root: ElementTree.Element) -> None:
    """A sequence that is only named, and told elsewhere in the file, is put where it is named."""
    named = {
        each.get("id")
        for each in root.iterfind(".//clipitem/sequence")
        if each.find("media") is None
    }
    told = {
        each.get("id"): copy.deepcopy(each)
        for each in root.iter("sequence")
        if each.get("id") in named and each.find("media") is not None
    }
    waiting: list[tuple[ElementTree.Element, tuple[str | None, ...]]]
    waiting = [(each, (each.get("id"),)) for each in _outermost(root)]
    while waiting:
        outer, trail = waiting.pop()
        if len(trail) > _DEEPEST:
            raise TimelineError("The timeline nests sequences too deeply to be read.")
        for each in _outermost(outer):
            name = each.get("id")
            if name is not None and name in trail:
                raise TimelineError("The timeline nests sequences in a circle.")
            if each.find("media") is None and name in told:
                each.extend(copy.deepcopy(list(told[name])))
            each.attrib.pop("id", None)  # by which the adapter would go back to the first
            waiting.append((each, (*trail, name)))


def _outermost(element: ElementTree.Element) -> list[ElementTree.Element]:
    """The sequences below an element that lie in no other one below it."""
    found: list[ElementTree.Element] = []
    for child in element:
        found += [child] if child.tag == "sequence" else _outermost(child)
    return found


def _without_nested(
    opened: otio.core.SerializableObject, nested: set[str | None]
) -> otio.core.SerializableObject:
    """Of a project's sequences those that no other holds, unless that is none."""
    if not isinstance(opened, otio.schema.SerializableCollection):
        return opened
    inner = [
        index
        for index, child in enumerate(opened)
        if isinstance(child, otio.schema.Timeline)
        and child.metadata.get("fcp_xml", {}).get("@id") in nested
    ]
    if len(inner) < sum(isinstance(child, otio.schema.Timeline) for child in opened):
        for index in reversed(inner):
            del opened[index]
    return opened


def _rate_tracks_in_place(root: ElementTree.Element) -> None:
    """A track's rate as its first child; for each of its clips the adapter looks through them all
    for one, and so takes minutes over 20,000."""
    for sequence in root.iter("sequence"):
        rate = sequence.find("rate")
        if rate is None:
            continue
        for track in sequence.iterfind("./media/*/track"):
            track.insert(0, copy.deepcopy(rate))


def _lift_nested_in_place(root: ElementTree.Element) -> None:
    """The adapter (1.0.0) looks for the tracks of a nested sequence a level too high."""
    for nested in root.iterfind(".//clipitem/sequence"):
        media = nested.find("media")
        if media is not None:
            nested.remove(media)
            nested.extend(list(media))


def _timelines(opened: otio.core.SerializableObject) -> Iterator[otio.schema.Timeline]:
    if isinstance(opened, otio.schema.Timeline):
        yield opened
    elif isinstance(opened, otio.schema.SerializableCollection):
        yield from (child for child in opened if isinstance(child, otio.schema.Timeline))


def _disable_in_place(composition: otio.core.Composition) -> None:
    """The adapter (1.0.0) keeps <enabled>FALSE</enabled> in metadata; OTIO has a field for it."""
    for child in composition:
        if not isinstance(child, otio.core.Item):
            continue
        said = child.metadata.get("fcp_xml", {}).get("enabled")
        if str(said).upper() == "FALSE":
            child.enabled = False
        if isinstance(child, otio.core.Composition):
            _disable_in_place(child)


def _set_speeds_in_place(timeline: otio.schema.Timeline) -> None:
    """A 'timeremap' filter as OpenTimelineIO's time effect; the clip's clock is that of its media.

    Ramps (with keyframes) are taken at their mean, which the filter states as its speed.
    """
    for clip in timeline.tracks.find_children(descended_from_type=otio.core.Item):
        percent = next((said for said in map(_percent_of, clip.effects) if said is not None), None)
        if percent is None or percent == 100:
            continue
        clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=percent / 100))
        shown = clip.source_range
        reference = getattr(clip, "media_reference", None)
        media = reference.available_range if reference else None
        zero = media.start_time if media else otio.opentime.RationalTime(0, shown.duration.rate)
        inside = (shown.start_time - zero).rescaled_to(shown.duration.rate)
        start = otio.opentime.RationalTime(inside.value * percent / 100, inside.rate)
        clip.source_range = otio.opentime.TimeRange(zero + start, shown.duration)


def _percent_of(effect: otio.schema.Effect) -> float | None:
    """Speed in percent of a 'timeremap' filter; None for other effects and what is no number."""
    about = effect.metadata.get("fcp_xml", {})
    if about.get("effectid") != "timeremap":
        return None
    parameters = about.get("parameter", [])
    said = parameters if isinstance(parameters, Sequence) else [parameters]
    named = {one.get("parameterid"): one.get("value") for one in said if isinstance(one, Mapping)}
    try:
        percent = float(str(named.get("speed")))
    except ValueError:
        return None
    if not math.isfinite(percent):
        return None
    return -abs(percent) if str(named.get("reverse")).upper() == "TRUE" else percent


def _name_tracks_in_place(timeline: otio.schema.Timeline) -> None:
    """Premiere keeps a track's name in an attribute."""
    for track in timeline.tracks:
        track.metadata.get("fcp_xml", {}).pop("rate", None)  # ours
        name = track.metadata.get("fcp_xml", {}).get("@MZ.TrackName")
        if name and not track.name:
            track.name = str(name)


def _recover_own_in_place(timeline: otio.schema.Timeline) -> None:
    """Turn our comments back into metadata."""
    for marker in timeline.tracks.markers:
        said = marker.metadata.get("fcp_xml", {}).get("comment")
        recover_in_place(marker, said)
        marker.comment = marker.comment or (said if isinstance(said, str) else "")
    for clip in timeline.find_clips():
        comments = clip.metadata.get("fcp_xml", {}).get("comments")
        if isinstance(comments, Mapping):
            recover_in_place(clip, comments.get("mastercomment1"))
    recover_tracks_in_place(timeline)
