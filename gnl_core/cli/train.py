"""gnl train: in this process or in a separate one, from the start or from where a training was interrupted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

from tqdm import tqdm

from gnl_core.cli.console import say
from gnl_core.cli.own_images import say_reading
from gnl_core.cli.parser import Parser, path_of
from gnl_core.cli.run_settings import add_run_settings, given_run_settings
from gnl_core.config import RunConfig
from gnl_core.datasets import default_root
from gnl_core.datasets.overview import describe_overview, look_over, warn_of
from gnl_core.detectors import complete_config
from gnl_core.distributed import Processes, plan_processes
from gnl_core.jobs.start import open_unfinished, resume, start
from gnl_core.jobs.worker import report_early_failure, train_as_job
from gnl_core.records import EpochRecord, TrainingStep
from gnl_core.runs.folder import RunFolder, create_run, read_records
from gnl_core.runs.training import advance_run, check_teacher_weights


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl train; the help shows the settings of the method that is chosen."""
    parser.usage = "%(prog)s --run PATH [--resume] [--detach] [settings]"
    parser.add_argument("--run", type=path_of, metavar="PATH", required=True, help="folder to create for the run")
    parser.add_argument("--resume", action="store_true", help="resume the interrupted training in that folder")
    parser.add_argument(
        "--detach",
        action="store_true",
        help="train in a separate process, after those already started in the same folder of runs: see gnl runs",
    )
    parser.add_argument(
        "--at-once", action="store_true", help="with --detach: start without waiting for other trainings"
    )
    parser.add_argument("--job", action="store_true", help=argparse.SUPPRESS)  # what --detach starts
    add_run_settings(parser)
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
    """Start a separate process that trains, and say where to look."""
    given = given_run_settings(parsed)
    if parsed.resume:
        folder = resume(parsed.run, given, at_once=parsed.at_once)
    else:
        folder = start(RunConfig(**given), parsed.run, at_once=parsed.at_once)
    say(f"started {folder.path}; gnl runs {folder.path.parent} shows its progress")


def train_here(parsed: argparse.Namespace) -> None:
    """Train in this process. If several train together, each runs this, and the first one reports."""
    given = given_run_settings(parsed)
    folder = RunFolder(parsed.run)
    config = open_unfinished(folder, given) if parsed.resume else complete_config(RunConfig(**given))
    processes = plan_processes(config)
    if not processes.is_first:
        for _ in advance_run(config, folder, processes):
            pass
        return
    if parsed.job or not parsed.resume:
        say_images(config)
    if not parsed.resume:
        check_teacher_weights(config)
        create_run(parsed.run, config)
    if not parsed.job:
        folder.stop.unlink(missing_ok=True)  # a request to an earlier process; a job's is for itself
    if report_epochs(epochs_of(parsed, config, folder, processes), config, folder, as_lines=parsed.job):
        say(f"wrote {folder.weights}")
    else:
        say(f"stopped; resume with gnl train --run {folder.path} --resume")


def say_images(config: RunConfig) -> None:
    """Print how many images the training has, and whether the data set has faults to look at first.

    Raises:
        ValueError: If there are none.
    """
    say_reading(config.dataset, config.data_root, split=config.split)
    root = config.data_root or default_root()
    overview = look_over(config.dataset, normal_class=config.normal_class, root=root, split=config.split)
    remedy = f": see gnl data check --dataset {config.dataset}" if warn_of(overview, root) else ""
    say(f"train: {describe_overview(overview, root)}{remedy}")


def epochs_of(
    parsed: argparse.Namespace, config: RunConfig, folder: RunFolder, processes: Processes
) -> Iterator[EpochRecord]:
    """Yield the epochs of the training as they end."""
    steps: Iterable[TrainingStep] = train_as_job(config, folder, processes, in_turn=parsed.job and not parsed.at_once)
    return (step.record for step in steps if step.record is not None)


def report_epochs(records: Iterable[EpochRecord], config: RunConfig, folder: RunFolder, *, as_lines: bool) -> bool:
    """Show each epoch as it ends, in a bar or, for a log, in lines; return whether the training is complete."""
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
