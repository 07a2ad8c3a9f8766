"""The report of inspect: it holds what was found, opens in a browser, and obeys nothing that a file or name holds."""

import base64
import html
import json
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers.paths import EXAMPLES, ROOT

from bytesim.cpu.many import split_programs, with_states
from bytesim.errors import BytesimError
from bytesim.formats.cpu_trace import MEMORY_SIZE, STATE_SIZE
from bytesim.native.library import kernels
from bytesim.tasks.inspect import page
from bytesim.tasks.inspect.inspect import inspect
from bytesim.tasks.inspect.preview import preview_of
from bytesim.tasks.inspect.states import compare_states

pytestmark = pytest.mark.skipif(kernels() is None, reason="the kernels are not compiled")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TEXT = (ROOT / "CHANGELOG.md").read_bytes()
WIDTHS = (390, 1440)
CLICKS = """
<script>
{
const told = {};
const text = () => document.getElementById("about").textContent;
told.rows = document.querySelectorAll(".row").length;
told.overflow = document.documentElement.scrollWidth > document.documentElement.clientWidth;
document.querySelector('i[data-place="5"]').dispatchEvent(new PointerEvent("pointerover", {bubbles: true}));
told.pointed = text();
told.ranks = document.querySelectorAll("#about tr").length;
told.lockstep = document.querySelectorAll(".chosen").length;
const edge = document.querySelector("#edges tr[data-at]");
if (edge) { edge.click(); told.edge = [Number(edge.dataset.at), text()]; }
const strip = document.getElementById("strip");
strip.dispatchEvent(new MouseEvent("click", {clientX: strip.getBoundingClientRect().left + strip.clientWidth / 2}));
told.middle = text();
told.scrolled = document.getElementById("rows").scrollTop;
const ground = () => getComputedStyle(document.body).backgroundColor;
const before = ground();
document.getElementById("theme").click();
told.themes = [before, ground()];
told.requests = performance.getEntriesByType("resource").map(entry => entry.name);
told.title = document.title;
document.body.dataset.told = JSON.stringify(told);
}
</script>
"""


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def data_of(path: Path) -> dict:
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', path.read_text(), re.S)
    return json.loads(data)


def opened(path: Path, width: int, tmp_path: Path) -> dict:
    """What the clicks on a page found, in a headless browser of that width."""
    assert CHROMIUM
    clicked = tmp_path / f"clicked-{width}.html"
    clicked.write_text(path.read_text().replace("</body>", CLICKS + "</body>"))
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    command += [f"--window-size={width},900", "--virtual-time-budget=3000", "--dump-dom", clicked.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    (told,) = re.findall(r'<body data-told="(.*?)"', shown, re.S)
    return json.loads(html.unescape(told))


def made(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_a_page_holds_what_was_found(tmp_path):
    half = 3000
    path = made(tmp_path, "a.txt", TEXT[:half] + random.Random(0).randbytes(200) + TEXT[half:6000])
    found = inspect(path, model="text", html=tmp_path / "r.html")
    assert found.html == (str(tmp_path / "r.html"),)
    shown = (tmp_path / "r.html").read_text()
    assert f"{found.bits_per_byte:.4f}" in shown
    assert "http:" not in shown
    assert "https:" not in shown
    data = data_of(tmp_path / "r.html")
    assert data["edges"] == [edge.offset for edge in found.edges]
    assert data["total"] == 6200
    assert shown.count('<tr data-at="') == 2 * len(found.edges) + 1 + len(found.anomalies)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_can_be_clicked_through_and_asks_for_nothing(tmp_path, width):
    path = made(tmp_path, "a.txt", TEXT[:3000] + random.Random(0).randbytes(200) + TEXT[3000:6000])
    inspect(path, model="text", html=tmp_path / "r.html")
    told = opened(tmp_path / "r.html", width, tmp_path)
    assert told["rows"] > 10
    assert not told["overflow"]
    assert told["pointed"].startswith(f"byte 5 (0x5): {TEXT[5]:02x}")
    assert (told["ranks"], told["lockstep"]) == (5, 2)
    assert f"byte {told['edge'][0]:,} " in told["edge"][1]
    assert told["middle"].startswith("byte 3,")
    assert told["scrolled"] > 1000
    assert told["themes"][0] != told["themes"][1]
    assert told["requests"] == []


HOSTILE = b"</script><script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\">"


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_nothing_that_a_file_or_its_name_holds_is_run(tmp_path):
    name = "<img src=x onerror=document.title='hacked'>{{ 7*7 }}.txt"
    inspect(made(tmp_path, name, HOSTILE * 40), model="none", html=tmp_path / "r.html")
    told = opened(tmp_path / "r.html", 1440, tmp_path)
    assert "hacked" not in told["title"].replace(name, "")
    assert told["title"].startswith(name)
    assert told["requests"] == []
    assert told["ranks"] == 0


def test_a_long_file_has_several_pages_of_limited_size(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "PAGE_BYTES", 5000)
    monkeypatch.setattr(page, "MOST_PAGES", 3)
    found = inspect(made(tmp_path, "a", TEXT[:17_000]), model="none", html=tmp_path / "r.html")
    assert [Path(each).name for each in found.html] == ["r.html", "r-2.html", "r-3.html"]
    starts = [data_of(Path(each))["start"] for each in found.html]
    assert starts == [0, 5000, 10_000]
    shown = Path(found.html[1]).read_text()
    assert 'href="r.html"' in shown
    assert "The last 2,000 bytes are on no page" in shown
    with pytest.raises(BytesimError, match="exists already"):
        inspect(tmp_path / "a", model="none", html=tmp_path / "r.html")
    (tmp_path / "r.html").unlink()
    with pytest.raises(BytesimError, match="exists already"):
        inspect(tmp_path / "a", model="none", html=tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_a_full_page_has_at_most_two_megabytes(tmp_path):
    found = inspect(made(tmp_path, "a.txt", random.Random(0).randbytes(70_000)), model="none", html=tmp_path / "r.html")
    assert len(found.html) == 2
    plain = (tmp_path / "r.html").stat().st_size
    likeliest = 2 * page.PAGE_BYTES * 5 * 4 / 3  # what a model adds: five bytes and their shares
    assert plain + likeliest < 2_000_000


@pytest.mark.parametrize(
    ("name", "kind"), [("sunset.bmp", "picture"), ("sunset.png", "picture"), ("bell.wav", "wave"), ("gcd.asm", None)]
)
def test_previews_are_of_what_a_file_holds(name, kind):
    preview = preview_of((ROOT / "examples" / name).read_bytes())
    if kind is None:
        assert preview is None
    else:
        assert preview is not None
        assert kind in preview.alt
        assert bool(preview.image) != bool(preview.path)


@pytest.mark.parametrize("head", [b"BM", b"\x89PNG", b"RIFF", b"MThd", b"\xff\xd8\xff", b"GIF8", b"OggS", b"fLaC"])
def test_a_damaged_file_has_no_preview(head):
    for seed in range(5):
        assert preview_of(head + random.Random(seed).randbytes(300)) is None


def test_a_report_is_not_written_to_stdout(tmp_path):
    with pytest.raises(BytesimError, match="name a file for --html"):
        inspect(made(tmp_path, "a", TEXT[:100]), model="none", html="-")


def test_the_report_of_a_trace_names_the_bytes_that_differ(tmp_path):
    ((memory, states),) = with_states(next(split_programs("test", 1)))
    trace = bytearray(memory.ljust(MEMORY_SIZE, b"\0") + states)
    inspect(written(tmp_path / "right.bin", bytes(trace)), model="cpu", html=tmp_path / "right.html")
    steps = len(states) // STATE_SIZE - 1
    assert f"All {steps:,} states are those of the exact machine." in (tmp_path / "right.html").read_text()
    place = MEMORY_SIZE + 2 * STATE_SIZE + 6
    trace[place] ^= 5
    inspect(written(tmp_path / "wrong.bin", bytes(trace)), model="cpu", html=tmp_path / "wrong.html")
    page = (tmp_path / "wrong.html").read_text()
    assert "differ from those of the exact machine: 1." in page
    assert f'<tr data-at="{place}">' in page


def test_a_file_that_is_no_trace_has_no_states():
    assert compare_states(b"") is None
    assert compare_states(bytes(1024)) is None
    states = compare_states(bytes(1024 + 16) + b"\7" * 20)
    assert states is not None
    assert states.wrong > 0


@pytest.mark.skipif(shutil.which("abcm2ps") is None, reason="abcm2ps is not installed")
def test_the_report_of_a_tune_shows_its_score():
    preview = preview_of((EXAMPLES / "songbook.abc").read_bytes())
    assert preview is not None
    assert preview.image.startswith("data:image/svg+xml;base64,")
    assert b"<svg" in base64.b64decode(preview.image.partition(",")[2])


def test_a_tune_without_the_engraver_has_no_preview(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert preview_of((EXAMPLES / "songbook.abc").read_bytes()) is None
