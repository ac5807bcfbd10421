"""Hostile command lines, drawn from a seed: every command with every flag, and every flag with hostile values."""

from __future__ import annotations

import argparse
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gnl_core.cli import build_parser
from tests.torture.front import values

SPECIAL = (  # made by `write_places` in the current folder
    "folder",
    "file.txt",
    "file.txt/below",
    "pipe",
    "link-to-zero",
    "link-to-pipe",
    "loop",
    "dangling",
    "damaged",
    "folder/../file.txt",
    "picture.png",
    "/dev/full",
    "/dev/null/x",
    "/proc/nowhere/x",
    "/sys/x",
)
OUTSIDE = {*SPECIAL, "/etc/passwd", "/proc/self/environ", "/proc/self/mem", "/dev/zero", "/dev/stdin", "/dev/null"}
BASES = {
    "train": "--run new --dataset digits --normal-class 4 --detector rd4ad --device cpu",
    "score": "RUN",
    "adapt": "RUN --images images --output adapted.safetensors",
    "follow": "RUN --images images",
    "page": "RUN --output view.html",
    "runs": "folder",
    "compare": "--output out --normal-class 4 --detector knn rd4ad --device cpu",
    "export": "RUN --onnx out.onnx",
    "import": "RUN/weights.safetensors --run new",
    "tune": "RUN --output preset.json",
    "data list": "",
    "data check": "--dataset digits --normal-class 4",
    "data import": "images --output out",
    "data split": "images --output out",
    "data build-mnist-m": "--photos images --data-root folder",
    "data build-line": "--output out",
    "data download": "mnist --data-root folder",
}


class Command(NamedTuple):
    """A command and what it accepts.

    Attributes:
        words: Its name, such as ("data", "list").
        flags: Its flags, each with whether it takes a value.
        base: Arguments with which it would begin its work.
    """

    words: tuple[str, ...]
    flags: dict[str, bool]
    base: tuple[str, ...]


def find_commands() -> list[Command]:
    """List every command of the parser."""
    return [
        Command(words, flags_of(parser), tuple(BASES[" ".join(words)].split()))
        for words, parser in walk(build_parser())
    ]


def walk(
    parser: argparse.ArgumentParser, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Yield each command that has no commands of its own."""
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not nested:
        yield words, parser
    for action in nested:
        for name, inner in action.choices.items():
            yield from walk(inner.build(), (*words, name))


def flags_of(parser: argparse.ArgumentParser) -> dict[str, bool]:
    """Map each flag to whether it takes a value."""
    return {
        flag: action.nargs != 0
        for action in parser._actions
        for flag in action.option_strings
        if flag not in ("-h", "--help")
    }


def write_places(folder: Path) -> None:
    """Write what the special paths lead to."""
    (folder / "folder").mkdir()
    (folder / "file.txt").write_text("text\n")
    (folder / "damaged").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    os.mkfifo(folder / "pipe")
    (folder / "link-to-zero").symlink_to("/dev/zero")
    (folder / "link-to-pipe").symlink_to("pipe")
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("nowhere")


def draw_value(generator: random.Random) -> str:
    """A hostile value of a flag: text, or the path of something special."""
    if generator.random() < 0.3:
        return generator.choice(SPECIAL)
    value = values.draw(generator)
    return value if value in OUTSIDE or lies_below(value) else "x"


def lies_below(value: str) -> bool:
    """Whether a value names no path above the current folder, where a command may write if it is asked to."""
    return os.path.normpath(f"/current/{value}" if not value.startswith("/") else value).startswith("/current/")


def draw_lines(count: int, *, seed: int) -> Iterator[list[str]]:
    """Yield command lines: first each flag of each command in turn with one hostile value, then random ones."""
    generator = random.Random(seed)
    commands = find_commands()
    every = [(command, flag) for command in commands for flag in command.flags]
    generator.shuffle(every)
    for number in range(count):
        if number < len(every):
            command, flag = every[number]
            yield [*command.words, *command.base, *flag_words(command, flag, generator)]
        else:
            yield draw_line(generator.choice(commands), generator)


def flag_words(command: Command, flag: str, generator: random.Random) -> list[str]:
    """A flag, with a hostile value if it takes one, as one word or two."""
    if not command.flags[flag]:
        return [flag]
    value = draw_value(generator)
    return [f"{flag}={value}"] if value.startswith("-") or generator.random() < 0.3 else [flag, value]


def draw_line(command: Command, generator: random.Random) -> list[str]:
    """A command line with one or more faults."""
    base, flags = list(command.base), list(command.flags)
    fault = generator.choice(["value", "values", "base", "missing", "repeated", "unknown", "alone", "order"])
    if fault == "base" and base:
        base[generator.randrange(len(base))] = draw_value(generator)
    elif fault == "missing" and base:
        del base[generator.randrange(len(base))]
    elif fault == "repeated":
        base += [word for _ in range(2) for word in flag_words(command, generator.choice(flags), generator)]
    elif fault == "unknown":
        base.insert(generator.randrange(len(base) + 1), f"--{draw_value(generator)}")
    elif fault == "alone":
        base.append(generator.choice(flags))
    elif fault == "order":
        generator.shuffle(base)
    else:
        for _ in range(1 if fault == "value" else generator.randrange(2, 5)):
            base += flag_words(command, generator.choice(flags), generator)
    return [*command.words, *base]
