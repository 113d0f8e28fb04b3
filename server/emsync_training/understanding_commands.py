"""The commands that train and measure heads on experts."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from emsync_server.models import MODELS_FOLDER

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_understanding_commands(commands: Subparsers) -> None:
    """Add the heads on experts and their measures."""
    picture = commands.add_parser("picture-emotion", help="fit picture → valence, arousal on OASIS")
    picture.add_argument("--data", type=Path, required=True, help="folder of OASIS")
    picture.add_argument("--work", type=Path, help="keeps embeddings and figures here")
    picture.add_argument("--out", type=Path, default=MODELS_FOLDER)
    picture.set_defaults(run=_picture)
    people = commands.add_parser("people", help="fit picture → are there people, on OASIS")
    people.add_argument("--data", type=Path, required=True, help="folder of OASIS")
    people.add_argument("--work", type=Path, help="keeps embeddings here")
    people.add_argument("--out", type=Path, default=MODELS_FOLDER)
    people.set_defaults(run=_people)
    films = commands.add_parser("emotion-films", help="films of OASIS through the real spotting")
    films.add_argument("--data", type=Path, required=True, help="folder of OASIS")
    films.add_argument("--work", type=Path, required=True, help="films, embeddings and figures")
    films.set_defaults(run=_emotion_films)
    variances = commands.add_parser(
        "variances", help="every variance of the default fusion, shipped and measured again"
    )
    variances.add_argument("--data", type=Path, required=True, help="oasis, goemotions-ekman in it")
    variances.add_argument("--media", type=Path, help="real clips; without them, none of film")
    variances.add_argument("--work", type=Path, help="keeps embeddings here")
    variances.set_defaults(run=_variances)
    text = commands.add_parser("text-emotion", help="fine-tune text → Ekman on GoEmotions")
    text.add_argument("--data", type=Path, required=True, help="GoEmotions, Ekman grouping")
    text.add_argument("--encoder", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    text.add_argument("--work", type=Path, required=True, help="checkpoint, log and figures")
    text.add_argument("--out", type=Path, default=MODELS_FOLDER)
    text.add_argument("--minutes", type=float, default=50.0)
    text.add_argument("--frozen", action="store_true", help="train the head alone")
    text.add_argument("--threads", type=int, default=1)
    text.add_argument("--export-only", action="store_true", help="from the checkpoint in --work")
    text.set_defaults(run=_text)
    frozen = commands.add_parser(
        "text-frozen",
        help="measure a head on the frozen text encoder",
        description="One head on the published encoder as it is. A yardstick: what is shipped is "
        "fine-tuned, by text-emotion.",
    )
    frozen.add_argument("--data", type=Path, required=True, help="GoEmotions, Ekman grouping")
    frozen.add_argument("--encoder", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    frozen.add_argument("--work", type=Path, required=True, help="keeps the encoded lines")
    frozen.add_argument("--threads", type=int, default=1)
    frozen.set_defaults(run=_text_frozen)


def say(line: str) -> None:
    """A line of progress."""
    print(line, file=sys.stderr, flush=True)


def _picture(options: argparse.Namespace) -> None:
    import json

    from emsync_training.picture_emotion.run import write_picture_emotion

    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    facts = write_picture_emotion(options.data, options.out, work=options.work, say=say)
    print(json.dumps(facts, indent=1))


def _people(options: argparse.Namespace) -> None:
    import json

    from emsync_training.picture_emotion.people import write_people

    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    facts = write_people(options.data, options.out, work=options.work, say=say)
    print(json.dumps(facts, indent=1))


def _emotion_films(options: argparse.Namespace) -> None:
    import json

    from emsync_training.picture_emotion.films import measure_films, measure_mixtures
    from emsync_training.picture_emotion.measured_curve import measure_light_and_colour
    from emsync_training.picture_emotion.photographs import Photographs, embeddings_of
    from emsync_training.picture_emotion.run import EMBEDDINGS

    options.work.mkdir(parents=True, exist_ok=True)
    photographs = Photographs.read(options.data)
    embeddings = embeddings_of(photographs, options.work / EMBEDDINGS, say)
    facts: dict[str, object] = {"light and colour": measure_light_and_colour(photographs)}
    facts["mixtures"] = measure_mixtures(photographs, embeddings)
    facts["films"] = measure_films(photographs, embeddings, options.work, say)
    print(json.dumps(facts, indent=1))


def _variances(options: argparse.Namespace) -> None:
    from emsync_training.variances.run import measure_variances

    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    print(measure_variances(options.data, options.media, work=options.work, say=say).markdown())


def _text(options: argparse.Namespace) -> None:
    import json

    import torch

    from emsync_training.text_emotion.run import export_text_emotion, train_text_emotion
    from emsync_training.text_emotion.training import TextTraining

    settings = TextTraining(
        minutes=options.minutes, frozen_layers=6 if options.frozen else TextTraining().frozen_layers
    )
    torch.set_num_threads(options.threads)
    if not options.export_only:
        train_text_emotion(
            options.data, options.encoder, options.work, settings, threads=options.threads
        )
    facts = export_text_emotion(options.data, options.encoder, options.work, options.out, say)
    print(json.dumps(facts, indent=1))


def _text_frozen(options: argparse.Namespace) -> None:
    import json

    import torch

    from emsync_training.text_emotion.frozen import measure_frozen

    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    facts = measure_frozen(options.data, options.encoder, options.work, say)
    print(json.dumps(facts, indent=1))
