"""The parser imports a command's module only when that command is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gnl_core.cli import COMMANDS, build_parser, data, main

CHECKPOINTS = Path(__file__).parents[3] / "assets" / "checkpoints"
NAMES = [(name,) for name in COMMANDS] + [("data", name) for name in data.COMMANDS]
LEARNING = {"torch", "timm", "torchvision", "pandas", "sklearn"}
RARE = {"onnx", "onnxscript", "onnxruntime", "matplotlib", "pandas", "sklearn", "scipy.ndimage"}
CALL = """
import sys
from contextlib import redirect_stdout, suppress
from gnl_core.cli import main

with redirect_stdout(sys.stderr), suppress(SystemExit):
    main(sys.argv[1:])
print(*sys.modules)
"""


def printed_by(code: str, *words: str) -> set[str]:
    """The words that Python code prints in a process of its own."""
    command = [sys.executable, "-c", code, *words]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize(
    "words",
    [("--help",), ("trian",), ("data", "--help"), ("data", "check", "--help"), ("runs",), ("runs", str(CHECKPOINTS))],
)
def test_what_needs_no_detector_does_not_import_pytorch(words: tuple[str, ...]):
    imported = printed_by(CALL, *words)
    assert "gnl_core.cli" in imported
    assert not LEARNING & imported


def test_no_command_imports_libraries_that_few_need_before_it_runs():
    modules = [command.module for command in [*COMMANDS.values(), *data.COMMANDS.values()]]
    assert not RARE & printed_by(f"import sys, {', '.join(modules)}; print(*sys.modules)")


@pytest.mark.parametrize("words", NAMES)
def test_the_help_of_a_command_begins_with_its_usage(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: gnl {' '.join(words)} ")


def test_an_unknown_command_is_refused_with_the_names_of_all(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        main(["trian"])
    assert end.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("gnl: error: argument COMMAND: invalid choice: 'trian'")
    assert all(f"'{name}'" in said for name in COMMANDS)


@pytest.mark.parametrize("words", NAMES)
def test_an_unknown_flag_is_refused_in_one_line(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as end:
        main([*words, "--no-such-flag"])
    assert end.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("gnl")


def test_a_parser_parses_more_than_one_command_line():
    parser = build_parser()
    first, second = (parser.parse_args(["runs", folder]) for folder in ("one", "two"))
    assert (first.folder, second.folder) == (Path("one"), Path("two"))
