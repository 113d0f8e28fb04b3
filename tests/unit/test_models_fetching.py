"""Getting weights: from an address, with resume, and from a folder; what is refused."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from emsync.errors import InputError, JobCancelledError, MissingPartError, NotFoundError
from emsync_server.models import Model, ModelState, list_models
from emsync_server.models.installing import fetch_file, import_model, remove_files
from emsync_server.progress import ProgressSink, silent_progress

WEIGHTS = bytes(range(256)) * 20_000  # 5 MB
DIGEST = hashlib.sha256(WEIGHTS).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves one file, and may break off, ignore ranges or send away."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges, self.cut_at, self.knows_ranges, self.location = [], None, True, None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/weights.onnx"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.ranges.append(asked)
        if server.location:
            self.send_response(302)
            self.send_header("Location", server.location)
            self.end_headers()
            return
        start = (
            int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.knows_ranges else 0
        )
        if start >= len(WEIGHTS):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(WEIGHTS) - start))
        self.end_headers()
        body = WEIGHTS[start : server.cut_at]
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *arguments):
        """Quiet."""


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def model(tmp_path):
    return Model("m", "MIT", (("m.onnx", None),), "", "", "", tmp_path / "m", is_full_tier=True)


def fetch(model, server, digest=DIGEST, progress=None):
    return fetch_file(model, "m.onnx", server.url, digest, progress or silent_progress())


def test_a_fetched_file_is_whole_known_and_ready(model, server):
    assert model.state is ModelState.MISSING
    told = []
    fetch(model, server, progress=ProgressSink(lambda fraction, note: told.append(fraction)))
    assert (model.folder / "m.onnx").read_bytes() == WEIGHTS
    assert model.state is ModelState.READY
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert sorted(path.name for path in model.folder.iterdir()) == ["installed.json", "m.onnx"]


def test_a_fetch_goes_on_where_it_stopped(model, server):
    server.cut_at = 2_000_000
    with pytest.raises(MissingPartError, match="goes on where it stopped"):
        fetch(model, server)
    assert model.state is ModelState.MISSING
    server.cut_at = None
    fetch(model, server)
    assert server.ranges == [None, "bytes=2000000-"]
    assert model.state is ModelState.READY


def test_a_server_without_ranges_begins_anew(model, server):
    server.cut_at = 1_000_000
    with pytest.raises(MissingPartError):
        fetch(model, server)
    server.cut_at, server.knows_ranges = None, False
    fetch(model, server)
    assert model.state is ModelState.READY


def test_a_cancelled_fetch_installs_nothing_and_can_be_gone_on_with(model, server):
    cancelled = threading.Event()
    progress = ProgressSink(lambda fraction, note: cancelled.set(), cancelled)
    with pytest.raises(JobCancelledError):
        fetch(model, server, progress=progress)
    assert model.state is ModelState.MISSING
    fetch(model, server)
    assert model.state is ModelState.READY


def test_another_file_than_the_named_one_is_thrown_away(model, server):
    with pytest.raises(MissingPartError, match="SHA-256 is another"):
        fetch(model, server, digest="0" * 64)
    assert not list(model.folder.iterdir())


def test_a_file_that_changed_after_its_install_is_damaged(model, server):
    fetch(model, server)
    (model.folder / "m.onnx").write_bytes(WEIGHTS[:-1] + b"x")
    assert model.state is ModelState.DAMAGED


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://example.org/m.onnx", "over TLS only"),
        ("file:///etc/passwd", "over TLS only"),
        ("ftp://127.0.0.1/m", "over TLS only"),
        ("http://[::1", "not an address"),
        ("http://127.0.0.1.example.org/m", "over TLS only"),
        ("http://999.1.1.1/m", "not an address"),
    ],
)
def test_addresses_that_are_not_safe_are_refused(model, url, words):
    with pytest.raises(InputError, match=words):
        fetch_file(model, "m.onnx", url, DIGEST, silent_progress())


def test_a_redirect_to_a_plain_address_is_refused(model, server):
    server.location = "http://example.org/m.onnx"
    with pytest.raises(InputError, match="over TLS only"):
        fetch(model, server)


@pytest.mark.parametrize("digest", ["", "abc", "g" * 64])
def test_what_is_no_hash_is_refused(model, server, digest):
    with pytest.raises(InputError, match="not a SHA-256"):
        fetch(model, server, digest=digest)


def test_a_server_that_is_not_there_is_named(model):
    with pytest.raises(MissingPartError, match="cannot be fetched"):
        fetch_file(model, "m.onnx", "http://127.0.0.1:9/m", DIGEST, silent_progress())


def test_weights_come_from_a_folder_without_a_network(model, tmp_path):
    source = tmp_path / "stick"
    source.mkdir()
    with pytest.raises(NotFoundError, match=r"m\.onnx is missing"):
        import_model(model, source, silent_progress())
    (source / "m.onnx").write_bytes(WEIGHTS)
    import_model(model, source, silent_progress())
    assert model.state is ModelState.READY
    assert json.loads((model.folder / "installed.json").read_text()) == {"m.onnx": DIGEST}
    remove_files(model)
    assert model.state is ModelState.MISSING


def test_weights_that_are_not_for_paid_work_are_never_on_by_default():
    from emsync_server.spotting.experts import EXPERTS

    barred = {model.name for model in list_models() if not model.is_commercial}
    assert barred
    assert not any(row.on_by_default for row in EXPERTS if row.model in barred)


def test_experts_of_the_full_tier_have_weights_of_the_full_tier():
    from emsync_server.spotting.experts import EXPERTS, Tier

    listed = {model.name: model.is_full_tier for model in list_models()}
    for row in EXPERTS:
        if row.model in listed:
            assert listed[row.model] == (row.tier is Tier.FULL)
    assert {row.model for row in EXPERTS if row.tier is Tier.FULL} <= listed.keys()
