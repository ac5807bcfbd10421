"""The common settings of a run, once: name, default, unit and check. A method's own are beside its class."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo

from gnl_core.messages import quote, shorten

SHOWN_FINDINGS = 3  # of invalid settings in a message
LONGEST_FINDINGS = 200  # characters of them; the first is shown in any case
SMALLEST_SIDE_PX = 28
LARGEST_SIDE_PX = 2048  # of what a detector reads at once
LARGEST_TILED_SIDE_PX = 16_384
LARGEST_EPOCHS = 100_000
LARGEST_COUNT = 1024  # of references, devices or machines
LARGEST_MEMORY_MB = 2**24
EVERYWHERE = "all"  # the region of interest that contains every pixel
REGION_TEXT = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4}):([0-9]{1,9}(?:,[0-9]{1,9})*)")  # see datasets/region.py
LONGEST_REGION = 2**16  # characters of a region of interest as text
DEVICES = re.compile("auto|(cpu|cuda|mps|xpu)(:[0-9]{1,3})?")
Side = Annotated[int, Field(ge=SMALLEST_SIDE_PX, le=LARGEST_SIDE_PX)]
TiledSide = Annotated[int, Field(ge=SMALLEST_SIDE_PX, le=LARGEST_TILED_SIDE_PX)]


def parse_image_size(value: object) -> object:
    """Read an image size written as 64, "64" or "48x64" (height x width); return anything else unchanged."""
    if isinstance(value, int):
        return value, value
    if isinstance(value, str):
        sides = value.lower().split("x")
        return tuple(sides * 2) if len(sides) == 1 else tuple(sides)
    return value


def size_text(size: tuple[int, int]) -> str:
    """Write an image size as it is read: 48x64, height x width."""
    return "x".join(map(str, size))


def refuse_no_path(value: object) -> object:
    """Refuse an empty path, which would be the current folder, and one with the character NUL."""
    if value == "":
        raise ValueError("expected a path, got an empty text")
    if "\0" in str(value):
        raise ValueError("expected a path, which has no NUL character")
    return value


def check_device(name: str) -> str:
    """Refuse a kind of device that gnl does not support; whether this machine has it is checked when it is used."""
    if not DEVICES.fullmatch(name):
        raise ValueError("expected auto, cpu, cuda, mps or xpu, the last four also with a number, as in cuda:1")
    return name


# Paths are absolute, so that they are valid from any working folder.
AbsolutePath = Annotated[Path, BeforeValidator(refuse_no_path), AfterValidator(Path.absolute)]
Stages = Literal["1", "2", "3", "1,2", "1,3", "2,3", "1,2,3"]
EngineName = Literal["torch", "onnxruntime", "auto"]
Resize = Literal["stretch", "letterbox", "crop"]
ImageSize = Annotated[tuple[TiledSide, TiledSide], BeforeValidator(parse_image_size)]
TileSize = Annotated[tuple[Side, Side], BeforeValidator(parse_image_size)]


class Split(NamedTuple):
    """How a folder's normal images are divided into training and test images if its layout does not say.

    Attributes:
        seed: Decides, with an image's file name, on which side the image is.
        test_percent: Approximate share of the images that are for testing.
    """

    seed: int = 0
    test_percent: float = 20.0


USUAL_SPLIT = Split()


class SettingsRecord(BaseModel):
    """A group of settings: checked, finite and immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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


class TrainingSettings(SettingsRecord):
    """What is trained, how, and what is saved."""

    detector: str = Field("gnl", description="Method to train")
    teacher: str = Field(
        "efficientnet_lite0", description="Frozen backbone: one of ours, or a timm name that docs/teachers.md lists"
    )
    teacher_weights: AbsolutePath | None = Field(
        None, description="Local file with the teacher's weights. Unset: bundled or downloaded"
    )
    teacher_sha256: str | None = Field(
        None,
        pattern="^[0-9a-f]{8,64}$",
        description="SHA-256 of that file, or its first 8 or more digits. Unset: the one in the file's name, if any",
    )
    epochs: int = Field(10, ge=1, le=LARGEST_EPOCHS, description="Passes over the training images")
    batch_size: int = Field(16, ge=1, le=2**16, description="Images per training step")
    learning_rate: float | None = Field(
        None, gt=0, description="Learning rate. Unset: the method's own, 0.005 for reverse distillation"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of weights, order, views and references")
    stored_references: int = Field(
        8, ge=0, le=64, description="Number of reference images kept in the checkpoint; 0 keeps none: no matching"
    )
    stored_precision: Literal["float32", "float16"] = Field(
        "float32", description="Number format of the checkpoint; float16 halves the file and rounds the weights"
    )
    save_minutes: float = Field(
        10.0, gt=0, description="Minutes after which the training state is also saved within an epoch"
    )
    keep_epochs: bool = Field(
        False, description="Keep each epoch's checkpoint, which gnl score RUN --epoch N then scores"
    )


class ScoringConfig(SettingsRecord):
    """How a trained detector scores an image. None of it changes the weights."""

    style_weight: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Strength of feature distribution matching (FDM): 0 is off, 1 gives features the "
        "reference's distribution. Unset: the method's own, 0.5 for gnl and 0 for the others",
    )
    matched_stages: Stages = Field("1,2", description="Stages of the teacher behind which FDM acts, such as 1,2,3")
    reference_count: int = Field(
        8, ge=1, le=LARGEST_COUNT, description="Number of training images that form the reference of FDM"
    )
    reference_choice: Literal["mean", "nearest"] = Field(
        "mean", description="Reference of FDM: mean of the sorted features of all, or of the image nearest to the input"
    )
    align_corners: bool = Field(
        False, description="Enlarge stage maps with their corner values at the image's corners, as RD4AD's code does"
    )
    smoothing_sigma_px: float = Field(
        0.0, ge=0, le=64, description="Gaussian smoothing of the anomaly map, standard deviation in pixels"
    )
    reduction: Literal["maximum", "mean", "top"] = Field(
        "maximum",
        description="How an anomaly map becomes a score: its maximum, its mean, or the mean of its top values",
    )
    top_percent: float = Field(10.0, gt=0, le=100, description="Share of the map that reduction top averages, percent")
    region_of_interest: str = Field(
        EVERYWHERE,
        min_length=1,
        max_length=LONGEST_REGION,
        description="Mask image in the shape of the images: what is not white in it counts neither for the score nor "
        "for pixel metrics; all: every pixel counts",
    )
    scoring_precision: Literal["32-true", "bf16-mixed"] = Field(
        "32-true",
        description="Precision of scoring; bf16-mixed is faster where the processor has bfloat16, and changes scores "
        "of reverse distillation by about 0.001",
    )


class MachineSettings(SettingsRecord):
    """The processors and the memory that a run uses."""

    device: Annotated[str, AfterValidator(check_device)] = Field(
        "auto", description="auto, or a PyTorch device such as cpu, mps or cuda:1"
    )
    devices: int = Field(
        1, ge=1, le=LARGEST_COUNT, description="Number of devices per node that train together, one process each"
    )
    num_nodes: int = Field(
        1, ge=1, le=LARGEST_COUNT, description="Number of machines that train together; run the same command on each"
    )
    precision: Literal["32-true", "bf16-mixed"] = Field(
        "32-true", description="Precision of training steps; --scoring-precision is that of scoring"
    )
    engine: EngineName = Field(
        "torch",
        description="What computes the teacher in scoring: torch, onnxruntime (faster on most CPUs; changes scores "
        "slightly), or auto for the faster of both on this machine",
    )
    workers: int = Field(1, ge=0, le=64, description="Threads that load batches ahead; 0 loads each when it is needed")
    image_cache_mb: int = Field(1024, ge=0, le=LARGEST_MEMORY_MB, description="Memory for decoded training images, MiB")
    feature_cache_mb: int = Field(
        1024, ge=0, le=LARGEST_MEMORY_MB, description="Memory for teacher features of views that never change, MiB"
    )
    feature_spill_mb: int = Field(
        4096,
        ge=0,
        le=LARGEST_MEMORY_MB,
        description="Disk space for features beyond that memory, in a temporary file ($TMPDIR), MiB",
    )


class MethodSettings(SettingsRecord):
    """The settings that belong to one method; this base class has none. Subclasses are beside their method's class."""


class UncheckedSettings(MethodSettings, extra="allow"):
    """A method's settings as a file, a flag or a keyword gives them.

    Which names and values are allowed, only the method's class knows; importing it imports PyTorch, and settings are
    read without. This is also why `RunConfig.method` is no discriminated union of the methods' records.
    """


Record = TypeVar("Record", bound=SettingsRecord)
Own = TypeVar("Own", bound=MethodSettings)


class RunConfig(MachineSettings, ScoringConfig, TrainingSettings, DataSettings):
    """Everything that decides a run: the common settings, and its method's in `method`.

    Names that are not common settings are moved into `method`: they come flat from flags, from keywords and from files
    of earlier versions. `gnl_core.detectors.complete_config` checks them.
    """

    threshold_quantile: float = Field(
        0.95, gt=0, lt=1, description="Share of the held-out normal images whose scores do not exceed the threshold"
    )
    method: SerializeAsAny[MethodSettings] = Field(UncheckedSettings(), description="Settings of the method")

    @model_validator(mode="before")
    @classmethod
    def nest_method_settings(cls, values: Any) -> Any:
        """Move names that are not common settings into the record of the method's settings."""
        if not isinstance(values, dict):
            return values
        fields = cls.model_fields
        common = {name: value for name, value in values.items() if name in fields}
        flat = {name: value for name, value in values.items() if name not in fields}
        method = values.get("method", {})
        if flat and isinstance(method, MethodSettings):
            method = method.model_dump()
        if isinstance(method, dict):
            method = UncheckedSettings(**method | flat)
        return common | {"method": method}

    def method_settings(self, record: type[Own]) -> Own:
        """Check the method's settings and fill in the defaults of a record; other names are left out.

        Args:
            record: The record that the method's class declares as its `settings_type`.

        Raises:
            ValueError: If a value is invalid; one sentence.
        """
        given = self.method.model_dump()
        return check(record, {name: given[name] for name in record.model_fields if name in given})

    @property
    def split(self) -> Split:
        """How a folder without a training folder is divided."""
        return Split(self.split_seed, self.test_percent)


SETTING_GROUPS: Mapping[str, Mapping[str, FieldInfo]] = MappingProxyType(
    {  # the common settings by group: name to field
        "data": DataSettings.model_fields,
        "training": TrainingSettings.model_fields,
        "scoring": {**ScoringConfig.model_fields, "threshold_quantile": RunConfig.model_fields["threshold_quantile"]},
        "machine": MachineSettings.model_fields,
    }
)
COMMON_SETTINGS: Mapping[str, FieldInfo] = MappingProxyType(
    {name: field for group in SETTING_GROUPS.values() for name, field in group.items()}
)


def scoring_settings(config: RunConfig, **overrides: object) -> ScoringConfig:
    """Return a run's own scoring settings, with the given ones replaced; None replaces nothing."""
    own = config.model_dump(include=set(ScoringConfig.model_fields))
    return ScoringConfig(**(own | {name: value for name, value in overrides.items() if value is not None}))


def flag_of(name: str) -> str:
    """Return the command-line flag of a setting, such as --style-weight for style_weight."""
    return f"--{name.replace('_', '-')}"


def flag_words(name: str, value: object) -> list[str]:
    """Write a setting as words of a command line, such as --style-weight 0.5; an unset one gives no words."""
    flag = flag_of(name)
    if value is None:
        return []
    if isinstance(value, bool):
        return [flag if value else flag.replace("--", "--no-", 1)]
    if isinstance(value, tuple):
        return [flag, "x".join(str(side) for side in dict.fromkeys(value))]
    return [flag, f"{value:g}" if isinstance(value, float) else str(value)]


def stage_indices(stages: Stages) -> frozenset[int]:
    """Return the indices, from 0, of the stages that a setting such as "1,3" names."""
    return frozenset(int(number) - 1 for number in stages.split(","))


def parse_config(values: dict[str, Any]) -> RunConfig:
    """Check the common settings and fill in their defaults; `complete_config` checks the method's.

    Args:
        values: Name to value; strings are converted.

    Raises:
        ValueError: In one sentence: the settings at fault, what came and what was expected.
    """
    return check(RunConfig, values)


def parse_scoring(values: dict[str, Any]) -> ScoringConfig:
    """Check scoring settings, as `parse_config` does for those of a run."""
    return check(ScoringConfig, values)


def check(kind: type[Record], values: dict[str, Any]) -> Record:
    """Create a record of settings; if some are invalid, say which in one sentence."""
    try:
        return kind(**values)
    except ValidationError as error:
        raise ValueError(describe_invalid(error)) from None


def list_findings(findings: Sequence[str]) -> str:
    """Join what is wrong with several settings, as far as a sentence has room for it, and count the others."""
    shown = list(findings[:SHOWN_FINDINGS])
    while len(shown) > 1 and len("; ".join(shown)) > LONGEST_FINDINGS:
        shown.pop()
    more = [f"and {len(findings) - len(shown)} more"] if len(findings) > len(shown) else []
    return f"invalid settings: {'; '.join([*shown, *more])}"


def describe_invalid(error: ValidationError) -> str:
    """Turn pydantic's findings into one sentence."""
    findings = []
    for finding in error.errors():
        reason = finding["msg"].removeprefix("Value error, ")
        place = f"{shorten(str(finding['loc'][0]))} = {quote(finding['input'])}: " if finding["loc"] else ""
        findings.append(f"{place}{reason}")
    return list_findings(findings)
