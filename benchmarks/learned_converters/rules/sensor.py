"""`sensor`: a reading as text to a record of 20 bytes, little-endian.

SNS1     magic
uint8    hour, then minute
int16    temperature in tenths of a degree
uint8    humidity in percent
uint8    battery: 0 empty, 1 low, 2 good, 3 full
int16    pressure in hPa
ascii    name of the station, 8 bytes, padded with zeros
"""

from __future__ import annotations

import re
import struct
from random import Random

from ..task import Task
from ..words import decode, word

BATTERY = ("empty", "low", "good", "full")
_TEXT = re.compile(
    r"station=([A-Za-z0-9-]{1,8})\ntime=([01][0-9]|2[0-3]):([0-5][0-9])\ntemperature=(-?)(0|[1-9][0-9]?)\.([0-9])\n"
    r"humidity=(100|[1-9]?[0-9])%\npressure=(9[0-9]{2}|10[0-9]{2})\nbattery=(empty|low|good|full)\n"
)


def rule(source: bytes) -> bytes | None:
    """The record of a reading: -60.0 to 60.0 degrees, 900 to 1099 hPa."""
    text = decode(source)
    match = None if text is None else _TEXT.fullmatch(text)
    if match is None:
        return None
    tenths = int(match[5] + match[6])
    if tenths > 600 or (match[4] and not tenths):
        return None
    return struct.pack(
        "<4sBBhBBh8s",
        b"SNS1",
        int(match[2]),
        int(match[3]),
        -tenths if match[4] else tenths,
        int(match[7]),
        BATTERY.index(match[9]),
        int(match[8]),
        match[1].encode("ascii"),
    )


def _make(rng: Random, held_out: bool) -> bytes:
    letters = word(rng, held_out, most=2).upper()
    station = rng.choice((letters, f"{letters[:5]}-{rng.randrange(100):02d}"))[:8]
    tenths = rng.randint(-300, 450)
    return (
        f"station={station}\ntime={rng.randrange(24):02d}:{rng.randrange(60):02d}\n"
        f"temperature={'-' * (tenths < 0)}{abs(tenths) // 10}.{abs(tenths) % 10}\nhumidity={rng.randint(0, 100)}%\n"
        f"pressure={rng.randint(960, 1049)}\nbattery={rng.choice(BATTERY)}\n"
    ).encode("ascii")


def _with(source: bytes, key: bytes, value: bytes) -> bytes:
    return re.sub(b"(?m)^" + key + b"=.*$", lambda _: key + b"=" + value, source)


def _reversed(rng: Random, source: bytes) -> bytes:
    return b"".join(reversed(source.splitlines(keepends=True)))


def _entry_missing(rng: Random, source: bytes) -> bytes:
    lines = source.splitlines(keepends=True)
    del lines[rng.randrange(len(lines))]
    return b"".join(lines)


SENSOR = Task(
    name="sensor",
    source_suffix="txt",
    target_suffix="bin",
    make=_make,
    rule=rule,
    keywords=frozenset(("station", "time", "temperature", "humidity", "pressure", "battery", *BATTERY)),
    odd_kinds={
        "too_hot": lambda rng, source: _with(source, b"temperature", b"%d.%d" % (rng.randint(100, 900), 5)),
        "hotter_than_seen": lambda rng, source: _with(source, b"temperature", b"%d.%d" % (rng.randint(46, 59), 5)),
        "humidity_over_100": lambda rng, source: _with(source, b"humidity", b"%d%%" % rng.randint(101, 999)),
        "hour_over_23": lambda rng, source: _with(source, b"time", b"%d:30" % rng.randint(24, 99)),
        "battery_unknown": lambda rng, source: _with(source, b"battery", rng.choice((b"half", b"ok", b"75%"))),
        "long_station": lambda rng, source: _with(source, b"station", word(rng, False).upper().encode() * 3),
        "reversed": _reversed,
        "entry_missing": _entry_missing,
        "spaces": lambda rng, source: source.replace(b"=", b" = "),
    },
)
