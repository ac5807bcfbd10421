"""A page that contains its detector: opened from disk without a network, it scores images as `gnl score` does."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe

from gnl_core.cli import main
from gnl_core.config import RunConfig
from gnl_core.datasets.fitting import fit_image
from gnl_core.datasets.images import read_image
from gnl_core.detectors import complete_config
from gnl_core.page import collect, models
from gnl_core.page.models import PER_DOMAIN
from gnl_core.plots.maps import colour_map
from gnl_core.records import Detection
from gnl_core.runs import scoring
from gnl_core.runs.folder import RunFolder, create_run
from gnl_core.runs.images import list_domain
from gnl_core.runs.scoring import Run, load_run, resolve_scoring
from gnl_core.runs.training import train_run
from tests.browser.conftest import note_troubles
from tests.browser.test_page_file import SERIOUS

pytest.importorskip("onnxscript", reason="onnxscript is not installed; the extra [export] has it")

PAGE = Path(collect.__file__).parent
OLD_PILLOW = int(PIL.__version__.partition(".")[0]) < 13
PARITY = 1e-3  # of scores at α = 0, as docs/export.md promises
PARITY_MATCHED = 1e-2  # relative: docs/export.md


@pytest.fixture(scope="module")
def folder(
    tiny_config: Callable[..., RunConfig], small_teacher: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> RunFolder:
    """A run of GNL whose graph is exported in a few seconds."""
    config = complete_config(tiny_config(**small_teacher))
    folder = create_run(tmp_path_factory.mktemp("runs") / "tiny", config)
    list(train_run(config, folder))
    return folder


@pytest.fixture(scope="module")
def run(folder: RunFolder) -> Run:
    return load_run(folder, device="cpu")


@pytest.fixture(scope="module")
def written(folder: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with its model, of 18 images per domain."""
    file = tmp_path_factory.mktemp("page") / "view.html"
    with pytest.MonkeyPatch.context() as patch:
        for module in (collect, models, scoring):
            patch.setattr(module, "list_domain", lambda config, domain: list_domain(config, domain)[::40])
        assert main(["page", str(folder.path), "--with-model", "--output", str(file)]) == 0
    return file


@pytest.fixture(scope="module")
def opened(profile: Any, written: Path) -> Iterator[Any]:
    """The page, opened from disk, with its first score; after all tests there has been no error and no request."""
    page = profile.new_page()
    note_troubles(page)
    page.context.set_offline(True)
    page.goto(written.as_uri())
    page.locator("#live").scroll_into_view_if_needed()
    page.locator(".score").wait_for()
    yield page
    page.context.set_offline(False)
    page.close()
    own = (f"external: {written.as_uri()}", "external: blob:")
    assert [trouble for trouble in page.troubles if not trouble.startswith(own)] == []


def detect_here(run: Run, image: np.ndarray, *, style_weight: float = 0.0) -> Detection:
    """Python's score and map of an image of any size."""
    pixels = fit_image(image, run.config.image_size).pixels[None].float() / 255
    with torch.no_grad():
        detection: Detection = run.detector(pixels, resolve_scoring(run, style_weight=style_weight))
    return detection


def score_there(page: Any, caption: str) -> float:
    """The page's score, once the image with this caption is shown."""
    page.locator(".image-caption", has_text=caption).wait_for()
    return float(page.locator(".score").get_attribute("value"))


def choose(page: Any, run: Run, *, domain: str = "digits", number: int = 0) -> tuple[str, np.ndarray]:
    """Choose one of the file's images by the keyboard; return its name and its pixels."""
    page.locator(".domain-select").select_option(index=["digits", "digits_m"].index(domain))
    page.locator(f'.choices button[title^="{domain}/"]').first.wait_for()
    button = page.locator(".choices button").nth(number)
    button.press("Enter")
    path = button.get_attribute("title")
    page.locator(".image-caption", has_text=path).wait_for()
    (image,) = (item.read() for item in list_domain(run.config, domain) if item.path == path)
    return path, image


TALL = pytest.param((33, 200), marks=pytest.mark.skipif(OLD_PILLOW, reason="resizes tall images in another order"))


@pytest.mark.parametrize("size", [(32, 32), (9, 7), (150, 100), TALL, (64, 31)])
def test_images_are_resized_as_pillow_does_to_the_bit(size, page):
    width, height = size
    image = np.random.default_rng(0).integers(256, size=(height, width, 4)).astype(np.uint8)
    image[..., 3] = 255
    call = "([width, height, data]) => { %s; return [...resizeImage({ width, height, data }, 32, 31).data]; }"
    source = (PAGE / "resize.js").read_text(encoding="utf-8")
    found = page.evaluate(call % source, [width, height, image.flatten().tolist()])
    expected = PIL.Image.fromarray(image[..., :3]).resize((32, 31), PIL.Image.Resampling.BILINEAR)
    assert np.array_equal(np.reshape(found, (31, 32, 4))[..., :3], np.asarray(expected))


@pytest.mark.parametrize("domain", ["digits", "digits_m"])
def test_images_of_the_file_have_the_scores_of_python(domain, opened, run):
    for number in range(PER_DOMAIN):
        path, image = choose(opened, run, domain=domain, number=number)
        expected = float(detect_here(run, image).score)
        assert score_there(opened, path) == pytest.approx(expected, abs=PARITY)


def test_the_strength_of_matching_acts_at_once(opened, run):
    path, image = choose(opened, run)
    plain = score_there(opened, path)
    opened.locator("#live .strength").fill("4")
    opened.get_by_text("at α = 1, chosen on normal training images").wait_for()
    matched = score_there(opened, path)
    assert matched == pytest.approx(float(detect_here(run, image, style_weight=1.0).score), rel=PARITY_MATCHED)
    assert abs(matched - plain) > PARITY
    opened.locator("#explorer > .controls .strength").fill("2")
    opened.get_by_text("at α = 0.5, chosen on normal training images").wait_for()
    opened.locator("#explorer > .controls .strength").fill("0")
    opened.get_by_text("at α = 0, chosen on normal training images").wait_for()
    assert score_there(opened, path) == plain


def read_canvas(page: Any, selector: str) -> np.ndarray:
    """The colours of a canvas, uint8, shape (H, W, 3)."""
    width, height, data = page.locator(selector).evaluate(
        """(canvas) => {
            const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return [pixels.width, pixels.height, [...pixels.data]];
        }"""
    )
    return np.reshape(data, (height, width, 4))[..., :3].astype(np.uint8)


def test_what_is_painted_is_scored(opened, run):
    path, image = choose(opened, run)
    plain = score_there(opened, path)
    opened.locator("#live .easel canvas").press("Space")
    opened.wait_for_function(f"Number(document.querySelector('#live .score').value) !== {plain}")
    painted = read_canvas(opened, "#live .easel canvas")
    assert not np.array_equal(painted, image)
    assert score_there(opened, path) == pytest.approx(float(detect_here(run, painted).score), abs=PARITY)
    opened.locator("#live .undo").click()
    opened.wait_for_function(f"Number(document.querySelector('#live .score').value) === {plain}")


def test_the_map_has_the_colours_of_python(opened, run):
    _, image = choose(opened, run)
    expected = detect_here(run, image).anomaly_map[0, 0].numpy()
    upper = float(opened.locator("#live .upper").inner_text().split(",")[0])
    shown = read_canvas(opened, "#live .map").astype(int)
    assert np.abs(shown - colour_map(expected, upper=upper)).max() <= 12  # the scale is shown with two decimals


def drop(page: Any, name: str, content: bytes, kind: str) -> None:
    """Drop a file on the page, as a visitor does with a mouse."""
    page.evaluate(
        """([name, bytes, type]) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], name, { type }));
            const settings = { dataTransfer: files, bubbles: true, cancelable: true };
            document.body.dispatchEvent(new DragEvent("drop", settings));
        }""",
        [name, list(content), kind],
    )


def make_image(*, mode: str = "RGB", size: tuple[int, int] = (150, 120)) -> PIL.Image.Image:
    """A smooth picture of three waves, which JPEG keeps well."""
    across, down = np.meshgrid(np.linspace(0, 9, size[0]), np.linspace(0, 5, size[1]))
    waves = [np.sin(across), np.cos(down), np.sin(across + down), np.cos(across - down)]
    return PIL.Image.fromarray((127 + 127 * np.stack(waves[: len(mode)], -1)).astype(np.uint8), mode)


@pytest.mark.parametrize(("name", "mode"), [("a.png", "RGB"), ("b.jpg", "RGB"), ("c.png", "RGBA"), ("d.webp", "RGB")])
def test_a_dropped_image_has_the_score_of_python(name, mode, opened, run, tmp_path):
    file = tmp_path / name
    make_image(mode=mode).save(file, exif=turned_right() if name == "b.jpg" else b"")
    drop(opened, name, file.read_bytes(), "image/png")
    expected = float(detect_here(run, read_image(file)).score)
    assert score_there(opened, name) == pytest.approx(expected, abs=PARITY)


def turned_right() -> bytes:
    """EXIF data that says that the camera was held upright."""
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def test_a_file_that_is_no_image_is_refused_in_a_sentence(opened):
    name = "<img src=x onerror=alert(1)>.png"
    drop(opened, name, b"no image", "image/png")
    opened.get_by_text(f"{name} is not an image that this browser reads; choose a PNG, JPEG or WebP file.").wait_for()
    large = io.BytesIO()
    PIL.Image.new("1", (8000, 7000)).save(large, "PNG")
    opened.locator("#live .file").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": large.getvalue()}
    )
    opened.get_by_text("a.png is larger than 50 megapixels; make it smaller.").wait_for()


@pytest.mark.parametrize(("theme", "width_px"), [("light", 1280), ("dark", 390)])
def test_it_is_accessible_and_fits_into_the_window(theme, width_px, opened):
    if opened.evaluate("document.documentElement.dataset.theme") != theme:
        opened.locator("#theme").click()
    opened.set_viewport_size({"width": width_px, "height": 900})
    if not opened.locator(".licences[open]").count():
        opened.get_by_text("its licences").click()
    opened.get_by_text("Permission is hereby granted, free of charge").first.wait_for()
    results = Axe().run(opened).response
    assert [problem["id"] for problem in results["violations"] if problem["impact"] in SERIOUS] == []
    assert opened.evaluate("document.documentElement.scrollWidth") <= width_px
