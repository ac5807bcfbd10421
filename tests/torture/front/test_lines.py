"""Hostile command lines: code 2 and one short sentence, in five seconds, and nothing is written."""

from __future__ import annotations

import io
import os
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from gnl_core.cli import main
from gnl_core.messages import escape_hidden
from gnl_core.runs.folder import RunFolder, create_run
from gnl_core.runs.training import train_run
from tests.torture.front.lines import draw_lines, write_places
from tests.torture.front.time_limit import TooSlowError, at_most

SEED = 17
LONGEST = 400
SECONDS = 5
USAGE = ("usage:", " ")  # beginnings of the lines in which argparse shows the flags
WORK = (  # where a command has accepted everything and begins to compute, to train or to download
    "gnl_core.cli.train.train_as_job",
    "gnl_core.cli.train.advance_run",
    "gnl_core.jobs.start.launch",
    "gnl_core.cli.score.score_batches",
    "gnl_core.cli.adapt.adapt_run",
    "gnl_core.cli.follow.fix_threshold",
    "gnl_core.cli.compare.run_cells",
    "gnl_core.cli.compare.run_cells_on_ray",
    "gnl_core.cli.export.write_onnx",
    "gnl_core.page.models.export_run",
    "gnl_core.cli.tune.tune",
    "gnl_core.cli.data_check.check_dataset",
    "gnl_core.cli.data_build_line.write_nut_line",
    "gnl_core.downloads.fetch.explain_failure",
)


class WorkBeganError(BaseException):
    """A command line was accepted; the work itself is no subject of these tests."""


class Ended(NamedTuple):
    """How a command ended.

    Attributes:
        code: Its exit code, or "work" if it was accepted, "slow", or the name of what it raised.
        said: What it printed on standard error.
    """

    code: int | str
    said: str


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_config, small_teacher) -> RunFolder:
    """A run with a small teacher, which loads in milliseconds."""
    config = tiny_config(detector="rd4ad", **small_teacher)
    folder = create_run(tmp_path_factory.mktemp("trained") / "run", config)
    list(train_run(config, folder))
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """The current folder, with special files in it, and work that is not begun."""

    def begin(*_: object, **__: object) -> None:
        raise WorkBeganError

    for name in WORK:
        monkeypatch.setattr(name, begin)
    monkeypatch.delenv("GNL_DATA", raising=False)
    folder = tmp_path / "current"
    folder.mkdir()
    write_places(folder)
    monkeypatch.chdir(folder)
    return folder


def call(words: list[str], monkeypatch: pytest.MonkeyPatch) -> Ended:
    """Run a command as a terminal does: its output is UTF-8."""
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace", write_through=True)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", said)
        patch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True))
        patch.setattr(sys, "stdin", io.StringIO(""))
        code = exit_code(words)
    return Ended(code, said.buffer.getvalue().decode())


def exit_code(words: list[str]) -> int | str:
    try:
        with at_most(SECONDS):
            return main(words)
    except SystemExit as end:
        return int(end.code or 0)
    except WorkBeganError:
        return "work"
    except TooSlowError:
        return "slow"
    except BaseException as error:  # what nothing may end with
        return f"{type(error).__name__}: {str(error)[:200]}"


def find_fault(ended: Ended) -> str | None:
    """What is wrong with how a command ended; None if nothing is."""
    *progress, last = ended.said.removesuffix("\n").split("\n")
    found = {
        f"ended with {ended.code}": ended.code != 2,
        "no sentence at the end": not last.startswith("gnl"),
        "several sentences": any(line.startswith("gnl") for line in progress),
        "a long line": any(len(line) > LONGEST and not line.startswith(USAGE) for line in (*progress, last)),
        "a control character": any(escape_hidden(line) != line for line in (*progress, last)),
    }
    return next((fault for fault, is_found in found.items() if is_found), None)


def entries(folder: Path) -> set[Path]:
    return {*folder.rglob("*")}


def find_foreign(written: set[Path], words: list[str], here: Path) -> set[Path]:
    """What a command has written outside the files and folders that its words name."""
    return {
        path
        for path in written
        if not path.is_relative_to(here) or not any(path.relative_to(here).parts[0] in word for word in words)
    }


def test_hostile_command_lines_are_refused_in_a_sentence(here, run, monkeypatch, scaled, report_figures):
    lines = [
        [word.replace("RUN", str(run.path)) for word in words]
        for words in draw_lines(scaled(short=50, full=1200), seed=SEED)
    ]
    before, faults, codes, slowest = entries(here.parent), [], Counter(), 0.0
    for number, words in enumerate(lines):
        start = time.monotonic()
        ended = call(words, monkeypatch)
        slowest = max(slowest, time.monotonic() - start)
        codes[ended.code] += 1
        accepted = ended.code in (0, "work")
        written = entries(here.parent) - before
        fault = None if accepted else find_fault(ended)
        foreign = find_foreign(written, words, here) if accepted else written
        if fault or foreign:
            faults.append(f"line {number} of seed {SEED}: {fault or foreign}: {words}: {ended.said[-400:]}"[:2000])
        if written:
            shutil.rmtree(here)
            here.mkdir()
            os.chdir(here)
            write_places(here)
    assert not faults, "\n".join(faults)
    report_figures(
        "hostile command lines",
        tries=len(lines),
        refused=codes[2],
        accepted=codes[0] + codes["work"],
        slowest=f"{slowest:.1f} s",
    )
