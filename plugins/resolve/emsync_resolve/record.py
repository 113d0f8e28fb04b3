"""Run inside a real Resolve, on a scratch project: writes down what it answers to what we ask.

The transcript is what the tests' double must reproduce: `pytest tests/hosts --replay FILE`. It adds
two tracks, one sound and two markers to the open timeline, and takes them out again.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
import wave
from typing import Any, Dict, List

__all__ = ["record"]

LONG_NOTE = 200_000


class _Recorder:
    """Calls, and keeps each call with its answer; handles become their class' name."""

    def __init__(self) -> None:
        self.calls: List[Dict[str, Any]] = []

    def call(self, name: str, thing: Any, method: str, *arguments: Any) -> Any:
        if method not in dir(thing):
            answer: Any = None
            self.calls.append({"on": name, "method": method, "missing": True})
            return answer
        answer = getattr(thing, method)(*arguments)
        self.calls.append(
            {
                "on": name,
                "method": method,
                "arguments": [_plain(each) for each in arguments],
                "answer": _plain(answer),
            }
        )
        return answer


def record(resolve: Any, path: str) -> int:
    """Ask a Resolve with an open timeline; writes the transcript, returns how many calls."""
    recorder = _Recorder()
    call = recorder.call
    call("resolve", resolve, "GetProductName")
    version = call("resolve", resolve, "GetVersion")
    project = call("projects", resolve.GetProjectManager(), "GetCurrentProject")
    timeline = call("project", project, "GetCurrentTimeline")
    pool = call("project", project, "GetMediaPool")
    call("resolve", resolve, "OpenPage", "edit")
    call("timeline", timeline, "GetSetting", "timelineFrameRate")
    start = call("timeline", timeline, "GetStartFrame")
    call("timeline", timeline, "GetEndFrame")
    call("timeline", timeline, "GetStartTimecode")
    call("timeline", timeline, "GetMarkInOut")
    call("timeline", timeline, "GetCurrentTimecode")
    call("timeline", timeline, "GetCurrentVideoItem")
    call("project", project, "GetSetting", "timelineFrameRate")
    for kind in ("video", "audio"):
        for index in range(1, (call("timeline", timeline, "GetTrackCount", kind) or 0) + 1):
            for item in call("timeline", timeline, "GetItemListInTrack", kind, index) or []:
                whole = (False,) if tuple(version[:2]) >= (19, 1) else ()
                for method in ("GetStart", "GetDuration", "GetEnd", "GetLeftOffset"):
                    call(f"{kind} item", item, method, *whole)
    before = call("timeline", timeline, "GetTrackCount", "audio")
    sound = _second_of_sound()
    items = call("pool", pool, "ImportMedia", [sound, sound + ".missing"]) or []
    for sub_type in ("mono", "stereo"):
        call("timeline", timeline, "AddTrack", "audio", sub_type)
        index = before + (1 if sub_type == "mono" else 2)
        call("timeline", timeline, "GetTrackSubType", "audio", index)
    for item in items[:1]:
        info = {"mediaPoolItem": item, "mediaType": 2, "trackIndex": before + 2}
        call("pool", pool, "AppendToTimeline", [{**info, "recordFrame": start + 24}])
        call("pool", pool, "AppendToTimeline", [{**info, "recordFrame": start + 30}])  # overlaps
        laid = call("timeline", timeline, "GetItemListInTrack", "audio", before + 2) or []
        recorder.calls.append({"on": "audio item", "method": "count", "answer": len(laid)})
    call("timeline", timeline, "AddMarker", 12.0, "Green", "emsync", "", 1.0, "{}")
    call("timeline", timeline, "AddMarker", 12.0, "Red", "emsync", "", 1.0, "{}")  # one a frame
    call("timeline", timeline, "GetMarkers")
    call("timeline", timeline, "DeleteMarkerAtFrame", 12.0)
    recorder.calls.append(
        {"on": "marker", "method": "custom data", "answer": _letters_kept(timeline)}
    )
    for index in (before + 2, before + 1):
        call("timeline", timeline, "DeleteTrack", "audio", index)
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"version": list(version), "calls": recorder.calls}, file, indent=1)
    return len(recorder.calls)


def _letters_kept(timeline: Any) -> int:
    """How much custom data a marker keeps, of a long note's length."""
    timeline.AddMarker(13.0, "Green", "emsync", "", 1.0, "x" * LONG_NOTE)
    kept = [m for frame, m in (timeline.GetMarkers() or {}).items() if round(float(frame)) == 13]
    timeline.DeleteMarkerAtFrame(13.0)
    return len(kept[0].get("customData") or "") if kept else 0


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return f"<{type(value).__name__}>"


def _second_of_sound() -> str:
    path = os.path.join(tempfile.mkdtemp(prefix="emsync-record-"), "second.wav")
    with wave.open(path, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(struct.pack("<hh", 0, 0) * 48000)
    return path
