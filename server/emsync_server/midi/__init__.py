"""Scores as standard MIDI files: written the same byte for byte, read back from whatever a DAW made
of them.
"""

from emsync_server.midi.programs import family_of_program, program_name
from emsync_server.midi.reading import read_midi
from emsync_server.midi.writing import TICKS_PER_QUARTER, MidiMarker, write_midi

__all__ = [
    "TICKS_PER_QUARTER",
    "MidiMarker",
    "family_of_program",
    "program_name",
    "read_midi",
    "write_midi",
]
