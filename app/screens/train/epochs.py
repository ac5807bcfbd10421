"""The early look: how a run's scores separate over its kept epochs, even while it is training."""

from __future__ import annotations

import numpy as np
import streamlit as st

from app.checkpoints import Checkpoint
from app.controls.fdm import STRENGTHS
from app.display.downloads import chart_config
from app.display.histograms import draw_row, shared_axes
from app.display.unreadable import reporting_errors
from app.methods import MATCHED_BY_DEFAULT
from app.progress import forget_cancelled
from app.scoring import ScoringRequest, ScoringResult, compute_result, make_request, present_scores
from app.words import FDM_HELP, capitalised
from gnl_core.config import RunConfig
from gnl_core.datasets import find_dataset
from gnl_core.datasets.base import DatasetSpec
from gnl_core.files import version_of
from gnl_core.names import domain_name
from gnl_core.plots.epochs import auroc_curves
from gnl_core.plots.scrubber import scrub_histograms
from gnl_core.runs.discovery import kept_epochs
from gnl_core.runs.folder import RunFolder

MOST_LOOKS = 8  # if more epochs are kept, this many are scored, including the first and the last
ABOUT = "Each kept epoch's checkpoint scores all images of both domains. Training continues meanwhile."


@st.fragment
def early_look(folder: RunFolder, config: RunConfig) -> None:
    """Draw histograms over a run's kept epochs, scored on request; nothing if the run keeps no epochs."""
    epochs = spread(kept_epochs(folder), most=MOST_LOOKS)
    if not epochs:
        return
    with reporting_errors("These epochs"):
        spec = find_dataset(config.dataset, config.data_root)
        score_and_draw(folder, config, spec, epochs)


def score_and_draw(folder: RunFolder, config: RunConfig, spec: DatasetSpec, epochs: list[int]) -> None:
    """Draw the choices, the button, and the charts of the scored epochs."""
    st.markdown("**Early look**", help=ABOUT)
    shifted, strength = choose_look(config, spec)
    requests = {epoch: make_request(epoch_checkpoint(folder, config, epoch), style_weight=strength) for epoch in epochs}
    scored = {epoch for epoch, request in requests.items() if is_scored(request, spec, shifted)}
    missing = [epoch for epoch in epochs if epoch not in scored]
    place = st.empty()
    pressed = bool(missing) and place.button(
        f"Score {len(missing)} kept epochs", key="score_epochs", on_click=forget_cancelled
    )
    results = {}
    for epoch in epochs if pressed else sorted(scored):
        if epoch in missing:
            place.caption(f"Scoring epoch {epoch}, {missing.index(epoch) + 1} of {len(missing)}")
        results[epoch] = compute_result(requests[epoch], spec=spec, shifted=shifted)
    if pressed:
        place.empty()
    if results:
        draw_epochs(results, titles=(spec.in_distribution, shifted))


def choose_look(config: RunConfig, spec: DatasetSpec) -> tuple[str, float]:
    """Choose the shifted domain, and the strength of matching if the run stores references."""
    left, right = st.columns(2)
    shifted = left.selectbox("Shifted domain", spec.shifted, format_func=domain_name, key="epoch_domain")
    if not config.stored_references:
        return shifted, 0.0
    usual = STRENGTHS[-1] if config.detector in MATCHED_BY_DEFAULT else 0.0
    strength = right.select_slider(
        "FDM strength α", (0.0, *STRENGTHS), value=usual, key=f"epoch_strength_{config.detector}", help=FDM_HELP
    )
    return shifted, float(strength)


def epoch_checkpoint(folder: RunFolder, config: RunConfig, epoch: int) -> Checkpoint:
    """Return one kept epoch as a checkpoint."""
    kept = folder.epoch(epoch)
    return Checkpoint(kept, config, version_of(kept.weights))


def is_scored(request: ScoringRequest, spec: DatasetSpec, shifted: str) -> bool:
    """Return whether both domains are scored already."""
    return all(present_scores(request, domain) is not None for domain in (spec.in_distribution, shifted))


def spread(epochs: list[int], *, most: int) -> list[int]:
    """Select evenly spaced epochs, including the first and the last; all if there are few."""
    if len(epochs) <= most:
        return epochs
    return [epochs[position] for position in np.linspace(0, len(epochs) - 1, most).round().astype(int)]


def draw_epochs(results: dict[int, ScoringResult], *, titles: tuple[str, str]) -> None:
    """Draw histograms with a slider over the epochs, and AUROC after each epoch."""
    headings = (f"{capitalised(domain_name(titles[0]))}", f"{capitalised(domain_name(titles[1]))} (shifted)")
    scores = [domain.scores for result in results.values() for domain in (result.in_distribution, result.shifted)]
    last, axes = max(results), shared_axes(scores)
    figure = scrub_histograms(
        {float(epoch): [draw_row(result, headings)] for epoch, result in results.items()},
        [(axes, axes)],
        shown=float(last),
        prefix="After epoch ",
    )
    st.plotly_chart(figure, key="epoch_histograms", config=chart_config("epochs"), alt=describe(results))
    curves = {
        titles[0]: {epoch: result.in_distribution.report.auroc for epoch, result in results.items()},
        titles[1]: {epoch: result.shifted.report.auroc for epoch, result in results.items()},
    }
    known = {
        capitalised(domain_name(name)): {epoch: value for epoch, value in curve.items() if value is not None}
        for name, curve in curves.items()
    }
    if len(results) > 1 and all(known.values()):
        st.plotly_chart(auroc_curves(known), key="epoch_aurocs", config=chart_config("aurocs"), alt=describe(results))


def describe(results: dict[int, ScoringResult]) -> str:
    """Describe the charts as alternative text."""
    epochs = (
        f"after epoch {epoch} AUROC {result.in_distribution.report.auroc or 0:.3f} in-distribution and "
        f"{result.shifted.report.auroc or 0:.3f} shifted"
        for epoch, result in results.items()
    )
    return f"Scores over the epochs: {'; '.join(epochs)}."
