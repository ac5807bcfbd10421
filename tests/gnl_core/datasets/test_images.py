from __future__ import annotations

import os
import struct
import tracemalloc
import warnings
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import scipy.ndimage

from gnl_core.datasets.images import image_size, read_image, read_mask, read_mask_of

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
NOT_REGULAR = r"a\.png is a (folder|named pipe|device), where a file is expected; restore the file, or remove this$"


def saved(picture: PIL.Image.Image, path: Path, **options: object) -> Path:
    picture.save(path, **options)
    return path


def png_header(path: Path, *, width: int, height: int) -> Path:
    """A PNG with a large size in its header and nearly no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    encoded = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(encoded))
    return path


def test_rgb_is_read_unchanged(tmp_path: Path):
    image = np.random.default_rng(0).integers(256, size=(5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(read_image(saved(PIL.Image.fromarray(image), tmp_path / "a.png")), image)


@pytest.mark.parametrize("ending", ["png", "jpg", "jpeg", "bmp", "tif", "tiff", "webp", "PNG", "JPG"])
def test_every_format_and_any_case_of_its_ending_can_be_read(tmp_path: Path, ending: str):
    image = read_image(saved(PIL.Image.new("RGB", (16, 8), (200, 100, 50)), tmp_path / f"a.{ending}"))
    assert image.shape == (8, 16, 3)
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image[4, 8], (200, 100, 50), atol=4)


def test_the_format_is_determined_by_the_content_not_the_ending(tmp_path: Path):
    PIL.Image.new("RGB", (2, 2), RED).save(tmp_path / "a.jpg", format="PNG")
    assert tuple(read_image(tmp_path / "a.jpg")[0, 0]) == RED


def test_grey_has_three_equal_channels(tmp_path: Path):
    image = read_image(saved(PIL.Image.new("L", (3, 2), 77), tmp_path / "a.png"))
    assert image.shape == (2, 3, 3)
    assert (image == 77).all()


def test_black_and_white_is_0_and_255(tmp_path: Path):
    image = read_image(saved(PIL.Image.fromarray(np.array([[False, True]])), tmp_path / "a.png"))
    assert image[0, :, 0].tolist() == [0, 255]


def test_a_palette_is_looked_up(tmp_path: Path):
    picture = PIL.Image.new("P", (2, 1))
    picture.putpalette([*RED, *BLUE])
    picture.putdata([1, 0])
    image = read_image(saved(picture, tmp_path / "a.png"))
    assert [tuple(pixel) for pixel in image[0]] == [BLUE, RED]


def test_a_transparent_palette_colour_becomes_white(tmp_path: Path):
    picture = PIL.Image.new("P", (2, 1))
    picture.putpalette([*RED, *BLUE])
    picture.putdata([1, 0])
    image = read_image(saved(picture, tmp_path / "a.png", transparency=0))
    assert [tuple(pixel) for pixel in image[0]] == [BLUE, (255, 255, 255)]


def test_transparent_pixels_become_white_regardless_of_their_colour(tmp_path: Path):
    picture = PIL.Image.new("RGBA", (3, 1))
    picture.putdata([(*RED, 255), (*RED, 0), (0, 0, 0, 51)])  # 51 / 255: a fifth of black
    image = read_image(saved(picture, tmp_path / "a.png"))
    assert [tuple(pixel) for pixel in image[0]] == [RED, (255, 255, 255), (204, 204, 204)]


def test_transparent_grey_is_laid_on_white(tmp_path: Path):
    picture = PIL.Image.new("LA", (2, 1))
    picture.putdata([(10, 255), (10, 0)])
    assert read_image(saved(picture, tmp_path / "a.png"))[0, :, 0].tolist() == [10, 255]


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bits_are_divided_by_257_not_clipped(tmp_path: Path, ending: str):
    values = np.array([[0, 257, 257 * 100, 257 * 100 + 128, 257 * 100 + 129, 65535]], np.uint16)
    image = read_image(saved(PIL.Image.fromarray(values), tmp_path / f"a.{ending}"))
    assert image[0, :, 0].tolist() == [0, 1, 100, 100, 101, 255]
    assert image.shape == (1, 6, 3)


def test_sixteen_bits_with_the_larger_byte_first_are_the_same(tmp_path: Path):
    picture = PIL.Image.frombytes("I;16B", (1, 1), struct.pack(">H", 257 * 9))
    assert read_image(saved(picture, tmp_path / "a.tif")).ravel().tolist() == [9, 9, 9]


@pytest.mark.parametrize(("kind", "words"), [(np.float32, "floating-point"), (np.int32, "32-bit or signed whole")])
def test_numbers_without_a_known_range_are_refused(tmp_path: Path, kind: type, words: str):
    path = saved(PIL.Image.fromarray(np.ones((2, 2), kind)), tmp_path / "a.tif")
    with pytest.raises(
        ValueError, match=rf"a\.tif holds {words} numbers, whose range is unknown; save it as an 8-bit PNG$"
    ):
        read_image(path)


def test_lab_colours_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"a\.tif holds Lab colours; save it as an 8-bit PNG"):
        read_image(saved(PIL.Image.new("LAB", (2, 2)), tmp_path / "a.tif"))


@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_cmyk_becomes_rgb(tmp_path: Path, ending: str):
    picture = PIL.Image.new("CMYK", (8, 8), (0, 255, 255, 0))  # magenta and yellow: red
    np.testing.assert_allclose(read_image(saved(picture, tmp_path / f"a.{ending}"))[0, 0], RED, atol=4)


def rotated(path: Path, orientation: int) -> Path:
    """Two pixels wide, one high, red then blue, with an EXIF orientation."""
    picture = PIL.Image.new("RGB", (2, 1), RED)
    picture.putpixel((1, 0), BLUE)
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    return saved(picture, path, exif=exif)


def test_an_exif_rotation_is_applied(tmp_path: Path):
    image = read_image(rotated(tmp_path / "a.png", 6))  # "turn right": the left side comes up
    assert image.shape == (2, 1, 3)
    assert [tuple(pixel) for pixel in image[:, 0]] == [RED, BLUE]
    upside_down = read_image(rotated(tmp_path / "b.png", 3))
    assert [tuple(pixel) for pixel in upside_down[0]] == [BLUE, RED]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_upright_image(tmp_path: Path, orientation: int):
    path = rotated(tmp_path / "a.png", orientation)
    assert image_size(path) == read_image(path).shape[:2]


def test_of_several_frames_the_first_is_read(tmp_path: Path):
    frames = [PIL.Image.new("RGB", (2, 2), colour) for colour in (GREEN, RED)]
    path = saved(frames[0], tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    assert tuple(read_image(path)[0, 0]) == GREEN


@pytest.mark.parametrize("name", ["with space.png", 'it\'s "quoted".png', "Käse-図.png", "a{b}%s.png"])
def test_any_file_name_can_be_read_and_is_named_in_errors(tmp_path: Path, name: str):
    assert read_image(saved(PIL.Image.new("RGB", (2, 2)), tmp_path / name)).shape == (2, 2, 3)
    (tmp_path / name).write_bytes(b"no image")
    with pytest.raises(ValueError) as error:
        read_image(tmp_path / name)
    assert name in str(error.value)


@pytest.mark.parametrize("read", [read_image, read_mask, image_size])
class TestUnreadable:
    def test_a_missing_file_is_told(self, tmp_path: Path, read):
        with pytest.raises(ValueError, match=r"no image file at .*a\.png; add it, or leave it out$"):
            read(tmp_path / "a.png")

    @pytest.mark.parametrize("content", [b"", b"text", b"GIF89a", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
    def test_a_file_that_is_not_an_image_is_reported(self, tmp_path: Path, read, content: bytes):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.png is not a PNG, JPEG, BMP, TIFF or WebP image; convert it"):
            read(tmp_path / "a.png")

    def test_a_folder_is_reported(self, tmp_path: Path, read):
        (tmp_path / "a.png").mkdir()
        with pytest.raises(ValueError, match=NOT_REGULAR):
            read(tmp_path / "a.png")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
    @pytest.mark.parametrize("linked", [False, True])
    def test_a_pipe_is_refused_without_opening_it(self, tmp_path: Path, read, linked: bool):
        pipe, path = tmp_path / "pipe", tmp_path / "a.png"
        os.mkfifo(pipe if linked else path)
        if linked:
            path.symlink_to(pipe)
        with pytest.raises(ValueError, match=NOT_REGULAR):
            read(path)

    @pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no such device")
    def test_a_link_to_a_device_is_refused_without_opening_it(self, tmp_path: Path, read):
        (tmp_path / "a.png").symlink_to("/dev/zero")
        with pytest.raises(ValueError, match=NOT_REGULAR):
            read(tmp_path / "a.png")

    @pytest.mark.parametrize("side", [100_000, 9_500, 7_072])
    def test_a_decompression_bomb_is_refused_before_memory_is_allocated(self, tmp_path: Path, read, side: int, recwarn):
        path = png_header(tmp_path / "bomb.png", width=side, height=side)
        tracemalloc.start()
        with pytest.raises(ValueError, match=r"bomb\.png is larger than 50 megapixels; make it smaller"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
        tracemalloc.stop()


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "tif", "webp"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_is_reported_in_one_sentence(tmp_path: Path, ending: str, share: float):
    noise = np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8)
    path = saved(PIL.Image.fromarray(noise), tmp_path / f"cut.{ending}")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError) as error:
        read_image(path)
    assert f"cut.{ending}" in str(error.value)
    assert "\n" not in str(error.value)


def test_damaged_bytes_give_an_image_or_one_sentence(tmp_path: Path):
    path = saved(PIL.Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)), tmp_path / "a.png")
    content = path.read_bytes()
    for position in range(0, len(content), 3):
        path.write_bytes(content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :])
        try:
            assert read_image(path).shape[2] == 3
        except ValueError as error:
            assert str(path) in str(error)


def test_a_mask_of_two_levels_is_anomalous_where_it_is_brighter(tmp_path: Path):
    for dark, bright in ((0, 255), (0, 1), (1, 2), (18, 240), (200, 201)):
        path = saved(PIL.Image.fromarray(np.array([[dark, bright, dark]], np.uint8)), tmp_path / "a.png")
        assert read_mask(path).tolist() == [[False, True, False]]
        assert read_mask(path).dtype == bool


@pytest.mark.parametrize("kind", [bool, np.uint16, np.int32, np.float32])
def test_a_mask_can_hold_any_kind_of_number(tmp_path: Path, kind: type):
    path = saved(PIL.Image.fromarray(np.array([[0, 1], [1, 0]], kind)), tmp_path / "a.tif")
    assert read_mask(path).tolist() == [[False, True], [True, False]]


def test_a_coloured_mask_is_anomalous_where_it_is_not_black(tmp_path: Path):
    picture = PIL.Image.new("P", (3, 1))
    picture.putpalette([*RED, 0, 0, 0, *BLUE])
    picture.putdata([0, 1, 2])
    assert read_mask(saved(picture, tmp_path / "a.png")).tolist() == [[True, False, True]]
    assert read_mask(saved(picture.convert("RGB"), tmp_path / "b.png")).tolist() == [[True, False, True]]


def test_a_mask_is_not_anomalous_where_it_is_transparent(tmp_path: Path):
    picture = PIL.Image.new("RGBA", (3, 1))
    picture.putdata([(*RED, 255), (*RED, 0), (0, 0, 0, 255)])
    assert read_mask(saved(picture, tmp_path / "a.png")).tolist() == [[True, False, False]]


def test_a_mask_of_its_images_size_is_read(tmp_path: Path):
    image = saved(PIL.Image.new("RGB", (4, 2)), tmp_path / "a.png")
    assert read_mask_of(image, saved(PIL.Image.new("L", (4, 2), 9), tmp_path / "m.png")).all()


def test_a_mask_of_another_size_is_refused_with_both_sizes(tmp_path: Path):
    image = saved(PIL.Image.new("RGB", (4, 2)), tmp_path / "a.png")
    mask = saved(PIL.Image.new("L", (2, 4)), tmp_path / "m.png")
    with pytest.raises(ValueError, match=r"the mask .*m\.png has 2x4 pixels, its image .*a\.png has 4x2; make them"):
        read_mask_of(image, mask)


SQUARE = np.zeros((64, 64), np.uint8)
SQUARE[20:30, 13:23] = 255  # 100 pixels that cut across JPEG's blocks


def regions(mask: np.ndarray) -> int:
    return int(scipy.ndimage.label(mask)[1])


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("ending", ["jpg", "JPEG", "png"])
def test_a_mask_that_was_a_jpeg_marks_what_was_drawn(tmp_path: Path, quality: int, ending: str):
    path = saved(PIL.Image.fromarray(SQUARE), tmp_path / "a.jpg", quality=quality)
    path = saved(PIL.Image.open(path), tmp_path / f"b.{ending}")
    assert (np.asarray(PIL.Image.open(path)) != 0).sum() > 150
    with pytest.warns(UserWarning, match=r"more than two grey levels; pixels of at least half"):
        mask = read_mask(path)
    assert mask.sum() == 100
    assert regions(mask) == 1


def test_a_mask_with_smooth_edges_is_cut_at_half_its_maximum(tmp_path: Path):
    levels = np.array([[0, 40, 99, 100, 160, 200]], np.uint8)
    with pytest.warns(UserWarning, match="more than two grey levels"):
        assert read_mask(saved(PIL.Image.fromarray(levels), tmp_path / "a.png")).tolist() == [[False] * 3 + [True] * 3]


def test_soft_masks_are_mentioned_once_and_others_never(tmp_path: Path):
    paths = [saved(PIL.Image.fromarray(SQUARE), tmp_path / f"{number}.jpg") for number in range(3)]
    sharp = saved(PIL.Image.fromarray(SQUARE), tmp_path / "a.png")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("default")
        read_mask(sharp)
        assert said == []
        for path in paths:
            read_mask(path)
    assert len(said) == 1


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int32, np.float32])
def test_small_whole_numbers_are_classes_all_but_0_of_which_are_anomalous(tmp_path: Path, kind: type):
    levels = np.array([[0, 1, 2, 5, 31]], kind)
    assert read_mask(saved(PIL.Image.fromarray(levels), tmp_path / "a.tif")).tolist() == [[False] + [True] * 4]


def test_small_fractions_are_not_classes(tmp_path: Path):
    levels = np.array([[0, 0.2, 0.5, 1]], np.float32)
    with pytest.warns(UserWarning, match="more than two grey levels"):
        assert read_mask(saved(PIL.Image.fromarray(levels), tmp_path / "a.tif")).tolist() == [[False] * 2 + [True] * 2]


def test_sixteen_bits_are_cut_at_half_their_maximum(tmp_path: Path):
    levels = np.array([[0, 300, 32000, 33000, 65535]], np.uint16)
    with pytest.warns(UserWarning, match="more than two grey levels"):
        assert read_mask(saved(PIL.Image.fromarray(levels), tmp_path / "a.png")).tolist() == [[False] * 3 + [True] * 2]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_a_black_mask_is_empty_and_a_white_one_is_full_in_every_mode(tmp_path: Path, mode: str):
    for level, share in ((0, 0), (255, 1)):
        picture = PIL.Image.new("L", (3, 2), level).convert(mode)
        assert read_mask(saved(picture, tmp_path / "a.png")).mean() == share


def test_every_colour_of_a_palette_but_black_is_a_class(tmp_path: Path):
    picture = PIL.Image.new("P", (4, 1))
    picture.putpalette([0, 0, 0, 192, 0, 0, 64, 0, 0, 0, 0, 128])  # two of them below half of the brightest
    picture.putdata([0, 1, 2, 3])
    assert read_mask(saved(picture, tmp_path / "a.png")).tolist() == [[False, True, True, True]]


def test_a_grey_palette_is_read_as_grey(tmp_path: Path):
    picture = PIL.Image.new("P", (4, 1))
    picture.putpalette([value for level in (0, 9, 250, 255) for value in (level, level, level)])
    picture.putdata([0, 1, 2, 3])
    with pytest.warns(UserWarning, match="more than two grey levels"):
        assert read_mask(saved(picture, tmp_path / "a.png")).tolist() == [[False, False, True, True]]


def test_a_mask_with_a_soft_transparent_edge_is_cut_at_half(tmp_path: Path):
    picture = PIL.Image.new("RGBA", (4, 1))
    picture.putdata([(255, 255, 255, opacity) for opacity in (0, 100, 150, 255)])
    with pytest.warns(UserWarning, match="more than two grey levels"):
        assert read_mask(saved(picture, tmp_path / "a.png")).tolist() == [[False, False, True, True]]
