"""The examples of docs/python.md run as they stand, and print what the page says."""

import re
import shutil
import subprocess
import sys

import pytest
from helpers.paths import EXAMPLES, ROOT

PAGE = ROOT / "docs" / "python.md"


def blocks(text: str) -> list[tuple[str, str]]:
    """(code, its output) of every block of Python; the output is the block of text after it, or empty."""
    found = re.findall(r"```(python|text)\n(.*?)```", text, re.S)
    pairs = zip(found, [*found[1:], ("", "")], strict=True)
    return [(code, after if kind == "text" else "") for (what, code), (kind, after) in pairs if what == "python"]


@pytest.mark.slow
def test_every_example_prints_what_the_page_says(tmp_path):
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    code = "".join(f"{code}\nprint('{'-' * 9}', flush=True)\n" for code, _ in blocks(PAGE.read_text(encoding="utf-8")))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("---------\n")[:-1] == [output for _, output in blocks(PAGE.read_text(encoding="utf-8"))]


def test_a_block_of_text_belongs_to_the_python_before_it():
    page = "```python\na\n```\n\n```text\n1\n```\n```python\nb\n```\n```python\nc\n```\nwords\n```text\n3\n```\n"
    assert blocks(page) == [("a\n", "1\n"), ("b\n", ""), ("c\n", "3\n")]


def test_the_page_shows_every_method_of_a_model():
    text = PAGE.read_text(encoding="utf-8")
    assert not [name for name in ("convert", "generate", "classify", "bits_per_byte") if f".{name}(" not in text]
