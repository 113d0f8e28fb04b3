"""Reading a film's picture: what it is, and its frames in order with exact times, decoded once.

Times count in ticks of the stream's time base from the first frame that is shown (t = 0),
whatever the container's own start is: edit lists, stream offsets and transport clocks are gone
after this file.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from emsync.counted import counted
from emsync.errors import LimitError, MediaError
from emsync.picture import PictureInfo
from emsync.timecode import RationalTime
from emsync_server.access import ANY_FILE, Access
from emsync_server.media.clock import FilmClock
from emsync_server.media.opening import open_container
from emsync_server.media.probing import FilmProbe, picture_stream, probe_of
from emsync_server.media.slices import drawn_anew

__all__ = ["CEILING_S", "Film", "FilmFrame", "PacketLog", "open_film", "probe_film"]

CEILING_S = 6 * 3600
"""Longer films are refused: a film in several reels is scored reel by reel."""
CEILING_FRAMES = CEILING_S * 120
CLOCK_RESTART_S = 1
"""A step back by more than this is a clock that starts anew (joined transport streams), not a stray
frame."""
MOST_CHEAP_PIXELS = 640 * 360
"""One thread decodes such a frame in the time that it takes to look at it; several would cost a
third more, and win little."""
LEAST_OF_KEYFRAME = 0.1
"""Share of the last keyframe's bytes that a frame has at least which looks at no other."""
EARLY_END_S = Fraction(1, 2)
"""By how much a file may end before its header says so: sound and picture seldom end together."""


@dataclass(frozen=True, slots=True)
class FilmFrame:
    """One shown frame."""

    tick: int
    """Time since the first shown frame, in ticks of the stream's time base."""
    length: int
    """How long it is shown, in the same ticks, as the container says."""
    picture: av.VideoFrame


@contextmanager
def open_film(path: Path, *, access: Access = ANY_FILE, draft: bool = False) -> Iterator[Film]:
    """A film, probed and ready to be read once. `draft` reads its keyframes only."""
    with open_container(path, access=access) as container:
        stream = picture_stream(container, path)
        _bound_threads(stream)
        _spare_the_unreferenced(stream)
        if draft:
            stream.codec_context.skip_frame = "NONKEY"
        yield Film(path, container, stream, draft=draft)


def probe_film(path: Path, *, access: Access = ANY_FILE) -> FilmProbe:
    """What a film is: opens it and decodes its first frame."""
    with open_film(path, access=access) as film:
        return film.probe


@dataclass
class PacketLog:
    """What the container says of each picture packet, in the order of the file."""

    ticks: array[int] = field(default_factory=lambda: array("q"))
    """When it is shown, in the stream's own ticks."""
    sizes: array[int] = field(default_factory=lambda: array("q"))
    """Bytes."""
    keys: array[int] = field(default_factory=lambda: array("b"))
    """1 where it needs no other to be decoded."""
    drawn_anew: array[int] = field(default_factory=lambda: array("b"))
    """1 where the frame looks at no other, but is no keyframe (`slices.py`); where that is known.
    Empty: of none."""


@dataclass
class Damage:
    """What could not be read."""

    packets: int = 0
    frames: int = 0
    clock_restarts: int = 0
    stopped: str = ""


class Film:
    """An open film. Made by `open_film`; `frames` can be read through once, `frames_from` often."""

    def __init__(
        self, path: Path, container: InputContainer, stream: VideoStream, *, draft: bool
    ) -> None:
        """Decode the first frame: only then rotation, start and readability are known."""
        self.path = path
        self._draft = draft
        self.damage = Damage()
        self.packets = PacketLog()  # of a draft only
        codec = stream.codec_context
        self._drawn_anew = drawn_anew(codec.name, codec.extradata)
        self._keyframe_bytes = 0  # of the last one
        self._container = container
        self._stream = stream
        # Up to which tick each stream has data, from the packets: also of frames a draft skips.
        self._ends: dict[int, int] = {}
        self._time_bases: dict[int, Fraction] = {}
        assert stream.time_base is not None
        self.tick_s = stream.time_base  # one tick of the stream's clock, in seconds
        decoded = self._decoded()
        first = next(decoded, None)
        if first is None:
            raise MediaError(
                f"'{path}' has a picture track, but not one frame of it can be read. "
                "Copy or export it again."
            )
        self.probe = probe_of(path, container, stream, first)
        shown = self._shown(first)
        self._zero = self.first_pts if shown is None else shown
        self.clock = FilmClock(self.tick_s, self.probe.rate)
        self._decoded_frames = chain((first,), decoded)
        self._nominal_length = max(1, round(1 / (self.probe.rate * self.tick_s)))
        self._end = 0
        if (self.probe.stated_duration_s or 0) > CEILING_S:
            raise self._too_long()

    def frames(self) -> Iterator[FilmFrame]:
        """Every shown frame in order; afterwards `duration`, `warnings` and `picture` are known."""
        zero, last = self._zero, -1
        ceiling, restart = int(CEILING_S / self.tick_s), int(CLOCK_RESTART_S / self.tick_s)
        for picture in self._decoded_frames:
            length = picture.duration or self._nominal_length
            shown = self._shown(picture)
            pts = shown if shown is not None else zero + max(self._end, 0)
            tick = pts - zero
            if last - tick > restart:
                self.damage.clock_restarts += 1
                zero, tick = pts - self._end, self._end
            if tick <= last:  # not later than the frame before: it is never shown
                continue
            if tick > ceiling or self.clock.frames >= CEILING_FRAMES:
                raise self._too_long()
            self.damage.frames += picture.is_corrupt
            self.clock.see(tick)
            last, self._end = tick, tick + length
            yield FilmFrame(tick, length, picture)

    def frames_from(self, start_s: Fraction, end_s: Fraction) -> Iterator[FilmFrame]:
        """The frames shown from `start_s` up to `end_s`, found by seeking; of a timeline's shot."""
        zero = self.first_pts
        target = zero + int(start_s / self.tick_s)
        self._container.seek(max(target, zero), stream=self._stream)
        for picture in self._decoded():
            if picture.pts is None:
                continue
            tick, length = picture.pts - zero, picture.duration or self._nominal_length
            if tick * self.tick_s >= end_s:
                return
            if (tick + length) * self.tick_s > start_s:
                yield FilmFrame(tick, length, picture)

    @property
    def duration(self) -> RationalTime:
        """From the first shown frame to the end of the last, exactly."""
        end = max(self._end, 1)
        if self._draft and not self.damage.clock_restarts:
            end = max(end, self._ends.get(self.probe.picture_index, 0) - self.first_pts)
        if not self.clock.on_grid:
            return self.clock.time(end)
        last = self.clock.time(self.clock.last_tick)
        # On a grid the last frame lasts whole steps, whatever the container rounded its length to.
        return RationalTime(max(last.value + 1, round(end * self.tick_s * last.rate)), last.rate)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what could not be read."""
        lines = []
        bad = self.damage.frames + self.damage.packets
        if bad:
            lines.append(
                f"{counted(bad, 'frame')} of '{self.path.name}' "
                f"{'are' if bad > 1 else 'is'} damaged; what could be read was used."
            )
        if self.damage.clock_restarts:
            lines.append(
                f"The clock of '{self.path.name}' starts anew inside the film; "
                "its parts were joined end to end."
            )
        stated = self.probe.stated_end_s
        if self.damage.stopped or (stated is not None and stated - self._seen_end > EARLY_END_S):
            says = f", though it should last {float(stated):.1f} s" if stated else ""
            lines.append(
                f"'{self.path.name}' can be read up to {float(self.duration.seconds):.1f} s "
                f"only{says}; that much is scored."
            )
        return tuple(lines)

    def picture(self, *more_warnings: str) -> PictureInfo:
        """The values that a cue sheet keeps of this film; after `frames` has been read."""
        rate = self.clock.nominal_rate
        start = self.probe.start_timecode
        return PictureInfo(
            source=str(self.path.absolute()),
            rate=rate,
            duration=self.duration,
            start=start if start is not None and start.rate == rate else RationalTime(0, rate),
            width=self.probe.width,
            height=self.probe.height,
            has_sound=self.probe.has_sound,
            warnings=(*self.warnings, *more_warnings),
        )

    def _shown(self, picture: av.VideoFrame) -> int | None:
        """When a frame is shown, in the stream's own ticks. AVI stores no such times: FFmpeg
        guesses them, wrongly where B frames refer to each other; but frames come in order, one a
        tick."""
        return picture.dts if self._container.format.name == "avi" else picture.pts

    @property
    def first_pts(self) -> int:
        """The first shown frame, in the stream's own ticks."""
        return round(self.probe.start_s / self.tick_s)

    def _decoded(self) -> Iterator[av.VideoFrame]:
        """Frames as the decoder gives them; damaged packets are counted and passed over."""
        packets = self._container.demux()
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError as err:
                self.damage.stopped = str(err)
                return
            self._note_end(packet)
            if packet.stream is not self._stream:
                continue
            if self._draft and packet.pts is not None:
                self.packets.ticks.append(packet.pts)
                self.packets.sizes.append(packet.size)
                self.packets.keys.append(packet.is_keyframe)
                self.packets.drawn_anew.append(self._is_drawn_anew(packet))
            try:
                yield from self._stream.decode(packet)
            except av.FFmpegError:
                self.damage.packets += 1

    def _is_drawn_anew(self, packet: av.Packet[Any]) -> bool:
        """Only large packets are looked into."""
        if packet.is_keyframe:
            self._keyframe_bytes = packet.size
            return False
        if self._drawn_anew is None or packet.size <= LEAST_OF_KEYFRAME * self._keyframe_bytes:
            return False
        return self._drawn_anew(memoryview(packet))

    def _note_end(self, packet: av.Packet[Any]) -> None:
        """Remember how far the file goes, in any of its streams."""
        pts = packet.pts
        if pts is None:
            return
        end, stream = pts + (packet.duration or 0), packet.stream.index
        if stream not in self._time_bases:
            self._time_bases[stream] = packet.time_base or Fraction(0)
        if end > self._ends.get(stream, 0):
            self._ends[stream] = end

    @property
    def sound_end_s(self) -> Fraction:
        """Up to when there is sound, from the first shown frame; after `frames` has been read."""
        index = self.probe.sound_index
        if index is None or index not in self._ends:
            return Fraction(0)
        return self._ends[index] * self._time_bases[index] - self.probe.start_s

    @property
    def _seen_end(self) -> Fraction:
        """Container seconds up to which any stream has data."""
        ends = (end * self._time_bases[stream] for stream, end in self._ends.items())
        return max(ends, default=Fraction(0))

    def _too_long(self) -> LimitError:
        return LimitError(
            f"'{self.path}' is longer than {CEILING_S // 3600} hours, "
            "the most that is scored at once. Cut it into reels."
        )


def _spare_the_unreferenced(stream: VideoStream) -> None:
    """Leave the edges of blocks unsmoothed in frames that few others are made of: up to a sixth
    less to decode. In H.264 in all B frames, of which other frames may be made: until the next
    keyframe small pictures are off by half a level in the mean at most. In other codecs all frames
    may be B frames; there only in those of which none is made."""
    context = stream.codec_context
    which = "bidir" if context.name == "h264" else "noref"
    context.options = {**context.options, "skip_loop_filter": which}


def _bound_threads(stream: VideoStream) -> None:
    """Decode on all cores, but hold few frames at once: each thread keeps one, and an 8K frame is
    50 MB."""
    pixels = stream.codec_context.width * stream.codec_context.height
    if pixels <= MOST_CHEAP_PIXELS:
        stream.codec_context.thread_count = 1
        return
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if pixels > 4096 * 2304:
        stream.thread_type, stream.codec_context.thread_count = "SLICE", min(cores, 4)
    else:
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = min(cores, 4 if pixels > 2048 * 1152 else 8)
