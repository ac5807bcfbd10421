from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from gnl_core.datasets.base import Item
from gnl_core.datasets.fitting import fit_image
from gnl_core.datasets.loading import Batches, chunk, share


def grey_item(value: int, *, reads: list[int] | None = None) -> Item:
    """An image of one grey, which also names it; each reading is noted."""

    def read() -> np.ndarray:
        if reads is not None:
            reads.append(value)
        return np.full((6, 8, 3), value, dtype=np.uint8)

    return Item(path=f"grey/{value}", read=read, label=value % 2, domain=f"d{value % 3}", category=str(value))


def load(items: list[Item], **settings: object) -> Batches:
    return Batches(items, **({"image_size": (4, 4), "batch_size": 2} | settings))


def epoch_paths(batches: Batches, number: int) -> list[str]:
    return [path for batch in batches.epoch(number) for path in batch.paths]


def test_iterating_gives_every_image_once_in_order():
    batches = list(load([grey_item(value) for value in range(5)]))
    assert [batch.paths for batch in batches] == [("grey/0", "grey/1"), ("grey/2", "grey/3", "grey/4")]


def test_a_batch_has_the_values_of_its_items():
    (batch,) = load([grey_item(value) for value in (51, 102, 255)], batch_size=3)
    assert batch.views["original"].shape == (3, 3, 4, 4)
    torch.testing.assert_close(batch.views["original"][:, 0, 0, 0], torch.tensor([0.2, 0.4, 1.0]))
    assert batch.labels.tolist() == [1, 0, 1]
    assert batch.domains == ("d0", "d0", "d0")
    assert batch.categories == ("51", "102", "255")
    assert batch.masks is None


def test_an_epoch_gives_every_image_once_in_another_order():
    batches = load([grey_item(value) for value in range(30)])
    first, second = epoch_paths(batches, 1), epoch_paths(batches, 2)
    in_order = [f"grey/{value}" for value in range(30)]
    assert sorted(first) == sorted(second) == sorted(in_order)
    assert first != second
    assert in_order not in (first, second)


def test_the_order_depends_on_seed_and_epoch_alone():
    items = [grey_item(value) for value in range(30)]
    assert epoch_paths(load(items, seed=3), 2) == epoch_paths(load(items, seed=3, batch_size=7), 2)
    assert epoch_paths(load(items, seed=3), 2) != epoch_paths(load(items, seed=4), 2)


@pytest.mark.parametrize(
    ("count", "size", "lengths"),
    [(6, 2, [2, 2, 2]), (5, 2, [2, 3]), (17, 16, [17]), (7, 4, [4, 3]), (1, 16, [1]), (3, 1, [1, 1, 1]), (2, 16, [2])],
)
def test_a_single_image_left_over_joins_the_batch_before(count: int, size: int, lengths: list[int]):
    draws = [(1, position) for position in range(count)]
    pieces = chunk(draws, size)
    assert [len(piece) for piece in pieces] == lengths
    assert [draw for piece in pieces for draw in piece] == draws


def test_no_images_are_refused():
    with pytest.raises(ValueError, match="no images to load"):
        load([])


@pytest.mark.parametrize("workers", [0, 2])
def test_an_image_is_decoded_once(workers: int):
    reads: list[int] = []
    batches = load([grey_item(value, reads=reads) for value in range(9)], workers=workers)
    for number in (1, 2):
        list(batches.epoch(number))
    assert sorted(reads) == list(range(9))


@pytest.mark.parametrize("workers", [0, 2])
def test_images_beyond_the_memory_budget_are_decoded_each_time(workers: int):
    # 3 bytes a pixel of 512x512 pixels: 1 MiB has room for one image, and a third of another
    reads: list[int] = []
    items = [grey_item(value, reads=reads) for value in range(3)]
    batches = load(items, image_size=(512, 512), cache_mb=1, workers=workers)
    list(batches), list(batches.epoch(1))
    assert sorted(reads) == [0, 1, 1, 2, 2]


def test_without_a_budget_no_image_is_kept():
    reads: list[int] = []
    batches = load([grey_item(7, reads=reads)], cache_mb=0)
    list(batches), list(batches)
    assert reads == [7, 7]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_batches_do_not_depend_on_the_number_of_workers(photographs: list[Item], workers: int):
    settings = {"views": ("original", "augmix", "grayscale"), "image_size": (8, 8), "batch_size": 3, "seed": 4}
    alone, together = load(photographs, **settings), load(photographs, **settings, workers=workers)
    for make in (iter, lambda batches: batches.epoch(1), lambda batches: batches.epoch(2)):
        for expected, batch in zip(make(alone), make(together), strict=True):
            assert batch.paths == expected.paths
            assert torch.equal(batch.labels, expected.labels)
            assert all(torch.equal(batch.views[name], expected.views[name]) for name in settings["views"])


def test_a_data_sets_operations_are_what_augmix_draws_from(photographs: list[Item]):
    # autocontrast alone leaves an image as it is that has black and white in each channel
    settings = {"views": ("original", "augmix"), "image_size": (8, 8), "batch_size": 12}
    for items, changes in ((load(photographs, **settings), True), (stretched(photographs, **settings), False)):
        (batch,) = items.epoch(1)
        difference = (batch.views["augmix"] - batch.views["original"]).abs().max().item()
        assert (difference > 0.05) == changes


def stretched(items: list[Item], **settings: object) -> Batches:
    """The same images with black and white in each channel, under autocontrast alone."""
    image = items[0].read().copy()
    image[0, 0], image[0, 1] = 0, 255
    return load([item._replace(read=lambda: image) for item in items], augmix_operations=["autocontrast"], **settings)


def test_masks_come_in_order_and_are_not_decoded_in_training():
    def fail() -> np.ndarray:
        raise AssertionError("decoded")

    mask = np.zeros((6, 8), bool)
    mask[:3] = True
    plain, marked = grey_item(1), grey_item(2)._replace(mask=lambda: mask)
    (batch,) = load([plain, marked])
    assert batch.masks is not None
    assert batch.masks.shape == (2, 1, 4, 4)
    assert batch.masks[:, 0, :, 0].tolist() == [[0, 0, 0, 0], [1, 1, 0, 0]]
    (batch,) = load([plain, marked._replace(mask=fail)]).epoch(1)
    assert batch.masks is None


@pytest.mark.parametrize("count", [1, 4, 5, 6, 9])
def test_the_length_is_the_number_of_batches(count: int):
    batches = load([grey_item(value) for value in range(count)], batch_size=4)
    assert len(batches) == len(list(batches)) == len(list(batches.epoch(1)))


def test_a_size_is_height_by_width():
    assert fit_image(np.zeros((10, 20, 3), dtype=np.uint8), (5, 8)).pixels.shape == (3, 5, 8)


@pytest.mark.parametrize("size", [(28, 40), (64, 48), (30, 20)])
def test_images_are_resized_bilinearly_and_without_aliases(size: tuple[int, int]):
    image = np.random.default_rng(0).integers(256, size=(40, 36, 3), dtype=np.uint8)
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    expected = F.interpolate(tensor, size=size, mode="bilinear", antialias=True)[0]
    torch.testing.assert_close(fit_image(image, size).pixels.float(), expected, atol=1.01, rtol=0)


def views_by_path(batches: Batches, number: int, view: str) -> dict[str, torch.Tensor]:
    return {path: batch.views[view][row] for batch in batches.epoch(number) for row, path in enumerate(batch.paths)}


@pytest.fixture
def photographs() -> list[Item]:
    """Twelve copies of one noisy image, so that views differ by their draws alone."""
    image = np.random.default_rng(0).integers(256, size=(8, 8, 3), dtype=np.uint8)
    return [Item(str(index), lambda: image, 0, "d", "c") for index in range(12)]


def test_a_random_view_depends_on_seed_epoch_and_position_but_not_on_order(photographs: list[Item]):
    def augmixed(*, epoch: int = 1, **settings: object) -> dict[str, torch.Tensor]:
        return views_by_path(load(photographs, views=("augmix",), image_size=(8, 8), **settings), epoch, "augmix")

    first = augmixed(seed=5, batch_size=2)
    again = augmixed(seed=5, batch_size=5)
    assert all(torch.equal(first[path], again[path]) for path in first)
    for other in (augmixed(seed=6), augmixed(seed=5, epoch=2)):
        assert sum(not torch.equal(first[path], other[path]) for path in first) >= 10


def test_a_view_does_not_depend_on_earlier_batches(photographs: list[Item]):
    batches = load(photographs, views=("augmix",), image_size=(8, 8))
    expected = views_by_path(batches, 2, "augmix")
    list(batches), list(batches.epoch(1))
    again = views_by_path(batches, 2, "augmix")
    assert all(torch.equal(expected[path], again[path]) for path in expected)


def test_images_at_different_positions_are_augmented_differently(photographs: list[Item]):
    batches = load(photographs, views=("augmix",), image_size=(8, 8))
    views = views_by_path(batches, 1, "augmix").values()
    assert len({view.numpy().tobytes() for view in views}) >= 11


def test_an_augmented_view_leaves_the_original_as_it_is(photographs: list[Item]):
    batches = load(photographs, views=("original", "augmix", "grayscale"), image_size=(8, 8))
    expected = torch.from_numpy(photographs[0].read()).permute(2, 0, 1) / 255
    for batch in batches.epoch(1):
        assert set(batch.views) == {"original", "augmix", "grayscale"}
        assert all(torch.equal(image, expected) for image in batch.views["original"])


def test_stripes_reach_the_batch_unchanged(stripes: Callable[..., list[Item]]):
    items = stripes(3, label=1, size=(28, 40))
    (batch,) = load(items, image_size=(28, 40), batch_size=3)
    assert torch.equal(batch.views["original"][1], torch.from_numpy(items[1].read()).permute(2, 0, 1) / 255)


def test_processes_share_each_batch_of_an_epoch():
    batches = load([grey_item(value) for value in range(24)], batch_size=8)
    parts = [[batch.paths for batch in batches.epoch(1, rank=rank, size=4)] for rank in range(4)]
    whole = [batch.paths for batch in batches.epoch(1)]
    assert [sum(step, ()) for step in zip(*parts, strict=True)] == whole


@pytest.mark.parametrize(("count", "size"), [(8, 2), (7, 2), (3, 2), (5, 4), (4, 4), (16, 3)])
def test_shares_are_equally_long_have_at_least_two_images_and_include_every_image(count: int, size: int):
    draws = [(1, position) for position in range(count)]
    shares = [share(draws, rank=rank, size=size) for rank in range(size)]
    assert len({len(part) for part in shares}) == 1
    assert all(len(set(part)) >= 2 for part in shares)
    assert {draw for part in shares for draw in part} == set(draws)


def test_one_process_has_the_whole_batch():
    assert share([(1, 5)], rank=0, size=1) == [(1, 5)]


def test_an_epoch_can_begin_after_some_of_its_batches(stripes: Callable[..., list[Item]]):
    items = stripes(7, label=0)
    read = []
    noting = [item._replace(read=lambda item=item: read.append(item.path) or item.read()) for item in items]
    batches = Batches(noting, image_size=(8, 8), batch_size=2, seed=3)
    whole = [batch.paths for batch in batches.epoch(2)]
    read.clear()
    batches = Batches(noting, image_size=(8, 8), batch_size=2, seed=3)
    rest = [batch.paths for batch in batches.epoch(2, start=2)]
    assert rest == whole[2:]
    assert sorted(read) == sorted(path for paths in rest for path in paths)
