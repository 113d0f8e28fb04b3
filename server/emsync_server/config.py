"""What the server may be told at its start, and the ceilings it holds callers to."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Ceilings", "ServerSettings", "TlsFiles", "default_roots"]


@dataclass(frozen=True, slots=True)
class Ceilings:
    """The most that callers get; what goes beyond is answered with RESOURCE_EXHAUSTED."""

    job_s: float = 6 * 3600.0
    """Wall time of one job: a film of five hours on two cores, with room."""
    message_bytes: int = 64 * 2**20
    """Of one request; the cue sheet of a five-hour film takes 5 MB."""
    running_jobs: int = 1
    """At a time: one job keeps all cores busy, and two would only fight for them."""
    waiting_jobs: int = 8
    """That queue for their turn."""
    other_calls: int = 24
    """Short calls (health, information, reflection) at a time, beside the jobs."""

    @property
    def jobs(self) -> int:
        """That run or wait."""
        return self.running_jobs + self.waiting_jobs


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Certificates for an interface that other machines reach; both sides prove who they are."""

    certificate: Path
    """The server's certificate chain, PEM."""
    private_key: Path
    """The server's private key, PEM."""
    client_authority: Path
    """Certificate of the authority that signs clients, PEM."""


def default_roots() -> tuple[Path, ...]:
    """The user's home, and where this system mounts volumes."""
    if sys.platform == "win32":
        drives = (Path(f"{letter}:\\") for letter in "DEFGHIJKLMNOPQRSTUVWXYZ")
        return (Path.home(), *(drive for drive in drives if drive.exists()))
    mounts = ("/Volumes",) if sys.platform == "darwin" else ("/media", "/mnt", "/run/media")
    return (Path.home(), *map(Path, mounts))


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server runs; the defaults serve the person who is logged in, and nobody else."""

    runtime_folder: Path | None = None
    """Socket, lock and runtime file; None: the user's own runtime folder."""
    listen: str | None = None
    """'HOST:PORT' for TCP (port 0: the system chooses); None: a Unix socket, TCP on Windows."""
    tls: TlsFiles | None = None
    """Needed on every interface but the loopback."""
    token: str | None = None
    """What clients must show; None: made anew at each start (with TLS: EMSYNC_TOKEN, if set)."""
    allowed_roots: tuple[Path, ...] = field(default_factory=default_roots)
    """Requests may name paths under these folders only."""
    idle_timeout_s: float | None = None
    """Leave after so long without a call; None: stay."""
    reflection: bool = False
    """Answer tools that ask which services there are."""
    ceilings: Ceilings = field(default_factory=Ceilings)
    shutdown_s: float = 10.0
    """How long cancelled jobs get to clean up behind them."""
