"""Final Cut Pro 7 XML, as Premiere and Resolve write it, with what the adapter leaves out."""

from __future__ import annotations

from pathlib import Path

import opentimelineio as otio

__all__ = ["read_timeline"]


def read_timeline(path: Path) -> otio.core.SerializableObject:
    """Read with otio-fcp-adapter, then switch off what the editor had switched off."""
    opened = otio.adapters.read_from_file(str(path), adapter_name="fcp_xml")
    timelines = (
        [opened]
        if isinstance(opened, otio.schema.Timeline)
        else [child for child in opened if isinstance(child, otio.schema.Timeline)]
        if isinstance(opened, otio.schema.SerializableCollection)
        else []
    )
    for timeline in timelines:
        _disable_in_place(timeline.tracks)
    return opened


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
