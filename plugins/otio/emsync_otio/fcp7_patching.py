"""Stems and hits into the editor's own Final Cut Pro 7 XML: its bytes stay, elements are added.

The format has no metadata. What emsync must know again travels in fields that editors keep and
show: a clip's master comment, a marker's comment. The cue sheet does not fit; it stays in .otio.
"""

from __future__ import annotations

from fractions import Fraction
from xml.etree.ElementTree import Element, SubElement

import opentimelineio as otio

from emsync.errors import OutputError
from emsync_otio.clock import exact_seconds, seconds_range
from emsync_otio.own import (
    OWN_KEY,
    comment_of,
    is_own,
    is_own_comment,
    own_stem,
    own_tracks_of,
)
from emsync_otio.xml_text import Node, XmlText

__all__ = ["fill", "patched", "rate_element"]


def patched(source: bytes, timeline: otio.schema.Timeline, rate: Fraction) -> bytes:
    """The XML `source` with the stems and hits that lie on `timeline`, its own reading.

    What an earlier run of emsync put there is taken out first.
    """
    text = XmlText(source)
    sequence = _sequence(text.root)
    media = sequence.first("media")
    if media is None:
        raise OutputError("The XML holds no tracks that stems could join. Write it as .otio.")
    _remove_own_in_place(text, sequence)
    tracks = own_tracks_of(timeline)
    audio = media.first("audio")
    made = Element("audio")
    for number, track in enumerate(tracks, start=1):
        element = _stem_track(track, number, rate)
        if audio is None:
            made.append(element)
        else:
            text.insert(audio, _behind_tracks(audio), element)
    if audio is None and tracks:
        text.append(media, made)
    for marker in filter(is_own, timeline.tracks.markers):
        text.append(sequence, _marker(marker, rate))
    return text.result()


def _sequence(root: Node) -> Node:
    """The sequence that the reader took: the first outside others that has items, and that no
    other holds by its name."""
    outer = [node for node in root.iter("sequence") if not _is_inside_sequence(node)]
    held = {each.get("id") for clip in root.iter("clipitem") for each in clip.all("sequence")}
    found = [node for node in outer if node.get("id") not in held - {""}] or outer
    filled = [
        node for node in found if any(node.iter("clipitem")) or any(node.iter("generatoritem"))
    ]
    if not (filled or found):
        raise OutputError("The XML holds no sequence. Write the timeline as .otio.")
    return (filled or found)[0]


def _is_inside_sequence(node: Node) -> bool:
    above = node.parent
    while above is not None:
        if above.tag == "sequence":
            return True
        above = above.parent
    return False


def _remove_own_in_place(text: XmlText, sequence: Node) -> None:
    for track in sequence.iter("track"):
        clips = track.all("clipitem", "generatoritem")
        own = [clip for clip in clips if is_own_comment(_comment(clip))]
        for clip in own if len(own) < len(clips) else ():
            text.remove(clip)
        if own and len(own) == len(clips):
            text.remove(track)
    for marker in sequence.all("marker"):
        said = marker.first("comment")
        if said is not None and is_own_comment(said.text):
            text.remove(marker)


def _comment(clip: Node) -> str:
    node = clip.first("comments", "mastercomment1")
    return node.text if node is not None else ""


def _behind_tracks(audio: Node) -> int:
    """Behind the last track; what else an <audio> holds may stand anywhere."""
    tracks = [index for index, child in enumerate(audio.children) if child.tag == "track"]
    return tracks[-1] + 1 if tracks else len(audio.children)


def _stem_track(track: otio.schema.Track, number: int, rate: Fraction) -> Element:
    """A stereo track with one stem."""
    begin_s, clip = own_stem(track)
    begin = int(begin_s * rate)
    frames = int(seconds_range(clip.source_range)[1] * rate)
    about = clip.media_reference.metadata[OWN_KEY]
    element = Element("track", {"MZ.TrackName": track.name, "premiereTrackType": "Stereo"})
    numbers = {"id": f"emsync-clip-{number}", "premiereChannelType": "stereo"}
    item = SubElement(element, "clipitem", numbers)
    fill(item, {"name": clip.name, "enabled": "TRUE", "duration": str(frames)})
    item.append(rate_element(rate))
    fill(item, {"start": str(begin), "end": str(begin + frames), "in": "0", "out": str(frames)})
    file = SubElement(item, "file", {"id": f"emsync-file-{number}"})
    fill(file, {"name": clip.name, "pathurl": clip.media_reference.target_url})
    file.append(rate_element(rate))
    fill(file, {"duration": str(frames)})
    audio = SubElement(SubElement(file, "media"), "audio")
    samples = SubElement(audio, "samplecharacteristics")
    fill(samples, {"depth": "24", "samplerate": str(int(about["sample_rate_hz"]))})
    fill(audio, {"channelcount": "2"})
    fill(SubElement(item, "sourcetrack"), {"mediatype": "audio", "trackindex": "1"})
    fill(SubElement(item, "comments"), {"mastercomment1": comment_of(clip)})
    fill(element, {"enabled": "TRUE", "locked": "FALSE", "outputchannelindex": "1"})
    return element


def _marker(marker: otio.schema.Marker, rate: Fraction) -> Element:
    at = int(exact_seconds(marker.marked_range.start_time) * rate)
    element = Element("marker")
    fill(
        element,
        {
            "name": marker.name,
            "comment": comment_of(marker),
            "in": str(at),
            "out": str(at + 1),
        },
    )
    return element


def rate_element(rate: Fraction) -> Element:
    """A rate as the format has it: whole frames, and whether it is a thousandth slower."""
    element = Element("rate")
    whole = -(-rate.numerator // rate.denominator)
    fill(element, {"timebase": str(whole), "ntsc": "FALSE" if rate == whole else "TRUE"})
    return element


def fill(element: Element, values: dict[str, str]) -> None:
    """Add elements that hold nothing but text."""
    for name, value in values.items():
        SubElement(element, name).text = value
