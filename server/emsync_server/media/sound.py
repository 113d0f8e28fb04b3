"""The production sound as blocks of samples, aligned with the picture: sample 0 is the first shown
frame.

One pass over the sound stream alone; it costs about a hundredth of decoding the picture. What
the file leaves out (a late start, holes, an early end, damage) is silence; what it has before
the picture's first frame is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from numpy.typing import NDArray

from emsync.errors import MediaError
from emsync_server.access import ANY_FILE, Access
from emsync_server.media.opening import open_container
from emsync_server.media.probing import FilmProbe

__all__ = ["read_sound"]

Samples = NDArray[np.float32]

JITTER_S = 0.04
"""Timestamps may be off by this much before the sound is moved: containers round them, encoders
delay."""
SEEK_FROM_S = 5
"""Nearer starts are reached by decoding, which is exact in every container."""
LOUDEST = 4.0
"""12 dB above full scale, in float codecs: nothing but a damaged packet is louder."""
DAMAGED_SAMPLES = 1024
"""What is silenced around one that is louder: about a packet."""
PIECE_SAMPLES = 16_384
"""The resampler hands over so many at once; by packet, the calls cost more than their work."""
LAYOUTS = {1: "mono", 2: "stereo"}


def read_sound(
    probe: FilmProbe,
    *,
    rate_hz: int = 48_000,
    channels: int = 2,
    start_s: Fraction = Fraction(0),
    duration_s: Fraction,
    block_samples: int = 48_000,
    access: Access = ANY_FILE,
) -> Iterator[Samples]:
    """The sound from `start_s` of picture time, exactly round(duration_s × rate_hz) samples in all.

    yields (N, channels) float32, full scale 1, N = block_samples but in the last block. A film
    without sound is silence. `channels` is 1 or 2; surround is mixed down.
    """
    total = round(duration_s * rate_hz)
    if probe.sound_index is None:
        yield from _silence(total, block_samples, channels)
        return
    layout = LAYOUTS[channels]
    with open_container(probe.path, access=access) as container:
        zero_s = probe.start_s + start_s
        pieces = _placed_pieces(_decoded(container, probe, zero_s), zero_s, rate_hz, layout)
        yield from _blocks(pieces, total, block_samples, channels)


def _silence(total: int, block_samples: int, channels: int) -> Iterator[Samples]:
    for done in range(0, total, block_samples):
        yield np.zeros((min(block_samples, total - done), channels), np.float32)


def _decoded(
    container: InputContainer, probe: FilmProbe, zero_s: Fraction
) -> Iterator[av.AudioFrame]:
    """The frames of the sound stream, from a little before `zero_s` of the container's clock on."""
    assert probe.sound_index is not None
    if probe.sound_index >= len(container.streams):
        raise MediaError(f"'{probe.path}' changed while it was read. Start again.")
    stream = container.streams[probe.sound_index]
    assert isinstance(stream, av.AudioStream)
    if zero_s - probe.start_s > SEEK_FROM_S and stream.time_base:
        container.seek(int((zero_s - 1) / stream.time_base), stream=stream)
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):  # what is missing at the end becomes silence
            return
        try:
            yield from stream.decode(packet)
        except av.FFmpegError:
            continue  # a damaged packet: silence


def _placed_pieces(
    frames: Iterator[av.AudioFrame], zero_s: Fraction, rate_hz: int, layout: str
) -> Iterator[tuple[int | None, Samples]]:
    """Resampled pieces with the sample they begin at; None: right after the piece before."""
    resampler: AudioResampler | None = None
    source: tuple[object, ...] = ()
    zero = float(zero_s)
    expected_s: float | None = None  # where the next frame should begin, if nothing is missing
    for frame in frames:
        at_s = expected_s
        if frame.pts is not None and frame.time_base is not None:
            at_s = frame.pts * float(frame.time_base) - zero
        moved = expected_s is None or (at_s is not None and abs(at_s - expected_s) > JITTER_S)
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if resampler is None or moved or kind != source:
            if resampler is not None:
                yield from ((None, piece) for piece in _converted(resampler, None))
            resampler, source = AudioResampler("flt", layout, rate_hz, PIECE_SAMPLES), kind
            start = round((at_s or 0.0) * rate_hz) if moved else None
        else:
            start = None
        base = at_s if moved or expected_s is None else expected_s
        expected_s = (base or 0.0) + frame.samples / frame.sample_rate
        frame.pts = None  # the resampler must neither stretch nor pad: places are decided here
        for piece in _converted(resampler, frame):
            yield start, piece
            start = None
        if start is not None:  # the resampler kept everything: remember the place
            yield start, np.zeros((0, len(av.AudioLayout(layout).channels)), np.float32)
    if resampler is not None:
        yield from ((None, piece) for piece in _converted(resampler, None))


def _converted(resampler: AudioResampler, frame: av.AudioFrame | None) -> Iterator[Samples]:
    """What the resampler gives for a frame, or, for None, at its end. Each piece (N, channels)."""
    for output in resampler.resample(frame):
        packed = output.to_ndarray().reshape(-1, output.layout.nb_channels)
        piece: Samples = packed.astype(np.float32, copy=False)
        yield piece if _is_sane(piece) else _without_damage(piece)


def _is_sane(piece: Samples) -> bool:
    return bool(np.all(np.abs(piece) <= LOUDEST))  # False where there is a NaN, too


def _without_damage(piece: Samples) -> Samples:
    parts = [piece[at : at + DAMAGED_SAMPLES] for at in range(0, len(piece), DAMAGED_SAMPLES)]
    return np.concatenate([each if _is_sane(each) else np.zeros_like(each) for each in parts])


def _blocks(
    pieces: Iterator[tuple[int | None, Samples]], total: int, block_samples: int, channels: int
) -> Iterator[Samples]:
    """Lay pieces at their places into equal blocks; gaps and the rest stay silent."""
    block = np.zeros((min(block_samples, total), channels), np.float32)
    origin = 0  # the sample that the current block begins at
    head = 0
    for start, piece in pieces:
        begin = head if start is None else start
        head = begin + len(piece)
        piece = piece[
            max(0, origin - begin) :
        ]  # before the picture, or overlapping a finished block
        begin = max(begin, origin)
        while len(piece):
            if begin >= total:
                break
            space = origin + len(block) - begin
            if space > 0:
                part = piece[:space]
                block[begin - origin : begin - origin + len(part)] = part
                begin, piece = begin + len(part), piece[space:]
            if begin >= origin + len(block):
                yield block
                origin += len(block)
                block = np.zeros((min(block_samples, total - origin), channels), np.float32)
        if head >= total:
            break
    while origin < total:
        yield block
        origin += len(block)
        block = np.zeros((min(block_samples, max(0, total - origin)), channels), np.float32)
