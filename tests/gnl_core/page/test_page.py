"""gnl page: what is collected from runs, and the file that is written."""

from __future__ import annotations

import io
import json
import re
from base64 import b64decode
from html.parser import HTMLParser

import numpy as np
import PIL.Image
import pytest

from gnl_core.cli import main
from gnl_core.page import collect
from gnl_core.page.build import build_page
from gnl_core.page.collect import LoadedRun, collect_view
from gnl_core.page.sprites import MAP_PX, image_sprite, map_colours, map_sprite
from gnl_core.plots.maps import colour_map
from gnl_core.runs import scoring
from gnl_core.runs.folder import RunFolder
from gnl_core.runs.images import list_domain
from gnl_core.runs.scores import read_saved_scores, save_scores
from gnl_core.runs.scoring import load_run, resolve_scoring, score_domain
from tests.gnl_core.page.views import HOSTILE, make_view


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Domains of 18 images, which are scored in a moment."""
    for module in (collect, scoring):
        monkeypatch.setattr(module, "list_domain", lambda config, domain: list_domain(config, domain)[::40])


@pytest.fixture
def loaded(few_images: None, trained_run: RunFolder) -> LoadedRun:
    return LoadedRun(trained_run, load_run(trained_run), None)


def test_scores_and_thresholds_are_those_of_gnl_score(loaded):
    view = collect_view([loaded])
    assert [domain.name for domain in view.domains] == ["digits", "digits_m"]
    (method,) = view.methods
    assert method.strengths == [0.0, 0.25, 0.5, 0.75, 1.0]
    for domain in view.domains:
        for position in (0, 4):
            settings = resolve_scoring(loaded.run, style_weight=method.strengths[position])
            scores = score_domain(loaded.run, domain.name, settings)
            assert method.scores[domain.name][position] == pytest.approx(scores.score, abs=1e-4)
            assert domain.labels == list(scores.label)
            assert domain.names == list(scores.path)


def test_saved_scores_are_shown_and_not_computed_anew(loaded, trained_run, tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.weights.write_bytes(trained_run.weights.read_bytes())
    settings = resolve_scoring(loaded.run, style_weight=0.25)
    scores = score_domain(loaded.run, "digits_m", settings)
    scores.score[:] = np.arange(len(scores.score))
    save_scores(folder, scores, settings)
    (method,) = collect_view([LoadedRun(folder, loaded.run, read_saved_scores(folder))]).methods
    assert method.scores["digits_m"][1] == list(range(len(scores.score)))
    assert method.scores["digits"][1] != method.scores["digits_m"][1]


def test_runs_of_two_classes_share_no_page(loaded):
    other = loaded._replace(run=loaded.run._replace(config=loaded.run.config.model_copy(update={"normal_class": "7"})))
    with pytest.raises(ValueError, match="a page shows runs of one data set and normal class"):
        collect_view([loaded, other])


def test_a_page_is_one_file_without_addresses_outside_it():
    page = build_page(make_view())
    assert not re.findall(r"""(?:src|href)=["'](?!data:)|@import|url\((?!#)""", page)
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page)


class Elements(HTMLParser):
    """The names of all elements and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag, *(name for name, _ in attrs)]


def test_hostile_names_add_no_element():
    parsed = {}
    for name in ("RD4AD", HOSTILE):
        parser = Elements()
        parser.feed(build_page(make_view(name=name, task=name)))
        parsed[name] = parser.found
    assert parsed["RD4AD"] == parsed[HOSTILE]


def test_the_content_is_read_back_from_the_file():
    view = make_view(name=HOSTILE)
    content = re.search(r'<script type="application/json" id="view">(.*?)</script>', build_page(view), re.DOTALL)
    assert content is not None
    read = json.loads(content[1])
    assert read["methods"][0]["name"] == HOSTILE
    assert read["methods"][0]["scores"] == view.methods[0].scores
    assert read["domains"][1]["labels"] == view.domains[1].labels


def read_picture(url: str) -> np.ndarray:
    return np.asarray(PIL.Image.open(io.BytesIO(b64decode(url.partition(",")[2]))).convert("RGB"))


def test_tiles_stand_in_rows_of_one_sprite():
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)]
    sprite = image_sprite([np.full((30, 50, 3), colour, np.uint8) for colour in colours])
    pixels = read_picture(sprite.url)
    assert pixels.shape == (2 * sprite.side_px, 3 * sprite.side_px, 3)
    for index, colour in enumerate(colours):
        row, column = divmod(index, sprite.columns)
        centre = pixels[(row * 2 + 1) * sprite.side_px // 2, (column * 2 + 1) * sprite.side_px // 2]
        assert np.abs(centre.astype(int) - colour).max() <= 12  # WebP loses a little


def test_grey_maps_share_one_scale():
    maps = np.stack([np.full((16, 16), value, np.float32) for value in (0.0, 1.0, 2.0)])
    found = map_sprite(maps)
    assert found.brightest == 2.0
    pixels = read_picture(found.sprite.url)
    assert found.sprite.side_px == MAP_PX
    assert [int(pixels[8, 8 + MAP_PX * column, 0]) for column in (0, 1)] == pytest.approx([0, 128], abs=4)
    assert map_sprite(np.zeros((1, 4, 4), np.float32)).brightest > 0


def test_the_colours_are_those_of_the_app():
    digits = map_colours()
    expected = colour_map(np.linspace(0, 1, 256, dtype=np.float32)[None], upper=1.0)
    assert bytes.fromhex(digits) == expected.tobytes()


def test_the_command_writes_a_page(few_images, trained_run, tmp_path, capsys):
    output = tmp_path / "view.html"
    assert main(["page", str(trained_run.path), "--output", str(output)]) == 0
    assert str(trained_run.path.parent) not in output.read_text()
    assert "Digits: 4 from the rest" in output.read_text(encoding="utf-8")
    assert "it opens in a browser without a server" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["none", "--output", "view.html"], "none"),
        (["{run}", "--output", "none/view.html"], "none"),
        (["{run}", "--domain", "moon", "--output", "view.html"], "unknown domain 'moon'"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(flags, reason, trained_run, tmp_path, monkeypatch, capsys):  # noqa: PLR0913, PLR0917
    monkeypatch.chdir(tmp_path)
    assert main(["page", *(flag.format(run=trained_run.path) for flag in flags)]) == 2
    (*_, line) = capsys.readouterr().err.splitlines()
    assert reason in line
    assert not list(tmp_path.rglob("view.html"))
