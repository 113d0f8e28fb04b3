"""General MIDI programmes: their names, and the family whose stem they go to."""

from __future__ import annotations

from emsync.family import Family

_RUNS: tuple[tuple[int, Family], ...] = (
    (0, Family.KEYS),
    (9, Family.PERCUSSION),  # glockenspiel
    (10, Family.KEYS),  # music box
    (11, Family.PERCUSSION),  # vibraphone … tubular bells
    (15, Family.PLUCKED),  # dulcimer
    (16, Family.KEYS),
    (24, Family.PLUCKED),
    (32, Family.BASS),
    (40, Family.STRINGS),
    (46, Family.PLUCKED),  # harp
    (47, Family.PERCUSSION),  # timpani
    (48, Family.STRINGS),
    (50, Family.SYNTH),
    (52, Family.CHOIR),
    (55, Family.PERCUSSION),  # orchestra hit
    (56, Family.BRASS),
    (64, Family.WOODWINDS),
    (80, Family.SYNTH),
    (104, Family.PLUCKED),
    (108, Family.PERCUSSION),  # kalimba
    (109, Family.WOODWINDS),  # bagpipe
    (110, Family.STRINGS),  # fiddle
    (111, Family.WOODWINDS),  # shanai
    (112, Family.PERCUSSION),
    (119, Family.SYNTH),  # reversed cymbal and sound effects
)
"""First programme of each run, and its family."""

_NAMES: tuple[str, ...] = tuple(
    (
        "Acoustic Grand Piano|Bright Acoustic Piano|Electric Grand Piano|Honky-tonk Piano|Electric Piano 1|Electric "
        "Piano 2|Harpsichord|Clavinet|Celesta|Glockenspiel|Music Box|Vibraphone|Marimba|Xylophone|Tubular Bells|"
        "Dulcimer|Drawbar Organ|Percussive Organ|Rock Organ|Church Organ|Reed Organ|Accordion|Harmonica|Tango "
        "Accordion|Nylon Guitar|Steel Guitar|Jazz Guitar|Clean Guitar|Muted Guitar|Overdriven Guitar|Distortion "
        "Guitar|Guitar Harmonics|Acoustic Bass|Fingered Bass|Picked Bass|Fretless Bass|Slap Bass 1|Slap Bass 2|Synth "
        "Bass 1|Synth Bass 2|Violin|Viola|Cello|Contrabass|Tremolo Strings|Pizzicato Strings|Harp|Timpani|String "
        "Ensemble 1|String Ensemble 2|Synth Strings 1|Synth Strings 2|Choir Aahs|Voice Oohs|Synth Voice|Orchestra "
        "Hit|Trumpet|Trombone|Tuba|Muted Trumpet|French Horn|Brass Section|Synth Brass 1|Synth Brass 2|Soprano Sax|"
        "Alto Sax|Tenor Sax|Baritone Sax|Oboe|English Horn|Bassoon|Clarinet|Piccolo|Flute|Recorder|Pan Flute|Blown "
        "Bottle|Shakuhachi|Whistle|Ocarina|Lead 1 (square)|Lead 2 (sawtooth)|Lead 3 (calliope)|Lead 4 (chiff)|Lead 5 "
        "(charang)|Lead 6 (voice)|Lead 7 (fifths)|Lead 8 (bass and lead)|Pad 1 (new age)|Pad 2 (warm)|Pad 3 "
        "(polysynth)|Pad 4 (choir)|Pad 5 (bowed)|Pad 6 (metallic)|Pad 7 (halo)|Pad 8 (sweep)|FX 1 (rain)|FX 2 "
        "(soundtrack)|FX 3 (crystal)|FX 4 (atmosphere)|FX 5 (brightness)|FX 6 (goblins)|FX 7 (echoes)|FX 8 (sci-fi)|"
        "Sitar|Banjo|Shamisen|Koto|Kalimba|Bagpipe|Fiddle|Shanai|Tinkle Bell|Agogo|Steel Drums|Woodblock|Taiko Drum|"
        "Melodic Tom|Synth Drum|Reverse Cymbal|Guitar Fret Noise|Breath Noise|Seashore|Bird Tweet|Telephone Ring|"
        "Helicopter|Applause|Gunshot"
    ).split("|")
)

assert len(_NAMES) == 128, "one name a programme"


def family_of_program(program: int, *, is_drums: bool = False) -> Family:
    """The family of a General MIDI programme, 0 to 127; a kit on channel 10 is percussion whatever its number."""
    if is_drums:
        return Family.PERCUSSION
    return next(family for first, family in reversed(_RUNS) if program >= first)


def program_name(program: int, *, is_drums: bool = False) -> str:
    """What people call a General MIDI programme."""
    return "Drum Kit" if is_drums else _NAMES[program]
