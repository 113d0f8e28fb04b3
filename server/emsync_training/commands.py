"""The commands of training."""

from __future__ import annotations

import argparse
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="emsync_training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    corpus = commands.add_parser("corpus", help="MIDI files to memory-mapped arrays")
    corpus.add_argument("--midi", type=Path, required=True)
    corpus.add_argument("--manifest", type=Path, required=True)
    corpus.add_argument("--out", type=Path, required=True)
    corpus.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    if options.command == "corpus":
        from emsync_training.corpus import build_corpus

        build_corpus(options.midi, options.manifest, options.out, workers=options.workers)
    return 0
