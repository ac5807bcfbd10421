"""Hostile addresses: pure checks of every key, and a handful on each page without a browser."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from app import query_keys as keys
from app.query_values import is_usable
from tests.app.address_keys import ALL_KEYS, bound_calls, keys_of

NUMBERS = (
    "1e999",
    "-1e999",
    "inf",
    "-inf",
    "Infinity",
    "nan",
    "NaN",
    "9" * 25,
    "-" + "9" * 25,
    "1e300",
    "9" * 400,
    "9" * 4000,
)
TEXTS = ("\0", "a\0b", "a\nb", "\x1b[31m", "\ud800", "a\udfffb", "x" * 4097, "9" * 5000)
HOSTILE = [[value] for value in NUMBERS + TEXTS] + [["1", value] for value in ("inf", "\0")] + [["1"] * 101]


def test_more_than_480_hostile_values_over_all_keys_are_refused():
    tried = [(key, values) for key in ALL_KEYS for values in HOSTILE]
    assert len(tried) > 480
    assert [(key, values) for key, values in tried if is_usable(key, values)] == []


@pytest.mark.parametrize(
    "value",
    [
        "",
        "1",
        "-3",
        "0.25",
        "1e-3",
        "digits",
        "blended with photographs",
        "RD4AD + FDM 0.5",
        "/data/my nuts/ä",
        "9007199254740992",
        "128 px, seed 0, bundled",
    ],
)
def test_what_the_app_writes_into_addresses_is_usable(value):
    assert is_usable("any", [value])


def test_only_multiple_choices_have_several_values():
    multiple = {
        key for module, call in bound_calls() if call.func.attr == "multiselect" for key in keys_of(module, call)
    }
    assert multiple == set(keys.SEVERAL)
    assert all(is_usable(key, ["a", "b"]) for key in keys.SEVERAL)
    assert not is_usable(keys.IMAGE, ["1", "2"])


def open_at(name: str, address: dict[str, str | list[str]]) -> AppTest:
    script = (
        "from app.query_values import drop_unusable\n"
        f"from app.screens.{name}.page import page\n\ndrop_unusable()\npage()\n"
    )
    page = AppTest.from_string(script, default_timeout=120)
    for key, value in address.items():
        page.query_params[key] = value
    return page.run()


WIDGETS = {
    "explore": ("strength", "order", "severity", "tray", "adapt", "reference_count", "side", "top_percent", "methods"),
    "inspect": ("image", "opacity", "reveal", "stage", "channel", "strength", "severity", "from", "why", "fdm_gnl"),
    "shift_lab": ("image", "severity", "thumbnails", "shift", "run_gnl"),
    "train": ("folder", "root", "job", "train_batch_size", "train_learning_rate"),
    "compare": ("part_strength", "of_strengths", "sort", "of_columns", "pair_first", "published"),
    "learn": ("step", "normal_image_digits", "anomalous_image_digits", "lesson", "lecture"),
}


@pytest.mark.parametrize("value", ["1e999", "nan", "9" * 5000, "-1", "~nobody/x", "\0", "x" * 4000, ["inf", "2"]])
@pytest.mark.parametrize("screen", WIDGETS)
def test_a_hostile_address_leaves_the_defaults(screen, value):
    page = open_at(screen, dict.fromkeys(WIDGETS[screen], value))
    assert not page.exception


@pytest.mark.parametrize("step", range(2, 8))
@pytest.mark.parametrize("value", ["1e999", "nan"])
def test_a_hostile_address_leaves_the_defaults_of_each_step(step, value):
    widgets = ("draw", "guess", "failing_image", "failing_domain", "shown_shift", "own_folder")
    assert not open_at("learn", dict.fromkeys(widgets, value) | {"step": str(step)}).exception


def test_the_app_checks_the_address_before_its_first_widget(open_page):
    page = open_page(reference_count="1e999", strength="0.5", folder="\0")
    assert not page.exception
    assert page.select_slider(key="strength").value == 0.5


def test_a_folder_of_an_unknown_user_is_reported_in_one_sentence():
    page = open_at("explore", {"data": "Your own images", "folder": "~nobody-here/x"})
    assert not page.exception
    assert page.error[0].value.startswith("This folder cannot be used: there is no folder")
