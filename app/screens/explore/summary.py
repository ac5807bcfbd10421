"""The sentences of Explore: the summary above the charts, and the provenance of the numbers below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from app.controls.view import View
from app.display.provenance import adapted_command, command, describe_n, describe_origin
from app.engines import engines_behind
from app.local_data import images_equal_to_training
from app.methods import YARDSTICKS
from app.scoring import ScoringResult
from app.words import capitalised, code, percent, plain, sentence_list, signed
from gnl_core.datasets.shifts import split_domain
from gnl_core.names import DETECTOR_NAMES, domain_name, name_of, task_name

NAMED_ONE_BY_ONE = 2  # of more methods, only the best is named
VISIBLE = 0.005  # smaller differences vanish with two decimals
LEAVES = "leaves"
Unmatched = Mapping[str, float | None]  # method to its AUROC under shift without matching or adapting
Changes = Mapping[str, tuple[float, float]]  # method to its AUROC without and with adapting


def summary_sentence(view: View, results: list[ScoringResult], unmatched: Sequence[float | None] = ()) -> str:
    """Summarise what the shift, matching and adapting did; with counts if there is no AUROC.

    All numbers under the shift are of the same images: without those adapted to, if the methods are adapted.

    Args:
        view: The page's view.
        results: The methods on the page.
        unmatched: Each method's AUROC under shift without matching or adapting; None, or left out, if it is not known.
    """
    known = {
        result.request.checkpoint.config.detector: auroc for result, auroc in zip(results, unmatched, strict=False)
    }
    before = [result.unadapted for result in results]
    return unadapted_sentence(view, before, known) + adapted_sentence([one for one in results if one.adapted], known)


def unadapted_sentence(view: View, results: list[ScoringResult], unmatched: Unmatched) -> str:
    """Summarise what the shift and matching did."""
    first, *others = results
    if first.shifted.report.auroc is None:
        return counts_sentence(view, results)
    task = task_name(view.dataset, view.normal_class)
    return (
        f"{capitalised(domain_name(view.shifted))}, {first.request.title} separates {task} with AUROC "
        f"{shifted_auroc(first):.2f}{shift_words(first)}{matching_words(first, unmatched)}."
        f"{others_sentence(first, others, unmatched)}{yardstick_sentence(results)}"
    )


def shift_words(result: ScoringResult) -> str:
    """Compare a method's AUROC under shift with that in-distribution; empty if there is none."""
    before = result.in_distribution.report.auroc
    if before is None:
        return ""
    return ", as in-distribution" if verb_of(shifted_auroc(result) - before) == LEAVES else f" instead of {before:.2f}"


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


def others_sentence(first: ScoringResult, others: list[ScoringResult], unmatched: Unmatched) -> str:
    """State the other methods' AUROC and what matching did to it: of each of a few methods, else of the best."""
    if len(others) > NAMED_ONE_BY_ONE:
        best = max(others, key=shifted_auroc)
        beginnings = {f" The best of {len(others)} others, {best.request.title},": best}
    else:
        beginnings = {f" {other.request.title}": other for other in others}
    return "".join(
        f"{beginning} gets {gain(first, other)}{matching_words(other, unmatched)}."
        for beginning, other in beginnings.items()
    )


def matching_words(result: ScoringResult, unmatched: Unmatched) -> str:
    """State what matching did to a method's AUROC; empty if it is not matched, or the AUROC without is not known."""
    before = unmatched.get(result.request.checkpoint.config.detector)
    if before is None or not result.request.scoring.style_weight:
        return ""
    change = shifted_auroc(result) - before
    if abs(change) < VISIBLE:
        return "; FDM makes no difference"
    return f"; FDM {'raises' if change > 0 else 'lowers'} it by {abs(change):.2f}"


def adapted_sentence(results: list[ScoringResult], unmatched: Unmatched) -> str:
    """State what adapting did to the methods' AUROC, or if there is none, to the alarms; empty if none is adapted."""
    if not results or results[0].adapted is None:
        return ""
    count, known_normal = results[0].adapted.choice
    beginning = f" Adapting to {count} {'normal' if known_normal else 'of these'} images "
    if results[0].shifted.report.auroc is None:
        counts = [f"{result.shifted.above:,} above that of {adapted_title(result)}" for result in results]
        return f"{beginning}chooses new thresholds: of the other {len(results[0].shifted.scores.score):,} images, " + (
            f"{sentence_list(counts)}."
        )
    changes = {adapted_title(result): (unadapted_auroc(result, unmatched), shifted_auroc(result)) for result in results}
    if len(results) > NAMED_ONE_BY_ONE + 1:
        return f"{beginning}{count_changes(changes)}."
    return f"{beginning}{list_changes(changes)}.{error_words(results[0])}"


def error_words(result: ScoringResult) -> str:
    """State what the new threshold does to a method's errors; empty if they are not known."""
    before, after = result.unadapted.shifted.report, result.shifted.report
    rates = (before.false_alarm_rate, after.false_alarm_rate, before.miss_rate, after.miss_rate)
    if None in rates:
        return ""
    alarms, new_alarms, misses, new_misses = (percent(rate or 0.0) for rate in rates)
    name = adapted_title(result)
    return f" {name}'s false alarms go from {alarms} to {new_alarms}, its misses from {misses} to {new_misses}."


def list_changes(changes: Changes) -> str:
    """Name the methods whose AUROC rises, falls or stays, with its values."""
    groups: dict[str, list[str]] = {}
    for name, (before, after) in changes.items():
        verb = verb_of(after - before)
        values = f"{name} at {after:.2f}" if verb == LEAVES else f"{name} from {before:.2f} to {after:.2f}"
        groups.setdefault(verb, []).append(values)
    return sentence_list([f"{verb} {sentence_list(named)}" for verb, named in groups.items()])


def count_changes(changes: Changes) -> str:
    """Count the methods whose AUROC rises, falls or stays, and name the best."""
    verbs = [verb_of(after - before) for before, after in changes.values()]
    counts = [f"{verb} {verbs.count(verb)} of {len(verbs)} methods" for verb in dict.fromkeys(verbs)]
    best = max(changes, key=lambda name: changes[name][1])
    return f"{sentence_list(counts).replace(LEAVES, 'does not change')}; the best, {best}, gets {changes[best][1]:.2f}"


def verb_of(change: float) -> str:
    """Name the direction of a change; one that vanishes with two decimals is none."""
    return LEAVES if abs(change) < VISIBLE else "raises" if change > 0 else "lowers"


def adapted_title(result: ScoringResult) -> str:
    """Return an adapted method's name, which is scored without matching."""
    return result.request.at(0.0).title


def unadapted_auroc(result: ScoringResult, unmatched: Unmatched) -> float:
    """Return a method's AUROC under shift without adapting, and without matching if that is known."""
    known = unmatched.get(result.request.checkpoint.config.detector)
    return shifted_auroc(result.unadapted) if known is None else known


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
        engines = engines_behind(result.request, (view.spec.in_distribution, view.shifted))
        origin = describe_origin(result.request.checkpoint, engines)
        st.caption(
            f"{result.shifted_title}: {describe_n(result.shifted.report)} · {plain(origin)} · "
            f"reproduce: {code(reproducing_command(view, result))}"
        )


def reproducing_command(view: View, result: ScoringResult) -> str:
    """Build the command, in one line of a shell, that reproduces the numbers of the shifted domain."""
    if result.adapted is None:
        return command(view, *result.request)
    return adapted_command(view, *result.request, result.adapted.choice).replace("\n", " && ")
