"""Settings of a server, from a file and from the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.server.settings import LIMITS, Limits, read_settings

SHARED = """
mode = "shared"
roots = ["/srv/images"]
[limits]
jobs_per_person = 2
"""


def write(tmp_path: Path, text: str) -> dict[str, str]:
    file = tmp_path / "gnl.toml"
    file.write_text(text, encoding="utf-8")
    return {"GNL_CONFIG": str(file)}


def test_without_a_file_the_server_is_for_one_person():
    settings = read_settings({})
    assert (settings.mode, settings.roots, settings.listed_runs) == ("personal", (), ())
    assert settings.engine is None
    assert settings.limits == Limits(**LIMITS["personal"])


def test_limits_that_a_file_leaves_out_are_those_of_its_mode(tmp_path: Path):
    settings = read_settings(write(tmp_path, SHARED))
    assert (settings.mode, settings.roots) == ("shared", (Path("/srv/images"),))
    assert settings.limits == Limits(**(dict(LIMITS["shared"]) | {"jobs_per_person": 2}))


def test_variables_take_precedence_over_the_file(tmp_path: Path):
    environ = write(tmp_path, SHARED) | {
        "GNL_MODE": "public",
        "GNL_ROOTS": os.pathsep.join(["/a", "/b"]),
        "GNL_LISTED_RUNS": "one, two",
        "GNL_ENGINE": "auto",
        "GNL_CACHE_MB": "64",
        "GNL_JOBS_PER_PERSON": "",
    }
    settings = read_settings(environ)
    assert settings.mode == "public"
    assert settings.roots == (Path("/a"), Path("/b"))
    assert settings.listed_runs == ("one", "two")
    assert settings.engine == "auto"
    assert settings.limits.cache_mb == 64
    assert settings.limits.jobs_per_person == 2  # an empty variable is unset


@pytest.mark.parametrize("name", Limits.model_fields)
def test_each_limit_has_a_variable_and_a_value_in_each_mode(name: str):
    assert getattr(read_settings({f"GNL_{name.upper()}": "7"}).limits, name) == 7
    assert all(name in usual for usual in LIMITS.values())


@pytest.mark.parametrize(
    "text",
    [
        'mode = "open"',
        "mode = 1",
        'roots = ["images"]',
        'roots = "/srv"',
        "root = []",
        "limits = 3",
        "[limits]\nupload = 1",
        "[limits]\nupload_mb = 0",
        "[limits]\nqueue_length = nan",
        "[limits",
        "\0",
    ],
)
def test_what_is_not_a_setting_is_refused_in_one_sentence(tmp_path: Path, text: str):
    with pytest.raises(
        ValueError, match=r"^(the server has invalid settings: |.*gnl\.toml is not valid TOML: )"
    ) as caught:
        read_settings(write(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert "correct" in str(caught.value)


def test_a_file_that_cannot_be_read_is_refused_in_one_sentence(tmp_path: Path):
    with pytest.raises(ValueError, match=r"^there is no file .*; correct \$GNL_CONFIG"):
        read_settings({"GNL_CONFIG": str(tmp_path / "none.toml")})
    (tmp_path / "gnl.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="is not UTF-8 text"):
        read_settings({"GNL_CONFIG": str(tmp_path / "gnl.toml")})


def test_the_table_of_limits_in_the_docs_has_the_values_of_each_mode():
    page = (Path(__file__).parents[3] / "docs" / "server.md").read_text(encoding="utf-8")
    rows = {cells[1].strip(" `"): cells[2:5] for line in page.splitlines() if len(cells := line.split("|")) == 7}
    documented = {mode: {name: int(rows[name][i]) for name in Limits.model_fields} for i, mode in enumerate(LIMITS)}
    assert documented == {mode: dict(usual) for mode, usual in LIMITS.items()}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a = " + "[" * 5000, "is not valid TOML: maximum recursion depth exceeded"),
        ("[limits]\nupload_mb = " + "9" * 5000, "is not valid TOML: Exceeds the limit"),
        ("mode = ['shared']", "mode = \\['shared'\\]: Input should be 'personal', 'shared' or 'public'"),
        ("limits = '" + "x" * 5000 + "'", "limits = 'xxx.*….*' is not a table"),
        ("x" * 5000 + " = 1", "xxx…xxx"),
    ],
)
def test_a_file_that_is_nested_deeply_or_long_is_refused_in_one_sentence(tmp_path: Path, text: str, reason: str):
    with pytest.raises(ValueError, match=reason.replace("…", ".*…")) as told:
        read_settings(write(tmp_path, text))
    assert len(str(told.value)) <= 400
