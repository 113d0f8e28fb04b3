"""What every call passes through: token, version, and errors that become statuses."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import grpc

from emsync.client.failures import ERROR_KEY
from emsync.errors import (
    EmsyncError,
    InputError,
    MemoryFullError,
    VersionMismatchError,
    WrongTokenError,
)
from emsync.wire.calls import ApiVersion

__all__ = ["Activity", "CallInterceptor"]

MAX_SENTENCE_LETTERS = 1500  # a status travels as a header, and clients refuse large ones

_log = logging.getLogger(__name__)


class Activity:
    """When the server was last needed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls = 0
        self._last_s = time.monotonic()

    @contextmanager
    def call(self) -> Iterator[None]:
        """While a call runs."""
        with self._lock:
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1
                self._last_s = time.monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the last call ended; 0 while one runs."""
        with self._lock:
            return 0.0 if self._calls else time.monotonic() - self._last_s


class CallInterceptor(grpc.ServerInterceptor):  # type: ignore[misc]  # grpc has no types
    """Asks for the token, compares versions, turns errors into statuses, counts calls."""

    def __init__(self, token: str, api_version: ApiVersion, activity: Activity) -> None:
        self._expected = f"Bearer {token}".encode()
        self._api_version = api_version
        self._activity = activity

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:  # noqa: ANN401 - grpc has no types
        """The method's handler, or one that refuses."""
        try:
            self._check(dict(details.invocation_metadata))
        except EmsyncError as err:
            return _refusal(err)
        handler = continuation(details)
        return None if handler is None else self._guarded(handler)

    def _check(self, metadata: dict[str, str | bytes]) -> None:
        shown = metadata.get("authorization", "")
        shown_bytes = shown if isinstance(shown, bytes) else shown.encode()
        if not hmac.compare_digest(shown_bytes, self._expected):
            raise WrongTokenError(
                "The call carried no token, or not this server's. Read the token from the "
                "server's runtime file, or keep the one of another machine with 'emsync login'."
            )
        stated = metadata.get("emsync-api")
        if stated is None:
            return  # a tool that is not ours
        try:
            client = ApiVersion.parse(str(stated))
        except ValueError as err:
            raise InputError(f"The client names its protocol wrongly: {err}.") from err
        if not self._api_version.serves(client):
            raise VersionMismatchError(
                f"The client speaks protocol {client}, this server speaks {self._api_version}. "
                "Stop the server and update emsync where it runs; then try again."
            )

    def _guarded(self, handler: Any) -> Any:  # noqa: ANN401 - grpc has no types
        """The same handler, whose errors become statuses."""
        shape = ("stream" if handler.request_streaming else "unary") + (
            "_stream" if handler.response_streaming else "_unary"
        )
        behaviour = getattr(handler, shape)
        guard = self._stream if handler.response_streaming else self._single
        make = getattr(grpc, f"{shape}_rpc_method_handler")
        return make(
            guard(behaviour),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _single(self, behaviour: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def call(request: Any, context: Any) -> Any:  # noqa: ANN401 - grpc has no types
            with self._activity.call():
                try:
                    return behaviour(request, context)
                except Exception as err:  # noqa: BLE001 - the interceptor is where errors end
                    _abort(context, err)

        return call

    def _stream(self, behaviour: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def call(request: Any, context: Any) -> Iterator[Any]:  # noqa: ANN401 - grpc has no types
            with self._activity.call():
                try:
                    yield from behaviour(request, context)
                except Exception as err:  # noqa: BLE001 - the interceptor is where errors end
                    _abort(context, err)

        return call


def _refusal(err: EmsyncError) -> Any:  # noqa: ANN401 - grpc has no types
    """A handler for any kind of method that only refuses."""

    def refuse(requests: Any, context: Any) -> Iterator[Any]:  # noqa: ANN401 - grpc has no types
        _abort(context, err)
        yield

    return grpc.stream_stream_rpc_method_handler(refuse)


def _abort(context: Any, err: Exception) -> None:  # noqa: ANN401 - grpc has no types
    """End the call with the error's status and sentence."""
    if isinstance(err, MemoryError):
        err = MemoryFullError.of_any_work()
    if not isinstance(err, EmsyncError):
        _log.error("unforeseen error in a call", exc_info=err)
        err = EmsyncError(
            f"The server met an error that we did not foresee ({type(err).__name__}: {err}). "
            "Its log says more: send us what stands there."
        )
    sentence = err.sentence[:MAX_SENTENCE_LETTERS]
    context.set_trailing_metadata(((ERROR_KEY, type(err).__name__),))
    context.abort(grpc.StatusCode[err.code], sentence)
