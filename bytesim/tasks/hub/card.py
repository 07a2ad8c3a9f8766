"""The model card of the hub, README.md, made of a model's card.json.

Source: https://huggingface.co/docs/hub/model-cards, for the fields of the first part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bytesim.tasks.models import ModelInfo

_SHOWN_FIELDS = ("results", "limits", "training", "data")
_MOST_ROWS = 60


def hub_card(info: ModelInfo, repository: str) -> str:
    """README.md for a repository: fields in YAML, and a page in Markdown."""
    from huggingface_hub import ModelCardData

    tasks = [task for task in _list(info.card.get("tasks")) if isinstance(task, dict)]
    kinds = sorted({str(task.get("task")) for task in tasks if task.get("task")})
    text_alone = kinds == ["generate"] and all(task.get("target_suffix") == "txt" for task in tasks)
    fields = ModelCardData(
        library_name="bytesim",
        license="other",
        license_name="see-the-model-card",
        pipeline_tag="text-generation" if text_alone else None,
        tags=["bytesim", "byte-level", str(info.config.get("architecture", "bgpt")), *kinds],
    )
    return "\n".join(["---", fields.to_yaml(), "---", "", *_page(info, repository, tasks), ""])


def _page(info: ModelInfo, repository: str, tasks: list[dict[str, Any]]) -> Iterator[str]:
    yield f"# {info.name}"
    yield ""
    yield str(info.card.get("purpose", "A model of bytesim."))
    yield ""
    yield "```"
    yield "pip install bytesim huggingface_hub"
    yield f"bytesim models pull {repository}"
    yield "```"
    yield ""
    architecture = info.config.get("architecture", "bgpt")
    yield f"{info.num_parameters:,} parameters, architecture {architecture}; {info.num_bytes:,} bytes of weights."
    if tasks:
        yield ""
        yield "## Tasks"
        yield ""
        yield from (f"- {_told(task)}" for task in tasks)
    for name in _SHOWN_FIELDS:
        rows = list(_rows(_without_curves(info.card.get(name))))
        if rows:
            yield ""
            yield f"## {name.capitalize()}"
            yield ""
            yield "| | |"
            yield "|---|---|"
            yield from (f"| {_cell(key)} | {_cell(value)} |" for key, value in rows[:_MOST_ROWS])
            if len(rows) > _MOST_ROWS:
                yield f"\n{len(rows) - _MOST_ROWS} more are in card.json."
    yield ""
    yield "## Licence"
    yield ""
    yield str(info.card.get("licence", "not stated"))


def _without_curves(value: object) -> object:
    """A field of a card without the curves of a training, which are lists of objects."""
    if not isinstance(value, Mapping):
        return value
    return {
        key: each
        for key, each in value.items()
        if not (str(key).startswith("bits_per_byte") and isinstance(each, list))
    }


def _told(task: Mapping[str, Any]) -> str:
    kind, target = task.get("task"), task.get("target_suffix")
    if kind == "convert":
        return f"convert .{task.get('source_suffix')} to .{target}"
    return "predict the states of the CPU" if kind == "cpu" else f"{kind} .{target}"


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _rows(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """The values of a nested object, each with the names that lead to it."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _rows(each, f"{path}, {key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(each, Mapping | list) for each in value):
        for place, each in enumerate(value):
            yield from _rows(each, f"{path} {place + 1}")
    elif value not in (None, "", [], {}):
        yield path, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _cell(text: str) -> str:
    """Text that cannot end its cell, and in which no HTML is read."""
    line = " ".join(text.split())
    return line.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
