"""What Explore lets one take away: all scores as CSV, and the figure as SVG and PNG."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from app.controls.view import View
from app.display.downloads import offer_file
from app.scoring import DomainResult, ScoringResult
from app.words import interval
from gnl_core.plots.histograms import Panel


def offer_scores(view: View, results: list[ScoringResult]) -> None:
    """Buttons for the files; each is made when its button is pressed."""
    stem = f"{view.dataset} {view.normal_class} {view.shifted}".replace(":", " ").replace("/", " ")
    with st.container(horizontal=True, gap="small"):
        offer_file("CSV", f"{stem}.csv", partial(scores_csv, results))
        offer_file("SVG", f"{stem}.svg", partial(picture, results, view.titles, ending="svg"))
        offer_file("PNG", f"{stem}.png", partial(picture, results, view.titles, ending="png"))


def scores_csv(results: list[ScoringResult]) -> str:
    """One row an image, domain and method: its score, its label, and whether the method's threshold is exceeded."""
    rows = [
        pd.DataFrame(vars(domain.scores)).assign(
            method=found.request.checkpoint.config.detector,
            style_weight=found.request.scoring.style_weight,
            checkpoint=found.request.checkpoint.sha256,
            above_threshold=domain.scores.score > found.threshold,
        )
        for found in results
        for domain in (found.in_distribution, found.shifted)
    ]
    return pd.concat(rows).to_csv(index=False)


def picture(results: list[ScoringResult], titles: tuple[str, str], *, ending: str) -> bytes:
    """The histograms as a still, "svg" or "png"."""
    from gnl_core.plots.score_panels import render, score_panels  # noqa: PLC0415 (matplotlib takes a second to import)

    return render(score_panels([still_row(found, titles) for found in results]), ending=ending)


def note(domain: DomainResult) -> str:
    """AUROC and its interval, if there is one."""
    found = domain.report
    return "" if found.auroc is None else f"AUROC {found.auroc:.3f} ({interval(found.auroc_interval)})"


def still_row(found: ScoringResult, titles: tuple[str, str]) -> list[Panel]:
    """One method's two histograms, with its name, AUROC and interval."""
    both = zip((found.in_distribution, found.shifted), titles, strict=True)
    return [
        Panel(
            scores=domain.scores,
            shifted=bool(shifted),
            title=title,
            note=note(domain),
            footnote=found.request.title,
        )
        for shifted, (domain, title) in enumerate(both)
    ]
