"""gnl score: score domains with a trained run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence

from tqdm import tqdm

from gnl_core.cli.console import say, show
from gnl_core.cli.own_images import say_reading
from gnl_core.cli.parser import Parser, path_of
from gnl_core.cli.settings import add_settings, given_settings
from gnl_core.cli.tune import PLACES
from gnl_core.config import RunConfig, ScoringConfig
from gnl_core.datasets import default_root, find_dataset
from gnl_core.datasets.loading import Batches
from gnl_core.datasets.overview import Overview, warn_of
from gnl_core.datasets.shifts import shifted_domain
from gnl_core.engines import engine_of
from gnl_core.metrics.table import format_report
from gnl_core.metrics.threshold import choose_threshold
from gnl_core.names import describe_engines
from gnl_core.records import Batch, Detection, PixelReport, Report, Scores
from gnl_core.runs.adaptations import load_adaptation
from gnl_core.runs.adapting import adapted_run, adapted_scale, adapted_scoring, adapted_threshold, list_unseen
from gnl_core.runs.discovery import find_epoch
from gnl_core.runs.evaluation import find_overview, report_run, score_held_out
from gnl_core.runs.exports import MapPictures, map_name, write_csv
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.images import list_domain
from gnl_core.runs.outputs import check_output, check_output_file
from gnl_core.runs.reports import report_to_json, write_report
from gnl_core.runs.scores import read_saved_scores, save_scores_each
from gnl_core.runs.scoring import Run, load_domain, load_run, map_scale, resolve_scoring, scoring_batches, settle_given
from gnl_core.runs.tuning import preset_settings
from gnl_core.scoring import collect, detect, join_scores
from gnl_core.strict_json import to_json

QUANTILE = "threshold_quantile"


def add_arguments(parser: Parser) -> None:
    """Add the flags of gnl score."""
    parser.add_argument("run", type=path_of, help="folder of the run")
    parser.add_argument(
        "--epoch", type=int, help="score the checkpoint of one epoch, for a run trained with --keep-epochs"
    )
    parser.add_argument(
        "--domain",
        nargs="+",
        help="domains to score, including train and held_out; unset: all, or with --shift the in-distribution domain",
    )
    parser.add_argument(
        "--shift", nargs="+", help="corruptions, such as defocus_blur:3, under which each domain is also scored"
    )
    parser.add_argument(
        "--preset", type=path_of, help="scoring settings written by gnl tune; flags override the preset"
    )
    parser.add_argument(
        "--adaptation",
        type=path_of,
        help="score adapted to a new domain, with a file written by gnl adapt, its settings and its threshold",
    )
    parser.add_argument("--csv", type=path_of, help="write one row per image to this file")
    parser.add_argument("--maps", type=path_of, help="write one anomaly map per image to this folder, as PNG")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    add_settings(parser, ScoringConfig.model_fields)
    add_settings(parser, {name: RunConfig.model_fields[name] for name in (QUANTILE, *PLACES)})
    parser.set_defaults(command=score_command)


def score_command(parsed: argparse.Namespace) -> None:
    """Score domains with a run: gnl score."""
    folder = RunFolder(parsed.run) if parsed.epoch is None else find_epoch(RunFolder(parsed.run), parsed.epoch)
    run = load_run(folder, **given_settings(parsed, PLACES))
    if parsed.adaptation:
        score_adapted(parsed, run)
        return
    preset = preset_settings(parsed.preset)
    scoring = resolve_scoring(run, **(preset | given_settings(parsed, ScoringConfig.model_fields)))
    domains = chosen_domains(parsed, run)
    read_saved_scores(folder)  # a damaged file is refused before the images are scored
    prepare_outputs(parsed, run, domains)
    say_reading(run.config.dataset, run.config.data_root, split=run.config.split)
    overview = look_at_data(run)
    pictures = MapPictures(upper=map_scale(run, scoring)) if parsed.maps else None
    scored = {
        domain: score_batches(run, load_domain(run, domain), scoring, domain=domain, pictures=pictures)
        for domain in domains
    }
    scores = join_scores([rows for rows, _ in scored.values()])
    held_out = score_held_out(run, scoring, explain=say)
    quantile = given_settings(parsed, [QUANTILE]).get(QUANTILE, run.config.threshold_quantile)
    threshold = choose_threshold(held_out, quantile=quantile)
    measured = report_run(run, scored, threshold=threshold, overview=overview)
    saved = [(scoring, part) for part in (scores, held_out) if part]
    engine = engine_of(run.detector)
    save_scores_each(folder, saved, checkpoint=run.sha256, engine=engine)
    write_report(folder, measured, scoring, checkpoint=run.sha256, engine=engine)
    print_report(parsed, {"run": str(folder.path), "engine": engine, **scoring.model_dump()}, measured)
    write_outputs(parsed, scores, pictures)


def score_adapted(parsed: argparse.Namespace, unadapted: Run) -> None:
    """Score domains with a run that is adapted to a new domain; nothing is written into the run's folder."""
    check_adapted(parsed)
    saved = load_adaptation(parsed.adaptation, unadapted)
    scoring = adapted_scoring(saved, settle_given(given_settings(parsed, ScoringConfig.model_fields), unadapted.config))
    run = adapted_run(unadapted, saved)
    domains = chosen_domains(parsed, run)
    prepare_outputs(parsed, run, domains)
    say_reading(run.config.dataset, run.config.data_root, split=run.config.split)
    overview = look_at_data(run)
    pictures = MapPictures(upper=adapted_scale(saved)) if parsed.maps else None
    scored = {}
    for domain in domains:
        batches = scoring_batches(list_unseen(run, domain, saved, explain=say), run.config)
        scored[domain] = score_batches(run, batches, scoring, domain=domain, pictures=pictures)
    threshold = adapted_threshold(saved, scoring, explain=say)
    measured = report_run(run, scored, threshold=threshold, overview=overview)
    facts = {
        "run": str(parsed.run),
        "adaptation": str(parsed.adaptation),
        "engine": engine_of(run.detector),
        **scoring.model_dump(),
    }
    print_report(parsed, facts, measured)
    if not parsed.csv and not parsed.json:
        say("adapted scores are not saved in the run; use --csv or --json")
    write_outputs(parsed, join_scores([rows for rows, _ in scored.values()]), pictures)


def check_adapted(parsed: argparse.Namespace) -> None:
    """Refuse flags that an adaptation leaves no room for.

    Raises:
        ValueError: If any is given.
    """
    given = ["--preset"] if parsed.preset else []
    given += ["--threshold-quantile"] if QUANTILE in vars(parsed) else []
    if given:
        raise ValueError(f"an adaptation has its own settings and threshold; leave out {given[0]}")


def chosen_domains(parsed: argparse.Namespace, run: Run) -> list[str]:
    """Return the domains to score, each once."""
    spec = find_dataset(run.config.dataset, run.config.data_root)
    domains = parsed.domain or ([spec.in_distribution] if parsed.shift else spec.domains)
    shifted = [shifted_domain(domain, shift) for domain in domains for shift in parsed.shift or ()]
    return list(dict.fromkeys([*domains, *shifted]))


def print_report(parsed: argparse.Namespace, facts: dict[str, object], measured: Report) -> None:
    """Print a report as a table, or with facts about the scoring as one JSON object."""
    if parsed.json:
        print(to_json(facts | report_to_json(measured)))
    else:
        show(format_report(measured))
        engine = describe_engines([str(facts["engine"])])
        if engine:
            say(engine)


def prepare_outputs(parsed: argparse.Namespace, run: Run, domains: Sequence[str]) -> None:
    """Check output paths and create their folders before scoring.

    Raises:
        ValueError: If an output would lie among the images of a data set.
    """
    root = run.config.data_root
    if parsed.csv:
        check_output_file(parsed.csv, root, what="--csv")
        parsed.csv.parent.mkdir(parents=True, exist_ok=True)
    if parsed.maps:
        listed = {domain: list_domain(run.config, domain) for domain in domains}
        names = {map_name(item.path, domain=domain) for domain, items in listed.items() for item in items}
        for place in sorted({(parsed.maps / name).parent for name in names} | {parsed.maps}):
            check_output(place, root, what="--maps")
        parsed.maps.mkdir(parents=True, exist_ok=True)


def look_at_data(run: Run) -> Overview | None:
    """Return the overview of a run's data set, and report problems with it on standard error."""
    overview = find_overview(run)
    problems = () if overview is None else warn_of(overview, run.config.data_root or default_root())
    if problems:
        say(f"data: {'; '.join(problems)}: see gnl data check --dataset {run.config.dataset}")
    return overview


def score_batches(
    run: Run, batches: Batches, scoring: ScoringConfig, *, domain: str, pictures: MapPictures | None
) -> tuple[Scores, PixelReport]:
    """Score images of a domain with a progress bar; with `pictures`, also buffer their anomaly maps."""
    detections = detect(run.detector, batches, scoring)
    shown = tqdm(detections, total=len(batches), desc=domain, unit="batch", file=sys.stderr)
    return collect(keep_maps(shown, pictures, domain=domain) if pictures else shown)


def keep_maps(
    detections: Iterable[tuple[Batch, Detection]], pictures: MapPictures, *, domain: str
) -> Iterator[tuple[Batch, Detection]]:
    """Pass detections through, buffering one picture of the anomaly map per image."""
    for batch, detection in detections:
        if detection.anomaly_map is not None:
            for path, anomaly_map in zip(batch.paths, detection.anomaly_map[:, 0], strict=True):
                pictures.add(map_name(path, domain=domain), anomaly_map.numpy())
        yield batch, detection


def write_outputs(parsed: argparse.Namespace, scores: Scores, pictures: MapPictures | None) -> None:
    """Write the requested CSV file and maps.

    Raises:
        ValueError: If a file cannot be written; all others are written first.
    """
    problems = []
    if parsed.csv:
        try:
            write_csv(parsed.csv, scores)
        except OSError as error:
            problems.append(f"{parsed.csv}: {error.strerror}")
    if pictures:
        problems += pictures.write(parsed.maps)
    if problems:
        kept = "" if parsed.adaptation else f"the scores are in {parsed.run}, and "
        files = "1 file" if len(problems) == 1 else f"{len(problems)} files"
        raise ValueError(
            f"cannot write {files}, the first: {problems[0]}; {kept}all other files are written; fix the cause, then "
            "score again"
        )
