"""All targets: importing this package registers them in TARGETS."""

from fuzz.targets import checkpoints, formats, models, music, native, tasks
from fuzz.targets.target import TARGETS, Target

__all__ = ["TARGETS", "Target", "checkpoints", "formats", "models", "music", "native", "tasks"]
