"""The sentences of Compare: which methods lead, and what matching and adapting do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.methods import YARDSTICKS, method_title
from app.screens.compare.choices import Compared, title_of
from app.words import counted, points, sentence_list
from gnl_core.comparison.records import MEAN_SHIFT, REFERENCE, ComparisonRow, Method
from gnl_core.comparison.text import best_rows
from gnl_core.comparison.tray_text import use_text
from gnl_core.names import DETECTOR_NAMES, domain_name, name_of

NAMED_ONE_BY_ONE = 3  # more leading methods are counted instead of named


class Change(NamedTuple):
    """The effect of matching or adapting on one method's number.

    Attributes:
        method: The method; if adapted, with the use of the tray.
        column: The column.
        before: Its number without it.
        after: Its number with the strongest matching shown, or adapted.
    """

    method: Method
    column: str
    before: float
    after: float

    @property
    def gain(self) -> float:
        """The increase."""
        return self.after - self.before


def summary_sentence(compared: Compared) -> str:
    """State which methods lead under the shift and in-distribution."""
    sentences = [ahead_sentence(compared, column) for column in (compared.shift, compared.base) if column]
    return " ".join(sentence for sentence in sentences if sentence)


def ahead_sentence(compared: Compared, column: str) -> str:
    """State which methods have the highest AUROC of a column, and by how much they lead; empty if it has no numbers."""
    leaders = leaders_of(compared, column)
    if not leaders:
        return ""
    titles = [method_title(*row.method) for row in leaders]
    who = sentence_list(titles) if len(titles) <= NAMED_ONE_BY_ONE else f"{len(titles)} methods"
    single = len(leaders) == 1
    idle = all(row.method.detector in YARDSTICKS for row in leaders)
    aside = f", which {'needs' if single else 'need'} no training," if idle else ""
    value = points(leaders[0].entries[column].value)
    return (
        f"{place_of(compared, column)}, {who}{aside} {'has' if single else 'have'} the highest AUROC, "
        f"{value}{lead_note(leaders[0], column)}."
    )


def leaders_of(compared: Compared, column: str) -> list[ComparisonRow]:
    """Return the rows with the highest number of a column over all images; a single row leads alone."""
    having = [row for row in compared.rows if column in row.entries and row.method.use is None]
    best = best_rows(having, column, runs=compared.full_runs)
    return [row for position, row in enumerate(having) if position in best] or having[:1]


def place_of(compared: Compared, column: str) -> str:
    """Return where a column was measured, as the beginning of a sentence."""
    if column == compared.base:
        return "In-distribution"
    title = title_of(column, compared)
    return f"In the {title.lower()}" if column == MEAN_SHIFT else title


def lead_note(row: ComparisonRow, column: str) -> str:
    """State a number's difference from the reference's, and whether chance could explain it."""
    entry = row.entries[column]
    if row.method == REFERENCE or entry.difference is None:
        return ""
    doubt = "" if entry.clear else ", which chance could explain"
    return f" ({points(entry.difference, signed=True)} against RD4AD without matching{doubt})"


def matching_sentence(compared: Compared) -> str:
    """State the effect of the strongest matching, and where it costs most; empty if none was measured."""
    sides = {"under shift": compared.shift, "in-distribution": compared.base}
    by_side = {side: changes(compared, column) for side, column in sides.items()}
    raised = [raised_words(parts, side) for side, parts in by_side.items() if parts]
    if not raised:
        return ""
    strength = max(row.method.style_weight or 0.0 for row in compared.rows)
    return f"Matching at α = {strength:g} raises {' and '.join(raised)}.{cost_sentence(compared, changes)}"


def adapting_sentence(compared: Compared) -> str:
    """State which method gains most by adapting, and where it costs most; empty if none was measured."""
    effects = adapted_changes(compared, compared.shift)
    if not effects:
        return ""
    most = max(effects, key=lambda change: change.gain)
    raised = "no method under shift."
    if round(most.gain, 3) > 0:
        title, use = method_title(*most.method[:2]), use_text(most.method.use)
        raised = f"{title} most under shift: from {points(most.before)} to {points(most.after)}, {use}."
    return f"Adapting raises {raised}{cost_sentence(compared, adapted_changes)}"


def adapted_changes(compared: Compared, column: str | None) -> list[Change]:
    """List the effect of adapting on each adapted method, from its row as it is over the same images."""
    numbers = {row.method: row.entries[column].value for row in compared.rows if column in row.entries}
    return [
        Change(method, str(column), before, after)
        for method, after in numbers.items()
        if method.use is not None and method.use.way == "adapted"
        if (before := numbers.get(method._replace(use=method.use._replace(way="none")))) is not None
    ]


def raised_words(effects: Sequence[Change], side: str) -> str:
    """State how many methods matching raises on one side, and which it raises most."""
    raised = [change for change in effects if round(change.gain, 3) > 0]
    most = max(effects, key=lambda change: change.gain)
    name = name_of(DETECTOR_NAMES, most.method.detector)
    best = f" ({name} most, {points(most.gain, signed=True)})" if raised and len(effects) > 1 else ""
    return f"{len(raised) or 'none'} of {counted(len(effects), 'method')} {side}{best}"


def cost_sentence(compared: Compared, list_changes: Callable[[Compared, str], list[Change]]) -> str:
    """State which domain's number is lowered most; empty if none is."""
    domains = [domain for domain in compared.comparison.domains if domain in compared.comparison.columns]
    effects = [change for domain in domains for change in list_changes(compared, domain)]
    worst = min(effects, key=lambda change: change.gain)
    if round(worst.gain, 3) >= 0:
        return ""
    where = "in-distribution" if worst.column == compared.base else domain_name(worst.column)
    name = name_of(DETECTOR_NAMES, worst.method.detector)
    return f" It costs most {where}: {name} falls from {points(worst.before)} to {points(worst.after)}."


def changes(compared: Compared, column: str | None) -> list[Change]:
    """List the effect of the strongest matching shown on each method also shown without matching."""
    strongest = max((row.method.style_weight or 0.0 for row in compared.rows), default=0.0)
    numbers = {
        row.method: row.entries[column].value
        for row in compared.rows
        if column in row.entries and row.method.use is None
    }
    matched = {method: numbers.get(method._replace(style_weight=strongest)) for method in numbers}
    return [
        Change(method, str(column), before, after)
        for method, before in numbers.items()
        if method.style_weight == 0 and strongest and (after := matched[method]) is not None
    ]
