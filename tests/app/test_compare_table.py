"""Table, sentences and ablation of Compare, on the tests' own numbers."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from app.comparisons import ListedComparison
from app.screens.compare.ablation import matched_strengths, parts_of, parts_sentence
from app.screens.compare.choices import METHOD_ORDER, Compared, column_name, row_order, shifts_of, title_of
from app.screens.compare.dots import dots_of
from app.screens.compare.summary import adapting_sentence, matching_sentence, summary_sentence
from app.screens.compare.table import cell, table_html
from gnl_core.comparison.records import ID_COST, MEAN_SHIFT, Comparison, ComparisonRow, Entry, Method
from gnl_core.config import RunConfig
from gnl_core.runs.trays import TrayUse

SHIFTS = ("art_painting", "sketch")
COLUMNS = ("photo", *SHIFTS, MEAN_SHIFT, ID_COST)


def number(value: float, reference: float | None = None, *, clear: bool = True) -> Entry:
    """A number with an interval of ± 0.02, and its difference from the reference's."""
    difference = None if reference is None else value - reference
    limits = (value - 0.02, value + 0.02)
    return Entry(value, limits, difference=difference, clear=clear and bool(difference), runs=1)


def measured(
    detector: str, strength: float | None, photo: float, shifted: float, *, clear: bool = True
) -> ComparisonRow:
    """A row whose shifts are all alike; RD4AD without matching has 0.9 and 0.5."""
    shift = number(shifted, 0.5, clear=clear)
    entries = {"photo": number(photo, 0.9, clear=clear), **dict.fromkeys((*SHIFTS, MEAN_SHIFT), shift)}
    return ComparisonRow(Method(detector, strength), False, entries | {ID_COST: number(0.9 - photo)}, runs=1)


def published(detector: str, value: float) -> ComparisonRow:
    return ComparisonRow(Method(detector, None), True, dict.fromkeys(COLUMNS, Entry(value)))


ROWS = [
    measured("rd4ad", 0.0, 0.9, 0.5),
    measured("rd4ad", 1.0, 0.85, 0.6),
    published("rd4ad", 0.55),
    measured("gnl", 0.0, 0.91, 0.49, clear=False),
    measured("gnl", 0.5, 0.88, 0.58),
    measured("gnl", 1.0, 0.86, 0.62),
    published("gnl", 0.77),
    measured("deep_svdd", None, 0.7, 0.4),
]


def compare(rows: list[ComparisonRow] = ROWS, *, sort: str = METHOD_ORDER, shift: str | None = MEAN_SHIFT) -> Compared:
    config = RunConfig(dataset="pacs", normal_class="dog")
    comparison = Comparison(config, "photo", ("dog",), (0,), ("photo", *SHIFTS), COLUMNS, rows, {"dog": rows}, {})
    return Compared(
        ListedComparison("x", comparison, Path("runs/x"), bundled=True),
        normal_class=None,
        shift=shift,
        rows=[row for row in rows if not row.published],
        published={row.method.detector: row for row in rows if row.published},
        columns=COLUMNS,
        sort=sort,
    )


def lines_of(compared: Compared) -> list[list[str]]:
    """The cells' texts by row; the XML parser fails on an unclosed element."""
    table = ET.fromstring(table_html(compared))
    return [["|".join(part.itertext()) for part in line] for line in table.iter("tr")]


def names(compared: Compared) -> list[str]:
    return [line[0] for line in lines_of(compared)[1:]]


def test_published_numbers_are_below_the_row_at_the_methods_own_strength():
    assert names(compare()) == [
        *("RD4AD|α = 0", "published", "RD4AD|α = 1"),
        *("GNL|α = 0", "GNL|α = 0.5", "published", "GNL|α = 1", "Deep SVDD|no matching"),
    ]


def test_published_numbers_are_below_the_first_row_if_the_own_strength_is_hidden():
    shown = compare()._replace(rows=[ROWS[3], ROWS[5]])
    assert names(shown) == ["GNL|α = 0", "published", "GNL|α = 1"]


def test_sorting_puts_the_best_first_and_moves_published_numbers_with_it():
    assert names(compare(sort="sketch"))[:4] == ["GNL|α = 1", "RD4AD|α = 1", "GNL|α = 0.5", "published"]
    assert row_order(compare(sort=ID_COST))[0].method == Method("gnl", 0.0)


def test_rows_without_the_number_are_last():
    lacking = ROWS[0]._replace(entries={})
    assert row_order(compare([lacking, *ROWS[1:]], sort="photo"))[-1] is lacking


def test_the_sorted_column_is_marked_for_screen_readers():
    heads = list(ET.fromstring(table_html(compare(sort="sketch"))).iter("th"))[: len(COLUMNS) + 1]
    assert [head.get("aria-sort") for head in heads] == [None, None, None, "descending", None, None]


def test_each_row_has_every_column_and_the_best_is_bold():
    assert {len(line) for line in lines_of(compare())} == {len(COLUMNS) + 1}
    table = ET.fromstring(table_html(compare()))
    bold = [bold.text for bold in table.iter("b")]
    assert bold == ["91.0", "−1.0", "62.0", "62.0", "62.0"]


def test_a_row_reports_missing_runs():
    lacking = ROWS[1]._replace(runs=0)
    assert "RD4AD|α = 1, 0 of 1 runs" in names(compare([ROWS[0], lacking]))


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (Entry(0.8, (0.7, 0.9), difference=0.1, clear=True), '<span class="change gain">+10.0</span>'),
        (Entry(0.8, (0.7, 0.9), difference=-0.1, clear=True), '<span class="change loss">−10.0</span>'),
        (Entry(0.8, (0.7, 0.9), difference=-0.1), '<span class="change">−10.0</span>'),
    ],
)
def test_only_a_clear_difference_has_a_colour(entry: Entry, text: str):
    assert cell(entry, "photo") == f'80.0<small class="below">70.0 to 90.0{text}</small>'


def test_a_number_has_its_spread_and_the_worst_shift_its_name():
    assert cell(Entry(0.8, spread=0.012), "photo").startswith("80.0 <small>± 1.2</small>")
    assert "in sketches" in cell(Entry(0.8, (0.7, 0.9), domain="sketch"), "worst shift")
    assert cell(None, "photo") == "-"


def adapted_rows() -> list[ComparisonRow]:
    """RD4AD as it is, and both as it is and adapted over the images that 8 normal ones leave."""
    uses = (None, TrayUse("none", "normal", 8), TrayUse("adapted", "normal", 8))
    shifted = zip(uses, (0.5, 0.51, 0.7), strict=True)
    return [measured("rd4ad", 0.0, 0.9, value)._replace(method=Method("rd4ad", 0.0, use)) for use, value in shifted]


def test_adapted_rows_say_so_and_the_best_is_the_best_over_the_same_images():
    compared = compare([*adapted_rows(), *ROWS[1:]])
    assert names(compared)[:4] == [
        "RD4AD|α = 0",
        "published",
        "RD4AD|α = 0, as it is, 8 normal images left out",
        "RD4AD|α = 0, adapted to 8 normal images",
    ]
    bold = [bold.text for bold in ET.fromstring(table_html(compared)).iter("b")]
    assert bold.count("70.0") == len(SHIFTS) + 1
    assert bold.count("62.0") == len(SHIFTS) + 1  # GNL with matching, over all images
    assert "51.0" not in bold


def test_the_sentences_and_the_ablation_are_about_all_images():
    adapted = compare([*adapted_rows(), *ROWS[1:]])
    for words in (summary_sentence, matching_sentence):
        assert words(adapted) == words(compare())
    assert parts_of(adapted, MEAN_SHIFT, 1.0) == parts_of(compare(), MEAN_SHIFT, 1.0)


def test_the_largest_gain_and_the_largest_loss_by_adapting_are_named():
    tray = TrayUse("none", "normal", 8)
    before, after = measured("knn", 0.0, 0.9, 0.5), measured("knn", 0.0, 0.88, 0.7)
    rows = [
        before._replace(method=before.method._replace(use=tray)),
        after._replace(method=after.method._replace(use=tray._replace(way="adapted"))),
    ]
    assert adapting_sentence(compare([*ROWS, *rows])) == (
        "Adapting raises kNN most under shift: from 50.0 to 70.0, adapted to 8 normal images. "
        "It costs most in-distribution: kNN falls from 90.0 to 88.0."
    )
    assert adapting_sentence(compare([*ROWS, rows[0], rows[0]._replace(method=rows[1].method)])) == (
        "Adapting raises no method under shift."
    )
    assert adapting_sentence(compare()) == ""


def test_each_way_of_adapting_has_its_own_row_of_dots():
    without = ComparisonRow(Method("deep_svdd", None, TrayUse("adapted", "normal", 8)), False, {}, runs=1)
    rows = dots_of(compare([*adapted_rows(), ROWS[1], without]), ["photo", MEAN_SHIFT])
    assert [(row.name, len(row.measured[1])) for row in rows] == [
        ("RD4AD, adapted to 8 normal images", 1),
        ("RD4AD", 2),
        ("RD4AD, as it is, 8 normal images left out", 1),
    ]


def test_names_cannot_break_the_table():
    rows = [ROWS[0]._replace(method=Method("<b>", 0.0), entries={"photo": Entry(0.5, domain="<i>")})]
    lines = lines_of(compare(rows))
    assert lines[1][0] == "<b>|α = 0"
    assert "in “<i>”" in lines[1][1]


def test_the_summary_names_the_leading_methods_on_both_sides():
    told = summary_sentence(compare())
    assert "In the mean of 2 shifts, GNL + FDM 1 has the highest AUROC, 62.0 (+12.0 against RD4AD" in told
    assert "In-distribution, GNL has the highest AUROC, 91.0 (+1.0 against RD4AD without matching, which chance" in told


def test_the_reference_is_not_compared_with_itself():
    assert summary_sentence(compare(ROWS[:1], shift=None)) == "In-distribution, RD4AD has the highest AUROC, 90.0."


def test_tied_methods_are_named_together():
    rows = [ROWS[0], measured("knn", 0.0, 0.95, 0.7), measured("patchcore", 0.0, 0.95, 0.6)]
    assert (
        "In-distribution, kNN and PatchCore, which need no training, have the highest AUROC, 95.0"
        in summary_sentence(compare(rows))
    )


def test_gains_by_matching_are_counted_and_the_largest_loss_is_named():
    assert matching_sentence(compare()) == (
        "Matching at α = 1 raises 2 of 2 methods under shift (GNL most, +13.0) and none of 2 methods in-distribution. "
        "It costs most in-distribution: RD4AD falls from 90.0 to 85.0."
    )
    assert matching_sentence(compare([ROWS[0], ROWS[7]])) == ""


def test_the_parts_are_the_four_numbers_and_what_each_adds():
    assert matched_strengths(compare()) == [1.0]
    parts = parts_of(compare(), MEAN_SHIFT, 1.0)
    assert parts is not None
    assert [entry.value for entry in parts] == [0.5, 0.49, 0.6, 0.62]
    assert parts_sentence(parts) == (
        "Difference from neither: the training part alone −1.0 (chance could explain it), "
        "matching alone +10.0 (clear), both +12.0 (clear)."
    )


def test_without_one_of_the_four_numbers_there_is_no_ablation():
    assert matched_strengths(compare([row for row in ROWS if row.method != Method("gnl", 0.0)])) == []
    assert matched_strengths(compare([row for row in ROWS if row.method.detector != "gnl"])) == []
    assert parts_of(compare(), "worst shift", 1.0) is None


def test_the_dots_are_the_tables_numbers_with_the_best_method_first():
    gnl, rd4ad, svdd = dots_of(compare(), ["photo", MEAN_SHIFT])
    assert (gnl.name, rd4ad.name, svdd.name) == ("GNL", "RD4AD", "Deep SVDD")
    assert [dot.strength for dot in gnl.measured[1]] == [0.0, 0.5, 1.0]
    assert [dot.value for dot in gnl.measured[1]] == [pytest.approx(value) for value in (49, 58, 62)]
    assert svdd.published == (None, None)
    assert rd4ad.published == (pytest.approx(55), pytest.approx(55))


def test_columns_have_display_names():
    assert shifts_of(compare().comparison) == [MEAN_SHIFT, *SHIFTS]
    assert [column_name(column) for column in ("photo", "mvtec+fog:3", ID_COST)] == [
        "In photos",
        "Under fog, severity 3",
        "ID cost",
    ]
    assert title_of("photo", compare()) == "In photos (in-distribution)"
    assert title_of(MEAN_SHIFT, compare()) == "Mean of 2 shifts"
