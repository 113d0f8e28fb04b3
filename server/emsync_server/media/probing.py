"""What a film says of itself: which of its streams is the picture, its rate, size, rotation, start
and sound."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from emsync.errors import MediaError
from emsync.timecode import RationalTime
from emsync_server.media.clock import frames_of_timecode, plausible_rate

__all__ = ["FilmProbe", "picture_stream", "probe_of", "sound_stream"]

AnyStream = TypeVar("AnyStream", bound=Stream)

STILL_BRANDS = frozenset({"avif", "heic", "heix", "mif1"})
STILL_FORMATS = frozenset({"image2", "ico"})
NOT_MOVING = Disposition.attached_pic | Disposition.timed_thumbnails


@dataclass(frozen=True, slots=True)
class FilmProbe:
    """What is known of a film before it is read through."""

    path: Path
    rate: Fraction
    """Frames per second, nominal."""
    start_s: Fraction
    """The first shown frame on the container's own clock: picture time = container time − this."""
    width: int
    """As shown: after rotation."""
    height: int
    rotation_deg: int
    """0, 90, 180 or 270: by how much players turn the stored picture, counter-clockwise."""
    stated_duration_s: Fraction | None
    """Of the picture, from the header; None where it has none (fragmented, live)."""
    stated_end_s: Fraction | None
    """Where the file ends on its own clock, from the header; None: it does not say."""
    start_timecode: RationalTime | None
    picture_index: int
    """The picture's stream, among all streams of the file."""
    sound_index: int | None
    """The production sound's stream, among all streams; None: no sound."""
    sound_rate_hz: int | None
    sound_channels: int | None

    @property
    def has_sound(self) -> bool:
        """Whether there is a readable sound stream (it may still be silent)."""
        return self.sound_index is not None


def picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The moving picture: the default video stream, else the first; never cover art."""
    if not container.streams.video:
        raise MediaError(f"'{path}' has no picture, only sound or data. Give a film.")
    if _is_still(container):
        raise MediaError(f"'{path}' is a still picture, not a film. Give a film.")
    moving = [stream for stream in container.streams.video if not stream.disposition & NOT_MOVING]
    if not moving:
        raise MediaError(f"The only picture in '{path}' is its cover art. Give a film.")
    readable = [stream for stream in moving if stream.codec_context is not None]
    if not readable:
        raise MediaError(
            f"The picture of '{path}' is in a format that is not known here. Convert it to H.264."
        )
    return _default_of(readable)


def sound_stream(container: InputContainer) -> AudioStream | None:
    """The production sound: the default audio stream, else the first; None: there is none."""
    readable = [
        stream
        for stream in container.streams.audio
        if stream.codec_context is not None and stream.codec_context.sample_rate
    ]
    return _default_of(readable) if readable else None


def probe_of(
    path: Path, container: InputContainer, stream: VideoStream, first: av.VideoFrame
) -> FilmProbe:
    """Put together header and first frame."""
    assert stream.time_base is not None
    rate = plausible_rate(stream.guessed_rate, stream.average_rate, stream.base_rate)
    rotation = int(first.rotation) % 360
    width, height = first.width, first.height
    if rotation in (90, 270):
        width, height = height, width
    sound = sound_stream(container)
    return FilmProbe(
        path=path,
        rate=rate,
        start_s=(first.pts or 0) * stream.time_base,
        width=width,
        height=height,
        rotation_deg=rotation,
        stated_duration_s=_stated_duration(container, stream),
        stated_end_s=_stated_end(container),
        start_timecode=_start_timecode(container, rate),
        picture_index=stream.index,
        sound_index=sound.index if sound else None,
        sound_rate_hz=sound.codec_context.sample_rate if sound else None,
        sound_channels=sound.codec_context.channels if sound else None,
    )


def _default_of(streams: list[AnyStream]) -> AnyStream:
    return next((each for each in streams if each.disposition & Disposition.default), streams[0])


def _is_still(container: InputContainer) -> bool:
    """Whether the container holds one picture: PNG, JPEG, HEIC and their like."""
    name = container.format.name
    return (
        name in STILL_FORMATS
        or name.endswith("_pipe")
        or container.metadata.get("major_brand", "").strip() in STILL_BRANDS
    )


def _stated_duration(container: InputContainer, stream: VideoStream) -> Fraction | None:
    assert stream.time_base is not None
    if stream.duration is not None and stream.duration > 0:
        return stream.duration * stream.time_base
    if container.duration is not None and container.duration > 0:
        return Fraction(container.duration, av.time_base)
    return None


def _stated_end(container: InputContainer) -> Fraction | None:
    """On the container's clock. libav counts Matroska's and MP4's length from zero, others from
    their start."""
    if container.duration is None or container.duration <= 0:
        return None
    from_zero = any(name in container.format.name for name in ("matroska", "mp4"))
    start = 0 if from_zero else container.start_time or 0
    return Fraction(container.duration + start, av.time_base)


def _start_timecode(container: InputContainer, rate: Fraction) -> RationalTime | None:
    """From whichever tag carries it: the picture's, a timecode track's, or the file's."""
    tags = [stream.metadata.get("timecode") for stream in container.streams]
    for tag in (*tags, container.metadata.get("timecode")):
        if tag and (count := frames_of_timecode(tag, rate)) is not None:
            return count
    return None
