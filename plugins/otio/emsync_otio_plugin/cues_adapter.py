"""Cue sheets as timelines: `otioconvert -i cues.json --input-adapter emsync_cues -o cues.otio`.

A sheet becomes the film cut at its boundaries, with a marker at each hit and a track on which each
cue is a clip. A timeline that holds a sheet (emsync placed a score on it) becomes that sheet. It
claims no suffix: .json is everybody's.
"""

from __future__ import annotations

import json

import opentimelineio as otio

from emsync import wire
from emsync_otio import timeline_of_sheet

__all__ = ["read_from_string", "write_to_string"]


def read_from_string(input_str: str) -> otio.schema.Timeline:
    """A cue sheet's JSON as a timeline."""
    sheet = wire.cue_sheet_from_dict(json.loads(input_str), origin="The cue sheet")
    return timeline_of_sheet(sheet)


def write_to_string(input_otio: otio.schema.Timeline) -> str:
    """The cue sheet inside a timeline; ValueError where there is none."""
    own = input_otio.metadata.get("emsync", {})
    if "cue_sheet" not in own:
        raise ValueError(
            f"The timeline '{input_otio.name}' holds no cue sheet of emsync: "
            "make one with 'emsync spot'."
        )
    plain = json.loads(otio.adapters.write_to_string(_holder(own["cue_sheet"]), "otio_json"))
    sheet = wire.cue_sheet_from_dict(plain["metadata"]["cue_sheet"], origin="The cue sheet")
    return wire.dumps(sheet)


def _holder(value: object) -> otio.schema.SerializableCollection:
    """Something that can be written, to get Python's own lists and dictionaries back."""
    return otio.schema.SerializableCollection(metadata={"cue_sheet": value})
