"""gnl page: write the scores, images and maps of runs into one HTML file, which opens without a server."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from gnl_core.cli.console import say
from gnl_core.cli.parser import Parser, path_of
from gnl_core.cli.settings import add_settings, given_settings
from gnl_core.cli.tune import PLACES
from gnl_core.config import RunConfig
from gnl_core.files.writing import write_atomically
from gnl_core.page.build import build_lesson, build_page
from gnl_core.page.collect import LoadedRun, collect_view, with_scores
from gnl_core.page.models import check_size, collect_models
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.outputs import check_output_file
from gnl_core.runs.scoring import load_run


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl page."""
    parser.add_argument(
        "runs", nargs="+", type=path_of, metavar="RUN", help="folders of runs on one data set and class, one per method"
    )
    parser.add_argument(
        "--domain", nargs="+", metavar="DOMAIN", help="shifted domains to show; by default all of the data set"
    )
    parser.add_argument(
        "--lesson", action="store_true", help="write the lesson instead, from runs on parts and on digits"
    )
    parser.add_argument(
        "--with-model",
        action="store_true",
        help="include the detectors, so that the page scores images dropped or painted in the browser",
    )
    parser.add_argument("--output", type=path_of, required=True, help="HTML file to write; replaced if it exists")
    add_settings(parser, {name: RunConfig.model_fields[name] for name in PLACES})
    parser.set_defaults(command=page_command)


def page_command(parsed: argparse.Namespace) -> None:
    """Collect what the page shows, and write it: gnl page."""
    if parsed.lesson and parsed.with_model:
        raise ValueError("the lesson contains no detector; leave out --with-model, or --lesson")
    given = given_settings(parsed, PLACES)
    folders = [RunFolder(path) for path in parsed.runs]
    loaded = [with_scores(folder, load_run(folder, **given)) for folder in folders]
    for one in loaded:
        check_output_file(parsed.output, one.run.config.data_root, what="--output")
    if parsed.lesson:
        page = build_lesson([collect_view(runs, explain=say) for runs in by_dataset(loaded)])
    elif parsed.with_model:
        page = build_live_page(loaded, parsed.domain)
    else:
        page = build_page(collect_view(loaded, domains=parsed.domain, explain=say))
    write_atomically(parsed.output, page.encode())
    say(f"wrote {parsed.output} ({megabytes(parsed.output)}); it opens in a browser without a server")


def build_live_page(loaded: Sequence[LoadedRun], domains: Sequence[str] | None) -> str:
    """Build a page that contains its detectors; what cannot be exported is refused before scoring, which takes longer.

    Raises:
        ValueError: As for `collect_models` and `collect_view`, or if the page is too large.
    """
    models = collect_models(loaded, domains=domains, explain=say)
    page = build_page(collect_view(loaded, domains=domains, explain=say), models)
    check_size(len(page.encode()))
    return page


def by_dataset(loaded: Sequence[LoadedRun]) -> list[list[LoadedRun]]:
    """Group runs by their data set, in the given order."""
    groups: dict[str, list[LoadedRun]] = {}
    for one in loaded:
        groups.setdefault(one.run.config.dataset, []).append(one)
    return list(groups.values())


def megabytes(file: Path) -> str:
    """Return the size of a file."""
    return f"{file.stat().st_size / 10**6:.1f} MB"
