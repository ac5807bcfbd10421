from __future__ import annotations

from io import BytesIO

import PIL.Image
import pytest

from gnl_core.comparison.figures import describe_method, draw_pictures, parse_method
from gnl_core.comparison.files import file_stem, write_comparison
from gnl_core.comparison.grid import GridCell
from gnl_core.comparison.measure import compare_cells
from gnl_core.comparison.records import Method


@pytest.mark.parametrize(
    ("text", "method"),
    [
        ("rd4ad", Method("rd4ad", 0.0)),  # its own strength
        ("gnl", Method("gnl", 1.0)),  # its own, 0.5, is not asked for
        ("gnl:0", Method("gnl", 0.0)),
    ],
)
def test_a_method_is_read_with_or_without_its_strength(text: str, method: Method, pacs_cells: list[GridCell]):
    assert parse_method(text, pacs_cells) == method


@pytest.mark.parametrize("text", ["kdad", "gnl:0.5", "gnl:"])
def test_a_method_that_is_not_compared_is_refused(text: str, pacs_cells: list[GridCell]):
    with pytest.raises(ValueError, match="choose two of: rd4ad:0, rd4ad:1, gnl:0, gnl:1"):
        parse_method(text, pacs_cells)


def test_each_class_is_drawn_under_each_shift(pacs_cells: list[GridCell]):
    pictures = draw_pictures(compare_cells(pacs_cells), pacs_cells, [Method("rd4ad", 0.0), Method("gnl", 1.0)])
    first = next(pictures)
    assert first.caption == "pacs dog, art_painting, seed 0"
    assert PIL.Image.open(BytesIO(first.png)).size == (1440, 840)
    assert b"<svg" in first.svg[:1000]
    assert next(pictures).caption == "pacs dog, cartoon, seed 0"


def test_unscored_domains_are_not_drawn(pacs_cells: list[GridCell]):
    comparison = compare_cells(pacs_cells)
    assert not list(draw_pictures(comparison, pacs_cells, [Method("rd4ad", 0.0), Method("gnl", 0.25)]))


def test_a_method_is_named_with_its_strength():
    assert describe_method(Method("gnl", 0.5)) == "gnl, alpha = 0.5"
    assert describe_method(Method("rd4ad", 0.0)) == "rd4ad without FDM"
    assert describe_method(Method("deep_svdd", None)) == "deep_svdd"


def test_all_files_are_in_the_output_folder(pacs_cells: list[GridCell]):
    output = pacs_cells[0].folder.path.parent
    comparison = compare_cells(pacs_cells)
    pictures = [next(draw_pictures(comparison, pacs_cells, [Method("rd4ad", 0.0), Method("gnl", 1.0)]))]
    written = write_comparison(comparison, pictures, output)
    assert [file.name for file in written] == [
        "comparison.md",
        "comparison.csv",
        "comparison.json",
        "comparison.html",
        "pacs-dog-art_painting-seed-0.svg",
        "pacs-dog-art_painting-seed-0.png",
    ]
    assert all(file.stat().st_size for file in written)


def test_a_file_name_has_only_portable_characters():
    assert file_stem("mvtec screw, mvtec+contrast:3, seed 0") == "mvtec-screw-mvtec-contrast-3-seed-0"
