"""gnl train: here, or as a process of its own; anew, or from where it was cut off."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tqdm import tqdm

from gnl_core.cli.settings import add_settings, given_settings, say, say_reading
from gnl_core.config import RunConfig
from gnl_core.datasets import default_root
from gnl_core.datasets.overview import describe_overview, look_over, warn_of
from gnl_core.distributed import Processes, plan_processes
from gnl_core.jobs.start import open_unfinished, resume, start
from gnl_core.jobs.worker import report_early_failure, train_as_job
from gnl_core.records import EpochRecord, TrainingStep
from gnl_core.runs.folder import RunFolder, create_run, read_records
from gnl_core.runs.training import advance_run


def add_train_command(parser: argparse.ArgumentParser) -> None:
    """The flags of gnl train."""
    parser.add_argument("--run", type=Path, required=True, help="folder to make for the run")
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder where it was cut off")
    parser.add_argument(
        "--detach",
        action="store_true",
        help="train in a process of its own, after those already started in the same folder of runs: see gnl runs",
    )
    parser.add_argument("--at-once", action="store_true", help="with --detach: do not wait for other trainings")
    parser.add_argument("--job", action="store_true", help=argparse.SUPPRESS)  # what --detach starts
    add_settings(parser, RunConfig.model_fields)
    parser.set_defaults(command=train_command)


def train_command(parsed: argparse.Namespace) -> None:
    """Train a run: gnl train."""
    if parsed.detach:
        detach(parsed)
    elif parsed.job:
        with report_early_failure(RunFolder(parsed.run)):
            train_here(parsed)
    else:
        train_here(parsed)


def detach(parsed: argparse.Namespace) -> None:
    """Have a process of its own train, and say where to look."""
    given = given_settings(parsed, RunConfig.model_fields)
    if parsed.resume:
        folder = resume(parsed.run, given, at_once=parsed.at_once)
    else:
        folder = start(RunConfig(**given), parsed.run, at_once=parsed.at_once)
    say(f"started {folder.path}; gnl runs {folder.path.parent} shows how far it is")


def train_here(parsed: argparse.Namespace) -> None:
    """Train in this process. Where several train together, each runs this and the first one tells."""
    given = given_settings(parsed, RunConfig.model_fields)
    folder = RunFolder(parsed.run)
    config = open_unfinished(folder, given) if parsed.resume else RunConfig(**given)
    processes = plan_processes(config)
    if not processes.is_first:
        for _ in advance_run(config, folder, processes):
            pass
        return
    if parsed.job or not parsed.resume:
        say_what_is_taken(config)
    if not parsed.resume:
        create_run(parsed.run, config)
    if not parsed.job:
        folder.stop.unlink(missing_ok=True)  # asked of an earlier process; a job's is for it
    if tell(steps_of(parsed, config, folder, processes), config, folder, as_lines=parsed.job):
        say(f"wrote {folder.weights}")
    else:
        say(f"stopped; gnl train --run {folder.path} --resume goes on")


def say_what_is_taken(config: RunConfig) -> None:
    """Say how many images the training has, and what of the data set should be looked at first.

    Raises:
        ValueError: If there are none.
    """
    say_reading(config.dataset, config.data_root, split=config.split)
    root = config.data_root or default_root()
    overview = look_over(config.dataset, normal_class=config.normal_class, root=root, split=config.split)
    remedy = f": see gnl data check --dataset {config.dataset}" if warn_of(overview, root) else ""
    say(f"train: {describe_overview(overview, root)}{remedy}")


def steps_of(
    parsed: argparse.Namespace, config: RunConfig, folder: RunFolder, processes: Processes
) -> Iterator[EpochRecord]:
    """The epochs of the training as they end."""
    steps: Iterable[TrainingStep] = train_as_job(config, folder, processes, in_turn=parsed.job and not parsed.at_once)
    return (step.record for step in steps if step.record is not None)


def tell(records: Iterable[EpochRecord], config: RunConfig, folder: RunFolder, *, as_lines: bool) -> bool:
    """Show each epoch as it ends, in a bar or, for a log, in lines; whether the training reached its end."""
    done = len(read_records(folder))
    with tqdm(total=config.epochs, initial=done, unit="epoch", file=sys.stderr, disable=as_lines) as bar:
        for record in records:
            losses = {name: f"{value:.4f}" for name, value in record.losses.items()}
            bar.set_postfix(losses)
            bar.update()
            if as_lines:
                terms = ", ".join(f"{name} {value}" for name, value in losses.items())
                say(f"epoch {record.epoch} of {config.epochs}: {terms or 'nothing to learn'}")
    return not folder.state.exists()
