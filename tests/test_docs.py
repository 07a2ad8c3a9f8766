"""What the documentation says is there, is there."""

import re
import shlex
import shutil
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest
from helpers.cli_tree import COMMANDS, EVERYTHING
from helpers.paths import ROOT

from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.blt.config import BLTConfig
from bytesim.models.encoder.config import EncoderConfig
from bytesim.models.flat.config import FlatConfig

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "examples/README.md"]


@pytest.fixture
def scripts(monkeypatch):
    """Imports a script of docs/ by its name."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return import_module


def command_lines(page: Path) -> list[list[str]]:
    """Every command shown, on a line of its own or between backticks, as words after `bytesim`."""
    text = page.read_text(encoding="utf-8")
    lines = [line.strip().removeprefix("$ ") for line in text.splitlines()] + re.findall(r"`(bytesim [^`\n]+)`", text)
    return [shlex.split(line.split(" | ")[0], comments=True)[1:] for line in lines if line.startswith("bytesim ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_shown_exists_with_its_options(page):
    for words in command_lines(page):
        if not words[0][0].isalpha():  # an option of bytesim itself, or the version that doctor prints
            continue
        name = max((name for name in EVERYTHING if words[: len(name.split())] == name.split()), key=len, default=None)
        assert name is not None, words
        # `train RECIPE` goes on to `train recipe`, so a group takes what its commands take.
        below = [command for other, command in EVERYTHING.items() if f"{other} ".startswith(f"{name} ")]
        options = {option for command in below for parameter in command.params for option in parameter.opts}
        assert {word for word in words if re.match("-[a-z-]", word)} <= options, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page):
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert not [target for target in targets if not (page.parent / target).exists()]


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_heading_leads_to_one(page):
    links = re.findall(r"\]\(([^)#:\s]*)#([^)\s]+)\)", page.read_text(encoding="utf-8"))
    for target, wanted in links:
        text = ((page.parent / target) if target else page).read_text(encoding="utf-8")
        assert wanted in {anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, re.M)}, (target, wanted)


def test_the_readme_shows_every_command():
    shown = [" ".join(words) for words in command_lines(ROOT / "README.md")]
    assert not [name for name in COMMANDS if not any(line.startswith(name) for line in shown)]


def test_the_map_has_every_room():
    page = (ROOT / "docs" / "layout.md").read_text(encoding="utf-8")
    rooms = {path.name for path in (ROOT / "bytesim").glob("*.py") if not path.name.startswith("__")}
    rooms |= {f"{path.parent.name}/" for path in (ROOT / "bytesim").glob("*/__init__.py")}
    assert not [room for room in rooms if f"  {room} " not in page]


def test_the_list_of_pages_has_every_page():
    page = (ROOT / "docs" / "layout.md").read_text(encoding="utf-8")
    others = [path.name for path in (ROOT / "docs").glob("*.md") if path.name != "layout.md"]
    assert others
    assert not [name for name in others if f"]({name})" not in page]


def test_the_readme_is_short(scripts):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 200
    refresh, shown = scripts("refresh"), scripts("shown")
    long = [command for command, lines in shown.shown(readme) if len(lines) > refresh.MOST_IN_README]
    assert shown.shown(readme)
    assert not long


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda page: page.name)
def test_no_page_says_sure_or_held_back(page):
    assert not re.findall(r"\bsure\b|\bheld back\b", page.read_text(encoding="utf-8"), re.I)


def test_the_picture_of_a_converter_shows_the_outputs_of_its_page(scripts):
    docs = ROOT / "docs"
    drawn = scripts("converter_picture").draw((docs / "converters.md").read_text(encoding="utf-8"))
    assert drawn == (docs / "converter.svg").read_text(encoding="utf-8")
    assert drawn.count("confident") >= 3
    assert "error: odd.csv" in drawn


def test_the_pictures_of_the_architectures_are_those_of_their_script(scripts):
    for name, drawn in scripts("architecture_pictures").draw().items():
        assert drawn == (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert drawn.count("<rect") > 10


@pytest.mark.slow
def test_the_examples_of_a_page_print_what_it_says(scripts, tmp_path):
    page = (ROOT / "docs" / "normalize.md").read_text(encoding="utf-8")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    assert scripts("refresh").refresh(page, tmp_path) == page


@pytest.mark.parametrize(
    ("page", "heading", "config"),
    [
        ("models", "Config fields", BGPTConfig),
        ("classifiers", "Config fields", EncoderConfig),
        ("architectures", "Config fields of flat", FlatConfig),
        ("architectures", "Config fields of BLT", BLTConfig),
    ],
)
def test_every_config_field_is_described_with_its_default(page, heading, config):
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    text = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    table = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", text, re.M))
    defaults = {field.name: field.default for field in fields(config)}
    told = {
        name: ", ".join(map(str, each)) or "none" if isinstance(each, tuple) else str(each)
        for name, each in defaults.items()
    }
    assert table == told


def test_the_page_on_speed_shows_what_was_measured(scripts, monkeypatch, tmp_path):
    speed = scripts("speed")
    page = tmp_path / "speed.md"
    page.write_text(speed.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    before = page.read_text(encoding="utf-8")
    monkeypatch.setattr(speed, "PAGE", page)
    speed.draw_tables()
    assert page.read_text(encoding="utf-8") == before
    assert before.count("<!-- end of") == 10
    assert {path.stem for path in speed.KEPT.glob("*.json")} == set(speed.RUNS)
