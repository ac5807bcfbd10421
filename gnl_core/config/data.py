"""The settings of a run's images: where they are, how they are fitted and divided."""

from __future__ import annotations

from typing import NamedTuple, Self

from pydantic import Field, model_validator

from gnl_core.config.validation import SettingsRecord
from gnl_core.config.values import LARGEST_SIDE_PX, AbsolutePath, ImageSize, Resize, TileSize, size_text


class Split(NamedTuple):
    """How a folder's normal images are divided into training and test images if its layout does not say.

    Attributes:
        seed: Decides, with an image's file name, on which side the image is.
        test_percent: Approximate share of the images that are for testing.
    """

    seed: int = 0
    test_percent: float = 20.0


USUAL_SPLIT = Split()


class DataSettings(SettingsRecord):
    """The images: where they are, which are for training, and which are held out."""

    dataset: str = Field("digits", description="Data set to train on")
    normal_class: str = Field("4", description="The class that is normal; all others are anomalies")
    data_root: AbsolutePath | None = Field(None, description="Folder of the data sets on disk. Unset: $GNL_DATA")
    image_size: ImageSize = Field((64, 64), description="Size in pixels to which images are resized: 64, or 48x64")
    resize: Resize = Field(
        "stretch",
        description="How images of another shape are fitted into the image size: stretch; letterbox keeps their aspect "
        "ratio and adds a border that does not count; crop keeps it and cuts off what does not fit around the centre",
    )
    tile_size: TileSize | None = Field(
        None,
        description="Size in pixels of the tiles into which images are cut, for images larger than the detector can "
        "read at once: 256, or 192x256. Training and scoring use the same tiles. Unset: whole images",
    )
    tile_overlap_percent: float = Field(
        25.0, ge=0, le=75, description="Share of a tile's side that it has in common with the next tile, at least"
    )
    split_source: str | None = Field(
        None,
        description="How the data set has to separate training from test images; gnl data list names it. Unset: "
        "accept what is found and record it with the run",
    )
    split_seed: int = Field(
        USUAL_SPLIT.seed,
        ge=0,
        lt=2**31,
        description="Seed that divides the normal images of a folder of your own without a training folder",
    )
    test_percent: float = Field(
        USUAL_SPLIT.test_percent, gt=0, lt=100, description="Share of those normal images that is kept for testing"
    )
    limit: int | None = Field(None, ge=2, le=10**9, description="Train on the first N images only. Unset: all")
    holdout_percent: float = Field(
        10.0, ge=0, le=50, description="Share of the normal training images held out from training, for the threshold"
    )
    skip_broken: bool = Field(
        False, description="Leave out training images that cannot be read, and report how many, instead of stopping"
    )

    @model_validator(mode="after")
    def check_sizes(self) -> Self:
        """Refuse images that are too large without tiles, and tiles that are larger than the images."""
        image, tile = self.image_size, self.tile_size
        if tile is None and max(image) > LARGEST_SIDE_PX:
            raise ValueError(
                f"image_size = {size_text(image)}: without tiles, a side has at most {LARGEST_SIDE_PX} px; cut images "
                "into tiles with --tile-size"
            )
        if tile is not None and (tile[0] > image[0] or tile[1] > image[1]):
            raise ValueError(
                f"tile_size = {size_text(tile)}: tiles are larger than the images of {size_text(image)} px; make them "
                "smaller"
            )
        return self

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width in pixels of what the detector reads: a tile, or else the image."""
        return self.tile_size or self.image_size
