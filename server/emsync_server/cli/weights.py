"""`emsync models`: which experts and weights there are, and how to get more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emsync.counted import counted
from emsync.errors import InputError, MissingPartError, NotFoundError
from emsync_server.cli.console import say, shown_progress
from emsync_server.models import Model, list_models

if TYPE_CHECKING:
    from emsync_server.spotting.experts.trained import TrainedNetwork

__all__ = ["lacking_packages", "register"]

NAME_WIDTH, STATE_WIDTH = 18, 14


def register(commands: typer.Typer) -> None:
    """Add `models` and what is under it."""
    models = typer.Typer(no_args_is_help=False, help="List the weights that emsync uses, get more.")
    models.callback(invoke_without_command=True)(list_all)
    models.command("fetch")(fetch)
    models.command("import")(import_folder)
    commands.add_typer(models, name="models")


def list_all(context: typer.Context) -> None:
    """List experts and weights: tier, state, size, licence, identity, card."""
    if context.invoked_subcommand is not None:
        return
    lacking = lacking_packages()
    for model in list_models():
        tier = "full" if model.is_full_tier else "built-in"
        size = f"{model.size_bytes / 1e6:.1f} MB" if model.size_bytes else "–"
        identity = f"sha256 {model.sha256[:16]}…" if model.size_bytes else "–"
        licence = model.licence + ("" if model.is_commercial else " (NOT FOR PAID WORK)")
        needs = f"  needs {lacking[model.name]}" if model.name in lacking else ""
        say(
            f"{model.name:{NAME_WIDTH}}{tier:10}{model.state.value:{STATE_WIDTH}}{size:>9}  "
            f"{licence}  {identity}  {model.card}{needs}"
        )
    for line in _experts_without_weights():
        say(line)


def lacking_packages() -> dict[str, str]:
    """Experts that cannot run here, whatever weights there are, and what they need."""
    from emsync_server.spotting.experts import EXPERTS

    return {row.name: row.needs for row in EXPERTS if not row.is_available()}


def fetch(
    name: Annotated[str, typer.Argument(help="As `emsync models` lists it.")],
    url: Annotated[str, typer.Option(help="https address of the file.")],
    sha256: Annotated[str, typer.Option(help="The file's SHA-256, as its publisher states it.")],
    file: Annotated[
        str | None, typer.Option(help="Which of the model's files it is; the first if left out.")
    ] = None,
) -> None:
    """Fetch weights of the full tier; run it again to go on where it stopped."""
    from emsync_server.models.installing import fetch_file, put_back_on_failure

    model = _full_model(name)
    files = model.known_files
    chosen = file or files[0]
    if chosen not in files:
        raise InputError(f"'{name}' has no file {chosen}; it has {', '.join(files)}.")
    with put_back_on_failure(model):
        with shown_progress(f"fetching {chosen}") as progress:
            fetch_file(model, chosen, url, sha256, progress)
        _prove(name, model)


def import_folder(
    name: Annotated[str, typer.Argument(help="As `emsync models` lists it.")],
    folder: Annotated[Path, typer.Argument(help="Where its files lie.")],
) -> None:
    """Take weights of the full tier from a folder, without any network."""
    from emsync_server.models.installing import import_model, put_back_on_failure

    model = _full_model(name)
    with put_back_on_failure(model):
        with shown_progress(f"importing {name}") as progress:
            import_model(model, folder, progress)
        with _said_of(folder, model):
            _prove(name, model)


@contextmanager
def _said_of(source: Path, model: Model) -> Iterator[None]:
    """What cannot be used is named as it was given: where it was installed it is no more."""
    from emsync_server.inference.network import UnusableWeightsError

    try:
        yield
    except UnusableWeightsError as err:
        if not err.path.is_relative_to(model.folder):
            raise
        raise MissingPartError(
            f"The weights in {source / err.path.relative_to(model.folder)} cannot be used: "
            f"{err.why}. Nothing was installed; import the folder with the right files."
        ) from err


def _full_model(name: str) -> Model:
    found = {model.name: model for model in list_models() if model.is_full_tier}
    if name not in found:
        raise NotFoundError(
            f"There are no weights '{name}' to get. There are: {', '.join(sorted(found))}."
        )
    return found[name]


def _prove(name: str, model: Model) -> None:
    """Open what was installed. Raises MissingPartError."""
    from emsync_server.spotting.experts import expert_row
    from emsync_server.spotting.experts.trained import TrainedNetwork

    if missing := model.missing_in(model.folder):
        say(f"{name}: still to come: {', '.join(missing)}")
        return
    row = expert_row(name)
    if not row.is_available():
        say(f"{name}: in place in {model.folder}; it needs {row.needs}")
        return
    opened = row.open()
    say(f"{name}: ready in {model.folder}")
    if isinstance(opened, TrainedNetwork):
        _tell_of_network(opened)


def _tell_of_network(network: TrainedNetwork) -> None:
    """What it reads, and how far it is believed. Raises MissingPartError where no expert gives what
    it reads."""
    from emsync_server.spotting.experts.choosing import experts_behind, why_not

    rows = experts_behind(network.name)
    said = network.description
    say(f"  reads what {', '.join(row.name for row in rows)} say; tells {', '.join(said.labels)}")
    if network.is_of_shots:
        variances = " and ".join(f"{each:.3g}" for each in network.variance)
        how = (
            f"measured on {counted(said.films, 'film')}"
            if said.variance
            else "measured by nobody, so a wide one"
        )
        say(f"  variance of its valence and arousal: {variances}, {how}")
    if reason := why_not(said, rows):
        say(f"  not asked yet: {reason}")


def _experts_without_weights() -> list[str]:
    from emsync_server.spotting.experts import EXPERTS, Tier

    lines = []
    for row in EXPERTS:
        if row.model is None:
            tier = "built-in" if row.tier is Tier.BUILT_IN else "full"
            state = "ready" if row.is_available() else "not installed"
            needs = f"needs {row.needs}" if row.needs else "measured, no weights"
            lines.append(f"{row.name:{NAME_WIDTH}}{tier:10}{state:{STATE_WIDTH}}{'–':>9}  {needs}")
    return lines
