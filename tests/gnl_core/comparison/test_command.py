from __future__ import annotations

import argparse
import ast
import json
import shlex
from pathlib import Path

import pytest

from gnl_core.cli import build_parser
from gnl_core.cli.compare import VARIED
from gnl_core.cli.run_settings import given_run_settings
from gnl_core.comparison.command import comparison_arguments, comparison_command, requested_strengths
from gnl_core.comparison.data import read_comparison
from gnl_core.comparison.grid import Grid, GridCell, plan_cells
from gnl_core.comparison.measure import compare_cells
from gnl_core.comparison.records import Method
from gnl_core.detectors import DETECTORS, method_fields

RESULTS = Path(__file__).parents[3] / "assets" / "results"


def parse(command: str) -> argparse.Namespace:
    program, *words = shlex.split(command)
    assert (program, words[0]) == ("gnl", "compare")
    return build_parser().parse_args(words)


def plan_again(command: str, output: Path) -> list[GridCell]:
    """The cells of a command, as `gnl compare` plans them."""
    parsed = parse(command)
    grid = Grid(
        tuple(parsed.normal_class),
        tuple(parsed.detector),
        tuple(parsed.seed),
        tuple(parsed.style_weight),
        tuple(parsed.domain),
    )
    return plan_cells(given_run_settings(parsed, varied=VARIED), grid, output=output)


def test_the_command_reproduces_runs_and_scoring_settings(pacs_cells: list[GridCell]):
    output = pacs_cells[0].folder.path.parent
    command = comparison_command(compare_cells(pacs_cells), output=str(output))
    assert plan_again(command, output) == pacs_cells
    assert "--domain" not in command


def test_changed_settings_and_domains_are_named(make_cells):
    grid = Grid(("4",), ("rd4ad", "gnl"), (0,), (0.0, 1.0), ("digits", "digits+fog:3"))
    changed = {"image_size": "48x64", "limit": 30, "skip_broken": True, "smoothing_sigma_px": 1.5, "data_root": "/a b"}
    cells = make_cells(grid, lambda *_: 1, **changed)
    output = cells[0].folder.path.parent
    command = comparison_command(compare_cells(cells), output=str(output))
    assert plan_again(command, output) == cells
    for words in ("--image-size 48x64", "--skip-broken", "--data-root '/a b'", "--domain digits digits+fog:3"):
        assert words in command


def test_settings_of_methods_that_are_not_the_default_are_named(make_cells):
    grid = Grid(("4",), ("rd4ad", "deep_svdd", "gnl"), (0,), (0.0,))
    cells = make_cells(grid, lambda *_: 1, svdd_outside_share="0.2", bottleneck_weight=0.1)
    output = cells[0].folder.path.parent
    command = comparison_command(compare_cells(cells), output=str(output))
    assert plan_again(command, output) == cells
    assert "--svdd-outside-share 0.2" in command
    assert "--svdd-objective" not in command
    assert "--bottleneck-weight" not in command


def test_the_arguments_are_plain_values_that_plan_the_same_runs(make_cells):
    grid = Grid(("4",), ("rd4ad", "gnl"), (0, 1), (0.0, 1.0), ("digits", "digits+fog:3"))
    changed = {"image_size": "48x64", "limit": 30, "data_root": "/a b", "bottleneck_weight": 0.2}
    cells = make_cells(grid, lambda *_: 1, **changed)
    arguments = comparison_arguments(compare_cells(cells))
    assert ast.literal_eval(repr(arguments)) == arguments
    lists = [tuple(arguments.pop(name)) for name in ("normal_class", "detector", "seed", "style_weight", "domain")]
    assert plan_cells(arguments, Grid(*lists), output=cells[0].folder.path.parent) == cells


def test_without_strengths_each_method_uses_its_own(make_cells):
    cells = make_cells(Grid(("4",), ("rd4ad", "gnl"), (0,)), lambda *_: 1)
    output = cells[0].folder.path.parent
    command = comparison_command(compare_cells(cells), output=str(output))
    assert "--style-weight" not in command
    assert plan_again(command, output) == cells


def test_strengths_are_named_if_they_were_given_for_all_methods():
    both = [Method("rd4ad", 0.0), Method("rd4ad", 1.0), Method("gnl", 0.0), Method("gnl", 1.0), Method("knn", None)]
    assert requested_strengths(both) == [0.0, 1.0]
    assert requested_strengths([Method("rd4ad", 0.0), Method("gnl", 0.5)]) == []
    assert requested_strengths([Method("deep_svdd", None)]) == []


@pytest.mark.parametrize(
    ("name", "classes"),
    [("mnist", 10), ("mnist-eleven", 3), ("pacs", 3), ("mvtec", 2), ("cifar10", 1)],
)
def test_the_commands_of_the_bundled_results_are_those_of_the_docs(name: str, classes: int):
    docs = (RESULTS.parents[1] / "docs" / "results.md").read_text().replace("\\\n", " ")
    output = f"--output runs/{name.removesuffix('-eleven')} "
    lines = [line for line in docs.splitlines() if line.startswith("gnl compare") and output in f"{line} "]
    (told,) = [parsed for parsed in map(parse, lines) if len(parsed.normal_class) == classes]
    command = parse(comparison_command(read_comparison(RESULTS / f"{name}.json"), output=told.output.as_posix()))
    assert command == told


def test_flat_settings_of_earlier_versions_give_the_same_command(tmp_path: Path):
    content = json.loads((RESULTS / "pacs.json").read_text())
    del content["settings"]["method"]
    defaults = {name: field.default for name, field in method_fields(DETECTORS).items()}
    content["settings"] |= defaults
    (tmp_path / "flat.json").write_text(json.dumps(content))
    expected = comparison_command(read_comparison(RESULTS / "pacs.json"), output="runs/pacs")
    assert comparison_command(read_comparison(tmp_path / "flat.json"), output="runs/pacs") == expected
    content["settings"]["neighbours"] = 3
    (tmp_path / "flat.json").write_text(json.dumps(content))
    words = comparison_command(read_comparison(tmp_path / "flat.json"), output="runs/pacs").split()
    assert sorted(words) == sorted([*expected.split(), "--neighbours", "3"])
