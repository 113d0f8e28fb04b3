"""DaVinci Resolve's double fails as the real one does: were it kinder, it would prove nothing."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest
from tests.hosts.fake_resolve import Profile, Resolve, profiles


@pytest.mark.parametrize("profile", profiles(), ids=str)
def test_the_double_fails_as_the_real_one_does(profile: Profile, tmp_path: Path) -> None:
    resolve = Resolve(profile)
    timeline, pool = resolve.timeline(), resolve._projects._project._pool
    sound = tmp_path / "second.wav"
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0" * 4 * 8000)
    (item,) = pool.ImportMedia([str(sound), str(sound) + ".gone"])
    timeline.AddTrack("audio")
    info = {"mediaPoolItem": item, "mediaType": 2, "recordFrame": profile.start}
    assert pool.AppendToTimeline([{**info, "trackIndex": 2}])  # a mono track: nothing lands
    assert timeline.GetItemListInTrack("audio", 2) is None
    timeline.AddTrack("audio", "stereo")
    info["trackIndex"] = 3
    assert pool.AppendToTimeline([info, {**info, "recordFrame": profile.start + 24.5}]) == []
    cut_info = {**info, "startFrame": 0, "endFrame": 9}
    pool.AppendToTimeline([cut_info])
    (laid,) = timeline.GetItemListInTrack("audio", 3) or []
    assert laid.GetDuration() == (10 if profile.end_is_inclusive else 9)
    assert laid.GetStart() == timeline.GetStartFrame()  # from the start timecode
    assert len(pool.AppendToTimeline([info])) == 1  # overlaps, and is dropped
    assert len(timeline.GetItemListInTrack("audio", 3) or []) == 1
    assert timeline.AddMarker(5, "Red", "a", "", 1) and not timeline.AddMarker(5, "Red", "b", "", 1)
    assert [type(frame) for frame in timeline.GetMarkers()] == [float]
    resolve.OpenPage("color")
    assert not timeline.DeleteClips([laid]) and timeline.GetItemListInTrack("audio", 3)
    assert not timeline.Export(str(tmp_path / "x.otio"), "EXPORT_OTIO", "EXPORT_NONE")
    assert pool.ImportTimelineFromFile(str(sound), {"timelineName": "Reel 1"}) is None
    assert hasattr(timeline, "NoSuchCall") and "NoSuchCall" not in dir(timeline)
