"""Measure how long a visitor waits after an input, in a real browser, by the page's own clock.

    python -m benchmarks.interactions [--repeats N] [--only TEXT]

Server and browser share two cores. A time runs from the key press or mouse click to the frame that shows the last
change of the watched elements: two animation frames after it. Prints a Markdown table of milliseconds.
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
QUIET_MS = 500  # the watched elements are complete after this time without a change, once the script has ended
WARM_UPS = 4  # the first inputs import modules, and compute scores that are then cached
FIRST_CHART = "the first chart, after the server responds"
FIRST_CHART_MS = 3000
TRIES = 5  # inputs per required time, because a step of the score slider need not exclude an image
RAIL = ".st-key-figures input[type=range]"
POSITIONS = (0.0, 0.5, 1.0, 0.25, 0.75)  # positions on the slider; successive ones differ
MENU = ("Inspect", "Compare", "Explore")  # pages to open in turn
PAINTED_PLACES = 7  # along either side of the image
COMPLETE = """([quiet, asksServer]) => {
    const clock = window.interactionClock;
    const last = Math.max(clock.input, clock.changed ?? 0, clock.received ?? 0);
    return !clock.waiting && (clock.changed === null || clock.painted >= clock.changed)
        && (clock.received !== null || !asksServer)
        && performance.now() - last > quiet
        && document.querySelector('[data-test-script-state="notRunning"]') !== null;
}"""


class Interaction(NamedTuple):
    """An action of a visitor.

    Attributes:
        name: Its name in the table.
        view: The address of the view where it happens.
        complete: Selector of an element that appears once the view is complete.
        act: Performs it for the nth time.
        watched: Selector of the elements that change.
        target_ms: The target for the 95th percentile.
        asks_server: Whether it needs the server.
    """

    name: str
    view: str
    complete: str
    act: Callable[[Page, int], None]
    watched: str
    target_ms: int
    asks_server: bool = True


class Times(NamedTuple):
    """Milliseconds from an input to the server's last message (None without a message) and to the last frame."""

    received: float | None
    shown: float


def scrub(page: Page, number: int) -> None:
    """Click another position of the strength slider."""
    box = page.locator(RAIL).bounding_box()
    assert box is not None
    inner = box["width"] - 2
    page.mouse.click(box["x"] + 1 + POSITIONS[number % len(POSITIONS)] * inner, box["y"] + box["height"] / 2)


def toggle_matching(page: Page, _: int) -> None:
    """Switch GNL's matching on or off."""
    page.get_by_text("FDM", exact=True).nth(1).click()


def other_domain(page: Page, number: int) -> None:
    """Show the gallery of the other domain."""
    page.get_by_role("radio", name=("In-distribution", "Shifted")[number % 2]).click()


def raise_lowest_score(page: Page, _: int) -> None:
    """Move the gallery's score slider by a step, which excludes the lowest scores."""
    thumb = page.get_by_role("slider", name="Scores").first
    thumb.focus()
    thumb.press("ArrowRight")


def next_image(page: Page, _: int) -> None:
    """Go to the next image."""
    page.get_by_role("button", name="›").click()


def open_page(page: Page, number: int) -> None:
    """Open another page from the menu."""
    page.get_by_role("link", name=MENU[number % len(MENU)], exact=True).click()


def paint(page: Page, number: int) -> None:
    """Paint a dot, each time at another place."""
    box = page.get_by_role("application").bounding_box()
    assert box is not None
    row, column = divmod(number % PAINTED_PLACES**2, PAINTED_PLACES)
    across, down = ((one + 1) / (PAINTED_PLACES + 1) for one in (column, row))
    page.mouse.click(box["x"] + across * box["width"], box["y"] + down * box["height"])


GALLERY_COMPLETE = ".st-key-gallery li >> nth=15"
INSPECT_COMPLETE = "text=Nearest training images"
MAPS = "img[alt^='Anomaly map of']"
INTERACTIONS = (
    Interaction("the slider under the charts", "", GALLERY_COMPLETE, scrub, ".st-key-figures", 50, asks_server=False),
    Interaction("FDM on or off: summary and charts", "", GALLERY_COMPLETE, toggle_matching, "h5, .st-key-figures", 350),
    Interaction("a gallery of 16 images", "", GALLERY_COMPLETE, other_domain, ".st-key-gallery", 500),
    Interaction(
        "a gallery of 16 that was never drawn before",
        "?order=Most+normal",
        GALLERY_COMPLETE,
        raise_lowest_score,
        ".st-key-gallery",
        500,
    ),
    Interaction(
        "Inspect, a new image: its maps",
        "inspect",
        INSPECT_COMPLETE,
        next_image,
        MAPS,
        700,
    ),
    Interaction(
        "Inspect, a new image: the whole page",
        "inspect",
        INSPECT_COMPLETE,
        next_image,
        "[data-testid=stMain]",
        600,
    ),
    Interaction("a page opened from the menu", "", GALLERY_COMPLETE, open_page, "[data-testid=stMain]", 700),
    Interaction("Inspect, a stroke on a digit: its maps", "inspect?paint=true", INSPECT_COMPLETE, paint, MAPS, 1000),
    Interaction(
        "Inspect, a stroke on a nut: its maps",
        "inspect?paint=true&data=Parts+(rendered)",
        INSPECT_COMPLETE,
        paint,
        MAPS,
        1000,
    ),
)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--only", default="", help="measure the interactions whose names contain this")
    arguments = parser.parse_args()
    repeats = arguments.repeats
    use_two_cores()
    print("| interaction | n | to the server's last message, median | median | p95 | target |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as runs, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        for address in serve(Path(runs)):
            for interaction in (one for one in INTERACTIONS if arguments.only in one.name):
                page = browser.new_page(viewport={"width": 1280, "height": 1700})
                page.add_init_script(CLOCK)
                times = islice(
                    measure(page, address, interaction, tries=TRIES * (WARM_UPS + repeats)),
                    WARM_UPS,
                    WARM_UPS + repeats,
                )
                print_row(interaction.name, list(times), target_ms=interaction.target_ms)
                page.close()
        browser.close()
        waits = [visit(playwright) for _ in range(repeats if arguments.only in FIRST_CHART else 0)]
    if waits:
        first_charts = [Times(None, 1000 * (chart - answered)) for answered, chart in waits]
        print_row(FIRST_CHART, first_charts, target_ms=FIRST_CHART_MS)


def use_two_cores() -> None:
    """Restrict this process, and the server and browser that it starts, to two cores, if the system can."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


def measure(page: Page, address: str, interaction: Interaction, *, tries: int) -> Iterator[Times]:
    """Open the view, and repeat the interaction.

    Args:
        page: An empty page with the clock.
        address: The address of the app.
        interaction: The interaction.
        tries: The maximum number of repeats.

    Yields:
        The times of each repeat that changed a watched element.
    """
    page.goto(f"{address}/{interaction.view}")
    page.locator(interaction.complete).wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    for number in range(tries):
        page.evaluate("watched => window.interactionClock.wait(watched)", interaction.watched)
        interaction.act(page, number)
        page.wait_for_function(COMPLETE, arg=[QUIET_MS, interaction.asks_server], polling=100, timeout=FIRST_VISIT_MS)
        clock = page.evaluate("({ ...window.interactionClock })")
        if clock["changed"] is not None:
            received = None if clock["received"] is None else clock["received"] - clock["input"]
            yield Times(received, clock["painted"] - clock["input"])


def print_row(name: str, times: list[Times], *, target_ms: int) -> None:
    """Print a row of the table; n is the number of inputs that changed a watched element."""
    shown = np.array([time.shown for time in times])
    received = [time.received for time in times if time.received is not None]
    server = f"{np.median(received):.0f}" if received else "none"
    print(
        f"| {name} | {len(times)} | {server} | {np.median(shown):.0f} | {np.percentile(shown, 95):.0f} | {target_ms} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
