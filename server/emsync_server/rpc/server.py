"""The server: put together, announced, watched until it is idle or told to go."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from emsync.client.runtime_file import (
    ServerAddress,
    private_folder,
    remove_address,
    runtime_folder,
    write_address,
)
from emsync.v1 import (
    composition_pb2_grpc,
    rendering_pb2_grpc,
    spotting_pb2_grpc,
    system_pb2_grpc,
)
from emsync.wire.calls import API_VERSION, ApiVersion, Method
from emsync_server.access import Access
from emsync_server.config import ServerSettings
from emsync_server.rpc.instance import only_instance
from emsync_server.rpc.interceptors import Activity, CallInterceptor
from emsync_server.rpc.jobs import Jobs
from emsync_server.rpc.listening import bound
from emsync_server.rpc.paths import AllowedRoots
from emsync_server.rpc.servicers import (
    CompositionServicer,
    RenderingServicer,
    SpottingServicer,
    SystemServicer,
)
from emsync_server.rpc.steps import LocalSteps, Steps

__all__ = ["running_server", "serve"]

SERVICES = sorted({f"emsync.v1.{method.value.split('/')[0]}" for method in Method})
WATCH_S = 0.25

_log = logging.getLogger(__name__)


def serve(settings: ServerSettings, steps: Steps | None = None) -> None:
    """Run the server until it is told to go (SIGTERM, Ctrl-C) or has been idle for long enough."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO, stream=sys.stderr)
    told = threading.Event()

    def leave(number: int, frame: FrameType | None) -> None:
        told.set()

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with _running(settings, steps, API_VERSION) as (address, activity):
            _log.info("listening at %s", address.address)
            while not told.wait(WATCH_S):
                if (
                    settings.idle_timeout_s is not None
                    and activity.idle_s > settings.idle_timeout_s
                ):
                    _log.info("idle for %g s: leaving", settings.idle_timeout_s)
                    break
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def running_server(
    settings: ServerSettings,
    steps: Steps | None = None,
    api_version: ApiVersion = API_VERSION,
) -> Iterator[ServerAddress]:
    """A server for the length of a block: for tests, and for one process that is both ends."""
    with _running(settings, steps, api_version) as (address, _):
        yield address


@contextmanager
def _running(
    settings: ServerSettings, steps: Steps | None, api_version: ApiVersion
) -> Iterator[tuple[ServerAddress, Activity]]:
    folder = private_folder(settings.runtime_folder or runtime_folder())
    token = _token(settings)
    roots = AllowedRoots.of(settings.allowed_roots)
    steps = steps or LocalSteps(Access(roots.folders))
    activity = Activity()
    jobs = Jobs(settings.ceilings)
    check = health.HealthServicer(experimental_non_blocking=True)
    calls = settings.ceilings.jobs + settings.ceilings.other_calls
    with only_instance(folder), _threads(calls) as threads:
        interceptor = CallInterceptor(token, api_version, activity)
        server = _assembled(settings, interceptor, threads, calls)
        _add_services(server, steps, jobs, roots, api_version)
        health_pb2_grpc.add_HealthServicer_to_server(check, server)
        if settings.reflection:
            _reflect(server)
        with bound(server, settings, folder) as address:
            server.start()
            _set_health(check, health_pb2.HealthCheckResponse.SERVING)
            found = ServerAddress(address, os.getpid(), str(api_version), token)
            write_address(folder, found)
            try:
                yield found, activity
            finally:
                _stop(server, jobs, check, folder, settings.shutdown_s)


def _token(settings: ServerSettings) -> str:
    """Fresh; a server for other machines may have one that lasts, which their people keep."""
    lasting = os.environ.get("EMSYNC_TOKEN") if settings.tls is not None else None
    return settings.token or lasting or secrets.token_urlsafe(32)


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads for calls, let go of at the end without waiting for one that hangs."""
    pool = ThreadPoolExecutor(count, thread_name_prefix="emsync-call")
    try:
        yield pool
    finally:
        pool.shutdown(wait=False)


def _assembled(
    settings: ServerSettings, interceptor: CallInterceptor, threads: ThreadPoolExecutor, calls: int
) -> grpc.Server:
    """A gRPC server with our ceilings; each streaming call holds a thread of its own."""
    return grpc.server(
        threads,
        interceptors=(interceptor,),
        options=[
            ("grpc.so_reuseport", 0),  # else a second server binds the same port and steals calls
            ("grpc.max_receive_message_length", settings.ceilings.message_bytes),
            ("grpc.max_send_message_length", -1),
        ],
        maximum_concurrent_rpcs=calls,
    )


def _add_services(
    server: grpc.Server, steps: Steps, jobs: Jobs, roots: AllowedRoots, api_version: ApiVersion
) -> None:
    spotting_pb2_grpc.add_SpottingServiceServicer_to_server(
        SpottingServicer(steps, jobs, roots), server
    )
    composition_pb2_grpc.add_CompositionServiceServicer_to_server(
        CompositionServicer(steps, jobs, roots), server
    )
    rendering_pb2_grpc.add_RenderingServiceServicer_to_server(
        RenderingServicer(steps, jobs, roots), server
    )
    system_pb2_grpc.add_SystemServiceServicer_to_server(
        SystemServicer(steps, jobs, roots, api_version), server
    )


def _reflect(server: grpc.Server) -> None:
    from grpc_reflection.v1alpha import reflection

    names = [*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME]
    reflection.enable_server_reflection(names, server)


def _set_health(check: health.HealthServicer, status: int) -> None:
    for name in ("", *SERVICES):
        check.set(name, status)


def _stop(
    server: grpc.Server, jobs: Jobs, check: health.HealthServicer, folder: Path, timeout_s: float
) -> None:
    """Tell clients, take no more calls, let jobs clean up, then hang up."""
    remove_address(folder)
    check.enter_graceful_shutdown()
    hung_up = server.stop(timeout_s)  # at once for new calls
    jobs.close(timeout_s)
    hung_up.wait(1.0)
    server.stop(None).wait()
