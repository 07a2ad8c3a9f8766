"""The doors between the rooms: who may import whom, and what must run without which package."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.paths import ROOT

PACKAGE = ROOT / "bytesim"

BELOW = {"errors", "patching", "clocks", "metrics", "files", "processes", "staging", "locks"}
BESIDE = BELOW | {"formats", "cpu", "media", "oracles", "pictures"}
"""Rooms without models, beside the way of a request."""
MAY_IMPORT = {
    "errors": set(),
    "clocks": {"patching"},
    "patching": {"errors"},
    "metrics": {"errors", "patching"},
    "files": {"errors", "patching"},
    "processes": {"errors"},
    "locks": {"errors"},
    "staging": set(),
    "formats": BELOW,
    "cpu": BELOW | {"formats"},
    "media": BELOW | {"formats"},
    "oracles": BELOW | {"formats"},
    "pictures": BELOW | {"formats", "cpu"},
    "requests": {"errors", "patching", "clocks", "formats"},
    "nn": {"errors", "patching", "clocks"},
    "native": {"errors"},
    "models": {"errors", "patching", "clocks", "staging", "nn", "native", "requests"},
    "engine": BELOW | {"formats", "requests", "models"},
    "training": BELOW | {"nn", "models", "formats", "cpu"},
    "predictors": BELOW | {"formats", "media", "models", "requests", "engine"},
    "datasets": BELOW | {"formats", "cpu", "media", "oracles", "training"},
    "tasks": BESIDE | {"nn", "native", "models", "requests", "engine", "training", "predictors", "datasets"},
    "api": BELOW | {"formats", "models", "requests", "predictors", "tasks"},
    "cluster": BELOW | {"formats", "native", "models", "tasks", ""},
    "console": BELOW,
    "commands": BELOW | {"console", "pictures", "datasets", "tasks", "cluster"},
    "cli": {"errors", "console", "commands", ""},
    "": {"errors", "api", "cluster", "tasks", "datasets"},  # bytesim/__init__.py
    "__main__": {"cli"},
}
"""Room -> rooms it may import at run time, besides itself. Imports point down."""

TORCH_FREE = (
    "errors",
    "patching",
    "clocks",
    "metrics",
    "formats",
    "cpu",
    "files",
    "processes",
    "locks",
    "staging",
    "media",
    "oracles",
    "native",
    "models.arrays",
    "models.bgpt.native",
    "models.blt.native",
    "models.encoder.native",
    "models.flat.native",
    "models.native",
    "models.folder",
    "models.store",
    "engine.decode",
    "engine.sampling",
)
MODEL_ROOMS = ("nn", "models", "engine", "training", "predictors")
ORACLES = ("oracles", "cpu.machine")
"""What a model is judged by: nothing between a source and a model's own output may see it."""
MAY_COMPARE = {
    "bytesim.tasks.convert.tunes",
    "bytesim.tasks.generate.generate",
    "bytesim.tasks.inspect.inspect",
    "bytesim.tasks.simulate_cpu.simulate",
    "bytesim.tasks.evaluate.convert",
    "bytesim.tasks.evaluate.cpu",
    "bytesim.tasks.evaluate.classify",
    "bytesim.tasks.doctor",
}
"""Tasks that run a model, or measure a device, and see the rules or other tools: by contract, on request, to judge."""
LARGEST_ROOM = 0.22
"""Greatest share of the lines that one room may have."""


def modules(room: str) -> list[Path]:
    """The source files of a room, which is a folder, a module or (for "") the package's __init__."""
    if not room:
        return [PACKAGE / "__init__.py"]
    place = PACKAGE.joinpath(*room.split("."))
    return sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Every module of bytesim that a file imports at run time, function bodies included, TYPE_CHECKING left out."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            found.update(name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports inside bytesim are absolute"
            found.update(f"{node.module}.{name.name}" for name in node.names)
        waiting.extend(ast.iter_child_nodes(node))
    return {name for name in found if name == "bytesim" or name.startswith("bytesim.")}


def room_of(module: str) -> str:
    """`bytesim.models.bgpt.BGPT` -> `models`; "" for the package itself and the names it defines."""
    name = module.partition(".")[2].partition(".")[0]
    return name if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file() else ""


def test_every_file_stands_in_a_room():
    rooms = {path.stem for path in PACKAGE.glob("*.py")} | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == {room or "__init__" for room in MAY_IMPORT}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_point_down(room):
    allowed = MAY_IMPORT[room] | {room}
    wrong = [
        f"{dotted(path)} imports {module}"
        for path in modules(room)
        for module in imports(path)
        if room_of(module) not in allowed
    ]
    assert not wrong


def test_the_check_sees_imports_in_functions_and_passes_over_type_checking(tmp_path):
    source = tmp_path / "room.py"
    source.write_text(
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from bytesim.engine import decode\n"
        "def work():\n    from bytesim.tasks import convert\n    import bytesim.nn\n"
    )
    assert imports(source) == {"bytesim.tasks.convert", "bytesim.nn"}


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


def import_without(blocked: tuple[str, ...], names: list[str]) -> None:
    """Import the modules in a fresh interpreter in which the blocked packages cannot be imported."""
    lines = ["import sys, importlib"]
    lines += [f"sys.modules[{package!r}] = None" for package in blocked]
    lines += [f"importlib.import_module({name!r})" for name in names]
    done = run_python("\n".join(lines))
    assert done.returncode == 0, done.stderr


def test_the_lower_rooms_need_no_torch():
    import_without(("torch",), [dotted(path) for room in TORCH_FREE for path in modules(room)])


def test_training_needs_no_music_or_sound_package():
    rooms = ["nn", "models", "training", "cli", "tasks.train", "commands.train"]
    names = [dotted(path) for room in rooms for path in modules(room)]
    import_without(("mido", "music21", "soundfile", "soxr"), names)


def test_a_training_that_was_packed_needs_no_package_for_settings_or_folders():
    names = [dotted(path) for room in ("nn", "models", "training", "tasks.train") for path in modules(room)]
    import_without(("mido", "music21", "symusic", "soundfile", "soxr", "pydantic", "platformdirs", "tomli"), names)


def reached(path: Path) -> set[Path]:
    """A file and every file of bytesim that it imports, directly or through others."""
    seen, waiting = set(), [path]
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen.add(here)
            waiting.extend(file for module in imports(here) if (file := file_of(module)) is not None)
    return seen


def file_of(module: str) -> Path | None:
    """The file of `bytesim.a.b`, which is a module or a name in `bytesim.a`."""
    whole = PACKAGE.parent.joinpath(*module.split("."))
    for place in (whole, whole.parent):
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return file
    return None


def test_no_model_path_sees_the_rules_or_the_exact_machine():
    oracles = {path for name in ORACLES for path in modules(name)}
    runs_models = [
        path for path in modules("tasks") if any(name.startswith("bytesim.engine") for name in imports(path))
    ]
    for path in [*(file for room in (*MODEL_ROOMS, "api") for file in modules(room)), *runs_models]:
        if dotted(path) not in MAY_COMPARE:
            assert not {dotted(oracle) for oracle in reached(path) & oracles}, f"{dotted(path)} reaches what judges it"


ENGINE_MAY_SEE = (
    "bytesim.models.interface",
    "bytesim.models.native",
    "bytesim.models.weights",
    "bytesim.formats.grammar",
)
"""Of the models and formats, what every architecture and every format has in common."""


def test_the_engine_knows_no_architecture_and_no_file_format():
    seen = {name for path in modules("engine") for name in imports(path) if room_of(name) in ("models", "formats")}
    assert not [name for name in seen if not name.startswith(ENGINE_MAY_SEE)]


def test_what_runs_a_model_reaches_nothing_that_trains_or_judges_it():
    others = {path for room in ("training", "datasets", "oracles") for path in modules(room)}
    for path in (file for room in ("models", "engine", "predictors") for file in modules(room)):
        assert not {dotted(other) for other in reached(path) & others}, dotted(path)


def test_what_predicts_states_of_the_cpu_sees_no_machine_that_runs_them():
    machines = {*modules("cpu.machine"), *modules("cpu.many")}
    for path in [*(file for room in ("nn", "models", "engine") for file in modules(room)), *modules("predictors.cpu")]:
        assert not {dotted(machine) for machine in reached(path) & machines}, dotted(path)


def test_no_files_import_each_other_in_a_circle():
    """Every file of a circle reaches itself; imports in functions count."""
    tied = {path: direct(path) for path in PACKAGE.rglob("*.py")}
    for path in tied:
        seen: set[Path] = set()
        waiting = list(tied[path])
        while waiting:
            here = waiting.pop()
            if here not in seen:
                seen.add(here)
                waiting.extend(tied[here])
        assert path not in seen, f"{dotted(path)} imports what imports it"


def direct(path: Path) -> set[Path]:
    """The files of bytesim that a file imports itself."""
    return {file for module in imports(path) if (file := file_of(module)) is not None and file != path}


def test_no_room_has_outgrown_the_house():
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    for room in MAY_IMPORT:
        share = sum(lines[path] for path in modules(room)) / sum(lines.values())
        assert share <= LARGEST_ROOM, f"{room} has {share:.0%} of the lines"


def test_durations_come_from_the_monotonic_clock():
    """The clock of the day may be set while a program runs: no limit of time and no rate may go by it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        assert "time.time()" not in source, path
        assert "datetime.now" not in source, path
