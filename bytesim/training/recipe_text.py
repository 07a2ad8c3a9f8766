"""A recipe as TOML text, for trainings that were started without one. No torch."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any

from bytesim.training.recipe import Recipe


def recipe_text(recipe: Recipe, remark: str) -> str:
    """TOML that reads back as the same recipe; settings with their default value are left out."""
    lines = [f"# {remark}", f"name = {_value(recipe.name)}"]
    if recipe.labels:
        lines.append(f"labels = {_value(list(recipe.labels))}")
    if recipe.start_from:
        lines.append(f"start_from = {_value(recipe.start_from)}")
    for heading, part in (("[model]", recipe.model), ("[training]", recipe.training)):
        lines += ["", heading, *_settings(part)]
        if part is recipe.model and recipe.model.to_dict()["architecture"] != "bgpt":
            lines.insert(lines.index(heading) + 1, f"architecture = {_value(recipe.model.to_dict()['architecture'])}")
    for heading, sources in (("[[data]]", recipe.data), ("[[validation]]", recipe.validation)):
        for source in sources:
            lines += ["", heading, *_settings(source)]
    return "\n".join(lines) + "\n"


def _settings(part: Any) -> list[str]:
    values = [(each.name, getattr(part, each.name), each.default) for each in fields(part)]
    return [f"{name} = {_value(value)}" for name, value, default in values if default is MISSING or value != default]


def _value(value: Any) -> str:
    """JSON and TOML write these alike, but for the DEL character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
