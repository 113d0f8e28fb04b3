"""Copying a film's packets into a new container, with a new sound track woven in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.container.core import Flags
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from emsync_server.media import FilmProbe
from emsync_server.media.opening import open_container
from emsync_server.progress import Progress
from emsync_server.rendering.soundtrack import RATE_HZ, Soundtrack
from emsync_server.rendering.synthesizer import Audio

__all__ = ["copy_film"]

AAC_BITS_PER_S = 256_000
IO_BUFFER_BYTES = 1 << 20
CLOCK_RESTART_S = Fraction(1)
"""A step back by more than this is a clock that starts anew (joined transport streams)."""
MOST_HELD = 64
"""Packets of a stream that wait for a decoding time; reordering reaches 16 frames at most."""
MOVIE_CLOCK = {"movie_timescale": str(RATE_HZ)}
"""QuickTime edit lists count in this clock; its default would cut the sound to a millisecond."""
OPTIONS: dict[str, dict[str, str]] = {".mp4": MOVIE_CLOCK, ".mov": MOVIE_CLOCK, ".mkv": {}}
FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
CARRIED_SOUND: dict[str, frozenset[str] | None] = {
    ".mp4": frozenset({"aac", "mp2", "mp3", "ac3", "eac3", "alac", "flac", "opus"}),
    ".mov": frozenset({"aac", "mp2", "mp3", "ac3", "eac3", "alac"}),  # and PCM
    ".mkv": None,  # whatever its muxer takes
}
"""Codecs of original sound tracks that players find in these containers."""


def copy_film(
    probe: FilmProbe, soundtrack: Soundtrack, path: Path, progress: Progress, *, keeps_sound: bool
) -> None:
    """Write the film at `path`, whose suffix names the container.

    Raises av.FFmpegError or ValueError where the container does not take the streams, OSError
    for a full disk.
    """
    with (
        open_container(probe.path) as source,
        path.open("wb+") as file,
        av.open(
            file,
            "w",
            format=FORMATS[path.suffix],
            options=OPTIONS[path.suffix],
            buffer_size=IO_BUFFER_BYTES,
        ) as output,
    ):
        # AVI states decoding times only. PyAV's types take the flags for a Flag; they are an int.
        source.flags |= Flags.gen_pts.value  # type: ignore[operator]
        _copy_metadata(source, output)
        picture = source.streams[probe.picture_index]
        assert isinstance(picture, VideoStream)
        copies = {picture.index: _picture_copy(output, picture, probe)}
        mixed = _mixed_track(output, path.suffix)
        if keeps_sound:
            copies |= _sound_copies(source, output, path.suffix, probe)
        sound = _Encoding(output, mixed, soundtrack.blocks())
        for packet in _packets(source, list(copies)):
            copy = copies[packet.stream.index]
            if not copy.prepare(packet):
                continue
            if copy.source is picture:
                assert packet.dts is not None and packet.time_base is not None
                time_s = float(packet.dts * packet.time_base)
                progress.report(time_s * RATE_HZ / soundtrack.length_samples, "writing the film")
                sound.advance_to(time_s)
            packet.stream = copy.target
            output.mux(packet)
        sound.finish()


@dataclass
class _Copy:
    """One stream on its way from one container to the other."""

    source: Stream
    target: Stream
    start: int
    """Picture time 0 in ticks of the source."""
    last_dts: int | None = None

    def prepare(self, packet: Packet[Any]) -> bool:
        """Move a packet to the new clock; False where it has no time or no data to copy."""
        if packet.size == 0 or (packet.pts is None and packet.dts is None):
            return False
        pts = packet.pts if packet.pts is not None else packet.dts
        dts = packet.dts if packet.dts is not None else pts
        assert pts is not None and dts is not None and packet.time_base is not None
        last = self.last_dts
        if last is not None and (last - (dts - self.start)) * packet.time_base > CLOCK_RESTART_S:
            self.start = dts - last - (packet.duration or 1)
        pts, dts = pts - self.start, dts - self.start
        if last is not None and dts <= last:  # a damaged clock: muxers insist on order
            dts = last + 1
            pts = max(pts, dts)
        self.last_dts = dts
        packet.pts, packet.dts = pts, dts
        return True


class _Encoding:
    """Encodes the mixed track as far as the picture has come, so that the file is interleaved."""

    def __init__(
        self, output: OutputContainer, stream: AudioStream, blocks: Iterator[Audio]
    ) -> None:
        self._output = output
        self._stream = stream
        self._blocks = blocks
        self._samples = 0

    def advance_to(self, time_s: float) -> None:
        """Encode until this moment of picture time."""
        while self._samples < time_s * RATE_HZ:
            block = next(self._blocks, None)
            if block is None:
                return
            self._encode(block)

    def finish(self) -> None:
        """Encode the rest, and what the encoder still holds."""
        for block in self._blocks:
            self._encode(block)
        self._output.mux(self._stream.encode(None))

    def _encode(self, block: Audio) -> None:
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block.T), format="fltp", layout="stereo"
        )
        frame.sample_rate = RATE_HZ
        frame.pts = self._samples
        frame.time_base = Fraction(1, RATE_HZ)
        self._samples += len(block)
        self._output.mux(self._stream.encode(frame))


def _packets(source: InputContainer, wanted: list[int]) -> Iterator[Packet[Any]]:
    """The packets of some streams, as far as the file can be read, each with a decoding time."""
    packets = source.demux([source.streams[index] for index in wanted])
    held: dict[int, list[Packet[Any]]] = {index: [] for index in wanted}
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            break
        if packet.size == 0:
            continue
        waiting = held[packet.stream.index]
        waiting.append(packet)
        if packet.dts is not None or len(waiting) > MOST_HELD:
            yield from _with_decoding_times(waiting)
            waiting.clear()
    for waiting in held.values():
        yield from _with_decoding_times(waiting)


def _with_decoding_times(packets: list[Packet[Any]]) -> list[Packet[Any]]:
    """Matroska states none for the first packets: count back from the first that has one."""
    after = packets[-1].dts if packets else None
    for packet in reversed(packets):
        if packet.dts is None and packet.pts is not None:
            before = packet.pts if after is None else after - max(packet.duration or 1, 1)
            packet.dts = min(packet.pts, before)
        after = packet.dts if packet.dts is not None else after
    return packets


def _picture_copy(output: OutputContainer, picture: VideoStream, probe: FilmProbe) -> _Copy:
    target = output.add_stream_from_template(picture, opaque=True)
    if picture.sample_aspect_ratio:  # the container's word counts before the codec's
        target.codec_context.sample_aspect_ratio = picture.sample_aspect_ratio
    for name in ("timecode", "language", "handler_name", "title"):
        if value := picture.metadata.get(name):
            target.metadata[name] = value
    return _Copy(picture, target, _ticks(probe.start_s, picture))


def _mixed_track(output: OutputContainer, suffix: str) -> AudioStream:
    codec = "flac" if suffix == ".mkv" else "aac"
    stream = output.add_stream(codec, rate=RATE_HZ)
    assert isinstance(stream, AudioStream)
    stream.codec_context.layout = "stereo"
    if codec == "aac":
        stream.codec_context.bit_rate = AAC_BITS_PER_S
    else:
        stream.codec_context.format = "s32"  # of which FLAC keeps 24 bits
    stream.metadata["title"] = "Film sound with music"
    stream.metadata["handler_name"] = "Film sound with music"
    stream.disposition = Disposition.default
    return stream


def _sound_copies(
    source: InputContainer, output: OutputContainer, suffix: str, probe: FilmProbe
) -> dict[int, _Copy]:
    """The original sound tracks that the container carries."""
    copies = {}
    for sound in source.streams.audio:
        if sound.codec_context is None or not _carries(suffix, sound):
            continue
        target = output.add_stream_from_template(sound, opaque=True)
        target.disposition = Disposition.original
        for name in ("language", "title"):
            if value := sound.metadata.get(name):
                target.metadata[name] = value
        copies[sound.index] = _Copy(sound, target, _ticks(probe.start_s, sound))
    return copies


def _carries(suffix: str, sound: AudioStream) -> bool:
    codec = sound.codec_context.codec.canonical_name
    carried = CARRIED_SOUND[suffix]
    return carried is None or codec in carried or (suffix == ".mov" and codec.startswith("pcm_"))


def _ticks(time_s: Fraction, stream: Stream) -> int:
    assert stream.time_base is not None
    return round(time_s / stream.time_base)


def _copy_metadata(source: InputContainer, output: OutputContainer) -> None:
    for name in ("title", "artist", "date", "comment", "copyright", "creation_time", "timecode"):
        if value := source.metadata.get(name):
            output.metadata[name] = value
