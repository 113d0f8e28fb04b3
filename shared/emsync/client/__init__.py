"""The client: reaches a server from a host (standard library only) or from an interpreter of ours.

with Client(ProcessTransport()) as client:      # in a host: through `emsync rpc`
    sheet = client.spot(Path("film.mp4"))
with Client(connect()) as client:               # elsewhere: gRPC
    sheet = client.spot(Path("film.mp4"))
with Client(connect_elsewhere("studio.example:50051")) as client:     # on another machine: TLS
    sheet = client.spot(Path("/films/film.mp4"))
"""

from emsync.client.client import Beginning, Client, Watcher
from emsync.client.locating import connect, connect_elsewhere, describe_server, emsync_command
from emsync.client.process_transport import ProcessTransport
from emsync.client.tokens import keep_token, token_of
from emsync.client.transport import Events, Transport
from emsync.client.trust import ClientTls, keep_tls, tls_of

__all__ = [
    "Beginning",
    "Client",
    "ClientTls",
    "Events",
    "ProcessTransport",
    "Transport",
    "Watcher",
    "connect",
    "connect_elsewhere",
    "describe_server",
    "emsync_command",
    "keep_tls",
    "keep_token",
    "tls_of",
    "token_of",
]
