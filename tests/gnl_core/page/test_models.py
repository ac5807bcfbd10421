"""gnl page --with-model: what it exports, and what it refuses."""

from __future__ import annotations

import io
import sys
from base64 import b64decode

import numpy as np
import PIL.Image
import pytest

from gnl_core.cli import main
from gnl_core.datasets.fitting import fit_image
from gnl_core.page import models
from gnl_core.page.collect import LoadedRun
from gnl_core.page.models import collect_models, input_sheet, spread_rows
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import load_run


@pytest.fixture
def loaded(trained_run: RunFolder) -> LoadedRun:
    return LoadedRun(trained_run, load_run(trained_run), None)


def test_images_of_each_label_are_spread_evenly():
    assert spread_rows([0] * 9 + [1] * 3, most=6) == [0, 4, 8, 9, 10, 11]
    assert spread_rows([-1] * 3, most=8) == [0, 1, 2]
    assert spread_rows([0], most=8) == [0]


def test_the_images_of_a_sheet_are_those_that_the_detector_reads(loaded):
    items = list_domain(loaded.run.config, "digits_m")[::30]
    sheet = input_sheet(items, (32, 20))
    pixels = np.asarray(PIL.Image.open(io.BytesIO(b64decode(sheet.url.partition(",")[2]))))
    for index, row in enumerate(sheet.rows):
        top, left = 32 * (index // sheet.columns), 20 * (index % sheet.columns)
        expected = fit_image(items[row].read(), (32, 20)).pixels.permute(1, 2, 0).numpy()
        assert np.array_equal(pixels[top : top + 32, left : left + 20], expected)


def test_a_method_that_cannot_be_exported_is_refused(loaded):
    config = loaded.run.config.model_copy(update={"detector": "kdad"})
    with pytest.raises(ValueError, match="kdad cannot be exported, since its anomaly map is a gradient"):
        collect_models([loaded._replace(run=loaded.run._replace(config=config))], domains=None, explain=print)


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--with-model"], "exporting a detector needs ONNX's packages; install gnl with its extra: [export]"),
        (["--with-model", "--lesson"], "the lesson contains no detector; leave out --with-model, or --lesson"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(flags, reason, trained_run, tmp_path, monkeypatch, capsys):  # noqa: PLR0913, PLR0917
    monkeypatch.setitem(sys.modules, "onnx", None)
    output = tmp_path / "view.html"
    assert main(["page", str(trained_run.path), *flags, "--output", str(output)]) == 2
    (*_, line) = capsys.readouterr().err.splitlines()
    assert reason in line
    assert not output.exists()


def test_a_page_that_is_too_large_is_refused(loaded, monkeypatch):
    monkeypatch.setattr(models, "export_run", lambda *_, **__: np.random.default_rng(0).bytes(31_000_000))
    with pytest.raises(ValueError, match=r"the page would have 41\.\d MB with its models, and at most 40 MB"):
        collect_models([loaded], domains=None, explain=print)
