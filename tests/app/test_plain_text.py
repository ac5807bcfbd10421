"""What comes from files, names of folders and addresses is text on every page, without a browser."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator

import pytest
from google.protobuf.message import Message
from streamlit.testing.v1 import AppTest

from app.words import code, plain
from tests.app import hostile

OWN = "Your own images"
SCREENS = ("explore", "inspect", "shift_lab", "embeddings", "follow", "train", "compare", "learn")
NOT_MARKDOWN = re.compile(
    r"\.(id|options|raw_value|value|default|placeholder|alt|config|code_text|query_string)$|^Text\.body$"
)
INLINE_CODE = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")


def texts(message: Message) -> Iterator[tuple[str, str]]:
    """Every text within a message, with the names of its kind and field."""
    for field, value in message.ListFields():
        for part in value if field.is_repeated else (value,):
            if isinstance(part, Message):
                yield from texts(part)
            elif isinstance(part, str):
                yield f"{message.DESCRIPTOR.name}.{field.name}", part


def all_texts(page: AppTest) -> list[tuple[str, str]]:
    protos = (getattr(element, "proto", None) for element in page._tree)
    return [named for proto in protos if isinstance(proto, Message) for named in texts(proto)]


def is_markup(name: str, text: str) -> bool:
    """Whether the browser draws anything in a text as markup that is not ours."""
    if NOT_MARKDOWN.search(name):
        return False
    if name == "BidiComponent.json":  # a component's script sets other texts as texts
        return has_elements(json.loads(text).get("table", ""))
    if name == "PlotlyChart.spec":  # Plotly draws some HTML
        return has_elements(json.dumps(json.loads(text), ensure_ascii=False))
    shown = INLINE_CODE.sub("", text)
    return any(form in shown for part in hostile.PARTS for form in (part, part.replace("/", "")))


def has_elements(html: str) -> bool:
    """Whether HTML holds any element that is not ours."""
    return "<img src=x" in html or "<a href='" in html


def check(page: AppTest) -> None:
    assert not page.exception
    assert [(name, text) for name, text in all_texts(page) if is_markup(name, text)] == []
    assert any("example.org" in text for name, text in all_texts(page) if not NOT_MARKDOWN.search(name))


@pytest.mark.parametrize("screen", SCREENS)
def test_hostile_runs_comparisons_and_addresses_are_shown_as_text(open_screen, own_runs, screen):
    hostile.write_runs(own_runs)
    hostile.write_comparison(own_runs)
    address = dict.fromkeys(("folder", "root", "own_folder", "line"), hostile.TEXT)
    check(open_screen(screen, **address, data=OWN, comparison=hostile.COMPARISON, job=hostile.NAME, step=9))


def test_the_reason_of_a_failure_and_the_names_of_losses_are_shown_as_text(open_screen, own_runs):
    hostile.write_runs(own_runs)
    page = open_screen("train", job=hostile.NAME)
    assert any(f":gray[:small[{plain(hostile.TEXT)}]]" in element.value for element in page.markdown)
    assert [caption.value for caption in page.caption if "First epoch" in caption.value] == [
        f"First epoch: {plain(hostile.TEXT)} 1.0000"
    ]
    check(page)


@pytest.mark.parametrize("screen", ["explore", "inspect", "shift_lab"])
def test_hostile_names_of_images_are_shown_as_text(open_screen, own_images, train, screen):
    root = hostile.rename_images(own_images(labelled=True))
    train(dataset="folder", normal_class="good", data_root=root, detector="rd4ad", split_source=hostile.TEXT)
    page = open_screen(screen, data=OWN, folder=root, methods=["RD4AD"])
    assert page.selectbox(key="folder").value == str(root)
    check(page)


@pytest.mark.parametrize(
    ("screen", "left_out"),
    [
        ("explore", ["A run was left out"]),
        ("inspect", ["A run was left out"]),
        ("shift_lab", ["A run was left out"]),
        ("train", ["A run was left out"]),
        ("compare", ["A comparison was left out"]),
        ("learn", []),
    ],
)
def test_a_folder_whose_name_is_no_text_is_left_out(open_screen, own_runs, screen, left_out):
    name = os.fsdecode(b"n\xff")
    hostile.write_comparison(own_runs).rename(hostile.copy_run(own_runs, name) / "comparison.json")
    page = open_screen(screen)
    assert not page.exception
    assert not page.error
    assert [warning.value.split(":")[0] for warning in page.warning] == left_out
    assert all("is not valid UTF-8; rename it" in warning.value for warning in page.warning)


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("![p](http://a.b)", "!\\[p\\](http:\u2060//a.b)"),
        ("<b>", "\\<b\\>"),
        ("a_b _c_ __d", "a_b \\_c\\_ \\_\\_d"),
        ("$x$ :red[x] `c`", "\\$x\\$ \\:red\\[x\\] \\`c\\`"),
        (":smile: :material/home:", ":\u2060smile: :\u2060material/home:"),
        ("WWW.a.b me@a.b", "WWW\u2060.a.b me@\u2060a.b"),
        ("12. x", "12\\. x"),
        ("# x", "\\# x"),
        ("a\n\n# b\r\n- c", "a  # b - c"),
        ("    x", "x"),
        ("not \udcff UTF-8", "not \\\\udcff UTF-8"),
        ("In “window”, 0.93 (−0.10) at 10:30", "In “window”, 0.93 (−0.10) at 10\\:30"),
    ],
)
def test_markup_is_escaped_and_other_texts_are_unchanged(text, markdown):
    assert plain(text) == markdown


@pytest.mark.parametrize(
    ("text", "markdown"),
    [("gnl score a", "`gnl score a`"), ("a `b` ``c", "``` a `b` ``c ```"), ("`", "`` ` ``"), ("a\nb", "`a b`")],
)
def test_the_fence_of_inline_code_is_longer_than_any_in_it(text, markdown):
    assert code(text) == markdown
