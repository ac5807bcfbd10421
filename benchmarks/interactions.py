"""How long a visitor waits after an input, in a real browser, by the clock of the page itself.

    python -m benchmarks.interactions [--repeats N]

Server and browser share two cores. A time goes from the key or the mouse button to the frame that shows the last change
of what is watched: two animation frames after it. Prints a Markdown table of milliseconds.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from playwright.sync_api import Page, sync_playwright

from benchmarks.first_chart import visit
from tests.browser.conftest import FIRST_VISIT_MS, find_chromium, serve, settle

CLOCK = Path(__file__).with_name("clock.js").read_text(encoding="utf-8")
CORES = 2
QUIET_MS = 500  # what is watched stands when nothing of it has changed for so long, and the script has ended
WARM_UPS = 4  # the first ones import, and score what is kept from then on
FIRST_CHART_MS = 4000
TRIES = 5  # for each time that is asked for: a step of the slider of scores may leave out no image
RAIL = ".st-key-figures .slider-rail-touch-rect >> nth=0"
PLACES = (0.0, 0.5, 1.0, 0.25, 0.75)  # on the slider: no two that follow each other are the same
STANDS = """([quiet, asksServer]) => {
    const clock = window.interactionClock;
    const last = Math.max(clock.input, clock.changed ?? 0, clock.told ?? 0);
    return !clock.waiting && (clock.changed === null || clock.painted >= clock.changed)
        && (clock.told !== null || !asksServer)
        && performance.now() - last > quiet
        && document.querySelector('[data-test-script-state="notRunning"]') !== null;
}"""


class Interaction(NamedTuple):
    """Something that a visitor does.

    Attributes:
        name: What it is called in the table.
        view: The address of the view that it is done on.
        stands: What is there when the view is whole.
        act: Does it, for the nth time.
        watched: What has to change.
        asked_ms: What 95 % of the times should not exceed.
        asks_server: Whether the server has a part in it.
    """

    name: str
    view: str
    stands: str
    act: Callable[[Page, int], None]
    watched: str
    asked_ms: int
    asks_server: bool = True


class Times(NamedTuple):
    """Milliseconds from one input to the server's last message, none if there was none, and to the last frame."""

    told: float | None
    shown: float


def scrub(page: Page, number: int) -> None:
    """Click on another place of the strength's slider."""
    box = page.locator(RAIL).bounding_box()
    assert box is not None
    inner = box["width"] - 2
    page.mouse.click(box["x"] + 1 + PLACES[number % len(PLACES)] * inner, box["y"] + box["height"] / 2)


def toggle_matching(page: Page, _: int) -> None:
    """Switch GNL's matching on or off."""
    page.get_by_text("FDM", exact=True).nth(1).click()


def other_domain(page: Page, number: int) -> None:
    """Show the gallery of the other domain."""
    page.get_by_role("radio", name=("In-distribution", "Shifted")[number % 2]).click()


def raise_lowest_score(page: Page, _: int) -> None:
    """Leave out the images with the lowest scores, a step of the gallery's slider further."""
    thumb = page.get_by_role("slider", name="Scores").first
    thumb.focus()
    thumb.press("ArrowRight")


def next_image(page: Page, _: int) -> None:
    """Go to the next image."""
    page.get_by_role("button", name="›").click()


GALLERY_STANDS = ".st-key-gallery li >> nth=15"
INSPECT_STANDS = "text=Nearest training images"
INTERACTIONS = (
    Interaction("the slider under the figures", "", GALLERY_STANDS, scrub, ".st-key-figures", 50, asks_server=False),
    Interaction("FDM on or off: finding and figures", "", GALLERY_STANDS, toggle_matching, "h5, .st-key-figures", 350),
    Interaction("a gallery of 16 images", "", GALLERY_STANDS, other_domain, ".st-key-gallery", 500),
    Interaction(
        "a gallery of 16 that was never drawn before",
        "?order=Most+normal",
        GALLERY_STANDS,
        raise_lowest_score,
        ".st-key-gallery",
        500,
    ),
    Interaction(
        "Inspect, a new image: its maps",
        "inspect",
        INSPECT_STANDS,
        next_image,
        "img[alt^='Anomaly map of']",
        700,
    ),
    Interaction(
        "Inspect, a new image: the whole page",
        "inspect",
        INSPECT_STANDS,
        next_image,
        "[data-testid=stMain]",
        700,
    ),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=30)
    repeats = parser.parse_args().repeats
    use_two_cores()
    print("| interaction | n | to the server's last message, median | median | p95 | asked |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as runs, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        for address in serve(Path(runs)):
            for interaction in INTERACTIONS:
                page = browser.new_page(viewport={"width": 1280, "height": 1700})
                page.add_init_script(CLOCK)
                times = islice(
                    measure(page, address, interaction, tries=TRIES * (WARM_UPS + repeats)),
                    WARM_UPS,
                    WARM_UPS + repeats,
                )
                print_row(interaction.name, list(times), asked_ms=interaction.asked_ms)
                page.close()
        browser.close()
        waits = [visit(playwright) for _ in range(repeats)]
    first_charts = [Times(None, 1000 * (chart - answered)) for answered, chart in waits]
    print_row("the first chart, after the server answers", first_charts, asked_ms=FIRST_CHART_MS)


def use_two_cores() -> None:
    """Keep this process, and the server and the browser that it starts, to two cores, where the system can."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def measure(page: Page, address: str, interaction: Interaction, *, tries: int) -> Iterator[Times]:
    """Open the view and do it again and again.

    Args:
        page: An empty page with the clock.
        address: Where the app answers.
        interaction: What to do.
        tries: How often at most.

    Yields:
        The times of each that changed what is watched.
    """
    page.goto(f"{address}/{interaction.view}")
    page.locator(interaction.stands).wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    for number in range(tries):
        page.evaluate("watched => window.interactionClock.wait(watched)", interaction.watched)
        interaction.act(page, number)
        page.wait_for_function(STANDS, arg=[QUIET_MS, interaction.asks_server], polling=100, timeout=FIRST_VISIT_MS)
        clock = page.evaluate("({ ...window.interactionClock })")
        if clock["changed"] is not None:
            told = None if clock["told"] is None else clock["told"] - clock["input"]
            yield Times(told, clock["painted"] - clock["input"])


def print_row(name: str, times: list[Times], *, asked_ms: int) -> None:
    """One line of the table; how many times there are says how many inputs changed something."""
    shown = np.array([one.shown for one in times])
    told = [one.told for one in times if one.told is not None]
    server = f"{np.median(told):.0f}" if told else "none"
    print(
        f"| {name} | {len(times)} | {server} | {np.median(shown):.0f} | {np.percentile(shown, 95):.0f} | {asked_ms} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
