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
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.hosts.fake_application import Application, Handle, Profile, api, exact
from tests.hosts.fake_timeline import MediaPoolItem, Timeline, TimelineItem

__all__ = [
    "Folder",
    "Handle",
    "MediaPool",
    "MediaPoolItem",
    "Profile",
    "Project",
    "ProjectManager",
    "Resolve",
    "Timeline",
    "TimelineItem",
    "profiles",
    "snapshot",
]


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
    def GetSetting(self, settingName: str) -> Any:
        rate = self._app.project_rate or self._app.profile.rate
        return rate if settingName == "timelineFrameRate" else ""

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


class MediaPool(Handle):
    def __init__(self, app: Application, project: Project) -> None:
        super().__init__(app)
        self._project = project
        self._root = Folder(app, "Master")
        self._current = self._root
        self._resolve: Any = None

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
            hidden = self._app.unreachable is not None and self._app.unreachable in path
            if Path(path).is_file() and not hidden:
                rate = exact(self._app.project_rate or self._app.profile.rate)
                frames, channels = _sound(Path(path), rate)
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
            length = media._frames
            if "endFrame" in info:
                length = info["endFrame"] - info["startFrame"]
                length += int(self._app.profile.end_is_inclusive)
            item = TimelineItem(
                self._app, Path(media._path).name, info["recordFrame"], length, media
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
