# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's sequencer in our words: reads it, lays stems on it, reads them back, takes them out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy  # noqa: TID251 - this is the host

from emsync import wire
from emsync.errors import LimitError, NotFoundError, OutputError
from emsync.hosting import (
    FoundStem,
    HostMarker,
    HostTimeline,
    Placement,
    ScoreNote,
    Span,
    StemClip,
    read_note,
)

from .api import OWN_KEY, content_duration_of, duration_of, end_of, scene_of, start_of, strips_in
from .strips import Facts, is_own, rate_of, tracks_of

__all__ = ["BlenderHost"]

MOST_CHANNELS = 128  # Blender clamps a higher one in silence
SAME_RATE = 1e-3


class BlenderHost:
    """One scene's sequencer."""

    def __init__(self, scene: Any = None) -> None:
        """scene: None takes the one that the sequencer shows."""
        self._scene = scene or scene_of(bpy.context)

    @property
    def name(self) -> str:
        """The project's name, or the scene's where the project was never saved."""
        path = bpy.data.filepath
        title = Path(path).stem if path else "untitled"
        return title if len(bpy.data.scenes) == 1 else f"{title} {self._scene.name}"

    def score_folder(self) -> Path:
        """Where this project's scores go: beside it, or, never saved, in the user's cache."""
        path = bpy.data.filepath
        if path:
            return Path(path).with_suffix(".emsync")
        return Path.home() / ".cache" / "emsync" / f"blender-{os.getpid()}"

    def read(self) -> HostTimeline:
        """The sequencer as it stands; without tracks where the scene has none."""
        scene = self._scene
        rate = rate_of(scene.render.fps, scene.render.fps_base)
        zero = scene.frame_start
        timeline = HostTimeline(self.name, rate, scene.frame_end - zero + 1)
        editor = scene.sequence_editor
        if editor is None:
            return timeline
        own_marks = self._own_marks()
        speeds = _Speeds(rate)
        try:
            tracks = tracks_of(editor, Facts(rate, zero, bpy.path.abspath, speeds.speed_of))
        finally:
            speeds.close()
        return HostTimeline(
            timeline.name,
            rate,
            timeline.length_frames,
            tracks=tracks,
            markers=tuple(
                HostMarker(marker.frame - zero, marker.name)
                for marker in scene.timeline_markers
                if marker.name not in own_marks
            ),
            range=self._range(),
            selection=self._selection(),
        )

    def place(self, placement: Placement) -> None:
        """Lay the stems and marks in place of the same cue's earlier ones; all of it or nothing.

        Raises LimitError where the channels do not suffice, OutputError where one of ours is
        locked, NotFoundError where a file is missing; the scene is as it was then.
        """
        self._check(placement)
        channels = self._channels_for(placement)
        editor = self._editor()
        active, names = editor.active_strip, [channel.name for channel in editor.channels]
        laid: list[Any] = []
        try:
            for clip, channel in zip(placement.stems, channels, strict=True):
                laid.append(self._lay(clip, channel, placement))
        except (RuntimeError, TypeError, ValueError) as err:
            for strip in laid:
                strips_in(editor).remove(strip)
            for channel, name in zip(editor.channels, names, strict=True):
                channel.name = name
            _drop_empty_action(self._scene)
            raise OutputError(
                f"Blender did not take the stems ({err}). The timeline is as it was."
            ) from err
        finally:
            editor.active_strip = active
        self._take_out(placement.cue, spare=laid)
        for strip, clip in zip(laid, placement.stems, strict=True):
            strip.name = clip.name  # the earlier one had it until now
        self._mark(placement)
        notes = self._notes()
        notes[placement.cue] = {
            "note": wire.to_dict(placement.note),
            "marks": [mark.name for mark in placement.marks],
        }
        self._scene[OWN_KEY] = json.dumps(notes)

    def found(self, cue: str) -> tuple[FoundStem, ...]:
        """The stems of a cue as Blender says that they lie."""
        zero = self._scene.frame_start
        return tuple(
            FoundStem(
                json.loads(strip[OWN_KEY])["name"],
                self._editor().channels[strip.channel].name,
                start_of(strip) - zero,
                duration_of(strip),
                bpy.path.abspath(strip.sound.filepath) if strip.sound else "",
            )
            for strip in self._owned(cue)
        )

    def remove(self, cue: str) -> int:
        """Take out the stems, marks and note of a cue; how many stems that were."""
        self._refuse_locked(cue)
        removed = self._take_out(cue, spare=())
        notes = self._notes()
        notes.pop(cue, None)
        if notes:
            self._scene[OWN_KEY] = json.dumps(notes)
        elif OWN_KEY in self._scene:
            del self._scene[OWN_KEY]
        return removed

    def notes(self) -> dict[str, ScoreNote]:
        """What was noted of each score that lies there, by its cue."""
        found = {cue: read_note(json.dumps(kept["note"])) for cue, kept in self._notes().items()}
        return {cue: self._where_it_is(note) for cue, note in found.items()}

    def _where_it_is(self, note: ScoreNote) -> ScoreNote:
        """The note with its folder beside the project, where both were moved together."""
        moved = self.score_folder() / Path(note.folder).name
        is_moved = not Path(note.folder).is_dir() and moved.is_dir()
        return replace(note, folder=str(moved)) if is_moved else note

    def _notes(self) -> dict[str, Any]:
        try:
            notes = json.loads(self._scene.get(OWN_KEY, "{}"))
        except (TypeError, ValueError):
            return {}
        return notes if isinstance(notes, dict) else {}

    def _own_marks(self, cue: str | None = None) -> set[str]:
        """Names of the markers of a cue, or of all."""
        kept = [each for name, each in self._notes().items() if cue in (None, name)]
        return {name for each in kept for name in each["marks"]}

    def _editor(self) -> Any:
        return self._scene.sequence_editor or self._scene.sequence_editor_create()

    def _range(self) -> Span | None:
        scene = self._scene
        if not scene.use_preview_range:
            return None
        first, last = scene.frame_preview_start, scene.frame_preview_end
        return Span(first - scene.frame_start, last - first + 1) if last >= first else None

    def _selection(self) -> Span | None:
        chosen = [s for s in strips_in(self._editor()) if s.select and not is_own(s)]
        if not chosen:
            return None
        first, end = min(map(start_of, chosen)), max(map(end_of, chosen))
        return Span(first - self._scene.frame_start, end - first)

    def _owned(self, cue: str) -> list[Any]:
        return [
            strip
            for strip in strips_in(self._editor())
            if is_own(strip) and json.loads(strip[OWN_KEY])["cue"] == cue
        ]

    def _check(self, placement: Placement) -> None:
        for clip in placement.stems:
            # Blender makes a strip of a missing file without a word.
            if not Path(clip.media).is_file():
                raise NotFoundError(
                    f"The stem '{clip.media}' is not there any more. Score the timeline again."
                )
        self._refuse_locked(placement.cue)

    def _refuse_locked(self, cue: str) -> None:
        channels = self._editor().channels
        for strip in self._owned(cue):
            if strip.lock or channels[strip.channel].lock:
                raise OutputError(
                    f"'{strip.name}' is locked, so it cannot be replaced or removed. Unlock it or "
                    f"its channel '{channels[strip.channel].name}' first."
                )

    def _channels_for(self, placement: Placement) -> list[int]:
        """A channel for each stem, above all that the user has there, not locked or muted."""
        editor = self._editor()
        theirs = [s.channel for s in strips_in(editor) if not is_own(s)]
        others = {s.channel for s in strips_in(editor) if is_own(s)}
        first = max(theirs, default=0) + 1
        free = [
            number
            for number in range(first, MOST_CHANNELS + 1)
            if number not in others
            and not editor.channels[number].lock
            and not editor.channels[number].mute
        ]
        ours = sorted({s.channel for s in self._owned(placement.cue)})
        # The places of the earlier stems are reused once those are gone; overlap is short.
        usable = sorted({*free, *(number for number in ours if number >= first)})
        if len(usable) < len(placement.stems):
            raise LimitError(
                f"{len(placement.stems)} stems need as many free channels above your strips, and "
                f"{len(usable)} of Blender's {MOST_CHANNELS} are free. Move your strips to lower "
                "channels, or unlock some."
            )
        return usable[: len(placement.stems)]

    def _lay(self, clip: StemClip, channel: int, placement: Placement) -> Any:
        editor = self._editor()
        start = self._scene.frame_start + clip.start_frames
        strip = strips_in(editor).new_sound(clip.name, clip.media, channel, start)
        if bpy.data.filepath and strip.sound:  # a project that is moved takes its stems along
            strip.sound.filepath = bpy.path.relpath(clip.media)
        strip[OWN_KEY] = json.dumps(
            {
                "cue": placement.cue,
                "name": clip.name,
                "family": clip.family.value,
                "take": placement.note.take,
                "seed": placement.note.seed,
            }
        )
        strip.select = False
        editor.channels[channel].name = clip.name
        self._automate(strip, placement, start)
        return strip

    def _automate(self, strip: Any, placement: Placement, start: int) -> None:
        """The gain under the dialogue as keyframes of the strip's volume."""
        rate = float(placement.note.sheet.picture.rate)
        for point in placement.ducking.points:
            strip.volume = 10.0 ** (point.gain_db / 20.0)
            strip.keyframe_insert("volume", frame=start + point.time_s * rate)

    def _take_out(self, cue: str, spare: Sequence[Any]) -> int:
        """Remove a cue's strips, marks and channel names; how many strips that were."""
        editor = self._editor()
        spared = {strip.name for strip in spare}
        gone = [strip for strip in self._owned(cue) if strip.name not in spared]
        kept_channels = {strip.channel for strip in spare}
        for strip in gone:
            channel = strip.channel
            strips_in(editor).remove(strip)  # its keyframes go with it
            if channel not in kept_channels:
                editor.channels[channel].name = f"Channel {channel}"
        own_marks = self._own_marks(cue)
        for marker in list(self._scene.timeline_markers):
            if marker.name in own_marks:
                self._scene.timeline_markers.remove(marker)
        _drop_empty_action(self._scene)
        return len(gone)

    def _mark(self, placement: Placement) -> None:
        for mark in placement.marks:
            frame = self._scene.frame_start + mark.at_frames
            self._scene.timeline_markers.new(mark.name, frame=frame)


class _Speeds:
    """How fast each movie strip plays its file.

    Blender plays frame by frame unless told otherwise at import ('adjust playback rate') or by
    retiming, and tells neither: a second strip of the same file, in a scene of its own, does.
    """

    def __init__(self, rate: Fraction) -> None:
        self._rate = rate
        self._scene: Any = None
        self._raw_frames: dict[str, int] = {}

    def speed_of(self, strip: Any) -> float:
        """Media seconds per second of the timeline."""
        fps = float(strip.fps)
        if fps <= 0.0:
            return 1.0
        frame_by_frame = float(self._rate) / fps
        retimed = bool(getattr(strip, "retiming_keys", ()))
        if not retimed and abs(frame_by_frame - 1.0) < SAME_RATE:
            return 1.0
        speed = frame_by_frame * self._raw(strip) / max(content_duration_of(strip), 1)
        return 1.0 if abs(speed - 1.0) < SAME_RATE else speed

    def close(self) -> None:
        """Take the scene away again."""
        if self._scene is not None:
            bpy.data.scenes.remove(self._scene)

    def _raw(self, strip: Any) -> int:
        """Frames of the file itself."""
        path = strip.filepath
        if path not in self._raw_frames:
            if self._scene is None:
                self._scene = bpy.data.scenes.new("emsync reads")
                self._scene.sequence_editor_create()
            strips = strips_in(self._scene.sequence_editor)
            self._raw_frames[path] = content_duration_of(strips.new_movie("file", path, 1, 1))
        return self._raw_frames[path] or content_duration_of(strip)


def _drop_empty_action(scene: Any) -> None:
    """The scene's action goes when nothing is left in it: our keyframes may have made it."""
    data = scene.animation_data
    if data is None or data.action is None or data.drivers or data.nla_tracks:
        return
    if not any(len(curves) for curves in _curve_lists(data.action)):
        action = data.action
        scene.animation_data_clear()
        if action.users == 0:
            bpy.data.actions.remove(action)


def _curve_lists(action: Any) -> Iterator[Any]:
    """An action's curves: in one list until 4.4, per slot since."""
    if "layers" not in action.bl_rna.properties:
        yield action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                yield bag.fcurves
