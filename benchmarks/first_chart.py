"""Measure how long a first visitor waits for the first chart after the app's server starts.

    python -m benchmarks.first_chart [--visits N]

Each visit starts a new server and opens it in a new Chromium without a cache. Prints a Markdown table of seconds after
the server's start.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import urllib.request

import numpy as np
from playwright.sync_api import Playwright, sync_playwright

from tests.browser.conftest import PROJECT, find_chromium, free_port


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=5)
    visits = parser.parse_args().visits
    with sync_playwright() as playwright:
        waits = np.array([visit(playwright) for _ in range(visits)])
    print("| seconds after the server's start | median | slowest |\n| --- | ---: | ---: |")
    for name, column in zip(("the server responds", "the first chart is drawn"), waits.T, strict=True):
        print(f"| {name} | {np.median(column):.2f} | {column.max():.2f} |")


def visit(playwright: Playwright) -> tuple[float, float]:
    """Measure the seconds from the server's start until it responds, and until the first chart has its bars."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.headless", "true"]
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
    started = time.perf_counter()
    started_with = [*command, "--server.port", str(port)]
    server = subprocess.Popen(started_with, cwd=PROJECT, stdout=subprocess.DEVNULL)  # literals, no shell  # nosec B603
    try:
        wait_for_answer(f"http://127.0.0.1:{port}/_stcore/health")
        answered = time.perf_counter() - started
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"http://127.0.0.1:{port}/")
        page.locator(".st-key-figures .bar").first.wait_for(state="attached")
        return answered, time.perf_counter() - started
    finally:
        browser.close()
        server.terminate()
        server.wait()


def wait_for_answer(url: str) -> None:
    """Poll every 20 ms until the server responds, a negligible load."""
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()  # an address of this machine  # nosec B310
            return
        except OSError:
            time.sleep(0.02)


if __name__ == "__main__":
    main()
