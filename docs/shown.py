"""The examples that a page shows: code blocks that start with `$`, commands with their outputs."""

import re

BLOCK = re.compile(r"^```\n(\$ .*?)^```\n", re.S | re.M)
COMMAND = re.compile(r"^\$ (.*)\n", re.M)


def shown(page: str) -> list[tuple[str, list[str]]]:
    """Every command of a page and the lines of its output, in their order."""
    examples = []
    for block in BLOCK.finditer(page):
        _, *parts = COMMAND.split(block[1])
        examples += [(command, output.splitlines()) for command, output in zip(parts[::2], parts[1::2], strict=True)]
    return examples
