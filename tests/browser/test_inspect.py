"""Inspect in a real browser."""

from itertools import product
from pathlib import Path

import numpy as np
import PIL.Image

from app.strokes import Stroke, covered_pixels, draw_stroke
from tests.browser.conftest import FIRST_VISIT_MS, settle

PAGE_FILES = Path(__file__).parents[2] / "gnl_core" / "page"


def test_a_link_in_the_gallery_opens_its_image_and_a_reload_restores_it(page, address):
    page.goto(f"{address}/?strength=0.5")
    tiles = page.locator(".st-key-gallery img")
    tiles.nth(15).wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    told = page.locator(".st-key-gallery li").first.inner_text()
    link = page.locator(".st-key-gallery").get_by_role("link", name="Inspect").first
    wanted = link.get_attribute("href")
    link.click()
    page.get_by_text("Nearest training images").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert "/inspect?" in page.url
    number = page.url.split("image=")[1].split("&")[0]
    assert f"image={number}" in wanted
    page.get_by_text(f"Image {number} of 719").wait_for(timeout=FIRST_VISIT_MS)
    page.get_by_text("GNL + FDM 0.5", exact=True).wait_for(timeout=FIRST_VISIT_MS)
    assert told.split(",")[0] in page.locator(".stMarkdown").filter(has_text="shifted: blended").first.inner_text()
    assert page.get_by_role("button", name="‹").is_enabled()
    assert page.troubles == []
    page.get_by_role("link", name="Link to this view").click()
    page.wait_for_url("**strength=0.5**", timeout=FIRST_VISIT_MS)
    page.reload()
    page.get_by_text(f"Image {number} of 719").wait_for(timeout=FIRST_VISIT_MS)
    page.get_by_text("GNL + FDM 0.5", exact=True).wait_for(timeout=FIRST_VISIT_MS)


def test_points_selected_on_embeddings_fill_a_gallery_whose_images_open_here(page, address):
    page.goto(address)
    page.get_by_role("link", name="Embeddings").click(timeout=FIRST_VISIT_MS)
    page.locator(".st-key-gallery li").nth(15).wait_for(timeout=FIRST_VISIT_MS)
    page.get_by_text("draw a box or a lasso").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    panel = page.locator(".st-key-plane_0 .nsewdrag").first.bounding_box()
    page.mouse.move(panel["x"] + 0.7 * panel["width"], panel["y"] + 0.1 * panel["height"])
    page.mouse.down()
    page.mouse.move(panel["x"] + 0.95 * panel["width"], panel["y"] + 0.9 * panel["height"], steps=5)
    page.mouse.up()
    shown = page.get_by_text("images, selected in the panels")
    shown.wait_for(timeout=FIRST_VISIT_MS)
    assert 0 < int(shown.inner_text().split()[0]) < 128
    settle(page)
    link = page.locator(".st-key-gallery").get_by_role("link", name="Inspect").first
    number = link.get_attribute("href").split("image=")[1].split("&")[0]
    link.click()
    page.get_by_text(f"Image {number} of 719").wait_for(timeout=FIRST_VISIT_MS)
    assert page.troubles == []


def test_a_pixel_is_chosen_by_the_arrow_keys_and_by_a_click(page, address):
    page.goto(f"{address}/inspect?methods=RD4AD&row=20&column=30")
    page.get_by_text("One pixel, step by step").click(timeout=FIRST_VISIT_MS)
    chart = page.locator("svg[data-part=map]")
    chart.wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    chart.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowLeft")
    page.get_by_text("row 21, column 22: ").wait_for(timeout=FIRST_VISIT_MS)
    page.wait_for_url("**row=21&column=22**", timeout=FIRST_VISIT_MS)
    settle(page)
    box = chart.bounding_box()
    chart.click(position={"x": box["width"] - 2, "y": 2})
    page.wait_for_url("**row=1&column=64**", timeout=FIRST_VISIT_MS)


def test_an_uploaded_image_is_inspected(page, address, tmp_path):
    file = tmp_path / "mine.png"
    pixels = np.random.default_rng(0).integers(0, 256, size=(40, 40, 3), dtype=np.uint8)
    PIL.Image.fromarray(pixels).save(file)
    page.goto(f"{address}/?methods=RD4AD")
    page.locator(".st-key-gallery li").nth(15).wait_for(timeout=FIRST_VISIT_MS)
    page.get_by_role("link", name="Inspect", exact=True).first.click()
    page.get_by_text("Your image", exact=True).click(timeout=FIRST_VISIT_MS)
    page.locator("input[type=file]").wait_for(state="attached", timeout=FIRST_VISIT_MS)
    settle(page)
    before = page.get_by_alt_text("Anomaly map of RD4AD, score").get_attribute("alt")
    drop(page.get_by_test_id("stFileUploaderDropzone"), file)
    page.get_by_alt_text("Your image, mine.png").wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert page.get_by_alt_text("Anomaly map of RD4AD, score").get_attribute("alt") != before
    assert page.troubles == []


def drop(place, file):
    """Drop a file on an element, as if dragged with the mouse."""
    carried = place.page.evaluate_handle(
        """([bytes, name]) => {
            const carried = new DataTransfer();
            carried.items.add(new File([new Uint8Array(bytes)], name, { type: 'image/png' }));
            return carried;
        }""",
        [list(file.read_bytes()), file.name],
    )
    for event in ("dragenter", "dragover", "drop"):
        place.dispatch_event(event, {"dataTransfer": carried})


STROKES = """({ width, height, bytes, originalBytes, strokes }) => strokes.map(({ from, to, ...given }) => {
    const [picture, original] = [bytes, originalBytes].map(
        (data) => ({ width, height, data: Uint8ClampedArray.from(data) })
    );
    const stroke = startStroke(picture, { original, ...given });
    stroke.extend(from, to);
    stroke.extend(to, from); // passing again changes nothing
    return [...picture.data];
})"""
TOOLS = ("brush", "erase", "clone", "blur", "darken")
WAYS = [((4, 5), (4, 5)), ((1, 2), (9, 6)), ((0, 0), (0, 9)), ((11, 3), (2, 3))]
COLOUR, OFFSET = (1, 2, 3), (2, -1)


def stroke_in_browser(page, image, original, strokes) -> list[np.ndarray]:
    """What each stroke alone makes of an image, in an empty page with the pixel operations."""
    page.goto("about:blank")
    page.add_script_tag(content=(PAGE_FILES / "strokes.js").read_text(encoding="utf-8"))
    height, width, _ = image.shape
    opaque = [np.dstack([part, np.full((height, width), 255)]).flatten().tolist() for part in (image, original)]
    bytes_of = dict(zip(("bytes", "originalBytes"), opaque, strict=True))
    found = page.evaluate(STROKES, {"width": width, "height": height, "strokes": strokes, **bytes_of})
    return [np.array(part).reshape(height, width, 4)[..., :3] for part in found]


def stroke_by_hand(image, original, tool) -> np.ndarray:
    """What a stroke of up to four pixels makes of each pixel that it covers."""
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)))
    near = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1)).sum(axis=(3, 4))
    count = np.lib.stride_tricks.sliding_window_view(np.pad(np.ones(image.shape[:2]), 1), (3, 3)).sum(axis=(2, 3))
    moved = image.copy()
    moved[1:, :-2] = image[:-1, 2:]  # from two columns to the right and one row above; at the edge, nothing changes
    return {
        "brush": np.broadcast_to(COLOUR, image.shape),
        "erase": original,
        "clone": moved,
        "blur": np.floor(near / count[..., None] + 0.5),
        "darken": np.floor(0.6 * image + 0.5),
    }[tool]


def test_strokes_change_the_same_pixels_in_the_browser_as_on_the_server(page):
    image, original = np.random.default_rng(0).integers(256, size=(2, 10, 12, 3))
    cases = list(product(TOOLS, (1, 2, 3, 4), WAYS))
    strokes = [
        {"tool": tool, "size": size, "from": start, "to": end, "colour": COLOUR, "offset": OFFSET}
        for tool, size, (start, end) in cases
    ]
    made = stroke_in_browser(page, image, original, strokes)
    for (tool, size, (start, end)), found in zip(cases, made, strict=True):
        covered = covered_pixels(image, start, end, size=size)
        expected = np.where(covered[..., None], stroke_by_hand(image, original, tool), image)
        assert np.array_equal(found, expected), (tool, size, start, end)


def test_a_visitor_paints_by_keyboard_and_pointer_and_takes_the_image_away(page, address):
    page.goto(f"{address}/?data=Digits")
    page.get_by_role("link", name="Inspect", exact=True).first.click(timeout=FIRST_VISIT_MS)
    page.get_by_text("Nearest training images").wait_for(timeout=FIRST_VISIT_MS)
    page.get_by_text("Paint a defect").click()
    canvas = page.get_by_role("application", name="Image to paint on")
    canvas.wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    original = read_canvas(canvas)
    canvas.press("ArrowRight")
    canvas.press("Space")
    painted = page.get_by_text("Image 1 of 719, painted", exact=True)
    painted.wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the painted image").click()
    taken = np.asarray(PIL.Image.open(download.value.path()))
    dot = Stroke(shape="dot", column=15, row=14, colour="#d55e00", width=1)
    assert np.array_equal(taken, draw_stroke(original, dot, size=2))
    assert np.array_equal(taken, read_canvas(canvas))
    canvas.press("Control+z")
    painted.wait_for(state="detached", timeout=FIRST_VISIT_MS)
    settle(page)
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.5 * box["height"], steps=5)
    page.mouse.up()
    painted.wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert (read_canvas(canvas) != original).any(axis=2).sum() > 20
    page.get_by_role("button", name="Smallest that raises an alarm here").click()
    page.get_by_text("Smallest dot that raises an alarm", exact=True).wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    page.get_by_role("button", name="›").click()  # another image: the painting is dropped
    page.get_by_text("Image 2 of 719", exact=True).wait_for(timeout=FIRST_VISIT_MS)
    settle(page)
    assert painted.count() == 0
    assert "paint=true" in page.url
    assert page.troubles == []


def read_canvas(canvas) -> np.ndarray:
    """The pixels of the painter's canvas."""
    width, height, data = canvas.evaluate(
        """canvas => [canvas.width, canvas.height,
            [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]]"""
    )
    return np.array(data, dtype=np.uint8).reshape(height, width, 4)[..., :3]
