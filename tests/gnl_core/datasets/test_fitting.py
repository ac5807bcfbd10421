from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from gnl_core.datasets.base import Item
from gnl_core.datasets.fitting import BORDER, Placement, content_of, fit_image, fit_mask, place_image
from gnl_core.datasets.loading import Batches

DOCS = Path(__file__).resolve().parents[3] / "docs" / "input.md"


def noise(height: int, width: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((50, 100), Placement((64, 64), (0, 0, 100, 50), (0, 16, 64, 48))),
        ((100, 50), Placement((64, 64), (0, 0, 50, 100), (16, 0, 48, 64))),
        ((32, 32), Placement((64, 64), (0, 0, 32, 32), (0, 0, 64, 64))),
        ((1, 1000), Placement((64, 64), (0, 0, 1000, 1), (0, 31, 64, 32))),
    ],
)
def test_a_letterboxed_image_lies_in_the_middle_with_its_aspect_ratio(shape: tuple[int, int], expected: Placement):
    assert place_image(shape, (64, 64), "letterbox") == expected


@pytest.mark.parametrize(
    ("shape", "size", "window"),
    [
        ((50, 100), (64, 64), (25, 0, 75, 50)),
        ((100, 50), (64, 64), (0, 25, 50, 75)),
        ((100, 100), (32, 64), (0, 25, 100, 75)),
        ((48, 64), (48, 64), (0, 0, 64, 48)),
    ],
)
def test_a_crop_shows_the_largest_window_of_the_inputs_aspect_ratio_around_the_centre(
    shape: tuple[int, int], size: tuple[int, int], window: tuple[float, ...]
):
    placement = place_image(shape, size, "crop")
    assert placement.window == pytest.approx(window)
    assert not placement.has_border


@pytest.mark.parametrize("resize", ["letterbox", "crop"])
def test_a_window_never_leaves_the_image(resize: str):
    for rows, columns in np.random.default_rng(0).integers(1, 3000, (300, 2)).tolist():
        left, top, right, bottom = place_image((rows, columns), (97, 131), resize).window
        assert 0 <= left < right <= columns
        assert 0 <= top < bottom <= rows


def test_a_letterboxed_image_is_resized_as_one_of_its_shape_and_framed_in_one_colour():
    image = noise(50, 100)
    pixels, _ = fit_image(image, (64, 64), "letterbox")
    assert torch.equal(pixels[:, 16:48], fit_image(image, (32, 64)).pixels)
    border = torch.cat([pixels[:, :16], pixels[:, 48:]], dim=1)
    assert (border == torch.tensor(BORDER, dtype=torch.uint8).view(3, 1, 1)).all()


def test_a_crop_is_the_centre_of_the_resized_image():
    image = noise(50, 100)
    resized = PIL.Image.fromarray(image).resize((128, 64), PIL.Image.Resampling.BILINEAR)
    expected = resized.crop((32, 0, 96, 64))
    assert np.array_equal(fit_image(image, (64, 64), "crop").pixels.permute(1, 2, 0).numpy(), np.array(expected))


@pytest.mark.parametrize("resize", ["stretch", "letterbox", "crop"])
@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (64, 64)])
def test_a_mask_lies_where_its_object_does(resize: str, shape: tuple[int, int]):
    rows, columns = shape
    mask = np.zeros(shape, dtype=bool)
    mask[rows // 4 : 3 * rows // 4, columns // 4 : 3 * columns // 4] = True
    image = np.repeat(255 * mask[..., None], 3, axis=2).astype(np.uint8)
    shown = fit_image(image, (64, 64), resize).pixels[0].float() / 255
    fitted = fit_mask(mask, (64, 64), resize)[0]
    inside = place_image(shape, (64, 64), resize).place
    left, top, right, bottom = inside
    assert (fitted - shown)[top:bottom, left:right].abs().mean() < 0.03
    assert fitted.sum() == fitted[top:bottom, left:right].sum()


def test_another_way_to_resize_is_refused():
    with pytest.raises(ValueError, match="unknown way to resize 'zoom'; choose one of: stretch, letterbox, crop"):
        place_image((10, 10), (64, 64), "zoom")


def items_of(*shapes: tuple[int, int]) -> list[Item]:
    return [
        Item(f"{index}", lambda shape=shape: noise(*shape), label=0, domain="noise", category="")
        for index, shape in enumerate(shapes)
    ]


def test_a_batch_of_several_aspect_ratios_marks_what_is_image():
    (batch,) = Batches(items_of((50, 100), (100, 50), (70, 70)), image_size=(64, 64), resize="letterbox", batch_size=3)
    assert batch.content.shape == (3, 1, 64, 64)
    assert batch.content.sum(dim=(1, 2, 3)).tolist() == [32 * 64, 64 * 32, 64 * 64]
    assert batch.content[0, 0, 16:48].all()
    assert batch.content[1, 0, :, 16:48].all()


@pytest.mark.parametrize("resize", ["stretch", "crop"])
def test_without_a_border_nothing_is_marked(resize: str):
    (batch,) = Batches(items_of((50, 100), (100, 50)), image_size=(64, 64), resize=resize, batch_size=2)
    assert batch.content is None


def test_images_of_the_inputs_aspect_ratio_have_no_border():
    (batch,) = Batches(items_of((50, 50), (128, 128)), image_size=(64, 64), resize="letterbox", batch_size=2)
    assert batch.content is None


@pytest.mark.parametrize("shape", [(50, 100), (100, 50), (321, 481), (64, 64)])
def test_the_lines_in_the_documentation_letterbox_an_image_as_we_do(shape: tuple[int, int]):
    text = DOCS.read_text(encoding="utf-8")
    lines = textwrap.dedent(text.split("```python\n")[1].split("```")[0])
    names = {"Image": PIL.Image, "np": np, "image": PIL.Image.fromarray(noise(*shape)), "height": 64, "width": 96}
    exec(lines, names)
    fitted = fit_image(noise(*shape), (64, 96), "letterbox")
    assert np.array_equal(np.array(names["whole"]), fitted.pixels.permute(1, 2, 0).numpy())
    content = content_of([fitted.placement])
    assert names["content"].sum() == (64 * 96 if content is None else content.sum())
