"""Downloads of Explore: scores as CSV, charts as SVG and PNG, a page that works without a server, a notebook."""

from __future__ import annotations

from functools import partial

import streamlit as st

from app.controls.view import View
from app.display.downloads import offer_file, offer_page
from app.display.notebook import offer_notebook
from app.scoring import DomainResult, ScoringResult
from app.screens.explore.notebook import explore_notebook
from app.server import rules
from app.words import interval
from gnl_core.plots.histograms import Panel
from gnl_core.tables import csv_cell


def offer_scores(view: View, results: list[ScoringResult], *, titles: tuple[str, str]) -> None:
    """Draw the download buttons; each file is created when its button is pressed.

    Args:
        view: The page's view.
        results: The methods on the page.
        titles: Headings of the in-distribution and of the shifted domain.
    """
    stem = f"{view.dataset} {view.normal_class} {view.shifted}".replace(":", " ").replace("/", " ")
    with st.container(horizontal=True, gap="small"):
        offer_file("CSV", f"{stem}.csv", partial(scores_csv, results))
        offer_file("SVG", f"{stem}.svg", partial(picture, results, titles, ending="svg"))
        offer_file("PNG", f"{stem}.png", partial(picture, results, titles, ending="png"))
        offer_page("HTML", f"{stem}.html", partial(page, view, results, visitor=rules.this_visitor()))
        offer_notebook(stem, partial(explore_notebook, view, results))


def page(view: View, results: list[ScoringResult], *, visitor: str) -> str:
    """Write what can be explored here as one file: strengths, thresholds, adaptations, images and maps."""
    from app.page_file import page_of  # noqa: PLC0415 (PyTorch takes seconds to import)

    return page_of([result.request.checkpoint for result in results], domains=[view.shifted], visitor=visitor)


def scores_csv(results: list[ScoringResult]) -> str:
    """Write one row per image, domain and method: score, label, and whether the score exceeds the threshold."""
    import pandas as pd  # noqa: PLC0415 (it takes half a second; the charts are drawn by then)

    rows = [
        pd.DataFrame(vars(domain.scores)).assign(
            method=result.request.checkpoint.config.detector,
            style_weight=0.0 if shifted and result.adapted else result.request.scoring.style_weight,
            checkpoint=result.request.checkpoint.sha256,
            adapted_to=result.adapted.choice.size if shifted and result.adapted else 0,
            above_threshold=domain.scores.score > (result.shifted_threshold if shifted else result.threshold),
        )
        for result in results
        for shifted, domain in enumerate((result.in_distribution, result.shifted))
    ]
    return pd.concat(rows).map(csv_cell).to_csv(index=False)


def picture(results: list[ScoringResult], titles: tuple[str, str], *, ending: str) -> bytes:
    """Render the histograms as a static picture, "svg" or "png"."""
    from gnl_core.plots.score_panels import render, score_panels  # noqa: PLC0415 (matplotlib takes a second to import)

    return render(score_panels([still_row(result, titles) for result in results]), ending=ending)


def note(domain: DomainResult) -> str:
    """Format AUROC and its interval; empty if there is no AUROC."""
    report = domain.report
    return "" if report.auroc is None else f"AUROC {report.auroc:.3f} ({interval(report.auroc_interval)})"


def still_row(result: ScoringResult, titles: tuple[str, str]) -> list[Panel]:
    """Build one method's two histograms, with its name, AUROC and interval."""
    both = zip((result.in_distribution, result.shifted), titles, strict=True)
    return [
        Panel(
            scores=domain.scores,
            shifted=bool(shifted),
            title=title,
            note=note(domain),
            footnote=result.request.title,
        )
        for shifted, (domain, title) in enumerate(both)
    ]
