"""gnl follow: score images in order of time, with a threshold that follows the line beside the fixed one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from gnl_core.adaptation.following import check_following
from gnl_core.cli.console import say, show
from gnl_core.cli.parser import Parser, path_of
from gnl_core.cli.score import QUANTILE
from gnl_core.cli.settings import add_settings, given_settings
from gnl_core.cli.tune import PLACES
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.config.validation import check
from gnl_core.datasets.base import Item
from gnl_core.files import real_path
from gnl_core.files.writing import write_atomically
from gnl_core.records import Scores
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.followed import FollowedLine, FollowSettings, let_follow, write_line_csv
from gnl_core.runs.following import DOMAIN, fix_threshold, list_line, measure_line
from gnl_core.runs.following_text import format_line, line_to_json
from gnl_core.runs.outputs import check_output_file
from gnl_core.runs.scoring import Run, load_run, resolve_scoring, scoring_batches
from gnl_core.scoring import collect_scores, detect
from gnl_core.strict_json import to_json

PLOT_ENDINGS = ("svg", "png")


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl follow."""
    parser.add_argument("run", type=path_of, help="folder of the run")
    parser.add_argument(
        "--images", type=path_of, metavar="DIR", required=True, help="folder with the images of the line"
    )
    parser.add_argument("--csv", type=path_of, help="write one row per image to this file")
    parser.add_argument(
        "--plot", type=path_of, help="draw scores, thresholds and shift over time to this SVG or PNG file"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    add_settings(parser, FollowSettings.model_fields)
    add_settings(parser, ScoringConfig.model_fields)
    add_settings(parser, {name: RunConfig.model_fields[name] for name in (QUANTILE, *PLACES)})
    parser.set_defaults(command=follow_command)


def follow_command(parsed: argparse.Namespace) -> None:
    """Follow the images of a line with a run: gnl follow."""
    given = {name: value for name, value in vars(parsed).items() if name in FollowSettings.model_fields}
    settings = check(FollowSettings, given)
    run = load_run(RunFolder(parsed.run), **given_settings(parsed, PLACES))
    check_outputs(parsed, run.config)
    scoring = resolve_scoring(run, **given_settings(parsed, ScoringConfig.model_fields))
    quantile = given_settings(parsed, [QUANTILE]).get(QUANTILE, run.config.threshold_quantile)
    fixed = fix_threshold(run, scoring, quantile=quantile)
    check_following(fixed, window=settings.window, minimum=settings.minimum)
    items, problems = list_line(parsed.images, order=settings.order, workers=run.config.workers)
    if problems:
        count = len(items) + len(problems)
        say(f"left out {len(problems)} of {count} images that cannot be read; the first: {problems[0]}")
    scores = score_items(run, items, scoring)
    line = let_follow(measure_line(run, items, scores, fixed=fixed, block=settings.block), settings)
    write_outputs(parsed, line)
    if parsed.json:
        facts = {"run": str(parsed.run), "images": str(parsed.images), "left_out": problems}
        print(to_json(facts | scoring.model_dump() | line_to_json(line)))
    else:
        show(format_line(line))


def check_outputs(parsed: argparse.Namespace, config: RunConfig) -> None:
    """Check where the outputs would be written, before anything is scored.

    Raises:
        ValueError: If one would lie among the images of a data set or of the line, or the plot's ending is unknown.
    """
    for name in ("csv", "plot"):
        path = getattr(parsed, name)
        if path is not None:
            check_output_file(path, config.data_root, what=f"--{name}")
    if parsed.plot is None:
        return
    if plot_ending(parsed.plot) not in PLOT_ENDINGS:
        raise ValueError(f"--plot {parsed.plot} is neither an SVG nor a PNG file; end its name in .svg or .png")
    if real_path(parsed.plot.parent) == real_path(parsed.images):
        raise ValueError(
            f"--plot would be written to {parsed.plot}, among the images of the line; choose a path outside that folder"
        )


def plot_ending(path: Path) -> str:
    """Return the ending of a file's name, in lower case and without its dot."""
    return path.suffix.lower().removeprefix(".")


def score_items(run: Run, items: Sequence[Item], scoring: ScoringConfig) -> Scores:
    """Score the images of a line with a progress bar."""
    batches = scoring_batches(items, run.config)
    detections = detect(run.detector, batches, scoring)
    return collect_scores(tqdm(detections, total=len(batches), desc=DOMAIN, unit="batch", file=sys.stderr))


def write_outputs(parsed: argparse.Namespace, line: FollowedLine) -> None:
    """Write the requested CSV file and plot."""
    if parsed.csv:
        write_line_csv(parsed.csv, line)
        say(f"wrote {parsed.csv}")
    if parsed.plot:
        plot_line(parsed.plot, line)
        say(f"wrote {parsed.plot}")


def plot_line(path: Path, line: FollowedLine) -> None:
    """Draw scores, thresholds and shift over time to a file, creating its folder if needed."""
    from gnl_core.plots.score_panels import render  # noqa: PLC0415 (matplotlib takes a second to import)
    from gnl_core.plots.timeline import Timeline, draw_timeline  # noqa: PLC0415 (as above)

    following = line.following
    figure = draw_timeline(
        Timeline(
            score=following.score,
            following_threshold=following.threshold,
            fixed_threshold=following.fixed.value,
            edges=[*(block.start for block in line.blocks), len(line.names)],
            shift_scores=line.shift_scores,
        )
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, render(figure, ending=plot_ending(path)))
