"""The app with its own server and a real browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]
START_SECONDS = 60
FIRST_VISIT_MS = 60_000
TEXT_MS = 5_000
SITE = "http://127.0.0.1/"  # of all servers: a process belongs to a host, with any port
SIZE_PX = {"width": 1280, "height": 1700}


def find_chromium() -> str | None:
    """Chromium or Chrome on this machine."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
    )


def free_port() -> int:
    """A free port of the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(runs: Path) -> Iterator[str]:
    """Run the app until the caller is done; yield its address."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app/main.py",
        "--server.port",
        str(port),
        "--server.headless",
        "true",
    ]
    server = subprocess.Popen(command, cwd=PROJECT, env=os.environ | {"GNL_RUNS": str(runs)})
    try:
        wait_until_healthy(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def wait_until_healthy(url: str) -> None:
    """Wait for the server's first answer."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app's address."""
    yield from serve(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def profile() -> Iterator[Any]:
    """A real browser with one profile for all tests of a process.

    Nothing in it moves: without a graphics card, drawing Streamlit's animations takes most of the time. One process
    draws the pages of all tests, and an empty page keeps it alive, because a new process compiles the app's scripts
    again, which takes longer than drawing a page. The pages are tabs of one window, since a window takes time too.
    """
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--process-per-site"])
        profile = browser.new_context(viewport=SIZE_PX, reduced_motion="reduce")
        empty = profile.new_page()
        empty.route(SITE, lambda route: route.fulfill(body=""))
        empty.goto(SITE)
        yield profile
        browser.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Add to the report of a failed test what its pages show."""
    report = yield
    profile = getattr(item, "funcargs", {}).get("profile")
    if profile is not None and call.when == "call" and report.failed:
        report.sections += [(page.url, text_of(page)) for page in profile.pages]
    return report


def text_of(page) -> str:
    """What a page shows, or why it shows nothing."""
    from playwright.sync_api import Error

    try:
        return page.locator("body").inner_text(timeout=TEXT_MS)
    except Error as error:
        return str(error)


@pytest.fixture
def open_window(profile) -> Iterator[Callable[[], Any]]:
    """A function that opens pages in tabs of their own.

    Each notes console errors, what it asks of other hosts, and pictures that it asks for one by one.
    """
    pages = []

    def open_one():
        page = profile.new_page()
        pages.append(page)
        note_troubles(page)
        return page

    yield open_one
    for page in pages:
        page.close()


def note_troubles(page) -> None:
    """Let a page note its errors and what it asks for in `page.troubles`."""
    page.troubles = []
    page.on("console", lambda message: message.type == "error" and page.troubles.append(message.text))
    page.on("requestfailed", lambda sent: has_failed(sent) and page.troubles.append(f"failed: {sent.url}"))
    page.on("request", lambda sent: is_external(sent.url) and page.troubles.append(f"external: {sent.url}"))
    page.on("request", lambda sent: is_picture_file(sent) and page.troubles.append(f"not in the page: {sent.url}"))


@pytest.fixture
def page(open_window):
    """An empty page in a window of its own."""
    return open_window()


def settle(page) -> None:
    """Wait until the page's script has run to its end."""
    page.locator('[data-test-script-state="notRunning"]').wait_for(timeout=FIRST_VISIT_MS)


def has_failed(request) -> bool:
    """Whether a request failed, rather than being dropped because the page was left or reloaded."""
    return request.failure != "net::ERR_ABORTED"


def is_picture_file(request) -> bool:
    """Whether a request is for a picture that Streamlit keeps as a file, and drops when any visitor's run ends."""
    return request.resource_type == "image" and "/media/" in request.url


def is_external(url: str) -> bool:
    """Whether a request leaves this machine."""
    return not url.startswith(("http://127.0.0.1", "data:", "blob:"))
