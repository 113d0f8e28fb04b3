"""Experts in front of a film: which frames and windows they get, and what leaving leaves."""

from fractions import Fraction
from itertools import pairwise
from threading import Event, active_count

import numpy as np
import pytest
from tests.films import draw_film

from emsync.errors import JobCancelledError, MissingPartError
from emsync_server.media import open_film, probe_film
from emsync_server.progress import ProgressSink, silent_progress
from emsync_server.spotting.experts import Picture, Reading, Sense, SoundWindow, Tier, WindowPlan
from emsync_server.spotting.experts.analysis import opened_reading
from emsync_server.spotting.experts.expert import ExpertRow
from emsync_server.spotting.experts.sampling import EVERY_S, PictureSampler, trimmed


class Recorder:
    """Remembers what it was shown."""

    def __init__(self):
        self.items = []
        self.batches = []

    def read(self, items):
        self.items += items
        self.batches.append(len(items))
        return [
            Reading("recorder", each.time_s, each.time_s)
            if isinstance(each, Picture)
            else Reading("recorder", max(0, each.start_s), each.end_s)
            for each in items
        ]


def row(recorder, sense, **more):
    return ExpertRow("recorder", Tier.BUILT_IN, sense, lambda: recorder, **more)


def look(path, rows, progress=None):
    with open_film(path) as film, opened_reading(rows, film.probe) as reading:
        for frame in film.frames():
            reading.see(frame.picture, float(frame.tick * film.tick_s))
        reading.hear(film.duration.seconds, progress or silent_progress())
        return reading.finish(), reading.complaints


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("films") / "film.mp4"
    draw_film(path, seconds=10, cuts_s=(2.5, 3.5, 7.25))
    return path


def test_each_shot_is_seen_soon_after_its_cut(film):
    recorder = Recorder()
    look(film, [row(recorder, Sense.PICTURE)])
    times = [item.time_s for item in recorder.items]
    for start_s, end_s in ((0, 2.5), (2.5, 3.5), (3.5, 7.25), (7.25, 10)):
        inside = [time for time in times if start_s <= time < end_s]
        assert inside
        assert inside[0] - start_s < 0.4
    assert all(later - earlier <= EVERY_S + 0.1 for earlier, later in pairwise(times))
    assert len(times) <= 10 / EVERY_S + 8


def test_a_still_film_is_seen_every_two_seconds_only(tmp_path):
    path = tmp_path / "still.mp4"
    draw_film(path, seconds=10, cuts_s=())
    recorder = Recorder()
    look(path, [row(recorder, Sense.PICTURE)])
    assert len(recorder.items) <= 7


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p"])
def test_sampled_pictures_have_the_films_colours(tmp_path, pix_fmt):
    path = tmp_path / "film.mp4"
    draw_film(path, seconds=1, cuts_s=(), pix_fmt="yuv420p")
    taken = []
    with open_film(path) as film:
        sampler = PictureSampler(taken.append)
        for frame in film.frames():
            picture = frame.picture.reformat(format=pix_fmt)
            sampler.see(picture, float(frame.tick * film.tick_s))
    assert taken[0].rgb[5, 5] == pytest.approx((200, 40, 30), abs=14)


def test_windows_cover_the_sound_and_their_lead_is_silence(film):
    recorder = Recorder()
    plan = WindowPlan(length_s=2.0, hop_s=1.5, lead_s=0.5)
    look(film, [row(recorder, Sense.SOUND, windows=plan)])
    starts = [item.start_s for item in recorder.items]
    assert starts == pytest.approx([1.5 * at - 0.5 for at in range(len(starts))], abs=1e-3)
    assert {len(item.samples) for item in recorder.items} == {32_000}
    assert not recorder.items[0].samples[:7_900].any()
    assert recorder.items[0].samples[9_000:].any()
    assert recorder.items[-1].end_s >= 9.5


def test_windows_with_holes_and_another_rate_keep_their_times(film):
    slow, fast = Recorder(), Recorder()
    plans = WindowPlan(1.0, 3.0), WindowPlan(2.0, 2.0, rate_hz=44_100)
    rows = [row(slow, Sense.SOUND, windows=plans[0])]
    rows.append(ExpertRow("fast", Tier.BUILT_IN, Sense.SOUND, lambda: fast, windows=plans[1]))
    look(film, rows)
    assert [item.start_s for item in slow.items] == pytest.approx([0, 3, 6, 9], abs=1e-3)
    assert [item.start_s for item in fast.items] == pytest.approx([0, 2, 4, 6, 8], abs=1e-3)
    spectrum = np.abs(np.fft.rfft(slow.items[1].samples))
    assert spectrum.argmax() == pytest.approx(220, abs=2)  # a second: bins are hertz


def test_a_film_without_sound_shows_none(tmp_path):
    path = tmp_path / "mute.mp4"
    draw_film(path, seconds=2, cuts_s=(), sound=False)
    recorder = Recorder()
    readings, complaints = look(path, [row(recorder, Sense.SOUND, windows=WindowPlan(1.0, 1.0))])
    assert (readings, complaints, recorder.items) == ([], [], [])


def test_batches_are_bounded_and_nothing_is_lost(film):
    recorder = Recorder()
    plan = WindowPlan(0.25, 0.25)
    readings, _ = look(film, [row(recorder, Sense.SOUND, windows=plan, batch=6)])
    assert max(recorder.batches) == 6
    assert len(readings) == len(recorder.items) == 40


def test_an_expert_that_is_missing_is_left_out_and_named(film):
    def missing():
        raise MissingPartError("The weights are not here.")

    absent = ExpertRow("absent", Tier.FULL, Sense.PICTURE, missing)
    recorder = Recorder()
    readings, complaints = look(film, [absent, row(recorder, Sense.PICTURE)])
    assert readings
    assert complaints == ["Expert 'absent' was not asked: The weights are not here."]


def test_cancelling_while_listening_ends_the_worker(film):
    before, cancelled = active_count(), Event()
    cancelled.set()
    progress = ProgressSink(lambda fraction, note: None, cancelled)
    with pytest.raises(JobCancelledError):
        look(film, [row(Recorder(), Sense.SOUND, windows=WindowPlan(1.0, 1.0))], progress)
    assert active_count() == before


def test_black_bars_are_cut_and_a_night_is_not():
    picture = np.zeros((90, 160, 3), np.uint8)
    picture[12:78] = 120
    assert trimmed(picture).shape == (66, 160, 3)
    night = np.zeros((90, 160, 3), np.uint8)
    night[40:50, 70:90] = 120
    assert trimmed(night).shape == (90, 160, 3)


def test_sound_of_another_length_than_the_picture_is_padded(film):
    recorder = Recorder()
    probe = probe_film(film)
    with opened_reading([row(recorder, Sense.SOUND, windows=WindowPlan(1, 1))], probe) as reading:
        reading.hear(Fraction(13), silent_progress())
        reading.finish()
    assert len(recorder.items) == 13
    assert isinstance(recorder.items[-1], SoundWindow)
    assert not recorder.items[-1].samples.any()
