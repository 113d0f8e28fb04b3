"""Keys as MIDI files name them."""

from __future__ import annotations

from emsync.cue import Key, Mode

_MAJOR = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_MINOR = ("Cm", "C#m", "Dm", "Ebm", "Em", "Fm", "F#m", "Gm", "G#m", "Am", "Bbm", "Bm")


def signature_of(key: Key) -> str:
    """The name of a key's signature, the one with the fewer accidentals."""
    return (_MINOR if key.mode is Mode.MINOR else _MAJOR)[key.tonic]
