"""Keys as musicians write them."""

from __future__ import annotations

import pytest

from emsync.cue import Key, Mode


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("tonic", range(12))
def test_a_key_reads_back_from_its_name(tonic: int, mode: Mode) -> None:
    assert Key.parse(str(Key(tonic, mode))) == Key(tonic, mode)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("D minor", Key(2, Mode.MINOR)),
        ("d MINOR", Key(2, Mode.MINOR)),
        ("F# major", Key(6, Mode.MAJOR)),
        ("Bb", Key(10, Mode.MAJOR)),
        ("bb", Key(10, Mode.MAJOR)),
        ("B♭ minor", Key(10, Mode.MINOR)),
        ("Cb major", Key(11, Mode.MAJOR)),
        ("Am", Key(9, Mode.MINOR)),
        ("A M", Key(9, Mode.MAJOR)),
        (" C  maj ", Key(0, Mode.MAJOR)),
    ],
)
def test_keys_are_read_however_they_are_written(text: str, key: Key) -> None:
    assert Key.parse(text) == key


@pytest.mark.parametrize("text", ["", "H minor", "D dorian", "D## major", "minor", "4"])
def test_what_is_no_key_gets_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not a key like 'D minor'"):
        Key.parse(text)
