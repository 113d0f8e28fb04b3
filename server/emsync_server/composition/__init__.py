"""From a cue sheet to a score: time plan, representation, decoding, takes."""
