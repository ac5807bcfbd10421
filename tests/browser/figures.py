"""Takes the pictures in assets/figures: python -m tests.browser.figures, or make figures."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from gnl_core.config import RunConfig
from gnl_core.runs.folder import create_run
from gnl_core.runs.training import train_run
from tests.browser.conftest import PROJECT, find_chromium, serve

FIGURES = PROJECT / "assets" / "figures"
FIRST_VISIT_MS = 180_000
VIEWS = {  # name of the picture to the page's address
    "explore": "",
    "parts": "?data=Parts+(rendered)",
    "adapted": "?data=Parts+(rendered)&adapt=adapt+to+n+of+its+images",
    "compare": "compare?comparison=PACS,+3+classes,+11+methods&sort=Mean+shift",
    "learn": "learn?step=3",
    "shift-lab": "shift-lab",
    "inspect": "inspect?data=Parts+(rendered)&image=75",
    "embeddings": "embeddings",
    "follow": "follow",
    "train": "train?job=demonstration",
}
DEMONSTRATION = {"normal_class": "7", "image_size": (32, 32), "epochs": 8, "keep_epochs": True, "device": "cpu"}
STANDS = {  # what a whole page has
    "compare": (".st-key-dots .points path", ".st-key-table th[scope=row]"),
    "learn": (".st-key-widths .bars path", '[data-testid="stImage"] img >> nth=7'),
    "inspect": (".st-key-values .trace", ".st-key-singles .points path", "text=Mean and deviation"),
    "embeddings": (".st-key-plane_0 .trace", ".st-key-plane_1 .trace", ".st-key-gallery li >> nth=7"),
    "follow": (".st-key-timeline .trace", "text=Worn nuts: all reported"),
    "train": (".st-key-losses .trace", ".st-key-epoch_histograms .trace", ".st-key-epoch_aurocs .trace"),
    "shift-lab": (".st-key-severity_curves .trace", "text=at the strength chosen above"),
}
EXPLORE_STANDS = (".st-key-figures .bar", ".st-key-gallery li >> nth=15")
ENDINGS = {"light": ".webp", "dark": "-dark.webp"}  # a lossless WebP is two thirds of a PNG
PRESSED = {"train": "Score 8 kept epochs"}  # a button that has to be pressed; its scores are there for the next picture
WIDTH_PX, HEIGHT_PX = 1280, 1180
HEIGHTS_PX = {"train": 1400, "parts": 1780, "adapted": 1780}


def main() -> int:
    """Open the app and photograph each view, light and dark."""
    chromium = find_chromium()
    if chromium is None:
        sys.stderr.write("no Chromium on this machine; install it and call again\n")
        return 1
    with tempfile.TemporaryDirectory() as runs, sync_playwright() as playwright:
        run = RunConfig(**DEMONSTRATION)
        list(train_run(run, create_run(Path(runs) / "demonstration", run)))  # what the page Train shows
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for address in serve(Path(runs)):
            for (name, query), (scheme, ending) in product(VIEWS.items(), ENDINGS.items()):
                size = {"width": WIDTH_PX, "height": HEIGHTS_PX.get(name, HEIGHT_PX)}
                page = browser.new_page(viewport=size, color_scheme=scheme)
                page.goto(f"{address}/{query}")
                if name in PRESSED and scheme == "light":
                    page.get_by_role("button", name=PRESSED[name]).click(timeout=FIRST_VISIT_MS)
                photograph(page, FIGURES / f"{name}{ending}", stands=STANDS.get(name, EXPLORE_STANDS))
        browser.close()
    return 0


def photograph(page: Page, file: Path, *, stands: Sequence[str]) -> None:
    """Wait until the page is complete, and take its picture.

    Args:
        page: The page.
        file: Where the picture goes.
        stands: Selectors of what is on the page when it is whole.
    """
    for selector in stands:
        page.locator(selector).first.wait_for(state="attached", timeout=FIRST_VISIT_MS)
    page.mouse.move(0, 0)  # a chart under the mouse shows its buttons
    page.wait_for_timeout(1500)  # the spinner fades
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(file, lossless=True, method=6)


if __name__ == "__main__":
    raise SystemExit(main())
