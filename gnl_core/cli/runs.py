"""gnl runs: list, stop and delete runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from gnl_core.cli.console import say, show
from gnl_core.cli.parser import Parser, path_of
from gnl_core.jobs.listing import Job, list_jobs_and_problems, read_log
from gnl_core.jobs.stop import delete, stop
from gnl_core.messages import as_sentence, escape_hidden
from gnl_core.strict_json import to_json
from gnl_core.tables import align_columns

DEFAULT_ROOT = Path("runs")
DASH = "-"
SECONDS_PER_MINUTE = 60


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl runs."""
    parser.add_argument(
        "folder", nargs="?", type=path_of, default=DEFAULT_ROOT, help="folder whose runs to list (default: runs)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.add_argument("--log", type=path_of, metavar="RUN", help="print the end of the log of a detached training")
    parser.add_argument(
        "--stop", type=path_of, metavar="RUN", help="stop a training after saving its state; it can be resumed"
    )
    parser.add_argument("--delete", type=path_of, metavar="RUN", help="delete all files of a run after confirmation")
    parser.add_argument("--yes", action="store_true", help="with --delete: do not ask for confirmation")
    parser.set_defaults(command=runs_command)


def runs_command(parsed: argparse.Namespace) -> None:
    """List runs, or print the log of, stop or delete one run: gnl runs."""
    if parsed.log:
        show("\n".join(read_log(parsed.log)))
    elif parsed.stop:
        stop(parsed.stop)
        say(f"stopped {parsed.stop}; resume with gnl train --run {parsed.stop} --resume")
    elif parsed.delete:
        delete_run(parsed.delete, confirm=not parsed.yes)
    else:
        list_runs(parsed.folder, as_json=parsed.json)


def list_runs(folder: Path, *, as_json: bool) -> None:
    """Print the runs in a folder, and then each run that cannot be read.

    Raises:
        ValueError: If a run cannot be read.
    """
    jobs, problems = list_jobs_and_problems(folder)
    if as_json:
        print(to_json({"runs": [job_to_json(job) for job in jobs], "problems": problems}))
    else:
        show(format_jobs(jobs) or f"no runs in {folder}; train one with gnl train")
    for problem in problems[:-1]:
        say(as_sentence(f"gnl: {problem}"))
    if problems:
        raise ValueError(problems[-1])


def delete_run(path: Path, *, confirm: bool) -> None:
    """Delete a run, with `confirm` only after the user confirms."""
    if confirm:
        print(escape_hidden(f"delete all files of the run {path}? [y/N] "), end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            say("nothing was deleted")
            return
    delete(path)
    say(f"deleted {path}")


def job_to_json(job: Job) -> dict[str, object]:
    """Convert a job to plain values."""
    settings = {name: getattr(job.config, name) for name in ("dataset", "normal_class", "detector", "seed", "epochs")}
    return {"run": str(job.folder.path), **settings} | {
        name: value for name, value in job._asdict().items() if name not in ("folder", "config")
    }


def format_jobs(jobs: Sequence[Job]) -> str:
    """Format one line per run, with the reason of a failure below it; "" if there are no runs."""
    if not jobs:
        return ""
    rows = [("run", "state", "epoch", "losses", "images/s", "left"), *(format_row(job) for job in jobs)]
    lines = align_columns(rows)
    for job, line in zip(jobs, range(1, len(lines)), strict=True):
        if job.reason:
            lines[line] += f"\n  {job.reason}"
    return "\n".join(lines)


def format_row(job: Job) -> tuple[str, ...]:
    """Return the columns of a run's line."""
    return (
        job.folder.path.name,
        f"{job.state}, {job.place} ahead" if job.place else job.state,
        f"{job.epochs_done}/{job.config.epochs}",
        describe_losses(job.losses) or DASH,
        DASH if job.images_per_second is None else f"{job.images_per_second:.1f}",
        DASH if job.seconds_left is None else duration(job.seconds_left),
    )


def describe_losses(losses: Mapping[str, float | None]) -> str:
    """Format each loss by name, with a dash for values that are not finite."""
    return ", ".join(f"{name} {DASH if value is None else f'{value:.4f}'}" for name, value in losses.items())


def duration(seconds: float) -> str:
    """Format a time in seconds, or in minutes from one minute."""
    return f"{seconds:.0f} s" if seconds < SECONDS_PER_MINUTE else f"{seconds / SECONDS_PER_MINUTE:.0f} min"
