"""A double of DaVinci Resolve that fails the way the real one is known to fail.

Each class has the name of its stub in `fusionscript-stubs`; a test holds both together. What the
real one does that its documentation does not say:

- `recordFrame` counts from the start timecode, markers from the first frame, as floats;
- `AddTrack("audio")` is mono unless told otherwise, and a stereo sound does not land there;
- `AppendToTimeline` drops what overlaps, yet returns an item for it; a frame that is not whole ends
  the batch; `endFrame` is inclusive or exclusive by version;
- a sound keeps the frame rate that the project had when it was imported;
- transitions are items without media over the cut;
- what is missing vanishes from `ImportMedia`;
- `DeleteClips` works on the Edit page alone; `Export` wants the handle's own enumeration values;
- names of timelines that are there refuse an import; one frame holds one marker;
- a call that only Studio has raises a dialogue, after which every call answers False;
- whatever name one asks for is there (`hasattr` is always true), and None.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import wraps
from pathlib import Path
from typing import Any

from emsync.timecode import RationalTime, timecode_of

SINCE = {"GetSourceStartTime": (19, 1), "GetSourceEndTime": (19, 1), "GetMarkInOut": (19, 1)}
STUDIO_ONLY = ("DetectSceneCuts", "CreateSubtitlesFromAudio", "AnalyzeDolbyVision")


@dataclass
class Profile:
    """One way that a Resolve may be."""

    rate: str = "24"
    """As its settings say it."""
    start: int = 86_400
    """Start timecode, as a count."""
    end_is_inclusive: bool = True
    """How it reads `endFrame`, and what GetEndFrame gives."""
    studio: bool = True
    version: tuple[int, int, int] = (19, 1, 3)

    @property
    def exact_rate(self) -> Fraction:
        """Frames per second."""
        number = self.rate.split()[0]
        return (
            Fraction(int(number))
            if number.isdecimal()
            else Fraction(round(float(number)) * 1000, 1001)
        )


@dataclass
class Application:
    """What all handles of one Resolve share."""

    profile: Profile
    page: str = "edit"
    dialogue_is_open: bool = False
    lost_appends: int = 0
    """How many appends return an item that is not there."""
    most_tracks: int = 128
    calls: list[str] = field(default_factory=list)


def api(method: Callable[..., Any]) -> Callable[..., Any]:
    """A call of the API: counted, and False while a dialogue is open."""

    @wraps(method)
    def called(self: Handle, *arguments: Any) -> Any:
        self._app.calls.append(method.__name__)
        return False if self._app.dialogue_is_open else method(self, *arguments)

    called.is_api = True  # type: ignore[attr-defined]
    return called


class Handle:
    """Anything that the API gives."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def __getattribute__(self, name: str) -> Any:
        since = SINCE.get(name)
        if since and object.__getattribute__(self, "_app").profile.version < since:
            return None
        return object.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return None

    def __dir__(self) -> list[str]:
        version = self._app.profile.version
        return [name for name in super().__dir__() if SINCE.get(name, version) <= version]


class Resolve(Handle):
    """The application."""

    def __init__(self, profile: Profile | None = None) -> None:
        super().__init__(Application(profile or Profile()))
        self._projects = ProjectManager(self._app)
        self.EXPORT_OTIO, self.EXPORT_NONE = object(), object()
        self._app.calls.clear()
        self._projects._project._pool._resolve = self

    @api
    def GetProductName(self) -> str:
        return "DaVinci Resolve Studio" if self._app.profile.studio else "DaVinci Resolve"

    @api
    def GetVersion(self) -> list[Any]:
        return [*self._app.profile.version, 7, ""]

    @api
    def GetProjectManager(self) -> ProjectManager:
        return self._projects

    @api
    def OpenPage(self, pageName: str) -> bool:
        self._app.page = pageName
        return True

    @api
    def GetCurrentPage(self) -> str:
        return self._app.page

    def timeline(self) -> Timeline:
        """The open one; for tests."""
        return self._projects._project._timelines[0]

    @property
    def app(self) -> Application:
        """For tests."""
        return self._app


class ProjectManager(Handle):
    def __init__(self, app: Application) -> None:
        super().__init__(app)
        self._project: Any = Project(app)

    @api
    def GetCurrentProject(self) -> Any:
        return self._project


class Project(Handle):
    def __init__(self, app: Application) -> None:
        super().__init__(app)
        self._pool = MediaPool(app, self)
        self._timelines = [Timeline(app, self, "Reel 1")]

    @api
    def GetName(self) -> str:
        return "Film"

    @api
    def GetMediaPool(self) -> MediaPool:
        return self._pool

    @api
    def GetCurrentTimeline(self) -> Timeline | None:
        return self._timelines[0] if self._timelines else None

    @api
    def GetTimelineCount(self) -> int:
        return len(self._timelines)

    @api
    def GetTimelineByIndex(self, idx: int) -> Timeline | None:
        return self._timelines[idx - 1] if 1 <= idx <= len(self._timelines) else None


class Folder(Handle):
    def __init__(self, app: Application, name: str) -> None:
        super().__init__(app)
        self._name = name
        self._clips: list[MediaPoolItem] = []
        self._folders: list[Folder] = []

    @api
    def GetName(self) -> str:
        return self._name

    @api
    def GetClipList(self) -> list[MediaPoolItem]:
        return list(self._clips)

    @api
    def GetSubFolderList(self) -> list[Folder]:
        return list(self._folders)


class MediaPoolItem(Handle):
    def __init__(self, app: Application, path: str, frames: int, channels: int = 2) -> None:
        super().__init__(app)
        self._path, self._frames, self._channels = path, frames, channels

    @api
    def GetClipProperty(self, propertyName: str | None = None) -> Any:
        known = {"File Path": self._path, "File Name": Path(self._path).name}
        return known.get(propertyName, "") if propertyName else known


class MediaPool(Handle):
    def __init__(self, app: Application, project: Project) -> None:
        super().__init__(app)
        self._project = project
        self._root = Folder(app, "Master")
        self._current = self._root
        self._resolve: Any = None
        self._import_rate = app.profile.exact_rate

    @api
    def GetRootFolder(self) -> Folder:
        return self._root

    @api
    def GetCurrentFolder(self) -> Folder:
        return self._current

    @api
    def SetCurrentFolder(self, folder: Folder) -> bool:
        self._current = folder
        return True

    @api
    def AddSubFolder(self, folder: Folder, name: str) -> Folder:
        made = Folder(self._app, name)
        folder._folders.append(made)
        return made

    @api
    def ImportMedia(self, items: list[str]) -> list[MediaPoolItem]:
        found = []
        for path in items:
            if Path(path).is_file():
                frames, channels = _sound(Path(path), self._import_rate)
                found.append(MediaPoolItem(self._app, path, frames, channels))
        self._current._clips += found
        return found

    @api
    def AppendToTimeline(self, clipInfo: list[dict[str, Any]]) -> list[Any]:
        timeline = self._project._timelines[0]
        if any(not isinstance(info["recordFrame"], int) for info in clipInfo):
            return []
        laid = []
        for info in clipInfo:
            track = timeline._tracks["audio"][info["trackIndex"] - 1]
            media = info["mediaPoolItem"]
            item = TimelineItem(
                self._app, Path(media._path).name, info["recordFrame"], media._frames, media
            )
            laid.append(item)
            overlaps = any(
                item._start < other._start + other._length
                and other._start < item._start + item._length
                for other in track.items
            )
            if self._app.lost_appends:
                self._app.lost_appends -= 1
            elif not overlaps and not (track.sub_type == "mono" and media._channels > 1):
                track.items.append(item)
        return laid

    @api
    def ImportTimelineFromFile(self, filePath: str, importOptions: dict[str, Any]) -> Any:
        name = importOptions["timelineName"]
        if not Path(filePath).is_file() or name in [t._name for t in self._project._timelines]:
            return None
        made = Timeline(self._app, self._project, name)
        self._project._timelines.append(made)
        return made


@dataclass
class Track:
    """A lane; not the API's."""

    name: str
    sub_type: str = ""
    items: list[TimelineItem] = field(default_factory=list)
    enabled: bool = True
    locked: bool = False


class Timeline(Handle):
    def __init__(self, app: Application, project: Project, name: str) -> None:
        super().__init__(app)
        self._project, self._name, self._start = project, name, app.profile.start
        self._tracks: dict[str, list[Track]] = {
            "video": [Track("Video 1")],
            "audio": [Track("Audio 1", "stereo")],
        }
        self._markers: dict[float, dict[str, Any]] = {}
        self._in_out: tuple[int, int] | None = None
        self._playhead = timecode_of(RationalTime(self._start, app.profile.exact_rate))

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
            "customData": customData or "",
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


def snapshot(resolve: Resolve) -> Any:
    """Everything that a user could see of a timeline, to compare before and after."""
    timeline = resolve.timeline()
    rows: list[Any] = []
    for kind, tracks in timeline._tracks.items():
        for track in tracks:
            items = [
                (i._name, i._start, i._length, i._media and i._media._path) for i in track.items
            ]
            rows.append((kind, track.name, track.sub_type, track.enabled, track.locked, items))
    pool = resolve._projects._project._pool
    where = (resolve.app.page, timeline._playhead, pool._current._name)
    return rows, timeline.GetMarkers(), where


def profiles() -> Sequence[Profile]:
    """Five rates, each from 0 and from one hour, with both readings of `endFrame`."""
    hours = {
        "23.976": 86_400,
        "24": 86_400,
        "25": 90_000,
        "29.97": 108_000,
        "29.97 DF": 107_892,
    }
    return [
        Profile(rate, start, inclusive)
        for rate, hour in hours.items()
        for start in (0, hour)
        for inclusive in (True, False)
    ]


def _sound(path: Path, rate: Fraction) -> tuple[int, int]:
    """Frames that a sound fills at a rate, and its channels."""
    with wave.open(str(path), "rb") as file:
        seconds = Fraction(file.getnframes(), file.getframerate())
        return int(seconds * rate), file.getnchannels()
