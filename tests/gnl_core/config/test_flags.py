from __future__ import annotations

from pathlib import Path

import pytest

from gnl_core.config.flags import flag_of, flag_words


def test_a_setting_and_its_flag_are_spelt_alike_but_for_dashes():
    assert flag_of("smoothing_sigma_px") == "--smoothing-sigma-px"


@pytest.mark.parametrize("spelling", ['"_", "-"', "'_', '-'", 'stages.split(","'])
def test_flags_are_spelt_and_stages_parsed_in_one_place(spelling):
    package = Path(__file__).parents[3]
    sources = [path for name in ("app", "gnl_core") for path in (package / name).rglob("*.py")]
    places = {path.relative_to(package).as_posix() for path in sources if spelling in path.read_text()}
    allowed = {
        "gnl_core/config/flags.py",
        "gnl_core/config/values.py",
        "gnl_core/plots/losses.py",
    }  # the last labels axes
    assert places <= allowed


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("style_weight", 0.5, ["--style-weight", "0.5"]),
        ("style_weight", None, []),
        ("align_corners", True, ["--align-corners"]),
        ("align_corners", False, ["--no-align-corners"]),
        ("image_size", (48, 64), ["--image-size", "48x64"]),
        ("image_size", (64, 64), ["--image-size", "64"]),
    ],
)
def test_a_setting_becomes_words_of_a_command_line(name: str, value: object, words: list[str]):
    assert flag_words(name, value) == words
