"""The server itself: it refuses to listen, or answers with security headers and protected from forged requests."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from app.server.headers import HEADERS
from tests.browser.conftest import free_port, wait_until_healthy

PROJECT = Path(__file__).parents[3]
SERVE = [sys.executable, "-m", "streamlit", "run", "app/serve.py", "--server.headless", "true"]


@pytest.mark.slow
@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_the_server_does_not_listen_on_a_reachable_address_for_one_person(address: str):
    command = [*SERVE, "--server.address", address, "--server.port", str(free_port())]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1
    assert f"GNL does not start on {address} for one person: set server.address" in ended.stderr


@pytest.mark.slow
def test_the_server_adds_security_headers_and_refuses_forged_uploads(tmp_path: Path):
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environ = os.environ | {"GNL_MODE": "public", "GNL_RUNS": str(tmp_path)}
    server = subprocess.Popen([*SERVE, "--server.port", str(port)], cwd=PROJECT, env=environ)
    try:
        wait_until_healthy(f"{address}/_stcore/health")
        for path in ("/", "/train", "/_stcore/health"):
            with urllib.request.urlopen(address + path, timeout=20) as answer:
                assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
                assert answer.headers["Access-Control-Allow-Origin"] is None
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(urllib.request.Request(f"{address}/_stcore/upload_file/a/b", b"x", method="PUT"))
    finally:
        server.terminate()
        server.wait(timeout=20)
