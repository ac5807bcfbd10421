"""Hostile uploads: a picture within the limits or one sentence, in five seconds and bounded memory."""

from __future__ import annotations

import random
import time
import tracemalloc

import numpy as np
from streamlit.testing.v1 import AppTest

from app.server.rules import limits
from app.subjects import SMALLEST_SIDE_PX, Subject, uploaded_subject
from app.words import plain
from tests.app.test_plain_text import INLINE_CODE, NOT_MARKDOWN, all_texts
from tests.torture.front import values
from tests.torture.front.uploads import Upload, draw_upload

SEED = 17
SECONDS = 5
LONGEST_MESSAGE = 400
LARGEST_BYTES = 400 * 2**20


def read(upload: Upload) -> tuple[bool, str | None]:
    """Whether an upload is a picture, and what is wrong with how it was read; None if nothing is."""
    start = time.process_time()
    try:
        subject = uploaded_subject(*upload)
    except ValueError as error:
        accepted, fault = False, fault_of_message(error)
    except BaseException as error:
        accepted, fault = False, f"{type(error).__name__}: {error}"[:400]
    else:
        accepted, fault = True, fault_of_image(subject)
    seconds = time.process_time() - start
    return accepted, f"{seconds:.1f} s" if seconds > SECONDS else fault


def fault_of_message(error: ValueError) -> str | None:
    shown = plain(error)
    if isinstance(error, UnicodeError):
        return f"not a sentence: {error}"
    if len(str(error)) > LONGEST_MESSAGE:
        return f"a message of {len(str(error))} characters"
    active = [part for part in values.ACTIVE if part in INLINE_CODE.sub("", shown)]
    return f"markup: {active}" if active else None


def fault_of_image(subject: Subject) -> str | None:
    height, width, channels = subject.image.shape
    if subject.image.dtype != np.uint8 or channels != 3 or min(height, width) < SMALLEST_SIDE_PX:
        return f"an image of shape {subject.image.shape}"
    return "too many pixels" if height * width > limits().upload_megapixels * 1_000_000 else None


def test_hostile_uploads_are_pictures_or_sentences(scaled, report_figures):
    generator, faults, accepted, largest = random.Random(SEED), [], 0, 0
    count = scaled(short=100, full=1200)
    tracemalloc.start()
    for number in range(count):
        upload = draw_upload(generator)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        is_picture, fault = read(upload)
        accepted += is_picture
        largest = max(largest, tracemalloc.get_traced_memory()[1] - before)
        if fault:
            faults.append((number, fault, upload.name[:60], upload.content[:20]))
    tracemalloc.stop()
    assert not faults, f"of seed {SEED}: {faults[:3]}"
    assert largest < LARGEST_BYTES
    report_figures(
        "hostile uploads", tries=count, accepted=accepted, refused=count - accepted, largest_mb=largest // 2**20
    )


def test_hostile_uploads_leave_the_page_with_a_message(own_runs, scaled, report_figures):
    page = AppTest.from_string("from app.screens.inspect.page import page\n\npage()\n", default_timeout=120)
    page.query_params["from"] = "Your image"
    page.run()
    generator, with_message, faults = random.Random(SEED), 0, []
    count = scaled(short=3, full=40)
    for number in range(count):
        upload = draw_upload(generator)
        name = upload.name.encode("utf-8", "replace").decode() or "a"  # as a browser sends it
        start = time.process_time()
        page.file_uploader(key="dropped").set_value([(f"{name}.png", upload.content, "image/png")]).run()
        seconds = time.process_time() - start
        said = [element.value for element in (*page.error, *page.warning)]
        with_message += bool(said)
        active = [part for part in values.ACTIVE if any(part in text for _, text in shown_texts(page))]
        if page.exception or active or seconds > SECONDS or any(len(text) > 2 * LONGEST_MESSAGE for text in said):
            faults.append((number, page.exception, active, seconds, said))
    assert not faults, f"of seed {SEED}: {faults[:3]}"
    report_figures("hostile uploads on Inspect", tries=count, with_message=with_message, shown=count - with_message)


def shown_texts(page: AppTest) -> list[tuple[str, str]]:
    """The texts of a page that are Markdown, without inline code."""
    return [(name, INLINE_CODE.sub("", text)) for name, text in all_texts(page) if not NOT_MARKDOWN.search(name)]
