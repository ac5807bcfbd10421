"""The command line: gnl score here, each other command in a file of its own."""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from gnl_core.cli.compare import add_compare_command
from gnl_core.cli.data import add_data_commands
from gnl_core.cli.export import add_export_command
from gnl_core.cli.imports import add_import_command
from gnl_core.cli.report import format_report
from gnl_core.cli.runs import add_runs_command
from gnl_core.cli.settings import add_settings, given_settings, say, say_reading
from gnl_core.cli.train import add_train_command
from gnl_core.cli.tune import PLACES, add_tune_command
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets import HELD_OUT, find_dataset
from gnl_core.datasets.shifts import shifted_domain
from gnl_core.metrics import choose_threshold, report
from gnl_core.records import Batch, Detection, PixelReport, Scores
from gnl_core.runs.experiment import (
    Run,
    load_domain,
    load_run,
    map_scale,
    measure_domain_shift,
    resolve_scoring,
)
from gnl_core.runs.exports import write_csv, write_map
from gnl_core.runs.finding import find_epoch
from gnl_core.runs.folder import RunFolder, report_to_json, save_scores, write_report
from gnl_core.runs.tuning import read_preset
from gnl_core.scoring import collect, collect_scores, detect, explain_missing_shift, join_scores

BAD_INPUT = 2
INTERRUPTED = 130
QUANTILE = "threshold_quantile"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; bad input ends in one sentence on standard error and exit code 2."""
    parsed = build_parser().parse_args(arguments)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = tell_warning
            parsed.command(parsed)
    except (ValueError, OSError) as error:
        say(f"gnl: {error}")
        return BAD_INPUT
    except KeyboardInterrupt:
        say("gnl: stopped")
        return INTERRUPTED
    return 0


def tell_warning(message: Warning | str, *_: object, **__: object) -> None:
    """A warning in one line on standard error, above any progress bar, without the place in the code."""
    tqdm.write(f"gnl: {message}", file=sys.stderr)


def build_parser() -> argparse.ArgumentParser:
    """The commands and their flags."""
    parser = argparse.ArgumentParser(prog="gnl", description="Image anomaly detection under distribution shift.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    add_train_command(commands.add_parser("train", help="train a detector on the normal images of one class"))

    score = commands.add_parser("score", help="score the images of one or more domains with a trained run")
    score.add_argument("run", type=Path, help="folder of the run")
    score.add_argument("--epoch", type=int, help="score the checkpoint of one epoch, of a run with --keep-epochs")
    score.add_argument(
        "--domain",
        nargs="+",
        help="domains to score, also train or held_out; unset: all, or with --shift the in-distribution one",
    )
    score.add_argument(
        "--shift", nargs="+", help="corruptions such as defocus_blur:3 under which to score each domain too"
    )
    score.add_argument("--preset", type=Path, help="file with a way of scoring that gnl tune wrote; flags go before it")
    score.add_argument("--csv", type=Path, help="write one row an image to this file")
    score.add_argument("--maps", type=Path, help="write one anomaly map an image to this folder, as PNG")
    score.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    add_settings(score, ScoringConfig.model_fields)
    add_settings(score, {name: RunConfig.model_fields[name] for name in (QUANTILE, *PLACES)})
    score.set_defaults(command=score_command)

    add_runs_command(commands.add_parser("runs", help="what trains, waits and has ended; stop or delete it"))

    add_compare_command(commands.add_parser("compare", help="train and score several methods side by side"))

    add_export_command(commands.add_parser("export", help="write a run as an ONNX file, for use without PyTorch"))

    add_import_command(commands.add_parser("import", help="make a run of a checkpoint of the published code"))

    add_tune_command(commands.add_parser("tune", help="choose without labels how runs should look at shifted images"))

    add_data_commands(commands.add_parser("data", help="what data there is, and how to get it"))
    return parser


def score_command(parsed: argparse.Namespace) -> None:
    """Score domains with a run: gnl score."""
    folder = RunFolder(parsed.run) if parsed.epoch is None else find_epoch(RunFolder(parsed.run), parsed.epoch)
    run = load_run(folder, **given_settings(parsed, PLACES))
    say_reading(run.config.dataset, run.config.data_root, split=run.config.split)
    preset = read_preset(parsed.preset).model_dump() if parsed.preset else {}
    scoring = resolve_scoring(run, **(preset | given_settings(parsed, ScoringConfig.model_fields)))
    spec = find_dataset(run.config.dataset, run.config.data_root)
    domains = parsed.domain or ([spec.in_distribution] if parsed.shift else spec.domains)
    domains = [*domains, *(shifted_domain(domain, shift) for domain in domains for shift in parsed.shift or ())]
    domains = list(dict.fromkeys(domains))  # one that is named twice is scored once
    scored = {domain: score_one_domain(run, domain, scoring, maps=parsed.maps) for domain in domains}
    scores = join_scores([rows for rows, _ in scored.values()])
    held_out = score_held_out(run, scoring)
    quantile = given_settings(parsed, [QUANTILE]).get(QUANTILE, run.config.threshold_quantile)
    measured = report(
        scores,
        in_distribution=spec.in_distribution,
        threshold=choose_threshold(held_out, quantile=quantile),
        pixels={domain: pixels for domain, (_, pixels) in scored.items()},
        shift_scores={domain: measure_domain_shift(run, domain) for domain in domains},
    )._replace(no_shift_score=explain_missing_shift(run.detector))
    save_scores(folder, scores, scoring)
    if held_out:
        save_scores(folder, held_out, scoring)
    write_report(folder, measured, scoring)
    if parsed.csv:
        write_csv(parsed.csv, scores)
    if parsed.json:
        print(json.dumps({"run": str(folder.path), **scoring.model_dump(), **report_to_json(measured)}))
    else:
        print(format_report(measured))


def score_one_domain(run: Run, domain: str, scoring: ScoringConfig, *, maps: Path | None) -> tuple[Scores, PixelReport]:
    """Score a domain with a progress bar, writing its anomaly maps on the way if asked to."""
    batches = load_domain(run, domain)
    detections = detect(run.detector, batches, scoring)
    shown = tqdm(detections, total=len(batches), desc=domain, unit="batch", file=sys.stderr)
    return collect(write_maps(shown, maps, upper=map_scale(run, scoring)) if maps else shown)


def write_maps(
    detections: Iterable[tuple[Batch, Detection]], folder: Path, *, upper: float
) -> Iterator[tuple[Batch, Detection]]:
    """Write the anomaly maps that pass by, one picture an image."""
    for batch, detection in detections:
        if detection.anomaly_map is not None:
            for path, anomaly_map in zip(batch.paths, detection.anomaly_map[:, 0], strict=True):
                write_map(folder / f"{path}.png", anomaly_map.numpy(), upper=upper)
        yield batch, detection


def score_held_out(run: Run, scoring: ScoringConfig) -> Scores | None:
    """Score the normal training images kept for the threshold; where there are none, say why and go on without."""
    try:
        batches = load_domain(run, HELD_OUT)
    except ValueError as error:  # none were kept, or the run is scored where its training images are not
        say(f"no threshold: {error}")
        return None
    return collect_scores(detect(run.detector, batches, scoring))
