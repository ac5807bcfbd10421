"""The public interface, `import gnl_core as gnl`: train, adapt, score and compare detectors, and show results.

Settings are keyword arguments with the names and defaults of `RunConfig`, `ScoringConfig` and the method's own record.
Bad input is a `ValueError` of one sentence.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from gnl_core.comparison.files import write_comparison
from gnl_core.comparison.grid import Grid, plan_cells
from gnl_core.comparison.measure import compare_cells
from gnl_core.comparison.page import comparison_summary
from gnl_core.comparison.records import Comparison
from gnl_core.comparison.sweep import remove_unfinished, run_cells
from gnl_core.comparison.text import terminal_table
from gnl_core.config import RunConfig, ScoringConfig, check, parse_config, parse_scoring
from gnl_core.datasets import DATASETS, find_dataset
from gnl_core.datasets.base import Item
from gnl_core.datasets.images import read_image
from gnl_core.detectors import DETECTORS, complete_config
from gnl_core.finite import check_scores
from gnl_core.jobs.worker import train_as_job
from gnl_core.metrics.table import format_metric, format_report, html_report
from gnl_core.metrics.threshold import choose_threshold
from gnl_core.models.teachers import TEACHERS
from gnl_core.plots.domains import domain_histograms
from gnl_core.plots.histograms import Panel
from gnl_core.plots.maps import colour_map
from gnl_core.records import DomainReport, PixelReport, RecalibratedThreshold, Scores, Threshold
from gnl_core.records import Report as ReportRecord
from gnl_core.runs import scoring as run_scoring
from gnl_core.runs.adaptation_text import format_adaptation
from gnl_core.runs.adaptations import SavedAdaptation, check_checkpoint, load_adaptation, save_adaptation
from gnl_core.runs.adapting import (
    AdaptSettings,
    adapt_run,
    adapt_scoring,
    adapted_run,
    adapted_scoring,
    adapted_threshold,
    find_images,
    list_unseen,
)
from gnl_core.runs.evaluation import find_overview, report_run, score_held_out
from gnl_core.runs.folder import RunFolder, create_run
from gnl_core.runs.images import list_domain
from gnl_core.runs.outputs import check_output_file
from gnl_core.runs.scoring import Run, load_domain, load_run, resolve_scoring, scoring_batches
from gnl_core.scoring import collect, detect, join_scores

__all__ = [
    "DATASETS",
    "DETECTORS",
    "TEACHERS",
    "AdaptationResult",
    "ComparisonResult",
    "Report",
    "Run",
    "RunConfig",
    "ScoringConfig",
    "ScoringResult",
    "adapt",
    "compare",
    "images",
    "load",
    "map_scale",
    "score",
    "show_histograms",
    "show_map",
    "train",
]

Watch = Callable[[Iterable[Any]], Iterable[Any]]


class Report(ReportRecord):
    """The metrics of each domain and the threshold (`gnl_core.records.Report`), printed as a table."""

    def __repr__(self) -> str:
        """Return the table of `gnl score`."""
        return format_report(self)

    def _repr_html_(self) -> str:
        """Return the same table as HTML for a notebook."""
        return html_report(self)


@dataclass(frozen=True, repr=False)
class ScoringResult:
    """Scores of one or more domains, and their metrics; prints as the report.

    Attributes:
        scores: One row per image, of all domains; `pandas.DataFrame(vars(result.scores))` makes a table of them.
        report: The metrics of each domain.
        scoring: The settings that the images were scored with.
        in_distribution: Name of the domain that the training images come from.
    """

    scores: Scores
    report: Report
    scoring: ScoringConfig
    in_distribution: str

    def __repr__(self) -> str:
        """Return the report as a table."""
        return repr(self.report)

    def _repr_html_(self) -> str:
        """Return the report as an HTML table for a notebook."""
        return html_report(self.report)


@dataclass(frozen=True, repr=False)
class ComparisonResult:
    """A comparison of methods; prints as its table of means.

    Attributes:
        comparison: Every number, by method, strength of matching and domain.
        files: The files that were written: the tables as Markdown, CSV, JSON and HTML.
    """

    comparison: Comparison
    files: tuple[Path, ...]

    def __repr__(self) -> str:
        """Return the table of `gnl compare`."""
        return terminal_table(self.comparison)

    def _repr_html_(self) -> str:
        """Return the means as an HTML table for a notebook."""
        return comparison_summary(self.comparison)


@dataclass(frozen=True, repr=False)
class AdaptationResult:
    """A run's adaptation to a new domain, for `score`; prints what the images showed and what was chosen.

    Attributes:
        saved: The adaptation and its metadata (`gnl_core.runs.adaptations.SavedAdaptation`), what a file holds.
    """

    saved: SavedAdaptation

    def __repr__(self) -> str:
        """Return the text of `gnl adapt`."""
        return format_adaptation(self.saved.record)

    @property
    def threshold(self) -> RecalibratedThreshold:
        """The threshold of adapted scores, with what it promises or assumes."""
        return self.saved.record.threshold


def train(run: str | Path, *, watch: Watch = iter, **settings: Any) -> Run:
    """Train a detector and save it, as `gnl train` does.

    A training that is interrupted continues with `gnl train --run RUN --resume`.

    Args:
        run: Folder to create for the run.
        watch: Wraps the records of the epochs as they end, to show progress: `tqdm.tqdm`, for example.
        settings: Fields of `RunConfig`, such as dataset, normal_class, detector, epochs and data_root, and the method's
            own, such as neighbours for knn.

    Returns:
        The trained run.

    Raises:
        ValueError: If a setting is invalid, the folder already contains a run, the data set is missing, or the training
            diverges or is stopped by `gnl runs --stop`.
    """
    config = complete_config(parse_config(settings))
    folder = create_run(Path(run), config)
    for _ in watch(step.record for step in train_as_job(config, folder) if step.record is not None):
        pass
    if folder.state.exists():
        raise ValueError(f"the training of {run} was stopped; continue it with gnl train --run {run} --resume")
    return load(run, device=config.device)


def load(
    run: str | Path,
    *,
    device: str = "auto",
    teacher_weights: str | Path | None = None,
    data_root: str | Path | None = None,
) -> Run:
    """Load a trained run.

    Args:
        run: Its folder, from `train`, `gnl train`, `gnl import` or the app.
        device: Device for the detector: "auto", "cpu", "cuda" and so on.
        teacher_weights: The teacher's weight file; unset: the path used in training.
        data_root: The data root; unset: the one used in training.

    Raises:
        ValueError: If there is no checkpoint, or it cannot be used.
    """
    places = {"device": device, "teacher_weights": teacher_weights, "data_root": data_root}
    checked = parse_config(places)
    return load_run(RunFolder(Path(run)), **{name: getattr(checked, name) for name in places})


def images(run: Run, domain: str) -> list[Item]:
    """List the images of a domain; `item.read()` decodes one, `item.label` is 0 if it is normal and 1 if anomalous.

    Args:
        run: The run, which names the data set and its normal class.
        domain: A domain of the data set, "train" or "held_out"; a corruption can follow, as in "digits+contrast:3".

    Raises:
        ValueError: If the data set has no such domain, or its files are missing.
    """
    return list_domain(run.config, domain)


def adapt(
    run: Run,
    images: str | Path | None = None,
    *,
    domain: str | None = None,
    output: str | Path | None = None,
    **settings: Any,
) -> AdaptationResult:
    """Adapt a run to a new domain from a few of its images, without training, as `gnl adapt` does.

    Args:
        run: A run from `load` or `train`; it stays as it is.
        images: A folder whose images are all used; pass either this or domain.
        domain: A domain of the run's data set from which images are drawn, named as in `images`.
        output: File to write, for `score` and `gnl score --adaptation`; unset: nothing is written.
        settings: Fields of `AdaptSettings`, such as count, normal, way and false_alarm_rate, and of `ScoringConfig`.
            Unset scoring settings are the run's own, but style_weight is 0.

    Raises:
        ValueError: If a setting is invalid, there are not enough images, or the method cannot be adapted in this way.
    """
    own = {name: settings.pop(name) for name in list(settings) if name in AdaptSettings.model_fields}
    checked, given = check(AdaptSettings, own), parse_scoring(settings)
    scoring = adapt_scoring(run, {name: getattr(given, name) for name in settings})
    if output is not None:
        check_output_file(Path(output), run.config.data_root, what="output")
    folder = None if images is None else Path(images)
    found = find_images(run, folder=folder, domain=domain, settings=checked, explain=warnings.warn)
    saved = adapt_run(run, found, scoring=scoring, settings=checked, explain=warnings.warn)
    if output is not None:
        save_adaptation(Path(output), saved)
    return AdaptationResult(saved)


def score(
    run: Run,
    domain: str | Sequence[str] | None = None,
    *,
    adaptation: AdaptationResult | str | Path | None = None,
    **scoring: Any,
) -> ScoringResult:
    """Score every image of one or more domains and measure the result, as `gnl score` does; nothing is written.

    Args:
        run: A trained run.
        domain: One or more domains, named as in `images`; unset: all of the data set.
        adaptation: What `adapt` returned for this run, or its file. Its scoring settings and its threshold are used,
            and the images that it was made from are left out.
        scoring: Fields of `ScoringConfig`, such as style_weight; unset fields are the run's own.

    Raises:
        ValueError: If a setting or domain is invalid, an image cannot be read, or the adaptation is of another run.
    """
    spec = find_dataset(run.config.dataset, run.config.data_root)
    names = domain_names(domain, spec.domains)
    if adaptation is not None:
        return score_adapted(run, names, adaptation, scoring)
    checked = check_scoring(run, scoring)
    scored = {name: collect(detect(run.detector, load_domain(run, name), checked)) for name in names}
    held_out = score_held_out(run, checked, explain=warnings.warn)
    threshold = choose_threshold(held_out, quantile=run.config.threshold_quantile)
    return measure(run, scored, checked, threshold)


def score_adapted(
    run: Run, domains: Sequence[str], adaptation: AdaptationResult | str | Path, scoring: dict[str, Any]
) -> ScoringResult:
    """Score domains with a run that is adapted to a new domain; see `score`."""
    if isinstance(adaptation, AdaptationResult):
        saved = adaptation.saved
        check_checkpoint(saved.record, run, name="the adaptation")
    else:
        saved = load_adaptation(Path(adaptation), run)
    given = parse_scoring(scoring)
    checked = adapted_scoring(saved, {name: getattr(given, name) for name in scoring})
    adapted = adapted_run(run, saved)
    scored = {}
    for name in domains:
        batches = scoring_batches(list_unseen(run, name, saved, explain=warnings.warn), run.config)
        scored[name] = collect(detect(adapted.detector, batches, checked))
    return measure(adapted, scored, checked, adapted_threshold(saved, checked, explain=warnings.warn))


def measure(
    run: Run,
    scored: dict[str, tuple[Scores, PixelReport]],
    scoring: ScoringConfig,
    threshold: Threshold | RecalibratedThreshold | None,
) -> ScoringResult:
    """Measure the scores of some domains."""
    measured = report_run(run, scored, threshold=threshold, overview=find_overview(run))
    scores = join_scores([scores for scores, _ in scored.values()])
    spec = find_dataset(run.config.dataset, run.config.data_root)
    return ScoringResult(scores, Report(*measured), scoring, spec.in_distribution)


def domain_names(domain: str | Sequence[str] | None, known: Sequence[str]) -> list[str]:
    """Return the domains to score, each once.

    Raises:
        ValueError: If there is none.
    """
    chosen = known if domain is None else [domain] if isinstance(domain, str) else domain
    if not chosen:
        raise ValueError(f"domain is empty; pass one or more of: {', '.join(known)}")
    return list(dict.fromkeys(chosen))


def check_scoring(run: Run, scoring: dict[str, Any]) -> ScoringConfig:
    """Return a run's scoring settings with overrides.

    Raises:
        ValueError: If a setting is invalid.
    """
    checked = parse_scoring(scoring)
    return resolve_scoring(run, **{name: getattr(checked, name) for name in scoring})


def compare(  # noqa: PLR0913 (a public call, all but the first by keyword)
    output: str | Path,
    *,
    normal_class: Sequence[str],
    detector: Sequence[str],
    seed: Sequence[int] = (0,),
    style_weight: Sequence[float] = (),
    domain: Sequence[str] = (),
    adapt: Sequence[str] = (),
    watch: Watch = iter,
    **settings: Any,
) -> ComparisonResult:
    """Train and score each method for each class and seed, and compare them, as `gnl compare` does.

    A second call continues where the first one stopped.

    Args:
        output: Folder for the runs and the tables.
        normal_class: Classes that are normal, one per run.
        detector: Methods, names in `DETECTORS`.
        seed: Seeds, one per run.
        style_weight: Strengths of matching at which each run is scored; none: each method's own.
        domain: Domains to score; none: all of the data set.
        adapt: What to do with a few images of each domain, such as "unlabelled:16", "normal:8" or "bank:8", as in
            `gnl compare --adapt`; none: nothing.
        watch: Wraps the runs as they end, to show progress.
        settings: Fields of `RunConfig` that all runs share, such as dataset and epochs, and settings of the methods.

    Raises:
        ValueError: If a setting is invalid, or a run fails; the other runs are kept.
    """
    grid = Grid(*map(as_tuple, (normal_class, detector, seed, style_weight, domain, adapt)))
    cells = plan_cells(settings, grid, output=Path(output))
    failed = [outcome for outcome in watch(run_cells(cells)) if outcome.failure is not None]
    remove_unfinished(Path(output))
    if failed:
        raise ValueError(
            f"{len(failed)} of {len(cells)} runs failed, the first, {failed[0].cell.folder.path.name}: "
            f"{failed[0].failure}; correct that and call compare again"
        )
    comparison = compare_cells(cells)
    return ComparisonResult(comparison, tuple(write_comparison(comparison, [], Path(output))))


def as_tuple(values: Any) -> tuple[Any, ...]:
    """Convert one or more values to a tuple."""
    return tuple(values) if isinstance(values, Iterable) and not isinstance(values, str) else (values,)


def map_scale(run: Run, **scoring: Any) -> float:
    """Measure the upper end of the colour scale of maps: 99.5 % of the training images' maxima do not exceed it.

    Args:
        run: A trained run.
        scoring: Fields of `ScoringConfig`, such as style_weight; unset fields are the run's own.

    Raises:
        ValueError: If the method makes no maps, or the training images are missing.
    """
    return run_scoring.map_scale(run, check_scoring(run, scoring))


def show_map(
    run: Run,
    image: Item | str | Path | NDArray[np.uint8] | PIL.Image.Image,
    *,
    upper: float | None = None,
    **scoring: Any,
) -> PIL.Image.Image:
    """Draw the anomaly map of one image, dark for normal and bright for anomalous, on the run's own colour scale.

    Args:
        run: A trained run.
        image: One of `images`, an image file, or RGB pixels of shape (H, W, 3) as uint8.
        upper: The value of the brightest colour; unset: `map_scale`, for which all training images are scored. To
            draw several maps, compute it once.
        scoring: Fields of `ScoringConfig`, such as style_weight; unset fields are the run's own.

    Returns:
        RGB, at the run's image size.

    Raises:
        ValueError: If the image cannot be read or the method makes no maps.
    """
    checked = check_scoring(run, scoring)
    batches = scoring_batches([as_item(image)], run.config)
    ((_, detection),) = detect(run.detector, batches, checked)
    if detection.anomaly_map is None:
        raise ValueError(f"{run.config.detector} gives scores and no maps; use a method with maps, such as gnl")
    scale = run_scoring.map_scale(run, checked) if upper is None else upper
    return PIL.Image.fromarray(colour_map(detection.anomaly_map[0, 0].numpy(), upper=scale))


def as_item(image: Item | str | Path | NDArray[np.uint8] | PIL.Image.Image) -> Item:
    """Convert an image to an unlabelled item of a data set.

    Raises:
        ValueError: If its pixels are not 8-bit RGB.
    """
    if isinstance(image, Item):
        return image
    if isinstance(image, str | Path):
        path = Path(image)
        return Item(str(image), lambda: read_image(path), label=-1, domain="", category="")
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[-1] != 3:
        raise ValueError(
            f"the image has shape {pixels.shape} and type {pixels.dtype}; pass RGB pixels of shape (H, W, 3) as uint8, "
            "such as Image.open(path).convert('RGB')"
        )
    return Item("image", lambda: pixels, label=-1, domain="", category="")


def show_histograms(result: ScoringResult) -> Any:
    """Draw the scores of each domain as a histogram, with the threshold as a dotted line.

    Returns:
        A Plotly figure (`plotly.graph_objects.Figure`), one row per domain; shifted domains are hatched.

    Raises:
        DivergedError: If a score is not finite.
    """
    check_scores(result.scores.score, source="there are no histograms")
    threshold = result.report.threshold
    panels = [domain_panel(result, name, measured) for name, measured in result.report.domains.items()]
    return domain_histograms(panels, threshold=None if threshold is None else threshold.value)


def domain_panel(result: ScoringResult, domain: str, measured: DomainReport) -> Panel:
    """Build the histogram of one domain, with its name and AUROC."""
    own = result.scores.domain == domain
    return Panel(
        Scores(**{name: column[own] for name, column in vars(result.scores).items()}),
        shifted=domain != result.in_distribution,
        title=domain,
        note=f"<b>{escape(domain)}</b>",
        footnote=f"AUROC {format_metric(measured.auroc)}",
    )
