"""Values as JSON: what the files hold, what travels between client and server.

The structure is that of `emsync.v1`, with the field names as the `.proto` files write them.
`to_dict` gives its proto3 JSON mapping, which `json_format.ParseDict` takes; `dumps` gives the text
of a file, in which times, fractions, keys, tempos and choices are spelled for people (`spelling`);
`from_dict` takes both, and what `MessageToDict` gives.

- Whole numbers are JSON numbers; in quotes, as the mapping writes 64-bit ones, they are read too.
- An exact fraction is `{"numerator": 24000, "denominator": 1001}`, a time
  `{"value": 240, "rate": {…}}`.
- A choice is its name in the `.proto` file, `"STYLE_ORCHESTRAL"`; in a file, `"orchestral"`.
- What is not known is left out. A number, word or list that is left out is 0, empty or, where the
  value has a default of its own, that default.
- Infinity is `"Infinity"`, as the mapping has it; NaN is refused.

A field's name in the value is its name on the wire; this package and the `.proto` files know it.
"""

from emsync.wire.decoding import (
    cue_sheet_from_dict,
    from_dict,
    stem_set_from_dict,
    take_from_dict,
)
from emsync.wire.encoding import dumps, to_dict
from emsync.wire.files import read_cue_sheet, read_stem_set, read_take

__all__ = [
    "cue_sheet_from_dict",
    "dumps",
    "from_dict",
    "read_cue_sheet",
    "read_stem_set",
    "read_take",
    "stem_set_from_dict",
    "take_from_dict",
    "to_dict",
]
