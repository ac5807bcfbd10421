from __future__ import annotations

import ast
import contextlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import plotly.graph_objects as go
import pytest

import gnl_core as gnl
from gnl_core import api
from gnl_core.metrics.image import auroc
from gnl_core.plots.maps import colour_map
from gnl_core.records import DomainReport, EpochRecord, Scores
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.scores import find_scores

ROOT = Path(__file__).resolve().parents[3]
TINY = {"image_size": 32, "epochs": 1, "limit": 20, "batch_size": 8, "stored_references": 3, "reference_count": 2}


@pytest.fixture(scope="module")
def run(trained_run: RunFolder) -> gnl.Run:
    return gnl.load(trained_run.path, device="cpu")


@pytest.fixture(scope="module")
def result(run: gnl.Run) -> api.ScoringResult:
    return gnl.score(run, style_weight=1.0)


def html_cells(html: str) -> list[list[str]]:
    return [re.findall(r"<t[hd]>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]


def text_cells(text: str) -> list[list[str]]:
    return [re.split(r" {2,}", line) for line in text.splitlines() if "  " in line]


def hostile_result() -> api.ScoringResult:
    name = "<script>alert('x')</script> & Co"
    columns = {"domain": np.array([name] * 2), "category": np.array(["a"] * 2), "path": np.array(["a", "b"])}
    scores = Scores(score=np.array([0.1, 0.9]), label=np.array([0, 1]), **columns)
    report = gnl.Report({name: DomainReport(1.0, (0.5, 1.0), 1, 1, n_unlabelled=2)}, {})
    return api.ScoringResult(scores, report, gnl.ScoringConfig(), in_distribution=name)


def test_importing_the_package_imports_nothing_slow():
    code = (
        "import sys, gnl_core; assert gnl_core.__file__ and 'train' in dir(gnl_core); "
        "print({'torch', 'pandas', 'plotly', 'numpy', 'gnl_core.api.runs'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "set()\n"


def test_every_public_name_leads_to_the_api_and_no_other_does():
    assert {name: getattr(gnl, name) for name in gnl.__all__} == {name: getattr(api, name) for name in gnl.__all__}
    assert set(gnl.__all__) <= set(dir(gnl))
    for module in (gnl, api):
        with pytest.raises(AttributeError, match=f"'{module.__name__}' has no attribute 'trains'"):
            _ = module.trains


def test_type_checkers_find_each_public_name_where_python_does():
    nodes = ast.walk(ast.parse(Path(api.__file__).read_text(encoding="utf-8")))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module.startswith("gnl_core")]
    assert {alias.asname: node.module for node in imports for alias in node.names} == api.PLACES


def test_training_saves_a_run_that_loads_again(tmp_path: Path):
    seen: list[int] = []

    def watch(records: Iterable[EpochRecord]) -> Iterator[EpochRecord]:
        for record in records:
            seen.append(record.epoch)
            yield record

    trained = gnl.train(tmp_path / "run", watch=watch, **TINY)
    assert seen == [1]
    assert gnl.load(tmp_path / "run").config == trained.config
    assert repr(trained) == "Run(gnl on digits, normal class '4')"
    with pytest.raises(ValueError, match="already contains a run"):
        gnl.train(tmp_path / "run", **TINY)


def test_scores_are_those_of_the_command_line():
    folder = RunFolder(ROOT / "assets" / "checkpoints" / "digits-4-rd4ad")
    run = gnl.load(folder.path, device="cpu")
    result = gnl.score(run, "digits", style_weight=0.0)
    saved = find_scores(folder, domain="digits", scoring=result.scoring)
    assert saved is not None
    assert result.scores.score == pytest.approx(saved.score, rel=1e-3)
    assert result.report.domains["digits"].auroc == pytest.approx(auroc(saved.label, saved.score), abs=1e-3)


def test_all_domains_are_scored_unless_some_are_named(run: gnl.Run, result: api.ScoringResult):
    assert list(result.report.domains) == ["digits", "digits_m"]
    named = gnl.score(run, ["digits_m", "digits_m"], style_weight=1.0)
    assert list(named.report.domains) == ["digits_m"]
    assert named.report.domains["digits_m"] == result.report.domains["digits_m"]


def test_the_report_has_the_same_cells_as_text_and_as_html(result: api.ScoringResult):
    text = text_cells(repr(result))
    assert [name for name, *_ in text] == ["domain", "digits", "digits_m"]
    assert html_cells(result._repr_html_()) == text
    assert result.report._repr_html_() == result._repr_html_()


def test_names_in_html_and_in_figures_are_plain_text():
    result = hostile_result()
    assert "<script>" in repr(result)
    html = result._repr_html_()
    assert "<script>" not in html
    assert html.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; Co") == 2  # its row and its footnote
    texts = [trace.text[0] for trace in gnl.show_histograms(result).data if trace.type == "scatter" and trace.text]
    assert len(texts) == 1
    assert "<script>" not in texts[0]


def test_histograms_have_a_row_per_domain_and_the_share_of_each_label_adds_to_one(result: api.ScoringResult):
    figure = gnl.show_histograms(result)
    assert isinstance(figure, go.Figure)
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [(bar.name, bar.xaxis) for bar in bars] == [
        *(("normal", "x"), ("anomalous", "x")),
        *(("normal", "x2"), ("anomalous", "x2")),
    ]
    assert [sum(bar.y) for bar in bars] == pytest.approx([1] * 4)
    assert [bar.showlegend for bar in bars] == [True, True, False, False]
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range
    lines = [trace.x for trace in figure.data if trace.type == "scatter" and trace.mode == "lines"]
    assert lines == [(result.report.threshold.value,) * 2] * 2


def test_training_images_are_not_hatched_as_shifted_ones_are(run: gnl.Run):
    figure = gnl.show_histograms(gnl.score(run, ["train", "held_out", "digits", "digits_m"]))
    normal = [trace for trace in figure.data if trace.type == "bar" and trace.name == "normal"]
    assert [bool(bar.marker.pattern.shape) for bar in normal] == [False, False, False, True]


def test_a_map_is_drawn_in_the_colours_of_the_runs_own_scale(run: gnl.Run, tmp_path: Path):
    item = gnl.images(run, "digits_m")[0]
    upper = gnl.map_scale(run, style_weight=1.0)
    drawn = gnl.show_map(run, item, style_weight=1.0)
    assert drawn.size == (32, 32)
    assert np.array_equal(drawn, gnl.show_map(run, item, upper=upper, style_weight=1.0))
    bright = np.asarray(gnl.show_map(run, item, upper=upper / 1e6, style_weight=1.0))
    assert (bright == colour_map(np.ones((1, 1), np.float32), upper=1.0)).mean() > 0.9


def test_one_image_has_the_score_that_it_has_in_its_domain(run: gnl.Run, result: api.ScoringResult):
    item = gnl.images(run, "digits_m")[5]
    (expected,) = result.scores.score[result.scores.path == item.path]
    assert gnl.score_image(run, item, style_weight=1.0) == pytest.approx(expected, rel=1e-4)
    assert gnl.score_image(run, item, style_weight=0.0) != pytest.approx(expected, rel=1e-4)


def test_an_adapted_run_scores_and_draws_an_image_on_its_own_scale(run: gnl.Run, tmp_path: Path):
    file = tmp_path / "adaptation.safetensors"
    adaptation = gnl.adapt(run, domain="digits_m", count=4, normal=True, way="standardise", output=file)
    adapted = gnl.score(run, "digits_m", adaptation=adaptation)
    item = next(item for item in gnl.images(run, "digits_m") if item.path in adapted.scores.path)
    (expected,) = adapted.scores.score[adapted.scores.path == item.path]
    for form in (adaptation, file):
        assert gnl.score_image(run, item, adaptation=form) == pytest.approx(expected, rel=1e-4)
    drawn = gnl.show_map(run, item, adaptation=adaptation)
    upper = adaptation.saved.record.map_scale
    assert np.array_equal(drawn, gnl.show_map(run, item, adaptation=file, upper=upper))
    assert not np.array_equal(drawn, gnl.show_map(run, item, upper=upper))
    with pytest.raises(ValueError, match="the adaptation was made for --style-weight 0"):
        gnl.score_image(run, item, adaptation=adaptation, style_weight=1.0)


def test_an_image_can_be_an_item_a_file_pixels_or_a_picture(run: gnl.Run, tmp_path: Path):
    item = gnl.images(run, "digits")[0]
    picture = PIL.Image.fromarray(item.read())
    picture.save(tmp_path / "image.png")
    expected = np.asarray(gnl.show_map(run, item, upper=1.0))
    for image in (tmp_path / "image.png", str(tmp_path / "image.png"), item.read(), picture):
        assert np.array_equal(gnl.show_map(run, image, upper=1.0), expected)


def test_two_methods_are_compared_and_the_result_prints_as_the_table(tmp_path: Path):
    tray = {"adapt": "bank:4", "domain": "digits"}
    made = gnl.compare(tmp_path, normal_class="4", detector=["knn", "patchcore"], **tray, **TINY)
    assert [row.method.detector for row in made.comparison.rows] == [*["knn"] * 3, *["patchcore"] * 3]
    assert {file.name for file in made.files} == {f"comparison.{kind}" for kind in ("md", "csv", "json", "html")}
    assert all(file.is_file() for file in made.files)
    names = re.findall(r'<th scope="row">(.*?)</th>', made._repr_html_())
    assert names == [*["knn"] * 3, *["patchcore"] * 3]
    for name in ("knn", "patchcore"):
        for use in ("as it is", "as it is, 4 normal images left out", "4 normal images added to the bank"):
            assert re.search(rf"^{name} .* {use}  +\d", repr(made), flags=re.MULTILINE)


def refusals(run: gnl.Run, tmp_path: Path) -> dict[str, object]:
    grey = np.zeros((8, 8), np.uint8)
    return {
        "epochs = 0": lambda: gnl.train(tmp_path / "bad", epochs=0),
        "unknown dataset 'digit'": lambda: gnl.train(tmp_path / "bad", dataset="digit"),
        "bad": lambda: gnl.load(tmp_path / "bad"),
        "style_weight = 3": lambda: gnl.score(run, style_weight=3),
        "reductio": lambda: gnl.score(run, reductio="mean"),
        "unknown domain 'no'": lambda: gnl.score(run, "no"),
        "domain is empty": lambda: gnl.score(run, []),
        "has shape \\(8, 8\\) and type uint8": lambda: gnl.show_map(run, grey),
        "no image file": lambda: gnl.show_map(run, tmp_path / "missing.png", upper=1.0),
        "unknown detector 'rd'": lambda: gnl.compare(tmp_path, normal_class="4", detector="rd"),
        "no teacher weights at": lambda: gnl.compare(
            tmp_path / "made", normal_class="4", detector=["knn", "gnl"], teacher_weights=tmp_path / "none.pth"
        ),
        "unknown kind 'some'": lambda: gnl.compare(tmp_path, normal_class="4", detector="gnl", adapt="some:8"),
    }


def test_bad_input_is_refused_in_one_sentence(run: gnl.Run, tmp_path: Path):
    for message, call in refusals(run, tmp_path).items():
        with pytest.raises(ValueError, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_method_without_maps_has_none_to_show(tmp_path: Path):
    run = gnl.train(tmp_path / "run", detector="knn", **TINY)
    with pytest.raises(ValueError, match="knn gives scores and no maps"):
        gnl.show_map(run, gnl.images(run, "digits")[0])


def test_the_readmes_lines_run_and_print_what_it_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## From Python\n")[1].split("\n## ")[0]
    code, output = re.findall(r"^```(?:python)?\n(.*?)^```$", section, flags=re.DOTALL | re.MULTILINE)
    settings = ", ".join(f"{name}={value}" for name, value in TINY.items())
    tiny = code.replace('detector="gnl"', f'detector="gnl", {settings}')
    assert tiny != code
    with contextlib.chdir(tmp_path):
        exec(tiny, {})
        assert PIL.Image.open("map.png").size == (32, 32)
        assert "plotly" in Path("histograms.html").read_text(encoding="utf-8").lower()
    assert shape_of(capsys.readouterr().out) == shape_of(output)


def shape_of(output: str) -> list[str]:
    """Printed lines with every measured number replaced by #, and columns separated by one space."""
    return [re.sub(r" +", " ", re.sub(r"\d+\.\d+", "#", line)) for line in output.splitlines()]
