from __future__ import annotations

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from zipfile import ZipFile

import pip_process
import pytest
from environment import SetUpError
from pip_process import PipError, pip

WHEEL = "thing-1.0-py3-none-any.whl"

pytestmark = pytest.mark.slow


class Index(ThreadingHTTPServer):
    """A package index with one wheel, whose downloads break off half way so many times."""

    def __init__(self, wheel: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.wheel, self.breaks, self.asked = wheel, 0, 0


class Answers(BaseHTTPRequestHandler):
    server: Index

    def do_GET(self) -> None:
        if self.path.endswith(".whl"):
            self.server.asked += 1
            broken = self.server.asked <= self.server.breaks
            self._send("application/octet-stream", self.server.wheel, half=broken)
        else:
            self._send("text/html", f'<a href="/{WHEEL}">{WHEEL}</a>'.encode())

    def _send(self, kind: str, body: bytes, half: bool = False) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if half else body)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    with ZipFile(tmp_path / WHEEL, "w") as archive:
        archive.writestr("thing/__init__.py", "x = 1\n" * 2000)
        archive.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        archive.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("thing-1.0.dist-info/RECORD", "")
    monkeypatch.setattr(pip_process, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(pip_process, "VENV", tmp_path)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with Index((tmp_path / WHEEL).read_bytes()) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def download(folder: Path, *arguments: str) -> bytes:
    pip("download", "--no-deps", "--dest", folder / "came", *arguments, "thing==1.0")
    return (folder / "came" / WHEEL).read_bytes()


def test_a_download_that_breaks_off_is_taken_up_again(index: Index, tmp_path: Path) -> None:
    index.breaks = 8  # more often than pip itself tries
    assert download(tmp_path) == index.wheel
    assert index.asked > index.breaks


def test_one_that_breaks_off_every_time_is_given_up_with_what_to_do(index: Index, tmp_path: Path) -> None:
    index.breaks = 1000
    with pytest.raises(SetUpError, match=f"broke off {pip_process.TRIES} times .*mend the network"):
        download(tmp_path)


def test_what_the_index_does_not_have_is_not_tried_again(index: Index, tmp_path: Path) -> None:
    with pytest.raises(PipError, match="No matching distribution"):
        pip("download", "--no-deps", "--dest", tmp_path, "thing==2.0")


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = tmp_path / "pip_on_a_full_disk"
    full.write_text('#!/bin/sh\necho x >/dev/full || echo "OSError: [Errno 28] No space left on device"; exit 1\n')
    full.chmod(0o755)
    monkeypatch.setattr(pip_process, "PYTHON", full)
    monkeypatch.setattr(pip_process, "VENV", tmp_path)
    with pytest.raises(SetUpError, match="disk that holds .* is full"):
        pip("install", "thing")
