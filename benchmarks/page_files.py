"""Measure how fast pages in one file open from disk, and how fast those that contain a model score images.

    python -m benchmarks.page_files FILE … [--repeats N]

Each visit opens a file in a new Chromium without a cache, without a network. Times are by the page's own clock: until
the frame that shows the first figure; for a page with a model, from scrolling to its last section until the first
score is shown, and from choosing another image until its score is. Prints a Markdown table of medians and, in brackets,
largest values.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, Playwright, sync_playwright

from tests.browser.conftest import find_chromium

FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
FIRST_FIGURE = f"""(async () => {{
    while (!document.querySelector("svg .bar")) await {FRAMES};
    await {FRAMES};
    window.firstFigure = performance.now();
}})();"""
FIRST_SCORE = f"""async () => {{
    const begin = performance.now();
    document.querySelector("#live").scrollIntoView();
    while (!document.querySelector("#live .score")?.value) await {FRAMES};
    return performance.now() - begin;
}}"""
NEXT_SCORE = f"""async (index) => {{
    const caption = document.querySelector("#live .image-caption");
    const [before, begin] = [caption.textContent, performance.now()];
    document.querySelectorAll("#live .choices button")[index].click();
    while (caption.textContent === before) await {FRAMES};
    return performance.now() - begin;
}}"""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--repeats", type=int, default=10)
    parsed = parser.parse_args()
    print("| file | MB | first figure, s | first score, s | another image, ms | of which the model, ms |")
    print("|---|---:|---:|---:|---:|---:|")
    with sync_playwright() as playwright:
        for file in parsed.files:
            visits = [visit(playwright, file.resolve()) for _ in range(parsed.repeats)]
            print(f"| `{file.name}` | {file.stat().st_size / 10**6:.1f} | " + " | ".join(describe(visits)) + " |")


def visit(playwright: Playwright, file: Path) -> dict[str, list[float]]:
    """Open a file in a new browser; return its times by name, those of images for each but the first."""
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
    try:
        context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.add_init_script(FIRST_FIGURE)
        page.goto(file.as_uri())
        page.wait_for_function("window.firstFigure")
        times = {"figure": [page.evaluate("window.firstFigure / 1000")]}
        return times | measure_model(page) if page.locator("#live").count() else times
    finally:
        browser.close()


def measure_model(page: Page) -> dict[str, list[float]]:
    """Score every image of the first domain; loading ends with the score of the first."""
    times: dict[str, list[float]] = {"load": [page.evaluate(FIRST_SCORE) / 1000], "image": [], "model": []}
    for index in range(1, page.locator("#live .choices button").count()):
        times["image"].append(page.evaluate(NEXT_SCORE, index))
        words = page.locator("#live .details").inner_text()
        times["model"].append(float(words.rpartition(" in ")[2].removesuffix(" ms.")))
    return times


def describe(visits: list[Mapping[str, list[float]]]) -> list[str]:
    """Return the cells of a row: the median, and the largest value in brackets."""
    cells = []
    for name, digits in (("figure", 2), ("load", 2), ("image", 0), ("model", 0)):
        values: Any = np.concatenate([visit.get(name, []) for visit in visits])
        cells.append(f"{np.median(values):.{digits}f} ({values.max():.{digits}f})" if len(values) else "")
    return cells


if __name__ == "__main__":
    main()
