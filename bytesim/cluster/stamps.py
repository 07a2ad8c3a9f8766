"""What a ledger says of models, so that a run with another one does not go on from it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bytesim.models.folder import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE, fingerprint
from bytesim.models.store import find_model


def model_stamp(names: Iterable[str | Path]) -> dict[str, str]:
    """Model -> sha256 of its weights, with the first digits of those of its config and card."""
    stamps = {}
    for name in names:
        stored = find_model(name)
        digests = [fingerprint(stored.folder / file)["sha256"] for file in (WEIGHTS_FILE, CONFIG_FILE, CARD_FILE)]
        stamps[stored.name] = "-".join((digests[0], digests[1][:16], digests[2][:16]))
    return stamps
