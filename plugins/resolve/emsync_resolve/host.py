"""The Resolve API in our words. What it does that its documentation does not say is said here.

- `recordFrame` counts from the timeline's start timecode, markers from its first frame, as floats.
- `AddTrack("audio")` makes a mono track unless told otherwise.
- `AppendToTimeline` may return items that are not there, drops what overlaps in silence, and reads
  `endFrame` as inclusive or exclusive by version: it is left out, whole files are laid.
- A file that is missing vanishes from what `ImportMedia` gives.
- Transitions come as items without media that lie over the cut between two clips.
- `DeleteClips` of a timeline works on the Edit page alone.
- `hasattr` is true of everything: `dir` tells.
- A sound keeps the frame rate that the project had when it was imported.
- While a dialogue is open, every call answers False.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Sequence, Tuple

from emsync_resolve.keeping import keep, kept_of, note_in, unmark
from emsync_resolve.process import HostError
from emsync_resolve.reading import read_timeline, whole_args
from emsync_resolve.words import (
    OWN_KEY,
    frame_of_timecode,
    frames_of,
    path_key,
    path_of,
    rate_of,
    rate_text,
)

__all__ = ["ResolveHost"]

BIN = "emsync"


class ResolveHost:
    """The timeline that is open."""

    def __init__(self, resolve: Any) -> None:
        """resolve: the handle that Resolve gives its scripts."""
        self._resolve = resolve

    @property
    def product(self) -> str:
        """'DaVinci Resolve' or 'DaVinci Resolve Studio'."""
        name = self._resolve.GetProductName()
        if not name:
            raise HostError(
                "DaVinci Resolve does not answer: a dialogue is open in it. Close that, and run "
                "emsync again."
            )
        return str(name)

    @property
    def version(self) -> Tuple[int, ...]:
        """Such as (19, 1, 0)."""
        return tuple(int(part) for part in self._resolve.GetVersion()[:3])

    def names(self) -> Tuple[str, str]:
        """Of the project and its timeline; empty where none is open."""
        project = self._project()
        timeline = project.GetCurrentTimeline() if project else None
        return (
            str(project.GetName()) if project else "",
            str(timeline.GetName()) if timeline else "",
        )

    def clip_span(self) -> Dict[str, int]:
        """The clip under the playhead; the API does not tell which clips are selected."""
        timeline = self._timeline()
        item = timeline.GetCurrentVideoItem()
        if not item:
            raise HostError("There is no clip under the playhead. Move it onto the one to score.")
        whole = whole_args(self.version)
        return {
            "start_frames": frames_of(item.GetStart(*whole)) - frames_of(timeline.GetStartFrame()),
            "length_frames": frames_of(item.GetDuration(*whole)),
        }

    def score_here(self) -> Tuple[str, Dict[str, Any]]:
        """The cue and note of the score under the playhead, else of the first. Raises HostError."""
        notes = sorted(self.notes().items(), key=lambda each: _edges(each[1]))
        if not notes:
            raise HostError("There is no score of emsync on this timeline. Score it first.")
        timeline = self._timeline()
        rate = rate_of(timeline.GetSetting("timelineFrameRate"))
        playhead = frame_of_timecode(str(timeline.GetCurrentTimecode()), rate)
        if playhead is not None:
            at = playhead - frames_of(timeline.GetStartFrame())
            for cue, note in notes:
                first, end = _edges(note)
                if first <= at < end:
                    return cue, note
        return notes[0]

    def is_ducked(self, cue: str) -> bool:
        """Whether the stems of a cue lie there with room for talk in them."""
        return any(kept.get("ducked") for kept in kept_of(self._timeline(), cue))

    def read(self) -> Dict[str, Any]:
        """The timeline as the JSON of `emsync.hosting.HostTimeline`."""
        return read_timeline(self._timeline(), self._stems(), self.version)

    def place(self, placement: Dict[str, Any], ducked: bool = False) -> List[str]:
        """Lay a score in place of the same cue's earlier one, all of it or nothing.

        Returns sentences about what could not be marked. Raises HostError.
        """
        timeline, cue = self._timeline(), placement["cue"]
        earlier = self._own_tracks(timeline, cue)
        self._refuse_locked(timeline, earlier)
        media = self._imported(placement, ducked)
        odd_rate = self._rate_line(timeline)
        count = timeline.GetTrackCount("audio")
        with _OnEditPage(self._resolve, timeline):
            try:
                for clip, item in zip(placement["stems"], media):
                    self._lay(timeline, clip, item)
            except HostError:
                self._drop_tracks(timeline, range(count + 1, timeline.GetTrackCount("audio") + 1))
                raise
            self._drop_tracks(timeline, earlier)
        unmark(timeline, cue)
        return [*odd_rate, *keep(timeline, placement, ducked)]

    def found(self, cue: str) -> List[Dict[str, Any]]:
        """The stems of a cue as Resolve says that they lie."""
        timeline = self._timeline()
        start = timeline.GetStartFrame()
        stems = {path_key(path): path for path in self._stems(cue)}
        found = []
        for index in range(1, timeline.GetTrackCount("audio") + 1):
            for item in timeline.GetItemListInTrack("audio", index) or []:
                path = path_of(item.GetMediaPoolItem())
                if path_key(path) in stems:
                    name = str(timeline.GetTrackName("audio", index))
                    whole = whole_args(self.version)
                    found.append(
                        {
                            "name": name,
                            "track": name,
                            "start_frames": frames_of(item.GetStart(*whole)) - start,
                            "length_frames": frames_of(item.GetDuration(*whole)),
                            "media": stems[path_key(path)],
                        }
                    )
        return found

    def remove(self, cue: str) -> int:
        """Take a score out; how many stems that were. What the user laid on our tracks stays."""
        timeline = self._timeline()
        own = self._own_tracks(timeline, cue)
        self._refuse_locked(timeline, own)
        with _OnEditPage(self._resolve, timeline):
            self._drop_tracks(timeline, own)
        unmark(timeline, cue)
        return len(own)

    def notes(self) -> Dict[str, Dict[str, Any]]:
        """What was noted of each score that lies there, by its cue."""
        notes = {}
        for kept in kept_of(self._timeline()):
            note = note_in(kept)
            if note is not None:
                notes[kept[OWN_KEY]] = note
        return notes

    def export(self, path: str) -> None:
        """The timeline as an OTIO file, for the way by files. Raises HostError."""
        handle = self._resolve
        if "EXPORT_OTIO" not in dir(handle):
            raise HostError(
                "This DaVinci Resolve cannot write OTIO files (18.5 and later can). Export the "
                "timeline as FCPXML by hand, and run 'emsync score' on it."
            )
        # The enumeration's own values, of this handle: their numbers change between versions.
        if not self._timeline().Export(path, handle.EXPORT_OTIO, handle.EXPORT_NONE):
            raise HostError(f"DaVinci Resolve did not write '{path}'. Export the timeline by hand.")

    def import_timeline(self, path: str, name: str) -> str:
        """A timeline file as a new timeline; its name. Raises HostError."""
        project = self._project()
        taken = {
            str(project.GetTimelineByIndex(index).GetName())
            for index in range(1, project.GetTimelineCount() + 1)
        }
        free, number = name, 1
        while free in taken:  # a name that is there already is refused
            number += 1
            free = f"{name} {number}"
        options = {"timelineName": free}
        if not project.GetMediaPool().ImportTimelineFromFile(path, options):
            raise HostError(f"DaVinci Resolve did not take '{path}'. Import it by hand.")
        return free

    def _project(self) -> Any:
        return self._resolve.GetProjectManager().GetCurrentProject()

    def _timeline(self) -> Any:
        project = self._project()
        timeline = project.GetCurrentTimeline() if project else None
        if not timeline:
            raise HostError("No timeline is open. Open the one to score, and run emsync again.")
        return timeline

    def _stems(self, cue: Optional[str] = None) -> Sequence[str]:
        """Paths of the files that we laid."""
        return [path for kept in kept_of(self._timeline(), cue) for path in kept.get("stems", ())]

    def _rate_line(self, timeline: Any) -> List[str]:
        """A sentence where the project's rate, which sounds are given, is not the timeline's."""
        ours = rate_of(timeline.GetSetting("timelineFrameRate"))
        theirs = rate_of(self._project().GetSetting("timelineFrameRate"))
        if not theirs or theirs == ours:
            return []
        return [
            f"The project runs at {rate_text(theirs)} frames per second and this timeline at "
            f"{rate_text(ours)}: DaVinci Resolve gives the stems the project's rate, so they may "
            "end too early or too late. Put the timeline into a project of its rate, and score it "
            "there."
        ]

    def _own_tracks(self, timeline: Any, cue: str) -> List[int]:
        """Sound tracks that hold a stem of a cue."""
        stems = set(map(path_key, self._stems(cue)))
        return [
            index
            for index in range(1, timeline.GetTrackCount("audio") + 1)
            if any(
                path_key(path_of(item.GetMediaPoolItem())) in stems
                for item in timeline.GetItemListInTrack("audio", index) or []
            )
        ]

    def _refuse_locked(self, timeline: Any, tracks: Sequence[int]) -> None:
        for index in tracks:
            if timeline.GetIsTrackLocked("audio", index):
                name = timeline.GetTrackName("audio", index)
                raise HostError(
                    f"The track '{name}' is locked, so its stem cannot be replaced or removed. "
                    "Unlock it first."
                )

    def _imported(self, placement: Dict[str, Any], ducked: bool) -> List[Any]:
        """A media pool item for each stem, in a bin of ours; the user's bin is open again after."""
        wanted = [
            str((ducked and clip.get("ducked_media")) or clip["media"])
            for clip in placement["stems"]
        ]
        missing = [path for path in wanted if not os.path.isfile(path)]
        if missing:
            raise HostError(f"The stem '{missing[0]}' is not there any more. Score again.")
        pool = self._project().GetMediaPool()
        before = pool.GetCurrentFolder()
        try:
            folder = _bin_of(pool)
            pool.SetCurrentFolder(folder)
            known = {path_key(path_of(item)): item for item in folder.GetClipList() or []}
            new = [path for path in wanted if path_key(path) not in known]
            if new:
                pool.ImportMedia(new)
            known = {path_key(path_of(item)): item for item in folder.GetClipList() or []}
        finally:
            pool.SetCurrentFolder(before)
        lost = [path for path in wanted if path_key(path) not in known]
        if lost:
            raise HostError(
                f"DaVinci Resolve did not take '{lost[0]}' into its media pool. Look whether its "
                "volume is reachable from Resolve, and score again."
            )
        return [known[path_key(path)] for path in wanted]

    def _lay(self, timeline: Any, clip: Dict[str, Any], item: Any) -> None:
        """One stem on a new stereo track of its own, looked for after it was laid."""
        if not timeline.AddTrack("audio", "stereo"):
            raise HostError(
                "DaVinci Resolve made no further sound track; the timeline is as it was. Remove "
                "empty tracks, and lay the score again."
            )
        index = timeline.GetTrackCount("audio")
        timeline.SetTrackName("audio", index, clip["name"])
        record = timeline.GetStartFrame() + clip["start_frames"]
        self._project().GetMediaPool().AppendToTimeline(
            [
                {
                    "mediaPoolItem": item,
                    "mediaType": 2,
                    "trackIndex": index,
                    "recordFrame": int(record),
                }
            ]
        )
        if not timeline.GetItemListInTrack("audio", index):  # what it returned proves nothing
            raise HostError(
                f"DaVinci Resolve did not lay '{clip['name']}'; the timeline is as it was. Save "
                "the project, start Resolve again, and fetch the score."
            )

    def _drop_tracks(self, timeline: Any, tracks: Sequence[int]) -> None:
        """Remove our clips, and the tracks that nothing else lies on; the last track first."""
        own = set(map(path_key, self._stems()))
        for index in sorted(tracks, reverse=True):
            items = timeline.GetItemListInTrack("audio", index) or []
            ours = [i for i in items if path_key(path_of(i.GetMediaPoolItem())) in own]
            if len(ours) == len(items) or not ours:
                timeline.DeleteTrack("audio", index)
            else:
                timeline.DeleteClips(ours, False)


class _OnEditPage:
    """The Edit page, and afterwards the page and the playhead that the user had."""

    def __init__(self, resolve: Any, timeline: Any) -> None:
        self._resolve, self._timeline = resolve, timeline

    def __enter__(self) -> None:
        self._page = self._resolve.GetCurrentPage()
        self._playhead = self._timeline.GetCurrentTimecode()
        if self._page != "edit":
            self._resolve.OpenPage("edit")

    def __exit__(self, *_: Any) -> None:
        if self._playhead:
            self._timeline.SetCurrentTimecode(self._playhead)
        if self._page and self._page != "edit":
            self._resolve.OpenPage(self._page)


def _edges(note: Dict[str, Any]) -> Tuple[int, int]:
    """First frame of what was scored, and the first after it."""
    first = int(note["span"].get("start_frames", 0))
    return first, first + int(note["span"]["length_frames"])


def _bin_of(pool: Any) -> Any:
    root = pool.GetRootFolder()
    for folder in root.GetSubFolderList() or []:
        if folder.GetName() == BIN:
            return folder
    return pool.AddSubFolder(root, BIN) or root
