"""All targets: importing this package registers them in TARGETS."""

from fuzz.targets import bulk, checkpoints, formats, models, music, native, sources, tasks
from fuzz.targets.target import TARGETS, Target

__all__ = ["TARGETS", "Target", "bulk", "checkpoints", "formats", "models", "music", "native", "sources", "tasks"]
