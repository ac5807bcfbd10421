"""The sentences of Explore: the summary above the charts, and the provenance of the numbers below them."""

from __future__ import annotations

import streamlit as st

from app.controls.view import View
from app.display.provenance import command, describe_n, describe_origin
from app.local_data import images_equal_to_training
from app.methods import DETECTOR_NAMES, YARDSTICKS
from app.scoring import ScoringResult
from app.words import capitalised, domain_name, name_of, sentence_list, signed, task_name
from gnl_core.datasets.shifts import split_domain

NAMED_ONE_BY_ONE = 2  # of more methods, only the best is named


def summary_sentence(view: View, results: list[ScoringResult]) -> str:
    """Summarise what the shift, matching and adapting did; with counts if there is no AUROC.

    All numbers under the shift are of the same images: without those adapted to, if the methods are adapted.
    """
    adapted = [result for result in results if result.adapted]
    return unadapted_sentence(view, [result.unadapted for result in results]) + adapted_sentence(adapted)


def unadapted_sentence(view: View, results: list[ScoringResult]) -> str:
    """Summarise what the shift and matching did."""
    first, *others = results
    if first.shifted.report.auroc is None:
        return counts_sentence(view, results)
    before = first.in_distribution.report.auroc
    instead = "" if before is None else f" instead of {before:.2f}"
    task = task_name(view.dataset, view.normal_class)
    return (
        f"{capitalised(domain_name(view.shifted))}, {first.request.title} separates {task} with AUROC "
        f"{shifted_auroc(first):.2f}{instead}.{others_sentence(first, others)}{yardstick_sentence(results)}"
    )


def counts_sentence(view: View, results: list[ScoringResult]) -> str:
    """State how many images exceed each method's threshold, if the labels allow no AUROC."""
    report, images = results[0].shifted.report, len(results[0].shifted.scores.score)
    kind = "images score" if report.n_unlabelled else "normal images score"
    beginning = (
        "Not labelled, so there is no AUROC:" if report.n_unlabelled else f"{capitalised(domain_name(view.shifted))},"
    )
    first, *others = results
    more = "".join(f", {result.shifted.above:,} above that of {result.request.title}" for result in others)
    count = f"{first.shifted.above:,} of {images:,} {kind} above the threshold of {first.request.title}"
    return f"{beginning} {count}{more}."


def others_sentence(first: ScoringResult, others: list[ScoringResult]) -> str:
    """State the other methods' AUROC: of each of a few methods, else of the best."""
    if len(others) > NAMED_ONE_BY_ONE:
        best = max(others, key=shifted_auroc)
        return f" The best of {len(others)} others, {best.request.title}, gets {gain(first, best)}."
    return "".join(f" {other.request.title} gets {gain(first, other)}." for other in others)


def adapted_sentence(results: list[ScoringResult]) -> str:
    """State the AUROC of adapted methods: of each of a few methods, else of the best; empty without any."""
    if not results or results[0].adapted is None:
        return ""
    count, known_normal = results[0].adapted.choice
    beginning = f" Adapted to {count} {'normal' if known_normal else 'of these'} images, "
    if len(results) > NAMED_ONE_BY_ONE + 1:
        best = max(results, key=shifted_auroc)
        return f"{beginning}the best of {len(results)}, {best.request.at(0.0).title}, gets {shifted_auroc(best):.2f}."
    first, *others = (f"{result.request.at(0.0).title}{{}} {shifted_auroc(result):.2f}" for result in results)
    return f"{beginning}{sentence_list([first.format(' gets'), *(other.format('') for other in others)])}."


def gain(first: ScoringResult, other: ScoringResult) -> str:
    """Format a method's AUROC under shift, and its difference from the first method's."""
    return f"{shifted_auroc(other):.2f} ({signed(shifted_auroc(other) - shifted_auroc(first))})"


def yardstick_sentence(results: list[ScoringResult]) -> str:
    """Say so if a method that needs no training beats all trained methods."""
    best = max(results, key=shifted_auroc)
    trained = [result for result in results if result.request.checkpoint.config.detector not in YARDSTICKS]
    if best in trained or not trained:
        return ""
    name = name_of(DETECTOR_NAMES, best.request.checkpoint.config.detector)
    beaten = trained[0].request.title if len(trained) == 1 else f"the {len(trained)} trained methods"
    return f" {name} needs no training and beats {beaten}."


def shifted_auroc(result: ScoringResult) -> float:
    """Return the AUROC under shift; 0 if there is none."""
    return result.shifted.report.auroc or 0.0


def warn_of_equal_images(view: View) -> None:
    """Warn if images of the view equal training images."""
    equal = images_equal_to_training(view.dataset, view.normal_class, view.root)
    count = sum(
        equal.get(domain, 0) for domain in {split_domain(name)[0] for name in (view.spec.in_distribution, view.shifted)}
    )
    if count:
        images = "1 of these test images equals" if count == 1 else f"{count:,} of these test images equal"
        st.warning(
            f"{images} a training image, so the metrics are too good. "
            f"`gnl data check --dataset {view.dataset}` lists them."
        )


def show_provenance(view: View, results: list[ScoringResult]) -> None:
    """Show where the numbers come from, and the command that reproduces them."""
    for result in results:
        checkpoint, scoring = result.request
        what = f"reproduce {'without adapting' if result.adapted else ''}".strip()
        st.caption(
            f"{result.request.title}: {describe_n(result.shifted.report)} · {describe_origin(checkpoint)} · "
            f"{what}: `{command(view, checkpoint, scoring)}`"
        )
