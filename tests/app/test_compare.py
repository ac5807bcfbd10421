"""The page Compare, without a browser, on the bundled results and on the tests' own comparisons."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import page_file
from app.comparisons import BUNDLED, BUNDLED_NAMES, bundled_name, checkpoints_behind, list_comparisons
from app.screens.compare import downloads, histograms
from gnl_core.comparison.command import comparison_command
from gnl_core.comparison.data import read_comparison
from gnl_core.comparison.files import write_comparison
from gnl_core.comparison.grid import Grid
from gnl_core.comparison.measure import compare_cells
from gnl_core.comparison.records import Method
from tests.app.conftest import charts, finding, notes
from tests.gnl_core.comparison.conftest import build_cells

PROJECT = Path(__file__).parents[2]
LABELS = [bundled_name(read_comparison(BUNDLED / f"{name}.json")) for name in BUNDLED_NAMES]


@pytest.fixture
def open_compare(open_screen):
    return partial(open_screen, "compare")


@pytest.fixture
def write_own(own_runs):
    """A function that writes a comparison of the digits, with a given number of twenty anomalies wrong."""

    def write(name: str, *, detectors=("rd4ad", "gnl"), wrong=lambda cell, request, domain: 5, keep_runs=True) -> Path:
        output = own_runs / name
        cells = build_cells(output, Grid(("4",), detectors, (0,), (0.0, 1.0)), wrong)
        write_comparison(compare_cells(cells), [], output)
        for cell in () if keep_runs else cells:
            cell.folder.scores.unlink()
        return output

    return write


def texts(page: AppTest) -> list[str]:
    return [element.value for kind in (page.markdown, page.caption, page.warning) for element in kind]


def test_the_first_visit_shows_the_summary_of_the_docs(open_compare):
    page = open_compare()
    assert not page.exception
    assert "RD4AD + FDM 1 has the highest AUROC, 65.0 (+7.2 against RD4AD without matching)" in finding(page)
    assert "In-distribution, RD4AD and GNL have the highest AUROC, 97.7." in finding(page)
    assert "Matching at α = 1 raises 2 of 2 methods under shift (RD4AD most, +7.2)" in finding(page)
    assert "It costs most in-distribution: RD4AD falls from 97.7 to 96.9." in finding(page)
    assert any(
        "seeds: 0, 1, 2; teacher efficientnet_lite0 at 32x32 px; epochs: 5; n = 271-1135" in t for t in texts(page)
    )


@pytest.mark.parametrize("label", LABELS)
def test_each_bundled_comparison_opens_with_its_command(open_compare, label: str):
    page = open_compare(comparison=label)
    assert not page.exception
    assert page.selectbox(key="comparison").value == label
    name = BUNDLED_NAMES[LABELS.index(label)]
    wanted = comparison_command(read_comparison(BUNDLED / f"{name}.json"), output=f"runs/{name}")
    assert page.code[0].value == wanted
    assert any("does not include the scores behind" in text for text in texts(page))


def test_the_summary_mentions_a_leading_method_that_needs_no_training(open_compare):
    page = open_compare(comparison=LABELS[2], of_class="house", of_shift="In art paintings")
    assert "In art paintings (shifted), kNN, which needs no training, has the highest AUROC, 90.3" in finding(page)


def test_an_address_restores_its_view(open_compare):
    page = open_compare(
        comparison=LABELS[2],
        of_class="dog",
        of_shift="In sketches",
        of_methods=["RD4AD", "KDAD"],
        of_strengths="1",
        of_columns=["In photos", "In sketches"],
        sort="In sketches",
        published="false",
        part_strength="α = 0.5",
    )
    assert not page.exception
    assert page.session_state["of_class"] == "dog"
    assert page.session_state["of_strengths"] == [1.0]
    assert page.session_state["of_columns"] == ["photo", "sketch"]
    assert page.session_state["sort"] == "sketch"
    assert page.session_state["part_strength"] == 0.5
    (dots,) = charts(page)
    assert {trace["name"] for trace in dots["data"] if trace["x"]} == {"α = 1"}
    assert sorted(dots["layout"]["yaxis"]["ticktext"]) == ["KDAD", "RD4AD"]


def test_choices_missing_in_another_comparison_are_dropped(open_compare):
    page = open_compare(comparison=LABELS[2], of_class="dog", of_methods=["KDAD"], sort="In sketches")
    page.selectbox(key="comparison").set_value(LABELS[0]).run()
    assert not page.exception
    assert page.selectbox(key="of_class").value == "mean of 10 classes"
    assert "RD4AD + FDM 1" in finding(page)


def test_a_users_comparison_has_the_chart_of_two_methods(open_compare, write_own):
    output = write_own("mine", wrong=lambda cell, request, domain: 2 if request.style_weight else 6)
    page = open_compare(comparison="mine", pair_second="GNL + FDM 1")
    assert not page.exception
    pair = charts(page)[-1]
    assert [note.split("<span")[0] for note in notes(pair)] == ["RD4AD  <b>70.0</b> "] * 2 + [
        "GNL + FDM 1  <b>90.0</b> "
    ] * 2
    assert all("n = 20 normal, 20 anomalous" in note for note in notes(pair))
    assert page.code[0].value.endswith(f"--output {output}")


def test_the_pair_is_offered_as_one_file_of_its_runs(open_compare, write_own, monkeypatch):
    asked = {}
    write_own("mine")
    monkeypatch.setattr(histograms, "offer_page", lambda label, name, make: asked.update({name: make}))
    page = open_compare(comparison="mine", pair_second="GNL + FDM 1")
    assert not page.exception
    monkeypatch.setattr(page_file, "page_of", lambda checkpoints, **rest: (checkpoints, rest))
    ((name, make),) = asked.items()
    checkpoints, rest = make()
    assert name == "scores 4 digits_m.html"
    assert [one.config.detector for one in checkpoints] == ["rd4ad", "gnl"]
    assert all(one.folder.path.parent.name == "mine" for one in checkpoints)
    assert (rest["domains"], rest["strengths"]) == (["digits_m"], [0.0, 1.0])


def test_a_method_at_two_strengths_has_one_run(own_runs, write_own):
    write_own("mine")
    listed = next(one for one in list_comparisons()[0] if one.name == "mine")
    found = checkpoints_behind(listed, [Method("gnl", 0.0), Method("gnl", 1.0)], normal_class="4")
    assert [one.config.detector for one in found] == ["gnl"]


def test_missing_scores_are_reported(open_compare, write_own):
    output = write_own("mine", keep_runs=False)
    page = open_compare(comparison="mine")
    assert not page.exception
    assert f"{output} has no scores of RD4AD and GNL + FDM 1; the command below computes them." in texts(page)


def test_without_all_four_numbers_the_ablation_says_what_is_missing(open_compare, write_own):
    write_own("mine", detectors=("rd4ad", "knn"))
    page = open_compare(comparison="mine")
    assert not page.exception
    assert any(text.startswith("This needs RD4AD and GNL, each without and with matching") for text in texts(page))


def test_a_damaged_file_is_reported_in_one_sentence_and_left_out(open_compare, own_runs, write_own):
    file = write_own("mine") / "comparison.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"seeds": []}))
    (own_runs / "comparison.json").write_text("{")
    page = open_compare()
    assert not page.exception
    assert page.selectbox(key="comparison").options == LABELS
    first, second = (warning.value for warning in page.warning)
    assert first.startswith(f"A comparison was left out: {own_runs / 'comparison.json'} is damaged or not a comparison")
    assert "seeds" in second


def test_the_page_does_not_wait_for_pytorch():
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; "
        "page = AppTest.from_string('from app.screens.compare.page import page; page()', default_timeout=60).run(); "
        "sys.exit(bool(page.exception) or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0


def test_the_command_has_the_paths_of_the_runs_and_the_files_have_not(open_compare, write_own, tmp_path, monkeypatch):
    output = write_own("mine")
    for file in output.glob("*/config.json"):
        file.write_text(json.dumps(json.loads(file.read_text()) | {"data_root": str(tmp_path / "data")}))
    saved = {}
    monkeypatch.setattr(downloads, "offer_file", lambda label, name, make: saved.update({label: make()}))
    monkeypatch.setattr(downloads, "offer_notebook", lambda stem, make: saved.update(notebook=make()))
    page = open_compare(comparison="mine")
    assert not page.exception
    assert f"--data-root {tmp_path / 'data'}" in page.code[0].value
    assert sorted(saved) == ["CSV", "HTML", "JSON", "Markdown", "notebook"]
    assert not [label for label, content in saved.items() if str(tmp_path) in content]
    assert "Add your path of `data_root`" in saved["notebook"]
