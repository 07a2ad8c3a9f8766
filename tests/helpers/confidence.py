"""Model folders that tell which answers of a converter are confident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bytesim.models.folder import read_card, write_json
from bytesim.predictors.converter import ConverterBound
from bytesim.predictors.familiarity import INPUTS_FILE, NUM_MEASURES, InputModel, pack_input_models

ANYTHING = (1e9,) * NUM_MEASURES
"""Bounds within which every input is familiar."""


def tell_confidence(folder: Path, conversion: str, inputs: Sequence[bytes] = (b"a",), **changes: Any) -> Path:
    """Write the bounds of a conversion, and a model of these inputs, to a model folder; `changes` are to the bounds."""
    bound = ConverterBound(
        **{
            "most_nats": 0.5,
            "most_surprise": ANYTHING,
            "files": 300,
            "exact": 300,
            "confident": 300,
            "right": 300,
            "longest_answer": 1000,
            "growth": 10.0,
            "split": "dev",
            "split_sha256": "0",
            **changes,
        }
    )
    write_json(folder / "card.json", {**read_card(folder), "confidence": {conversion: asdict(bound)}})
    (folder / INPUTS_FILE).write_bytes(pack_input_models({conversion: InputModel.of(list(inputs))}))
    return folder
