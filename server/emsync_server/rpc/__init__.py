"""The server: services of `emsync.v1` over gRPC, and the hosts' bridge to them."""

from emsync_server.rpc.bridge import bridge
from emsync_server.rpc.host_bridge import host_bridge
from emsync_server.rpc.server import running_server, serve
from emsync_server.rpc.steps import LocalSteps, Steps

__all__ = ["LocalSteps", "Steps", "bridge", "host_bridge", "running_server", "serve"]
