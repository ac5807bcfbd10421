"""gnl compare: compare methods over classes, seeds and strengths of matching."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from tqdm import tqdm

from gnl_core.cli.console import say, show
from gnl_core.cli.own_images import say_reading
from gnl_core.cli.parser import Parser, path_of
from gnl_core.cli.run_settings import add_run_settings, given_run_settings
from gnl_core.comparison.figures import draw_pictures, parse_method
from gnl_core.comparison.files import write_comparison
from gnl_core.comparison.grid import Grid, GridCell, plan_cells
from gnl_core.comparison.measure import compare_cells
from gnl_core.comparison.records import Method
from gnl_core.comparison.sweep import Outcome, check_teacher, remove_unfinished, run_cells, run_cells_on_ray
from gnl_core.comparison.text import terminal_table
from gnl_core.detectors import DETECTORS
from gnl_core.jobs.locks import holding
from gnl_core.runs.outputs import check_comparison_folder

VARIED = ("normal_class", "detector", "seed", "style_weight")  # settings that take several values here
LOCK_NAME = ".lock"  # in the output folder


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl compare; the help shows the settings of the methods that are chosen."""
    parser.usage = "%(prog)s --output PATH --normal-class CLASS … --detector METHOD … [settings]"
    parser.add_argument("--output", type=path_of, required=True, help="folder for the run folders and the tables")
    parser.add_argument("--normal-class", nargs="+", required=True, help="normal classes, one per run")
    parser.add_argument(
        "--detector", nargs="+", required=True, metavar="METHOD", help=f"methods to compare: {', '.join(DETECTORS)}"
    )
    parser.add_argument("--seed", nargs="+", type=int, default=[0], help="seeds, one per run (default: 0)")
    parser.add_argument(
        "--style-weight",
        nargs="+",
        type=float,
        default=[],
        help="strengths of feature distribution matching at which each run is scored; unset: each method's own",
    )
    parser.add_argument("--domain", nargs="+", default=[], help="domains to score; unset: all domains of the data set")
    parser.add_argument(
        "--adapt",
        nargs="+",
        default=[],
        metavar="KIND:N",
        help="also score each run after N images of each domain were put to use, drawn by the run's seed and left out "
        "of these rows: unlabelled:N and normal:N adapt to them without training, bank:N adds N normal images to the "
        "bank of knn and patchcore",
    )
    parser.add_argument(
        "--figure",
        nargs=2,
        metavar="METHOD",
        help="draw score histograms of two methods, such as rd4ad gnl, or gnl:0 gnl:1 for given strengths",
    )
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="run on a Ray cluster: its address, or local to start one on this machine"
    )
    add_run_settings(parser, varied=VARIED)
    parser.set_defaults(command=compare_command)


def compare_command(parsed: argparse.Namespace) -> None:
    """Train and score what is missing, then print and write the tables: gnl compare.

    Raises:
        ValueError: If a setting is wrong, the teacher cannot be used, another process writes to the same folder, or,
            after the tables, a cell failed.
    """
    check_comparison_folder(parsed.output)
    grid = Grid(
        normal_classes=tuple(parsed.normal_class),
        detectors=tuple(parsed.detector),
        seeds=tuple(parsed.seed),
        style_weights=tuple(parsed.style_weight),
        domains=tuple(parsed.domain),
        adapt=tuple(parsed.adapt),
    )
    cells = plan_cells(given_run_settings(parsed, varied=VARIED), grid, output=parsed.output)
    config = cells[0].config
    say_reading(config.dataset, config.data_root, split=config.split)
    drawn = [parse_method(text, cells) for text in parsed.figure or ()]
    check_teacher(cells)
    parsed.output.mkdir(parents=True, exist_ok=True)
    with holding(parsed.output / LOCK_NAME) as acquired:
        if not acquired:
            raise ValueError(
                f"another gnl compare is writing to {parsed.output}; wait until it ends, or choose another --output"
            )
        complete_comparison(parsed, cells, drawn)


def complete_comparison(parsed: argparse.Namespace, cells: Sequence[GridCell], drawn: Sequence[Method]) -> None:
    """Train and score what is missing of the cells, then print and write the tables.

    Raises:
        ValueError: After the tables, if a cell failed.
    """
    running = run_cells_on_ray(cells, address=parsed.ray) if parsed.ray else run_cells(cells)
    outcomes = []
    with tqdm(total=len(cells), unit="run", file=sys.stderr) as bar:
        for outcome in running:
            bar.set_postfix_str(outcome.cell.folder.path.name)
            bar.update()
            outcomes.append(outcome)
    remove_unfinished(parsed.output)
    failed = [outcome for outcome in outcomes if outcome.failure is not None]
    if len(failed) < len(cells):
        comparison = compare_cells(cells)
        pictures = list(draw_pictures(comparison, cells, drawn)) if drawn else []
        show(terminal_table(comparison))
        for file in write_comparison(comparison, pictures, parsed.output):
            say(f"wrote {file}")
    report_failures(failed, of=len(cells))


def report_failures(failed: Sequence[Outcome], *, of: int) -> None:
    """Report each failed run and its reason.

    Raises:
        ValueError: If any run failed.
    """
    for outcome in failed:
        say(f"{outcome.cell.folder.path.name} failed: {outcome.failure}")
    if failed:
        raise ValueError(f"{len(failed)} of {of} runs failed, see above; fix the causes and run the same command again")
