"""The gRPC transport, for interpreters of our own: imports grpc, so import this module lazily."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from emsync.client.failures import ERROR_KEY, failure_of, stopped_midway
from emsync.client.runtime_file import ServerAddress
from emsync.client.trust import ClientTls
from emsync.errors import InputError, ServerUnavailableError, VersionMismatchError
from emsync.v1 import composition_pb2, rendering_pb2, spotting_pb2, system_pb2
from emsync.wire.calls import API_VERSION, ApiVersion, Method

__all__ = ["GrpcTransport", "message_from", "object_from"]

MAX_ANSWER_BYTES = 256 * 2**20

_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
    ("grpc.max_send_message_length", -1),  # the server's ceiling counts, and its sentence
    ("grpc.enable_http_proxy", 0),  # a proxy would see the loopback otherwise
    ("grpc.enable_retries", 0),  # a job is not started twice
]


class GrpcTransport:
    """Calls over one channel."""

    def __init__(
        self,
        address: str,
        token: str,
        *,
        api_version: ApiVersion = API_VERSION,
        tls: ClientTls | None = None,
        deadline_s: float | None = None,
    ) -> None:
        self._channel = _channel(address, tls)
        self._metadata = (("authorization", f"Bearer {token}"), ("emsync-api", str(api_version)))
        self._deadline_s = deadline_s

    @classmethod
    def to(cls, found: ServerAddress) -> GrpcTransport:
        """To the server of a runtime file; raises VersionMismatchError when it is too old."""
        version = ApiVersion.parse(found.api_version)
        if not version.serves(API_VERSION):
            stop = f"taskkill /PID {found.pid}" if os.name == "nt" else f"kill {found.pid}"
            raise VersionMismatchError(
                f"The emsync server that runs (process {found.pid}) speaks protocol {version}, "
                f"this emsync speaks {API_VERSION}. When its jobs are done, stop it with "
                f"'{stop}'; a new one starts by itself."
            )
        return cls(found.address, found.token)

    def wait_until_ready(self, timeout_s: float) -> bool:
        """Whether the server took the connection in time."""
        try:
            grpc.channel_ready_future(self._channel).result(timeout=timeout_s)
        except grpc.FutureTimeoutError:
            return False
        return True

    def call_streaming(self, method: Method, request: dict[str, Any]) -> GrpcEvents:
        """Start a long call."""
        call = self._channel.unary_stream(_path(method), **_codec(method))
        message = message_from(request, _descriptor(method).input_type)
        return GrpcEvents(call(message, metadata=self._metadata, timeout=self._deadline_s))

    def call_unary(self, method: Method, request: dict[str, Any]) -> dict[str, Any]:
        """Make a short call."""
        call = self._channel.unary_unary(_path(method), **_codec(method))
        message = message_from(request, _descriptor(method).input_type)
        try:
            return object_from(call(message, metadata=self._metadata, timeout=self._deadline_s))
        except grpc.RpcError as err:
            raise _translated(err) from err

    def close(self) -> None:
        """Close the channel; calls that run are cancelled."""
        self._channel.close()


class GrpcEvents:
    """The events of one call."""

    def __init__(self, call: Any) -> None:  # noqa: ANN401 - grpc has no types
        self._call = call

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The events as they come."""
        return self

    def __next__(self) -> dict[str, Any]:
        """The next event."""
        try:
            return object_from(next(self._call))
        except grpc.RpcError as err:
            raise _translated(err) from err

    def cancel(self) -> None:
        """End the call, from any thread."""
        self._call.cancel()

    def close(self) -> None:
        """End the call if it still runs."""
        self._call.cancel()


def message_from(data: dict[str, Any], descriptor: Any) -> Message:  # noqa: ANN401 - upb's own class
    """A message from what `wire.to_dict` made."""
    try:
        message: Message = json_format.ParseDict(
            data, message_factory.GetMessageClass(descriptor)()
        )
    except json_format.ParseError as err:
        raise InputError(f"The request is not one that emsync knows: {err}.") from err
    return message


def object_from(message: Message) -> dict[str, Any]:
    """A message as what `wire.from_dict` reads."""
    data: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return data


def _channel(address: str, tls: ClientTls | None) -> Any:  # noqa: ANN401 - grpc has no types
    if tls is None:
        return grpc.insecure_channel(address, options=_OPTIONS)
    try:
        credentials = grpc.ssl_channel_credentials(
            root_certificates=tls.server_authority.read_bytes(),
            private_key=tls.private_key.read_bytes(),
            certificate_chain=tls.certificate.read_bytes(),
        )
    except OSError as err:
        raise ServerUnavailableError(
            f"The certificate file '{err.filename}' cannot be read ({err.strerror})."
        ) from err
    return grpc.secure_channel(address, credentials, options=_OPTIONS)


def _descriptor(method: Method) -> MethodDescriptor:
    service, name = method.value.split("/")
    for module in (spotting_pb2, composition_pb2, rendering_pb2, system_pb2):
        found = module.DESCRIPTOR.services_by_name.get(service)
        if found is not None:
            return found.methods_by_name[name]
    raise AssertionError(f"{method} is in no .proto file")


def _path(method: Method) -> str:
    return f"/emsync.v1.{method.value}"


def _codec(method: Method) -> dict[str, Any]:
    answer = message_factory.GetMessageClass(_descriptor(method).output_type)
    return {
        "request_serializer": lambda message: message.SerializeToString(),
        "response_deserializer": answer.FromString,
    }


def _translated(err: grpc.RpcError) -> Exception:
    name = dict(err.trailing_metadata() or ()).get(ERROR_KEY)
    code = err.code().name
    if code == "INTERNAL" and name is None and "RST_STREAM" in (err.details() or ""):
        return stopped_midway()
    return failure_of(code, err.details() or "", name)
