"""Hostile addresses: checked in full by the schema, and drawn on every page."""

from __future__ import annotations

import re
import time

from hypothesis import given, settings, strategies
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import NumberInput

from app.query_values import is_usable
from tests.app.address_keys import ALL_KEYS
from tests.app.test_plain_text import INLINE_CODE, NOT_MARKDOWN, all_texts
from tests.torture.front import values
from tests.torture.front.addresses import SCREENS, Address, count_values, draw_addresses
from tests.torture.front.harmless import is_harmless

SEED = 17
SECONDS = 5
LONGEST_MESSAGE = 400
SCRIPT = "from app.query_values import drop_unusable\nfrom app.screens.{}.page import page\n\ndrop_unusable()\npage()\n"


def open_at(address: Address) -> AppTest:
    page = AppTest.from_string(SCRIPT.format(address.screen), default_timeout=120)
    for key, several in address.parameters.items():  # as bytes, which can be what no UTF-8 is
        page.query_params[key.encode("utf-8", "surrogatepass")] = [v.encode("utf-8", "surrogatepass") for v in several]
    return page.run()


def open_timed(address: Address) -> tuple[AppTest, float]:
    """Open a page, and measure the processor seconds that this takes."""
    start = time.process_time()
    page = open_at(address)
    return page, time.process_time() - start


def find_fault(page: AppTest, address: Address, seconds: float) -> str | None:
    """What is wrong with a page that was drawn; None if nothing is."""
    if page.exception:
        return f"exception: {page.exception[0].message} {page.exception[0].stack_trace}"
    said = [element.value for element in (*page.error, *page.warning)]
    longest = max((len(unescaped(text)) for text in said), default=0)
    if longest > LONGEST_MESSAGE:
        return f"a message of {longest} characters: {said}"
    if any("Traceback" in text for text in said):
        return f"a stack trace: {said}"
    drawn = [
        part
        for part in values.ACTIVE
        if any(part in text for several in address.parameters.values() for text in several)
    ]
    marked = [(name, text) for name, text in all_texts(page) if is_drawn(name, text, drawn)]
    if marked:
        return f"markup: {marked[:2]}"
    beyond = [number.key for number in page.number_input if not is_within(number)]
    if beyond:
        return f"numbers beyond their bounds: {beyond}"
    return f"{seconds:.1f} s" if seconds > SECONDS else None


def is_within(number: NumberInput) -> bool:
    """Whether a widget has no number, or one between its bounds."""
    return number.value is None or (
        (number.min is None or number.min <= number.value) and (number.max is None or number.value <= number.max)
    )


def unescaped(markdown: str) -> str:
    return re.sub(r"\\(?=[^\w\s])|\u2060", "", markdown)


def is_drawn(name: str, text: str, parts: list[str]) -> bool:
    if NOT_MARKDOWN.search(name):
        return False
    shown = INLINE_CODE.sub("", text)
    return any(part in shown for part in parts)


def test_hostile_addresses_are_drawn_on_every_page(own_runs, scaled, report_figures):
    for screen in SCREENS:
        open_at(Address(screen, {}))  # imports and caches
    faults, slowest, with_message = [], 0.0, 0
    tried = list(draw_addresses(scaled(short=7, full=350), seed=SEED))
    for number, address in enumerate(tried):
        page, seconds = open_timed(address)
        if seconds > SECONDS:  # it can have asked for scores that are not saved, which are kept from then on
            page, seconds = open_timed(address)
        slowest = max(slowest, seconds)
        with_message += bool(page.error or page.warning)
        if fault := find_fault(page, address, seconds):
            faults.append(f"address {number} of seed {SEED}, {address.screen}: {fault}"[-3000:])
    assert not faults, "\n".join(faults)
    report_figures(
        "hostile addresses drawn on pages",
        tries=len(tried),
        values=sum(map(count_values, tried)),
        with_message=with_message,
        slowest=f"{slowest:.1f} s",
    )


def test_what_the_schema_accepts_is_a_short_text_and_a_number_that_browsers_count(scaled, report_figures):
    tried = [
        (key, several)
        for address in draw_addresses(scaled(short=150, full=2000), seed=SEED, most=20)
        for key, several in address.parameters.items()
    ]
    tried += [(key, [value]) for key in ALL_KEYS[:: scaled(short=20, full=1)] for value in values.EVERY]
    accepted = [several for key, several in tried if is_usable(key, several)]
    assert all(is_harmless(value) for several in accepted for value in several)
    report_figures(
        "values of query parameters", tries=len(tried), accepted=len(accepted), refused=len(tried) - len(accepted)
    )


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(
    strategies.sampled_from(ALL_KEYS), strategies.lists(strategies.text(alphabet=strategies.characters(), max_size=60))
)
def test_any_texts_for_any_parameter_are_refused_or_harmless(key: str, several: list[str]):
    if is_usable(key, several):
        assert all(map(is_harmless, several))
