"""What is wrong between a host and its server, and the one thing to do."""

from __future__ import annotations

from collections.abc import Callable

from emsync import __version__
from emsync.client import Client
from emsync.errors import EmsyncError

__all__ = ["diagnose"]


def diagnose(connected: Callable[[], Client]) -> tuple[str, ...]:
    """Lines for a person: who answers, with which networks, or what to do."""
    lines = [f"emsync {__version__} in this program."]
    try:
        with connected() as client:
            info = client.server_info()
            lines.append(
                f"The server answers: emsync {info.version}, protocol {info.api_version}, "
                f"process {info.pid}, {info.jobs} jobs."
            )
            if info.version != __version__:
                lines.append(
                    "Server and plugin are of different versions: install the plugin that came "
                    f"with emsync {info.version}, or 'pip install emsync=={__version__}'."
                )
            missing = [
                model.name
                for model in client.models().models
                if not (model.is_ready or model.is_optional)
            ]
            lines += [
                f"The network '{name}' is missing or damaged: install emsync again."
                for name in missing
            ]
            roots = ", ".join(f"'{root}'" for root in info.allowed_roots)
            lines.append(f"Films and scores must lie under {roots}.")
    except EmsyncError as err:
        lines.append(err.sentence)
    return tuple(lines)
