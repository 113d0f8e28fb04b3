"""`emsync serve|rpc|host` whose server plays its steps, as `fake_studio` does, in processes of
their own: to be killed, to be too old, to be shared.

python fake_host_server.py serve [PROTOCOL] · rpc METHOD · host
EMSYNC_TEST_ROOT says where the server may go.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(REPOSITORY),
    *(str(REPOSITORY / p) for p in ("shared", "server", "plugins/otio")),
]

from tests.hosts.fake_studio import FakeClient  # noqa: E402

from emsync.cue import CueSheet  # noqa: E402
from emsync.score import Take  # noqa: E402
from emsync.settings import ComposeSettings, RenderSettings, SpotSettings  # noqa: E402
from emsync.stem import StemSet  # noqa: E402
from emsync.wire.calls import ApiVersion, Model  # noqa: E402
from emsync_server.config import ServerSettings  # noqa: E402
from emsync_server.outputs import working_folder  # noqa: E402
from emsync_server.progress import Progress  # noqa: E402
from emsync_server.rpc import server as server_module  # noqa: E402


class PlayedSteps:
    """The fake studio's steps, behind a real server."""

    def spot(self, source: Path, settings: SpotSettings, progress: Progress) -> CueSheet:
        """The edit is really read."""
        return FakeClient().spot(source, settings, progress.report)

    def compose(
        self,
        sheet: CueSheet,
        cue_name: str,
        folder: Path,
        settings: ComposeSettings,
        progress: Progress,
    ) -> tuple[Take, ...]:
        """Half a file lies there while it goes on, as with the real one."""
        with working_folder(folder) as working:
            (working / "half.mid").write_bytes(b"half of it")
            progress.report(0.0, "composing")
            takes = FakeClient().compose(sheet, cue_name, folder, settings, progress.report)
            (working / "half.mid").unlink()
        return takes

    def render(
        self, take_path: Path, folder: Path, settings: RenderSettings, progress: Progress
    ) -> StemSet:
        """Two stems of silence."""
        return FakeClient().render(take_path, folder, settings, progress.report)

    def models(self) -> tuple[Model, ...]:
        """One that is there."""
        return (Model("composer", True, "0" * 64, "Apache-2.0"),)


def serve(root: Path, protocol: str | None) -> None:
    """Serve until stopped; with another protocol's number, where one is named."""
    if protocol is not None:
        server_module.API_VERSION = ApiVersion.parse(protocol)
    server_module.serve(ServerSettings(allowed_roots=(root,)), PlayedSteps())


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        words = [word for word in sys.argv[2:] if word.count(".") == 1]
        serve(Path(os.environ["EMSYNC_TEST_ROOT"]), words[0] if words else None)
    else:
        from emsync_server.rpc.__main__ import main

        sys.exit(main())
