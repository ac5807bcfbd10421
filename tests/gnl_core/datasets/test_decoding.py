from __future__ import annotations

import struct
import tracemalloc
from itertools import product, takewhile
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from gnl_core.datasets.decoding import UNUSABLE, to_rgb
from gnl_core.datasets.headers import MISREAD
from gnl_core.datasets.images import image_size, read_image, read_mask, read_mask_of
from tests.gnl_core.datasets.writing import (
    COLOURS,
    COMPRESSION,
    DEFLATE,
    EXTRA,
    FORMAT,
    PLANES,
    SEPARATE,
    SUBSAMPLING,
    bmp_file,
    png_file,
    tiff_file,
)

DOCS = Path(__file__).parents[3] / "docs" / "datasets.md"
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
Fields = dict[int, tuple[int, ...]]
ZIPPED = {COMPRESSION: (DEFLATE,)}
SIDES = (5, 7)  # odd, so that rows of few bits are filled up to whole bytes


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def random_samples(bits: int, channels: int | None = None) -> np.ndarray:
    """Samples of all levels, including the smallest and the largest."""
    shape = SIDES if channels is None else (*SIDES, channels)
    samples = np.random.default_rng(bits).integers(2**bits, size=shape)
    samples[0, 0], samples[-1, -1] = 0, 2**bits - 1
    return samples


def in_8_bits(samples: np.ndarray, bits: int) -> np.ndarray:
    """The definition: the least value is black, the largest is 255."""
    return np.round(samples * (255 / (2**bits - 1))).astype(int)


def grey(values: np.ndarray) -> np.ndarray:
    return np.repeat(values[..., None], 3, axis=2)


def on_white(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Colours from 0 to 255 over white; alpha from 0 to 255, shape (H, W)."""
    share = alpha[..., None] / 255
    return colours * share + 255 * (1 - share)


# Another library, over all that Pillow can write, but grey TIFF files with alpha, which OpenCV leaves out

WRITTEN = {
    "png": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I;16B"),
    "tif": ("1", "L", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "I;16", "I;16B"),
    "bmp": ("1", "L", "P", "RGB", "RGBA"),
    "jpg": ("L", "RGB", "CMYK"),
    "webp": ("L", "RGB", "RGBA"),
}
PACKINGS = {"tif": (None, "tiff_lzw", "packbits", "tiff_adobe_deflate")}
OPTIONS = {"jpg": {"quality": 95}, "webp": {"lossless": True, "exact": True}}
CASES = [
    (ending, mode, packing)
    for ending, modes in WRITTEN.items()
    for mode, packing in product(modes, PACKINGS.get(ending, (None,)))
]


@pytest.fixture(scope="module")
def opencv():
    return pytest.importorskip("cv2", exc_type=ImportError)


def in_mode(mode: str) -> PIL.Image.Image:
    """Random squares, in colours and with alpha where the mode has it."""
    samples = np.random.default_rng(0).integers(256, size=(3, 4, 4), dtype=np.uint8)
    picture = PIL.Image.fromarray(np.kron(samples, np.ones((16, 16, 1), np.uint8)), "RGBA")
    if mode.startswith("I;16"):
        levels = np.asarray(picture.convert("RGB")).astype(f"{'>' if mode.endswith('B') else '<'}u2")[..., 0] * 257
        return PIL.Image.frombytes(mode, picture.size, levels.tobytes())
    if mode == "PA":
        return picture.convert("LA").convert("PA")
    return picture.convert("RGB").convert(mode) if mode in ("CMYK", "YCbCr") else picture.convert(mode)


def read_by_opencv(path: Path, opencv) -> np.ndarray:
    """RGB on white by OpenCV, to which TIFF's colours come premultiplied; 16 bits are multiples of 257 here."""
    pixels = opencv.imread(str(path), opencv.IMREAD_UNCHANGED | opencv.IMREAD_IGNORE_ORIENTATION)
    pixels = pixels >> 8 if pixels.dtype == np.uint16 else pixels
    pixels = grey(pixels) if pixels.ndim == 2 else pixels
    if pixels.shape[2] == 3:
        return pixels[..., ::-1]
    colours, alpha = pixels[..., 2::-1], pixels[..., 3]
    return colours + (255.0 - alpha[..., None]) if path.suffix == ".tif" else on_white(colours, alpha)


@pytest.mark.parametrize(("ending", "mode", "packing"), CASES)
def test_all_formats_that_pillow_writes_are_read_like_opencv(tmp_path: Path, opencv, ending, mode, packing):
    path = tmp_path / f"a.{ending}"
    in_mode(mode).save(path, **OPTIONS.get(ending, {}), **({"compression": packing} if packing else {}))
    np.testing.assert_allclose(read_image(path), read_by_opencv(path, opencv), atol=2)


@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_16_bits_as_opencv_writes_them_are_as_declared(tmp_path: Path, opencv, ending: str, channels: int | None):
    samples = random_samples(16, channels).astype(np.uint16)
    assert opencv.imwrite(str(tmp_path / f"a.{ending}"), samples)
    image = read_image(tmp_path / f"a.{ending}")
    expected = grey(in_8_bits(samples, 16)) if channels is None else samples[..., ::-1] >> 8
    np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"tile": (16, 16)}, {"rowsperstrip": 5}])
@pytest.mark.parametrize(("kind", "bits"), [(np.uint8, 8), (np.uint16, 16)])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_grey_as_tifffile_writes_it_is_as_declared(tmp_path: Path, photometric, kind, bits, options):
    tifffile = pytest.importorskip("tifffile")
    samples = np.random.default_rng(0).integers(2**bits, size=(37, 21)).astype(kind)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric=photometric, **options)
    levels = in_8_bits(samples, bits)
    expected = 255 - levels if photometric == "miniswhite" else levels
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), grey(expected))


@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize(("kind", "packing"), [(np.uint8, None), (np.uint8, "zlib"), (np.uint16, "zlib")])
def test_planes_as_tifffile_writes_them_are_put_together(tmp_path: Path, kind, packing, tile):
    tifffile = pytest.importorskip("tifffile")
    planes = np.random.default_rng(0).integers(np.iinfo(kind).max + 1, size=(3, 37, 21)).astype(kind)
    options = {"photometric": "rgb", "planarconfig": "separate", "compression": packing, "tile": tile}
    tifffile.imwrite(tmp_path / "a.tif", planes, **options)
    expected = planes.transpose(1, 2, 0) >> (8 * planes.itemsize - 8)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), expected)


# What Pillow does not write, against the formats' definitions


@pytest.mark.parametrize("fields", [{}, ZIPPED])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12, 16])
def test_grey_tiffs_of_every_depth_reach_from_black_to_white(tmp_path: Path, bits, photometric, order, fields):
    samples = random_samples(bits)
    path = put(tmp_path / "a.tif", tiff_file(samples, bits=bits, photometric=photometric, order=order, fields=fields))
    if (bits, photometric, order) in [(12, 0, "<"), (12, 0, ">"), (12, 1, ">"), (16, 0, ">")]:
        with pytest.raises(ValueError, match=r"a\.tif holds TIFF pixels whose depth or kind is not supported"):
            read_image(path)
        return
    levels = in_8_bits(samples, bits)
    np.testing.assert_array_equal(read_image(path), grey(levels if photometric else 255 - levels))


def test_every_level_of_12_bits_is_rounded_as_declared(tmp_path: Path):
    samples = np.arange(4096).reshape(64, 64)
    image = read_image(put(tmp_path / "a.tif", tiff_file(samples, bits=12, photometric=BLACK_IS_ZERO)))
    np.testing.assert_array_equal(image, grey(in_8_bits(samples, 12)))


def test_every_level_of_16_bits_is_rounded_as_declared(tmp_path: Path):
    samples = np.arange(2**16).reshape(256, 256)
    image = read_image(put(tmp_path / "a.tif", tiff_file(samples, bits=16, photometric=WHITE_IS_ZERO)))
    np.testing.assert_array_equal(image, grey(in_8_bits(65535 - samples, 16)))


@pytest.mark.parametrize("fields", [{}, ZIPPED])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_tiffs_are_looked_up_at_every_depth(tmp_path: Path, bits, fields):
    colours = np.random.default_rng(1).integers(256, size=(2**bits, 3))
    fields = fields | {COLOURS: tuple((colours.T * 257).ravel())}
    indices = random_samples(bits)
    image = read_image(put(tmp_path / "a.tif", tiff_file(indices, bits=bits, photometric=PALETTE, fields=fields)))
    np.testing.assert_array_equal(image, colours[indices])


@pytest.mark.parametrize("fields", [{}, ZIPPED])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("bits", [8, 16])
class TestColourTiffs:
    """16 bits per channel come as the upper byte."""

    def test_rgb(self, tmp_path: Path, bits, order, fields):
        samples = random_samples(bits, 3)
        path = put(tmp_path / "a.tif", tiff_file(samples, bits=bits, photometric=RGB, order=order, fields=fields))
        np.testing.assert_array_equal(read_image(path), samples >> (bits - 8))

    def test_an_extra_channel_that_is_not_alpha_is_left_out(self, tmp_path: Path, bits, order, fields):
        samples = random_samples(bits, 4)
        fields = fields | {EXTRA: (0,)}
        path = put(tmp_path / "a.tif", tiff_file(samples, bits=bits, photometric=RGB, order=order, fields=fields))
        np.testing.assert_array_equal(read_image(path), samples[..., :3] >> (bits - 8))

    def test_alpha_is_laid_on_white(self, tmp_path: Path, bits, order, fields):
        samples = random_samples(bits, 4)
        fields = fields | {EXTRA: (2,)}
        path = put(tmp_path / "a.tif", tiff_file(samples, bits=bits, photometric=RGB, order=order, fields=fields))
        upper = samples >> (bits - 8)
        np.testing.assert_allclose(read_image(path), on_white(upper[..., :3], upper[..., 3]), atol=0.51)

    def test_premultiplied_alpha_is_not_multiplied_again(self, tmp_path: Path, bits, order, fields):
        samples = random_samples(bits, 4)
        samples[..., :3] = samples[..., :3] * samples[..., 3:] // (2**bits - 1)
        fields = fields | {EXTRA: (1,)}
        path = put(tmp_path / "a.tif", tiff_file(samples, bits=bits, photometric=RGB, order=order, fields=fields))
        upper = samples >> (bits - 8)
        np.testing.assert_allclose(read_image(path), upper[..., :3] + 255 - upper[..., 3:], atol=2)

    def test_cmyk(self, tmp_path: Path, bits, order, fields):
        samples = random_samples(bits, 4)
        path = put(tmp_path / "a.tif", tiff_file(samples, bits=bits, photometric=CMYK, order=order, fields=fields))
        upper = samples >> (bits - 8)
        expected = (255 - upper[..., :3]) * (255 - upper[..., 3:]) / 255
        np.testing.assert_allclose(read_image(path), expected, atol=1)


@pytest.mark.parametrize(("extra", "premultiplied"), [(1, True), (2, False)])
def test_grey_tiffs_with_alpha_are_laid_on_white(tmp_path: Path, extra: int, premultiplied: bool):
    samples = random_samples(8, 2)
    if premultiplied:
        samples[..., 0] = samples[..., 0] * samples[..., 1] // 255
    path = put(tmp_path / "a.tif", tiff_file(samples, bits=8, photometric=BLACK_IS_ZERO, fields={EXTRA: (extra,)}))
    levels, alpha = samples[..., 0], samples[..., 1]
    expected = grey(levels + 255 - alpha) if premultiplied else on_white(grey(levels), alpha)
    np.testing.assert_allclose(read_image(path), expected, atol=2)


def test_a_fourth_channel_that_is_not_declared_is_taken_for_alpha(tmp_path: Path):
    samples = random_samples(8, 4)
    path = put(tmp_path / "a.tif", tiff_file(samples, bits=8, photometric=RGB))
    np.testing.assert_allclose(read_image(path), on_white(samples[..., :3], samples[..., 3]), atol=0.51)


def test_ycbcr_without_subsampling_becomes_rgb(tmp_path: Path):
    samples = np.full((*SIDES, 3), (76, 85, 255))  # red, by ITU-R BT.601
    path = put(tmp_path / "a.tif", tiff_file(samples, bits=8, photometric=YCBCR, fields={SUBSAMPLING: (1, 1)}))
    np.testing.assert_allclose(read_image(path)[0, 0], (254, 0, 0), atol=1)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
class TestGreyPngs:
    def test_grey_reaches_from_black_to_white(self, tmp_path: Path, bits: int):
        samples = random_samples(bits)
        image = read_image(put(tmp_path / "a.png", png_file(samples, bits=bits, kind=0)))
        np.testing.assert_array_equal(image, grey(in_8_bits(samples, bits)))

    def test_the_transparent_level_becomes_white_and_no_other(self, tmp_path: Path, bits: int):
        samples = random_samples(bits)
        level = 2**bits // 3
        samples[1, 1] = level
        samples[1, 2] = level ^ 1  # the next one, which has the same upper byte
        chunks = {b"tRNS": struct.pack(">H", level)}
        image = read_image(put(tmp_path / "a.png", png_file(samples, bits=bits, kind=0, chunks=chunks)))
        np.testing.assert_array_equal(image, grey(np.where(samples == level, 255, in_8_bits(samples, bits))))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
class TestPalettePngs:
    def test_colours_are_looked_up_at_every_depth(self, tmp_path: Path, bits: int):
        colours = np.random.default_rng(1).integers(256, size=(2**bits, 3))
        indices = random_samples(bits)
        chunks = {b"PLTE": colours.astype(np.uint8).tobytes()}
        image = read_image(put(tmp_path / "a.png", png_file(indices, bits=bits, kind=3, chunks=chunks)))
        np.testing.assert_array_equal(image, colours[indices])

    def test_transparent_entries_are_laid_on_white(self, tmp_path: Path, bits: int):
        entries = np.random.default_rng(1).integers(256, size=(2**bits, 4))
        indices = random_samples(bits)
        palette = entries.astype(np.uint8)
        chunks = {b"PLTE": palette[:, :3].tobytes(), b"tRNS": palette[:, 3].tobytes()}
        image = read_image(put(tmp_path / "a.png", png_file(indices, bits=bits, kind=3, chunks=chunks)))
        pixels = entries[indices]
        np.testing.assert_allclose(image, on_white(pixels[..., :3], pixels[..., 3]), atol=0.51)


@pytest.mark.parametrize("bits", [8, 16])
class TestColourPngs:
    """16 bits per channel come as the upper byte."""

    def test_rgb(self, tmp_path: Path, bits: int):
        samples = random_samples(bits, 3)
        image = read_image(put(tmp_path / "a.png", png_file(samples, bits=bits, kind=2)))
        np.testing.assert_array_equal(image, samples >> (bits - 8))

    @pytest.mark.parametrize(("kind", "channels"), [(4, 2), (6, 4)])
    def test_alpha_is_laid_on_white(self, tmp_path: Path, bits: int, kind: int, channels: int):
        samples = random_samples(bits, channels)
        image = read_image(put(tmp_path / "a.png", png_file(samples, bits=bits, kind=kind)))
        upper = samples >> (bits - 8)
        np.testing.assert_allclose(image, on_white(upper[..., :-1] + [0, 0, 0], upper[..., -1]), atol=0.51)


def test_a_transparent_colour_of_8_bits_becomes_white(tmp_path: Path):
    samples = random_samples(8, 3)
    chunks = {b"tRNS": struct.pack(">3H", *samples[2, 2])}
    image = read_image(put(tmp_path / "a.png", png_file(samples, bits=8, kind=2, chunks=chunks)))
    expected = samples.copy()
    expected[2, 2] = 255
    np.testing.assert_array_equal(image, expected)


# What is refused

REFUSED = {  # as docs/datasets.md names them
    "32-bit or signed whole numbers": tiff_file(random_samples(16), bits=16, photometric=1, fields={FORMAT: (2,)}),
    "floating-point numbers": tiff_file(random_samples(8), bits=32, photometric=1, fields={FORMAT: (3,)}),
    "floating-point numbers where 0 is white": tiff_file(
        random_samples(8), bits=32, photometric=0, fields={FORMAT: (3,)}
    ),
    "signed 8-bit numbers": tiff_file(random_samples(8), bits=8, photometric=1, fields={FORMAT: (2,)}),
    "Lab colours": tiff_file(random_samples(8, 3), bits=8, photometric=LAB),
    "16-bit colours, one of which is transparent": png_file(
        random_samples(16, 3), bits=16, kind=2, chunks={b"tRNS": struct.pack(">3H", 1, 2, 3)}
    ),
    "subsampled YCbCr colours without compression": tiff_file(
        random_samples(8, 3), bits=8, photometric=YCBCR, fields={SUBSAMPLING: (2, 2)}
    ),
    "channels in separate planes whose depth or kind is not supported": tiff_file(
        random_samples(16, 3), bits=16, photometric=RGB, fields={PLANES: (SEPARATE,)}
    ),
    "a BMP palette of 2 or 16 greys for pixels of another depth": bmp_file(
        bytes([0, 1, 1, 0]), bits=8, size=(4, 1), greys=[0, 255]
    ),
    "pixels whose depth or kind is not supported": tiff_file(
        random_samples(16, 2), bits=16, photometric=1, fields={EXTRA: (2,)}
    ),
}


def documented() -> dict[str, tuple[str, str]]:
    """The documentation's table of refused kinds: how each is treated as an image and as a mask."""
    lines = DOCS.read_text(encoding="utf-8").split("| in the file | as an image | as a mask |")[1].splitlines()[2:]
    rows = [line.strip("| ").split(" | ") for line in takewhile(lambda line: line.startswith("|"), lines)]
    return {name: (as_image, as_mask) for name, as_image, as_mask in rows}


def test_the_documentation_names_all_refused_kinds():
    assert list(documented()) == list(REFUSED)
    for words in (*MISREAD, *UNUSABLE.values()):
        assert words.removesuffix(", whose range is unknown") in REFUSED


@pytest.mark.parametrize("words", REFUSED)
@pytest.mark.parametrize(("column", "read"), [(0, read_image), (1, read_mask)])
def test_images_and_masks_are_refused_where_the_documentation_says_so(tmp_path: Path, words, column, read):
    path = put(tmp_path / "a.img", REFUSED[words])
    if documented()[words][column] == "refused":
        with pytest.raises(ValueError, match=rf"a\.img holds .*{words}.*; save it as .*8.bit"):
            read(path)
    else:
        assert read(path).shape == SIDES


@pytest.mark.parametrize("name", ["PNG", "JPEG"])
def test_an_unsupported_kind_of_a_supported_format_is_named(tmp_path: Path, name: str):
    deep_jpeg = b"\xff\xd8\xff\xc1" + struct.pack(">HBHHB", 11, 12, 8, 8, 1) + bytes(3)
    content = {"PNG": png_file(random_samples(8, 3), bits=3, kind=2), "JPEG": deep_jpeg}[name]
    with pytest.raises(
        ValueError, match=f"a.img holds {name} pixels whose depth or kind is not supported, or a damaged"
    ):
        read_image(put(tmp_path / "a.img", content))


def test_ycbcr_is_taken_for_subsampled_where_the_file_leaves_it_out_as_tiff_does(tmp_path: Path):
    path = put(tmp_path / "a.tif", tiff_file(random_samples(8, 3), bits=8, photometric=YCBCR))
    with pytest.raises(ValueError, match="subsampled YCbCr"):
        read_image(path)


def planes_file(bits: int, photometric: int, *, channels: int = 1, fields: Fields | None = None) -> bytes:
    fields = {PLANES: (SEPARATE,), **(fields or {})}
    return tiff_file(random_samples(bits, channels), bits=bits, photometric=photometric, fields=fields)


PLANES_REFUSED = {
    "8-bit grey where 0 is white": planes_file(8, WHITE_IS_ZERO),
    "4-bit grey": planes_file(4, BLACK_IS_ZERO),
    "16-bit RGB": planes_file(16, RGB, channels=3),
    "16-bit CMYK": planes_file(16, CMYK, channels=4),
    "premultiplied RGB": planes_file(8, RGB, channels=4, fields={EXTRA: (1,)}),
    "grey and alpha": planes_file(8, BLACK_IS_ZERO, channels=2, fields={EXTRA: (2,)}),
    "grey and alpha, compressed": planes_file(8, BLACK_IS_ZERO, channels=2, fields={EXTRA: (2,), **ZIPPED}),
    "YCbCr": planes_file(8, YCBCR, channels=3, fields={SUBSAMPLING: (1, 1)}),
}


@pytest.mark.parametrize("kind", PLANES_REFUSED)
@pytest.mark.parametrize("read", [read_image, read_mask])
def test_planes_that_pillow_would_mix_up_are_refused(tmp_path: Path, read, kind: str):
    path = put(tmp_path / "a.tif", PLANES_REFUSED[kind])
    with pytest.raises(ValueError, match="holds channels in separate planes whose depth or kind is not supported"):
        read(path)


@pytest.mark.parametrize(("photometric", "channels"), [(BLACK_IS_ZERO, 1), (RGB, 3), (CMYK, 4)])
def test_8_bit_planes_are_read_as_if_they_were_interleaved(tmp_path: Path, photometric: int, channels: int):
    samples = random_samples(8, channels)
    apart = put(tmp_path / "a.tif", planes_file(8, photometric, channels=channels))
    together = put(tmp_path / "b.tif", tiff_file(samples, bits=8, photometric=photometric))
    np.testing.assert_array_equal(read_image(apart), read_image(together))


@pytest.mark.parametrize(
    ("bits", "rows", "greys"),
    [(8, bytes([0, 1, 1, 0]), [0, 255]), (4, bytes([0x01, 0x10, 0, 0]), [0, 255]), (4, bytes(4), list(range(16)))],
)
@pytest.mark.parametrize("read", [read_image, read_mask])
def test_a_bmp_whose_palette_pillow_takes_for_a_depth_is_refused(tmp_path: Path, read, bits, rows, greys):
    path = put(tmp_path / "a.bmp", bmp_file(rows, bits=bits, size=(4, 1), greys=greys))
    with pytest.raises(ValueError, match=r"a\.bmp holds a BMP palette of 2 or 16 greys for pixels of another depth"):
        read(path)


@pytest.mark.parametrize(
    ("bits", "rows", "greys", "expected"),
    [
        (1, bytes([0b01100000, 0, 0, 0]), [0, 255], [0, 255, 255, 0]),
        (1, bytes([0b01100000, 0, 0, 0]), [255, 0], [255, 0, 0, 255]),
        (4, bytes([0x01, 0xF0, 0, 0]), [17 * level for level in range(16)], [0, 17, 255, 0]),
        (8, bytes([0, 1, 15, 0]), list(range(16)), [0, 1, 15, 0]),
    ],
)
def test_other_bmps_with_a_palette_of_greys_are_looked_up(tmp_path: Path, bits, rows, greys, expected):
    image = read_image(put(tmp_path / "a.bmp", bmp_file(rows, bits=bits, size=(4, 1), greys=greys)))
    assert image[0, :, 0].tolist() == expected


# Frames, orientation, masks, memory


@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP", "MPO"])
def test_of_several_frames_the_first_is_taken_in_every_format(tmp_path: Path, form: str):
    red, green = (PIL.Image.new("RGB", (16, 8), colour) for colour in ("red", "lime"))
    red.save(tmp_path / "a.img", format=form, save_all=True, append_images=[green])
    with PIL.Image.open(tmp_path / "a.img") as picture:
        assert picture.n_frames == 2
    np.testing.assert_allclose(read_image(tmp_path / "a.img")[4, 8], (255, 0, 0), atol=2)
    assert image_size(tmp_path / "a.img") == (8, 16)


def oriented(path: Path, orientation: int, **options: object) -> np.ndarray:
    """Writes a file with a field for its orientation; its pixels as stored."""
    pixels = np.random.default_rng(0).integers(256, size=(*SIDES, 3), dtype=np.uint8)
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    PIL.Image.fromarray(pixels).save(path, exif=exif, **options)
    return pixels


UPRIGHT = {  # EXIF 2.3, from where row 0 and column 0 are shown
    1: lambda pixels: pixels,
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).transpose(1, 0, 2),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(
    ("ending", "options"),
    [("png", {}), ("tif", {}), ("tif", {"compression": "tiff_lzw"}), ("webp", {"lossless": True})],
)
def test_images_and_their_sizes_are_upright_in_every_format(tmp_path: Path, ending, options, orientation):
    path = tmp_path / f"a.{ending}"
    upright = UPRIGHT[orientation](oriented(path, orientation, **options))
    np.testing.assert_array_equal(read_image(path), upright)
    assert image_size(path) == upright.shape[:2]


def test_a_turned_tiff_and_its_upright_mask_fit(tmp_path: Path):
    oriented(tmp_path / "a.tif", 6)
    PIL.Image.new("L", SIDES, 255).save(tmp_path / "m.png")
    assert read_mask_of(tmp_path / "a.tif", tmp_path / "m.png").shape == (7, 5)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_mask_is_anomalous_where_it_is_not_black_also_if_0_is_white(tmp_path: Path, bits: int):
    samples = np.where(random_samples(bits) > 2 ** (bits - 1), 2**bits - 1, 0)
    path = put(tmp_path / "a.tif", tiff_file(samples, bits=bits, photometric=WHITE_IS_ZERO))
    np.testing.assert_array_equal(read_mask(path), samples == 0)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_a_mask_is_not_anomalous_at_its_transparent_level(tmp_path: Path, bits: int):
    samples = random_samples(bits)
    samples[samples > 1] = 2**bits - 1
    chunks = {b"tRNS": struct.pack(">H", 2**bits - 1)}
    path = put(tmp_path / "a.png", png_file(samples, bits=bits, kind=0, chunks=chunks))
    np.testing.assert_array_equal(read_mask(path), (samples == 1) & (bits > 1))


def test_floating_point_masks_where_0_is_white_are_refused(tmp_path: Path):
    path = put(tmp_path / "a.tif", tiff_file(random_samples(8), bits=32, photometric=0, fields={FORMAT: (3,)}))
    with pytest.raises(ValueError, match="floating-point numbers where 0 is white"):
        read_mask(path)


def test_16_bits_take_no_more_memory_on_the_way_than_6_bytes_a_pixel():
    picture = PIL.Image.fromarray(np.zeros((500, 1000), np.uint16))
    tracemalloc.start()
    to_rgb(picture)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500 * 1000 * 6.5
