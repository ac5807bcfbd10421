"""Hostile environment variables and settings files: one sentence from the server and from the command line."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from app.server.gate import why_closed
from app.server.settings import LIMITS, ServerSettings, read_settings
from gnl_core.cli import main
from tests.torture.front import values
from tests.torture.front.lines import draw_value, write_places
from tests.torture.front.time_limit import at_most

SEED = 17
SECONDS = 5
LONGEST = 400
NAMES = ("mode", "roots", "listed_runs", *LIMITS["personal"])
LITERALS = ("nan", "inf", "-1", "0", "true", "[]", "{}", "1979-05-27", "'x'", "[[1], 2]", "9" * 4301, "0x1F", "1e999")


def draw_environment(generator: random.Random) -> dict[str, str]:
    """Some of the variables, with hostile values."""
    drawn = {f"GNL_{name.upper()}": draw_value(generator) for name in generator.sample(NAMES, 2)}
    if generator.random() < 0.3:
        drawn["GNL_CONFIG"] = draw_value(generator)
    return {name: as_variable(value) for name, value in drawn.items()}


def as_variable(text: str) -> str:
    """A text as a process finds it in its environment: of any bytes but NUL."""
    return os.fsdecode(text.replace("\0", "0").encode("utf-8", "surrogatepass"))


def draw_file(generator: random.Random) -> bytes:
    """A settings file: known and unknown keys with values of any type, repeated, nested or cut."""
    limits = "".join(f"{generator.choice(NAMES)} = {draw_literal(generator)}\n" for _ in range(2))
    text = f"{generator.choice([*NAMES, 'limits', 'x'])} = {draw_literal(generator)}\n[limits]\n{limits}"
    content = text.encode("utf-8", "surrogatepass")
    chance = generator.random()
    if chance < 0.1:
        return content[: generator.randrange(len(content))]
    return (
        generator.choice([b"\xff\xfe", b"[" * 10_000, b"a = " + b"[" * 5000, generator.randbytes(50)])
        if chance < 0.15
        else content
    )


def draw_literal(generator: random.Random) -> str:
    """A value in TOML, now and then one that is none."""
    if generator.random() < 0.5:
        return generator.choice(LITERALS)
    text = values.draw(generator)[:5000]
    return f"'{text}'" if generator.random() < 0.7 else f'"{text}"'


def find_fault(environment: dict[str, str]) -> tuple[bool, str | None]:
    """Whether the settings are accepted, and what is wrong with the refusal; None if nothing is."""
    try:
        with at_most(SECONDS):
            return isinstance(read_settings(environment), ServerSettings), None
    except ValueError as error:
        long = len(str(error)) > LONGEST
        return False, f"{type(error).__name__}: {error}"[:600] if long or isinstance(error, UnicodeError) else None
    except BaseException as error:
        return False, f"{type(error).__name__}: {error}"[:600]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    write_places(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_hostile_settings_of_a_server_are_refused_in_a_sentence(here, scaled, report_figures):
    generator, accepted, faults = random.Random(SEED), 0, []
    count = scaled(short=200, full=2000)
    for number in range(count):
        environment = draw_environment(generator)
        if number % 2:
            (here / "gnl.toml").write_bytes(draw_file(generator))
            environment = {"GNL_CONFIG": "gnl.toml"}
        is_accepted, fault = find_fault(environment)
        accepted += is_accepted
        if fault:
            faults.append(f"settings {number} of seed {SEED}: {fault}")
    assert not faults, "\n".join(faults[:20])
    report_figures("hostile settings of a server", tries=count, accepted=accepted, refused=count - accepted)


def test_a_server_with_hostile_settings_says_why_it_does_not_start(here, monkeypatch):
    generator = random.Random(SEED)
    for name in ("GNL_MODE", "GNL_UPLOAD_MB", "GNL_CONFIG"):
        monkeypatch.setenv(name, generator.choice(["x" * 5000, "\udcff", "pipe"]))
        refusal = why_closed(address="127.0.0.1")
        assert refusal is not None
        assert refusal.startswith("GNL does not start: ")
        assert len(refusal) <= LONGEST
        monkeypatch.delenv(name)


def test_hostile_variables_of_the_command_line_end_in_a_sentence(here, monkeypatch, capsys, scaled, report_figures):
    generator, codes = random.Random(SEED), []
    count = scaled(short=20, full=150)
    for _ in range(count):
        value = as_variable(draw_value(generator))
        monkeypatch.setenv("GNL_DATA", value)
        command = generator.choice(
            ["data list", "data check --dataset mnist", "train --run new --dataset mnist --normal-class 4"]
        )
        with at_most(SECONDS):
            codes.append(main(command.split()))
        said = capsys.readouterr().err.strip().splitlines()
        assert codes[-1] in (0, 2), value
        assert codes[-1] == 0 or (len(said[-1]) <= LONGEST and said[-1].startswith("gnl: ")), value
        assert not (here / "new").exists()
    report_figures("hostile GNL_DATA", tries=count, accepted=codes.count(0), refused=codes.count(2))
