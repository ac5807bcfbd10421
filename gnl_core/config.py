"""Every setting of a run, once: name, default, unit and check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

SMALLEST_SIDE_PX = 28
LARGEST_SIDE_PX = 2048
Side = Annotated[int, Field(ge=SMALLEST_SIDE_PX, le=LARGEST_SIDE_PX)]


def parse_image_size(value: object) -> object:
    """Read an image size written as 64, "64" or "48x64" (height x width); pass the rest on."""
    if isinstance(value, int):
        return value, value
    if isinstance(value, str):
        sides = value.lower().split("x")
        return tuple(sides * 2) if len(sides) == 1 else tuple(sides)
    return value


AbsolutePath = Annotated[Path, AfterValidator(Path.absolute)]  # a run is found from any working folder
Stages = Literal["1", "2", "3", "1,2", "1,3", "2,3", "1,2,3"]
ImageSize = Annotated[tuple[Side, Side], BeforeValidator(parse_image_size)]


class Split(NamedTuple):
    """How a folder's normal images are divided into training and test images where the folder does not say.

    Attributes:
        seed: Decides, with an image's file name, where it goes.
        test_percent: Share of the images that are for testing, about.
    """

    seed: int = 0
    test_percent: float = 20.0


USUAL_SPLIT = Split()


class ScoringConfig(BaseModel):
    """How a trained detector looks at an image. None of it changes the weights."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    style_weight: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Strength of feature distribution matching (FDM): 0 is off, 1 gives features the "
        "reference's distribution. Unset: the method's own, 0.5 for gnl and 0 for the others",
    )
    matched_stages: Stages = Field("1,2", description="Stages of the teacher behind which FDM acts, such as 1,2,3")
    reference_count: int = Field(8, ge=1, description="Number of training images that FDM takes its reference from")
    reference_choice: Literal["mean", "nearest"] = Field(
        "mean",
        description="How several references are used: mean of their sorted features, or the one nearest to the image",
    )
    align_corners: bool = Field(
        False, description="Enlarge stage maps with their corner values at the image's corners, as RD4AD's code does"
    )
    smoothing_sigma_px: float = Field(
        0.0, ge=0, le=64, description="Gaussian smoothing of the anomaly map, standard deviation in pixels"
    )
    reduction: Literal["maximum", "mean", "top"] = Field(
        "maximum", description="How an anomaly map becomes a score: maximum, mean, or top: mean of its highest values"
    )
    top_percent: float = Field(10.0, gt=0, le=100, description="Share of the map that reduction top averages, percent")
    scoring_precision: Literal["32-true", "bf16-mixed"] = Field(
        "32-true",
        description="Precision of scoring; bf16-mixed is faster where the processor has bfloat16, and scores of "
        "reverse distillation differ by about 0.001",
    )


class RunConfig(ScoringConfig):
    """Everything that decides a run: what is learnt, how, and how it is scored."""

    dataset: str = Field("digits", description="Data set to train on")
    normal_class: str = Field("4", description="The class that is normal; all others are anomalies")
    data_root: AbsolutePath | None = Field(None, description="Folder of the data sets on disk; unset: $GNL_DATA")
    split_source: str | None = Field(
        None,
        description="How the data set must tell training from test images, as gnl data list says; unset: as it does, "
        "which the run keeps",
    )
    detector: str = Field("gnl", description="Method to train")
    teacher: str = Field(
        "efficientnet_lite0",
        description="Frozen backbone: a name of ours or of timm that docs/teachers.md lists",
    )
    teacher_weights: AbsolutePath | None = Field(
        None, description="Local file with the teacher's weights; unset: bundled or downloaded"
    )
    teacher_sha256: str | None = Field(
        None,
        pattern="^[0-9a-f]{8,64}$",
        description="SHA-256 of that file or its first 8 or more digits; unset: the one in its name, if any",
    )
    image_size: ImageSize = Field((64, 64), description="Size images are brought to in pixels: 64, or 48x64 (HxW)")
    epochs: int = Field(10, ge=1, description="Passes over the training images")
    batch_size: int = Field(16, ge=1, description="Images a training step")
    learning_rate: float | None = Field(
        None, gt=0, description="Learning rate. Unset: the method's own, 0.005 for reverse distillation"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of weights, order, views and references")
    limit: int | None = Field(None, ge=2, description="Train on the first so many images only; unset: all")
    holdout_percent: float = Field(
        10.0, ge=0, le=50, description="Share of the normal training images kept for thresholds, never learnt from"
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
    threshold_quantile: float = Field(
        0.95, gt=0, lt=1, description="Share of the held-out normal images whose scores do not exceed the threshold"
    )
    trained_views: Literal["augmix,grayscale", "augmix", "grayscale"] = Field(
        "augmix,grayscale", description="Augmented views that GNL's training makes agree"
    )
    mixed_stages: Stages = Field("1,2,3", description="Stages behind which rd4ad_mixstyle and rd4ad_efdm mix styles")
    mixing_probability: float = Field(
        0.5, ge=0, le=1, description="How often a training step mixes behind such a stage"
    )
    mixing_beta: float = Field(
        0.1, gt=0, description="Both parameters of the Beta distribution of an image's share of its own style"
    )
    jigsaw_weight: float = Field(0.7, ge=0, description="Weight of rd4ad_jigsaw's puzzle term")
    jigsaw_permutations: int = Field(30, ge=1, le=1000, description="Orders of the tiles, besides tiles in place")
    jigsaw_shuffled_percent: float = Field(
        40.0, ge=0, le=100, description="Share of the puzzles whose tiles are not in place, percent"
    )
    neighbours: int = Field(2, ge=1, description="Training images that knn averages the distance to")
    coreset_percent: float = Field(10.0, gt=0, le=100, description="Share of the patches that patchcore keeps, percent")
    coreset_candidates: int = Field(
        50_000, ge=1, description="Patches that patchcore's selection looks at; of more, so many are drawn"
    )
    reweighting_neighbours: int = Field(
        9, ge=1, description="Number of neighbours used to reweight PatchCore's score; 1 disables it"
    )
    distillation_weight: float = Field(0.9, ge=0, description="Weight of GNL's distillation term")
    bottleneck_weight: float = Field(0.1, ge=0, description="Weight of GNL's bottleneck invariance term")
    low_level_weight: float = Field(0.1, ge=0, description="Weight of GNL's low-level invariance term")
    stored_references: int = Field(
        8, ge=0, le=64, description="Number of reference images kept in the checkpoint; 0: none, and no matching"
    )
    stored_precision: Literal["float32", "float16"] = Field(
        "float32", description="Number format of the checkpoint on disk; float16 halves it and rounds what was learnt"
    )
    feature_cache_mb: int = Field(1024, ge=0, description="Memory for teacher features of views that never change, MiB")
    feature_spill_mb: int = Field(
        4096, ge=0, description="Disk for those that do not fit into that memory, in a temporary file ($TMPDIR), MiB"
    )
    save_minutes: float = Field(
        10.0, gt=0, description="Minutes after which a training's state is saved within an epoch, too"
    )
    keep_epochs: bool = Field(
        False, description="Keep each epoch's checkpoint, so that it can be scored by itself: gnl score RUN --epoch N"
    )
    skip_broken: bool = Field(
        False, description="Leave out training images that cannot be read, and say how many, instead of stopping"
    )
    image_cache_mb: int = Field(1024, ge=0, description="Memory for decoded training images, MiB")
    workers: int = Field(1, ge=0, le=64, description="Threads that load batches ahead; 0 loads each when it is needed")
    anogan_feature_weight: float = Field(
        1.0, ge=0, description="Weight of f-AnoGAN's feature residual beside its image residual"
    )
    svdd_objective: Literal["one_class", "soft_boundary"] = Field(
        "one_class", description="What Deep SVDD minimises: all distances, or a radius and what lies beyond it"
    )
    svdd_outside_share: float = Field(
        0.1, gt=0, le=1, description="Share of training images that Deep SVDD's soft boundary leaves outside"
    )
    device: str = Field("auto", description="auto, or a PyTorch device such as cpu, mps or cuda:1")
    devices: int = Field(1, ge=1, description="Devices of this kind on each node that train together, a process each")
    num_nodes: int = Field(1, ge=1, description="Machines that train together; give the same command on each")
    precision: Literal["32-true", "bf16-mixed"] = Field(
        "32-true", description="Precision of training steps; --scoring-precision is that of scoring"
    )

    @property
    def split(self) -> Split:
        """How a folder without a training folder is divided."""
        return Split(self.split_seed, self.test_percent)


Settings = TypeVar("Settings", bound=ScoringConfig)


def scoring_settings(config: RunConfig, **overrides: object) -> ScoringConfig:
    """The run's own way to score, with the settings that are given replaced."""
    own = config.model_dump(include=set(ScoringConfig.model_fields))
    return ScoringConfig(**(own | {name: value for name, value in overrides.items() if value is not None}))


def flag_of(name: str) -> str:
    """The command-line flag of a setting, such as --style-weight for style_weight."""
    return f"--{name.replace('_', '-')}"


def flag_words(name: str, value: object) -> list[str]:
    """A setting as words of a command line, such as --style-weight 0.5; no words for a setting that is unset."""
    flag = flag_of(name)
    if value is None:
        return []
    if isinstance(value, bool):
        return [flag if value else flag.replace("--", "--no-", 1)]
    if isinstance(value, tuple):
        return [flag, "x".join(str(side) for side in dict.fromkeys(value))]
    return [flag, f"{value:g}" if isinstance(value, float) else str(value)]


def stage_indices(stages: Stages) -> frozenset[int]:
    """Indices, from 0, of the stages that a setting such as "1,3" names."""
    return frozenset(int(number) - 1 for number in stages.split(","))


def parse_config(values: dict[str, Any]) -> RunConfig:
    """Check settings and fill in the defaults.

    Args:
        values: Field name to value; strings are converted.

    Raises:
        ValueError: In one sentence: the settings at fault, what came and what was expected.
    """
    return check(RunConfig, values)


def parse_scoring(values: dict[str, Any]) -> ScoringConfig:
    """Check the settings of a way of scoring, as `parse_config` does for a run's."""
    return check(ScoringConfig, values)


def check(kind: type[Settings], values: dict[str, Any]) -> Settings:
    """Make a record of settings; what is wrong with them is told in one sentence."""
    try:
        return kind(**values)
    except ValidationError as error:
        raise ValueError(describe_invalid(error)) from None


def describe_invalid(error: ValidationError) -> str:
    """Turn pydantic's findings into one sentence."""
    findings = (
        f"{finding['loc'][0]} = {finding['input']!r}: {finding['msg']}" if finding["loc"] else finding["msg"]
        for finding in error.errors()
    )
    return f"invalid settings: {'; '.join(findings)}"
