"""generate --mixed: files with several kinds of content, which detect finds again."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.errors import BytesimError, ConfigError, ModelError
from bytesim.formats import bmp, wav
from bytesim.tasks.detect.detect import detect
from bytesim.tasks.generate.generate import generate


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_detect_finds_the_parts_that_generate_mixed_wrote():
    (outcome,) = generate(mixed="text,image,audio", seed=5, output="m.bin")
    assert outcome.result is not None
    found = detect("m.bin", extract="parts").segments
    assert [each.label for each in found[1:]] == ["bmp", "wav"]
    assert found[0].start == 0
    bmp.parse(Path(found[1].extracted).read_bytes())
    wav.parse(Path(found[2].extracted).read_bytes())
    generate(model="text", seed=5, output="alone.txt")
    assert Path(found[0].extracted).read_bytes() == Path("alone.txt").read_bytes()
    assert outcome.result.num_bytes == Path("m.bin").stat().st_size == found[-1].end


def test_the_same_seed_gives_the_same_files():
    generate(mixed="image,image", seed=3, count=2, output="a")
    generate(mixed="image,image", seed=5, output="b.bin")
    assert [path.name for path in sorted(Path("a").iterdir())] == ["mixed-3.bin", "mixed-5.bin"]
    assert Path("a/mixed-5.bin").read_bytes() == Path("b.bin").read_bytes() != Path("a/mixed-3.bin").read_bytes()


@pytest.mark.parametrize("mixed", ["text", "", "text,", ",,"])
def test_fewer_than_two_models_are_refused(mixed):
    with pytest.raises(ConfigError, match="two models"):
        generate(mixed=mixed)


def test_what_does_not_go_with_mixed_is_refused(here):
    with pytest.raises(ModelError, match="nix"):
        generate(mixed="text,nix")
    with pytest.raises(ConfigError, match="prompt"):
        generate(mixed="text,image", prompt="Oil")
    for other in ({"model": "text"}, {"jobs": 2}):
        with pytest.raises(ConfigError, match="leave model and jobs out"):
            generate(mixed="text,image", **other)
    Path("there.bin").touch()
    with pytest.raises(BytesimError, match="exists already"):
        generate(mixed="text,image", output="there.bin")
    assert [path.name for path in here.iterdir()] == ["there.bin"]


def test_the_command_tells_what_it_wrote():
    done = CliRunner().invoke(app, ["generate", "--mixed", "image,audio", "--seed", "7"])
    assert done.exit_code == 0, done.output
    assert done.stdout == "mixed-7.bin: 11,170 bytes by the model image+audio, seed 7\n"
