"""The common settings of a run, once: name, default, unit and check.

Those of its images are in `data.py`; a method's own are beside its class.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from pydantic import Field, SerializeAsAny, model_validator
from pydantic.fields import FieldInfo

from gnl_core.config.data import DataSettings, Split
from gnl_core.config.validation import SettingsRecord, check
from gnl_core.config.values import AbsolutePath, Device, EngineName, Stages

LARGEST_EPOCHS = 100_000
LARGEST_COUNT = 1024  # of references, devices or machines
LARGEST_MEMORY_MB = 2**24
EVERYWHERE = "all"  # the region of interest that contains every pixel
REGION_TEXT = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4}):([0-9]{1,9}(?:,[0-9]{1,9})*)")  # see datasets/region.py
LONGEST_REGION = 2**16  # characters of a region of interest as text


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
        "reference's distribution. Unset: the method's own, 0.5 for gnl and 0 for the others and where the teacher "
        "cannot be matched",
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

    device: Device = Field("auto", description="auto, or a PyTorch device such as cpu, mps or cuda:1")
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
PATHS = frozenset({"data_root", "teacher_weights"})
"""Settings that are paths of this machine; files that others may read leave them out."""
COMMON_SETTINGS: Mapping[str, FieldInfo] = MappingProxyType(
    {name: field for group in SETTING_GROUPS.values() for name, field in group.items()}
)


def scoring_settings(config: RunConfig, **overrides: object) -> ScoringConfig:
    """Return a run's own scoring settings, with the given ones replaced; None replaces nothing."""
    own = config.model_dump(include=set(ScoringConfig.model_fields))
    return ScoringConfig(**(own | {name: value for name, value in overrides.items() if value is not None}))


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
