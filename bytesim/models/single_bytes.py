"""What the configs of models over single bytes share: to the framing, their patches have one byte. No torch."""

from __future__ import annotations

from bytesim.models.inputs import ModelInputs


class SingleBytes:
    """The part of a config that engine and training read, for a model with `max_bytes`."""

    __slots__ = ()
    max_bytes: int

    @property
    def num_classes(self) -> int:
        """Classes of a classifier: none, as these models write bytes."""
        return 0

    @property
    def patch_size(self) -> int:
        """Bytes per patch of the framing."""
        return 1

    @property
    def max_patches(self) -> int:
        """Longest history, in patches of the framing."""
        return self.max_bytes

    @property
    def inputs(self) -> ModelInputs:
        """What the model is given beside the bytes of its history: nothing."""
        return ModelInputs()
