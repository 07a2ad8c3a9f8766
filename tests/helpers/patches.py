"""Patches put together and taken apart, as tests need them."""

from collections.abc import Iterable

import numpy as np

from bytesim.errors import FormatError
from bytesim.patching import END_OF_PATCH, Patches, frame_file, frame_source


def join_patches(patches: Patches | Iterable[Iterable[int]]) -> bytes:
    """The bytes of patches without extension patch, up to the first END_OF_PATCH.

    Raises FormatError where bytes follow an END_OF_PATCH: such rows hold more than one file.
    """
    tokens = np.asarray(patches, np.int16).reshape(-1)
    ends = np.flatnonzero(tokens == END_OF_PATCH)
    length = int(ends[0]) if len(ends) else len(tokens)
    if np.any(tokens[length:] != END_OF_PATCH):
        raise FormatError("bytes follow an end-of-patch token; the patches hold more than one file.", offset=length)
    return tokens[:length].astype(np.uint8).tobytes()


def frame_pair(source: bytes, source_suffix: str, target: bytes, target_suffix: str, patch_size: int) -> Patches:
    """(P, S): the source without its closing patch, then the whole target file, as conversions are trained."""
    return np.concatenate(
        [frame_source(source, source_suffix, patch_size), frame_file(target, target_suffix, patch_size)]
    )
