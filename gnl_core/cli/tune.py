"""gnl tune: choose scoring settings for shifted images without labels."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence

from tqdm import tqdm

from gnl_core.cli.console import say, show
from gnl_core.cli.parser import Parser, path_of
from gnl_core.cli.settings import add_settings, given_settings
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.config.flags import flag_words
from gnl_core.datasets.validation_task import ANOMALIES
from gnl_core.files import real_path
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.outputs import check_output_file
from gnl_core.runs.scoring import load_run
from gnl_core.runs.tuning import Candidate, tune, write_preset

PLACES = ("device", "teacher_weights", "data_root", "engine")  # may differ from training


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl tune."""
    parser.add_argument("run", type=path_of, nargs="+", help="run folders of one data set")
    parser.add_argument(
        "--output", type=path_of, required=True, help="file to write the preset to, for gnl score --preset"
    )
    parser.add_argument(
        "--anomalies",
        choices=ANOMALIES,
        help="anomalies to expect: objects of other classes or defects of the normal one (default: as in the data set)",
    )
    add_settings(parser, {name: RunConfig.model_fields[name] for name in PLACES})
    parser.set_defaults(command=tune_command)


def tune_command(parsed: argparse.Namespace) -> None:
    """Evaluate all candidates, print the best and no matching, and write the best as a preset: gnl tune."""
    paths = list({real_path(path): path for path in parsed.run}.values())  # repeated runs count once
    runs = [load_run(RunFolder(path), **given_settings(parsed, PLACES)) for path in paths]
    for run in runs:
        check_output_file(parsed.output, run.config.data_root, what="--output")
    tuning = tune(runs, anomalies=parsed.anomalies, watch=show_progress)
    show(format_candidates({"no matching, maximum": tuning.candidates[0], "chosen": tuning.best}))
    show(f"chosen: {describe(tuning.best.scoring)}")
    show(f"validation: {tuning.n_normal} held-out normal images, each without and with each of two synthetic anomalies")
    write_preset(parsed.output, tuning.best, runs=paths, n_normal=tuning.n_normal)
    say(f"wrote {parsed.output}")


def show_progress(shifts: Sequence[str]) -> Iterable[str]:
    """Show a progress bar over the shifts of one run."""
    bar: Iterable[str] = tqdm(shifts, unit="shift", file=sys.stderr)
    return bar


def format_candidates(rows: dict[str, Candidate]) -> str:
    """Format validation AUROCs, one line per shift and one column per candidate."""
    first = next(iter(rows.values()))
    widths = [max(len(name), 5) for name in rows]
    lines = [
        f"{'validation AUROC':<18}" + "".join(f"  {name:>{width}}" for name, width in zip(rows, widths, strict=True))
    ]
    for shift in first.aurocs:
        cells = (f"  {one.aurocs[shift]:>{width}.3f}" for one, width in zip(rows.values(), widths, strict=True))
        lines.append(f"{shift:<18}" + "".join(cells))
    cells = (f"  {one.mean:>{width}.3f}" for one, width in zip(rows.values(), widths, strict=True))
    return "\n".join([*lines, f"{'mean':<18}" + "".join(cells)])


def describe(scoring: ScoringConfig) -> str:
    """Format scoring settings as flags of gnl score."""
    return " ".join(word for name, value in scoring.model_dump().items() for word in flag_words(name, value))
