"""The tasks of the benchmark of learned converters: the rules are right, and nothing measured was learned from."""

import csv
import json
import struct
import sys

import pytest

from benchmarks.learned_converters.folders import ODD, TRAIN, UNSEEN, learned_by_heart, make_files
from benchmarks.learned_converters.rules import TASKS
from benchmarks.learned_converters.rules.sensor import BATTERY

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

names = pytest.mark.parametrize("name", TASKS)


@names
def test_files_are_small_and_in_no_two_folders(tmp_path, name):
    task = TASKS[name]
    make_files(task, tmp_path, pairs=120, unseen=60, odd=90, seed=3)
    sources = {part: _contents(tmp_path / part, task.source_suffix) for part in (TRAIN, UNSEEN, ODD)}
    assert [len(files) for files in sources.values()] == [120, 60, 90]
    assert len({source for files in sources.values() for source in files}) == 270
    assert max(map(len, [*sources[TRAIN], *_contents(tmp_path / TRAIN, task.target_suffix)])) <= 500
    assert learned_by_heart(task, tmp_path) == 0


def _contents(folder, suffix):
    return [path.read_bytes() for path in folder.glob(f"*.{suffix}")]


@names
def test_odd_inputs_are_of_twenty_kinds_and_the_same_every_time(name):
    odd = TASKS[name].odd(5, 100)
    assert len({item.kind for item in odd}) >= 20
    assert odd == TASKS[name].odd(5, 100)


@pytest.mark.parametrize("name", ["strangers", "settings", "access", "labels", "bibliography", "tables", "contacts"])
def test_made_up_words_of_unseen_pairs_are_new(name):
    words = [
        {word for source, _ in TASKS[name].pairs(0, 200, held_out=held_out) for word in source.split() if len(word) > 9}
        for held_out in (False, True)
    ]
    shared = words[0] & words[1]
    assert len(words[1] - shared) > 20
    assert all(not word.isalpha() or word in {b"VERSION", b"publisher"} for word in shared)


@pytest.mark.parametrize("name", ["people", "strangers"])
def test_an_object_holds_the_fields_of_its_line(name):
    for source, target in TASKS[name].pairs(0, 50):
        row = next(csv.reader([source.decode("utf-8").rstrip("\n")]))
        values = json.loads(target)
        assert [values["name"], str(values["age"]), values["city"]] == row[:3]
        assert values["balance"] == float(row[3])


def test_a_roman_numeral_has_the_value_of_its_number():
    values = dict(zip("IVXLCDM", (1, 5, 10, 50, 100, 500, 1000), strict=True))
    for source, target in TASKS["roman"].pairs(0, 300):
        digits = [values[letter] for letter in target.decode("ascii").strip()]
        following = [*digits[1:], 0]
        assert int(source) == sum(-a if a < b else a for a, b in zip(digits, following, strict=True))


def test_settings_are_toml_with_the_same_text():
    for source, target in TASKS["settings"].pairs(0, 50):
        tables = tomllib.loads(target.decode("utf-8"))
        assert source.count(b" = ") == sum(len(entries) for table in tables.values() for entries in _leaves(table))


def _leaves(table):
    nested = [value for value in table.values() if isinstance(value, dict)]
    return nested or [table]


def test_a_sensor_record_holds_its_values():
    for source, target in TASKS["sensor"].pairs(0, 50):
        magic, hour, minute, tenths, humidity, battery, pressure, name = struct.unpack("<4sBBhBBh8s", target)
        text = (
            f"station={name.rstrip(bytes(1)).decode()}\ntime={hour:02d}:{minute:02d}\ntemperature={tenths / 10:.1f}\n"
            f"humidity={humidity}%\npressure={pressure}\nbattery={BATTERY[battery]}\n"
        )
        assert magic == b"SNS1"
        assert source == text.encode("ascii")


@pytest.mark.parametrize(
    ("name", "source", "target"),
    [
        (
            "access",
            b'10.0.0.7 - - [02/Aug/2020:17:31:10 -0200] "GET /a.html HTTP/1.1" 304 -\n',
            b"2020-08-02T17:31:10-02:00,10.0.0.7,,GET,/a.html,304,\n",
        ),
        ("access", b'10.0.0.7 - - [31/Feb/2020:17:31:10 -0200] "GET / HTTP/1.1" 200 5\n', None),
        (
            "labels",
            b"\x04\x01\x05\x03\x04\xe7\x07\x02\x17\x01\x03Cup\x02\x01\xff",
            b"title: Cup\ncount: 255\ndate: 2023-02-23\nflags: fragile, heavy\n",
        ),
        ("labels", b"\x01\x09Cup", None),
        (
            "bibliography",
            b"@book{ek99,\n  year = {1999},\n  title = {On},\n  author = {Ek, A and Li, B}\n}\n",
            b"TY  - BOOK\nAU  - Ek, A\nAU  - Li, B\nTI  - On\nPY  - 1999\nID  - ek99\nER  - \n",
        ),
        (
            "tables",
            b"| A | B |\n| --- | --- |\n| 1 | x & y |\n",
            b"<table>\n<tr><th>A</th><th>B</th></tr>\n<tr><td>1</td><td>x &amp; y</td></tr>\n</table>\n",
        ),
        ("tables", b"| A | B |\n| 1 | 2 |\n", None),
        (
            "contacts",
            b"BEGIN:VCARD\nVERSION:3.0\nN:Li;Bo;;;\nFN:Bo Li\nTEL;TYPE=CELL:+1 23\nEMAIL:b@c.de\nEND:VCARD\n",
            b"dn: cn=Bo Li,mail=b@c.de\nobjectClass: inetOrgPerson\ncn: Bo Li\nsn: Li\ngivenName: Bo\nmail: b@c.de\n"
            b"mobile: +123\n",
        ),
        ("roman", b"4000\n", None),
        ("people", b"Anna,34,Rome\n", None),
        ("settings", b"[a]\nx = YES\n", None),
    ],
)
def test_a_rule_by_example(name, source, target):
    assert TASKS[name].rule(source) == target
