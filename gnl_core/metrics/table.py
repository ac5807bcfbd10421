"""Format a report as a table: text for the terminal, HTML for a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gnl_core.finite import describe_scores
from gnl_core.percentages import percent
from gnl_core.records import DomainReport, RecalibratedThreshold, Report, Threshold
from gnl_core.tables import align_columns
from gnl_core.templates import render


def format_metric(value: float | None, *, decimals: int = 3) -> str:
    """Format a metric, or a dash for None."""
    return "-" if value is None else f"{value:.{decimals}f}"


def interval(bounds: tuple[float, float] | None) -> str:
    """Format an interval, or "" for None."""
    return "" if bounds is None else "{:.3f} - {:.3f}".format(*bounds)


Columns = dict[str, Callable[[DomainReport], str]]  # heading to the text of a cell
RANKING: Columns = {
    "AUROC": lambda domain: format_metric(domain.auroc),
    "95 % interval": lambda domain: interval(domain.auroc_interval),
    "AP": lambda domain: format_metric(domain.average_precision),
}
THRESHOLDED: Columns = {
    "F1": lambda domain: format_metric(domain.f1),
    "false alarms": lambda domain: format_metric(domain.false_alarm_rate),
    "misses": lambda domain: format_metric(domain.miss_rate),
}
PIXELS: Columns = {
    "pixel AUROC": lambda domain: format_metric(domain.pixel_auroc),
    "pixel AP": lambda domain: format_metric(domain.pixel_average_precision),
    "AUPRO": lambda domain: format_metric(domain.aupro),
}
SHIFT: Columns = {"shift": lambda domain: format_metric(domain.shift_score, decimals=2)}
COUNTS: Columns = {
    "normal": lambda domain: str(domain.n_normal),
    "anomalous": lambda domain: str(domain.n_anomalous),
}


def format_report(measured: Report) -> str:
    """One line per domain, followed by the footnotes."""
    cells = report_cells(measured)
    lines = align_columns(cells, right=range(1, len(cells[0])))
    return "\n".join([*lines, *footnotes(measured)])


def html_report(measured: Report) -> str:
    """The same table and footnotes as HTML."""
    header, *rows = report_cells(measured)
    return render("metrics/report.html", header=header, rows=rows, notes=list(footnotes(measured)))


def report_cells(measured: Report) -> list[list[str]]:
    """Return the header, then one row per domain; pixel metrics and shift have columns if measured."""
    domains = measured.domains
    has_pixels = any(domain.pixel_auroc is not None for domain in domains.values())
    measures_shift = has_shift(measured) or measured.no_shift_score is not None
    columns = RANKING | THRESHOLDED | (PIXELS if has_pixels else {}) | (SHIFT if measures_shift else {}) | COUNTS
    rows = [[name, *(show(domain) for show in columns.values())] for name, domain in domains.items()]
    return [["domain", *columns], *rows]


def footnotes(measured: Report) -> Iterator[str]:
    """Yield notes on the threshold and on images that are left out of the metrics."""
    if measured.threshold is not None:
        yield describe_threshold(measured.threshold)
    if has_shift(measured):
        yield "shift: distance of the teacher's features from the training images', in their own spread, without labels"
    if measured.no_shift_score is not None:
        yield measured.no_shift_score
    for name, domain in measured.domains.items():
        if domain.n_not_finite:
            images = domain.n_normal + domain.n_anomalous + domain.n_unlabelled
            yield f"{name}: no metrics, since {describe_scores(domain.n_not_finite, of=images)}"
        if domain.n_pixels_not_finite:
            yield f"{name}: no pixel metrics: {domain.n_pixels_not_finite:,} pixels of the anomaly maps are not finite"
        if domain.n_unlabelled:
            reason = (
                "and are left out of all metrics" if domain.n_normal + domain.n_anomalous else "so there is no AUROC"
            )
            yield f"{name}: {domain.n_unlabelled} images have no labels, {reason}"
        if domain.n_equal_to_training:
            equal = (
                "1 image equals" if domain.n_equal_to_training == 1 else f"{domain.n_equal_to_training} images equal"
            )
            yield f"{name}: {equal} a training image, so the metrics are too high; gnl data check lists them"
        if domain.n_without_mask:
            yield (
                f"{name}: pixel metrics leave out {domain.n_without_mask} anomalous images without a marked pixel that "
                "counts"
            )


def has_shift(measured: Report) -> bool:
    """Return whether any domain has a shift score."""
    return any(domain.shift_score is not None for domain in measured.domains.values())


def describe_threshold(threshold: Threshold | RecalibratedThreshold) -> str:
    """Describe the threshold and its origin in one line."""
    if isinstance(threshold, RecalibratedThreshold):
        return f"threshold {threshold.value:.4g}: {describe_promise(threshold)}"
    if threshold.n_not_finite:
        held_out = describe_scores(threshold.n_not_finite, of=threshold.n_held_out)
        return f"no threshold from the held-out normal training images, since {held_out}"
    if threshold.value is None:
        return "no threshold, since there are no held-out normal training images; F1, false alarms and misses need it"
    return (
        f"threshold {threshold.value:.4g}: quantile {threshold.quantile:g} of {threshold.n_held_out} "
        "held-out normal training images"
    )


def describe_promise(threshold: RecalibratedThreshold) -> str:
    """Describe what the threshold of an adapted detector promises, or what it assumes."""
    images = "1 image" if threshold.n == 1 else f"{threshold.n} images"
    if threshold.assumed_share is not None:
        share = percent(threshold.assumed_share)
        return f"chosen from {images}, on the assumption that {share} are anomalous; nothing is promised"
    if threshold.promised_rate is None:
        return f"chosen from {images}; nothing is promised"
    return (
        f"at most {percent(threshold.promised_rate)} false alarms on average over such images; with k = {threshold.n} "
        f"normal images the smallest rate that can be promised is {percent(1 / (threshold.n + 1))}"
    )
