"""Takes the pictures in assets/figures: python -m tests.browser.figures, or make figures."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import PROJECT, find_chromium, serve

FIGURES = PROJECT / "assets" / "figures"
FIRST_VISIT_MS = 60_000
GALLERY = (".st-key-figures .bars path", ".st-key-gallery img >> nth=15")
CURVES = (".st-key-severity_curves .trace", "text=at the strength chosen above")
VIEWS = {  # name of the picture to the page's address, and what stands there once it is whole
    "explore": ("", GALLERY),
    "parts": ("?data=Parts+(rendered)", GALLERY),
    "shift-lab": ("shift-lab", CURVES),
}
ENDINGS = {"light": ".png", "dark": "-dark.png"}
SIZE = {"width": 1280, "height": 1180}


def main() -> int:
    """Open the app and photograph each view, light and dark."""
    chromium = find_chromium()
    if chromium is None:
        sys.stderr.write("no Chromium on this machine; install it and call again\n")
        return 1
    with tempfile.TemporaryDirectory() as runs, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for address in serve(Path(runs)):
            for (name, (query, parts)), (scheme, ending) in product(VIEWS.items(), ENDINGS.items()):
                page = browser.new_page(viewport=SIZE, color_scheme=scheme)
                photograph(page, f"{address}/{query}", FIGURES / f"{name}{ending}", parts=parts)
        browser.close()
    return 0


def photograph(page: Page, address: str, file: Path, *, parts: Sequence[str]) -> None:
    """Wait until the whole page stands, and take its picture."""
    page.goto(address)
    for part in parts:
        page.locator(part).first.wait_for(state="attached", timeout=FIRST_VISIT_MS)
    page.wait_for_timeout(1500)  # the spinner fades
    file.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=file)


if __name__ == "__main__":
    raise SystemExit(main())
