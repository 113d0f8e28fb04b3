"""The double's timeline: tracks, items, markers, and how the real one fails with them."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.hosts.fake_application import Application, Handle, api

from emsync.timecode import RationalTime, parse_timecode, timecode_of


class MediaPoolItem(Handle):
    def __init__(self, app: Application, path: str, frames: int, channels: int = 2) -> None:
        super().__init__(app)
        self._path, self._frames, self._channels = path, frames, channels

    @api
    def GetClipProperty(self, propertyName: str | None = None) -> Any:
        form: Any = "NFD" if self._app.decomposes_paths else "NFC"
        path = unicodedata.normalize(form, self._path)
        known = {"File Path": path, "File Name": Path(path).name}
        return known.get(propertyName, "") if propertyName else known


@dataclass
class Track:
    """A lane; not the API's."""

    name: str
    sub_type: str = ""
    items: list[TimelineItem] = field(default_factory=list)
    enabled: bool = True
    locked: bool = False


class Timeline(Handle):
    def __init__(self, app: Application, project: Any, name: str) -> None:
        super().__init__(app)
        self._project, self._name, self._start = project, name, app.profile.start
        self._tracks: dict[str, list[Track]] = {
            "video": [Track("Video 1")],
            "audio": [Track("Audio 1", "stereo")],
        }
        self._markers: dict[float, dict[str, Any]] = {}
        self._in_out: tuple[int, int] | None = None
        self._playhead = timecode_of(
            RationalTime(self._start, app.profile.exact_rate),
            drop_frame=app.profile.rate.endswith("DF"),
        )

    @api
    def GetName(self) -> str:
        return self._name

    @api
    def GetSetting(self, settingName: str) -> Any:
        return self._app.profile.rate if settingName == "timelineFrameRate" else ""

    @api
    def GetStartFrame(self) -> int:
        return self._start

    @api
    def GetEndFrame(self) -> int:
        ends = [i._start + i._length for row in self._tracks["video"] for i in row.items]
        return max(ends, default=self._start) - int(self._app.profile.end_is_inclusive)

    @api
    def GetTrackCount(self, trackType: str) -> int:
        return len(self._tracks[trackType])

    @api
    def AddTrack(self, trackType: str, subTrackType: str = "mono") -> bool:
        if len(self._tracks[trackType]) >= self._app.most_tracks:
            return False
        number = len(self._tracks[trackType]) + 1
        self._tracks[trackType].append(Track(f"{trackType.title()} {number}", subTrackType))
        return True

    @api
    def DeleteTrack(self, trackType: str, trackIndex: int) -> bool:
        if self._tracks[trackType][trackIndex - 1].locked:
            return False
        del self._tracks[trackType][trackIndex - 1]
        return True

    @api
    def GetTrackSubType(self, trackType: str, trackIndex: int) -> str:
        return self._tracks[trackType][trackIndex - 1].sub_type

    @api
    def GetTrackName(self, trackType: str, trackIndex: int) -> str:
        return self._tracks[trackType][trackIndex - 1].name

    @api
    def SetTrackName(self, trackType: str, trackIndex: int, name: str) -> bool:
        self._tracks[trackType][trackIndex - 1].name = name
        return True

    @api
    def GetIsTrackEnabled(self, trackType: str, trackIndex: int) -> bool:
        return self._tracks[trackType][trackIndex - 1].enabled

    @api
    def GetIsTrackLocked(self, trackType: str, trackIndex: int) -> bool:
        return self._tracks[trackType][trackIndex - 1].locked

    @api
    def GetItemListInTrack(self, trackType: str, index: int) -> list[TimelineItem] | None:
        items = self._tracks[trackType][index - 1].items
        return sorted(items, key=lambda item: item._start) or None

    @api
    def DeleteClips(self, timelineItems: list[TimelineItem], Bool: bool = False) -> bool:
        if self._app.page != "edit":
            return False
        for row in (*self._tracks["video"], *self._tracks["audio"]):
            row.items = [item for item in row.items if item not in timelineItems]
        return True

    @api
    def AddMarker(
        self,
        frameId: float,
        color: str,
        name: str,
        note: str,
        duration: float,
        customData: str | None = None,
    ) -> bool:
        if float(frameId) in self._markers:
            return False
        self._markers[float(frameId)] = {
            "color": color,
            "duration": duration,
            "note": note,
            "name": name,
            "customData": (customData or "")[: self._app.most_custom_data],
        }
        return True

    @api
    def GetMarkers(self) -> dict[float, dict[str, Any]]:
        return {frame: dict(marker) for frame, marker in self._markers.items()}

    @api
    def DeleteMarkerAtFrame(self, frameNum: float) -> bool:
        return self._markers.pop(float(frameNum), None) is not None

    @api
    def GetMarkInOut(self) -> dict[str, Any]:
        if self._in_out is None:
            return {}
        return {"video": {"in": self._in_out[0], "out": self._in_out[1]}}

    @api
    def GetCurrentVideoItem(self) -> TimelineItem | None:
        parsed = parse_timecode(self._playhead, self._app.profile.exact_rate)
        rows = [track.items for track in reversed(self._tracks["video"]) if track.enabled]
        for item in (item for row in rows for item in row):
            if item._media and item._start <= parsed.value < item._start + item._length:
                return item
        return None

    @api
    def GetCurrentTimecode(self) -> str:
        return self._playhead

    @api
    def SetCurrentTimecode(self, timecode: str) -> bool:
        self._playhead = timecode
        return True

    @api
    def Export(self, fileName: str, exportType: object, exportSubtype: object) -> bool:
        resolve = self._project._pool._resolve
        if exportType is not resolve.EXPORT_OTIO or exportSubtype is not resolve.EXPORT_NONE:
            return False
        Path(fileName).write_text('{"OTIO_SCHEMA": "Timeline.1"}', encoding="utf-8")
        return True

    @api
    def DetectSceneCuts(self) -> bool:
        if not self._app.profile.studio:
            self._app.dialogue_is_open = True
        return self._app.profile.studio

    def put(
        self,
        kind: str,
        row: int,
        name: str,
        at: tuple[int, int],
        media: str | None = None,
        **more: Any,
    ) -> TimelineItem:
        """Lay an item as a user would; for tests. at: first frame and length, from 0."""
        while len(self._tracks[kind]) < row:
            self._tracks[kind].append(Track(f"{kind.title()} {row}", "stereo"))
        pool_item = MediaPoolItem(self._app, media, 10_000) if media else None
        item = TimelineItem(self._app, name, self._start + at[0], at[1], pool_item, **more)
        self._tracks[kind][row - 1].items.append(item)
        return item


class TimelineItem(Handle):
    def __init__(
        self,
        app: Application,
        name: str,
        start: int,
        length: int,
        media: MediaPoolItem | None,
        *,
        offset: int = 0,
        speed: float = 1.0,
        enabled: bool = True,
    ) -> None:
        super().__init__(app)
        self._name, self._start, self._length, self._media = name, start, length, media
        self._offset, self._speed, self._enabled = offset, speed, enabled

    @api
    def GetName(self) -> str:
        return self._name

    @api
    def GetStart(self, subframe_precision: bool | None = None) -> float:
        return self._whole(self._start, subframe_precision)

    @api
    def GetEnd(self, subframe_precision: bool | None = None) -> float:
        return self._whole(self._start + self._length, subframe_precision)

    @api
    def GetDuration(self, subframe_precision: bool | None = None) -> float:
        return self._whole(self._length, subframe_precision)

    @api
    def GetLeftOffset(self, subframe_precision: bool | None = None) -> float:
        return self._whole(self._offset, subframe_precision)

    @api
    def GetSourceStartTime(self) -> float:
        return float(self._offset / self._app.profile.exact_rate)

    @api
    def GetSourceEndTime(self) -> float:
        rate = self._app.profile.exact_rate
        return float(self._offset / rate) + float(self._length / rate) * self._speed

    @api
    def GetClipEnabled(self) -> bool:
        return self._enabled

    @api
    def GetMediaPoolItem(self) -> MediaPoolItem | None:
        return self._media

    def _whole(self, frames: int, subframe_precision: bool | None) -> float:
        if self._app.profile.version[:2] < (19, 1):
            if subframe_precision is not None:
                raise TypeError("takes no argument before 19.1")
            return frames
        return float(frames) if subframe_precision else frames
