"""`access`: a line of a web server's log to CSV: the time in ISO 8601 first, `-` as an empty field."""

from __future__ import annotations

import re
from datetime import datetime
from random import Random

from ..task import Task
from ..words import MONTHS, decode, word

_LINE = re.compile(
    r"([0-9.]{7,15}) - ([^][\s,]+) \[([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4}):([0-9:]{8}) ([+-][0-9]{2})([0-9]{2})\] "
    r'"([A-Z]+) (/[^\s",]*) HTTP/([0-9.]+)" ([1-5][0-9]{2}) (-|[0-9]+)\n'
)


def rule(source: bytes) -> bytes | None:
    """time,address,user,method,path,status,bytes."""
    text = decode(source.replace(b"\r\n", b"\n"))
    match = None if text is None else _LINE.fullmatch(text)
    if match is None or match[4] not in MONTHS or not _is_address(match[1]):
        return None
    host, user, day, month, year, clock, hours, minutes, method, path, _, status, size = match.groups()
    time = f"{year}-{MONTHS.index(month) + 1:02d}-{day}T{clock}{hours}:{minutes}"
    try:
        datetime.fromisoformat(time)
    except ValueError:
        return None
    fields = (time, host, "" if user == "-" else user, method, path, status, size.strip("-"))
    return (",".join(fields) + "\n").encode("utf-8")


def _is_address(text: str) -> bool:
    numbers = text.split(".")
    return len(numbers) == 4 and all(number.isdigit() and str(min(255, int(number))) == number for number in numbers)


def _make(rng: Random, held_out: bool) -> bytes:
    host = ".".join(str(rng.randrange(256)) for _ in range(4))
    user = word(rng, held_out) if rng.random() < 0.4 else "-"
    day = f"{rng.randint(1, 28):02d}/{rng.choice(MONTHS)}/{rng.randint(1998, 2027)}"
    clock = f"{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"
    zone = f"{rng.choice('+-')}{rng.randrange(13):02d}{rng.choice(('00', '00', '30'))}"
    path = "".join(f"/{word(rng, held_out)}" for _ in range(rng.randint(1, 3)))
    path += rng.choice(("", "/", ".html", ".png", f"?q={word(rng, held_out)}", f"?id={rng.randrange(1000)}"))
    method = rng.choice(("GET",) * 6 + ("POST", "POST", "PUT", "HEAD", "DELETE"))
    status = rng.choice(("200",) * 4 + ("301", "304", "401", "403", "404", "500", "503"))
    size = "-" if status == "304" else str(rng.randrange(10 ** rng.randint(2, 6)))
    request = f'"{method} {path} HTTP/{rng.choice(("1.0", "1.1", "1.1"))}"'
    return f"{host} - {user} [{day}:{clock} {zone}] {request} {status} {size}\n".encode("ascii")


def _combined(rng: Random, source: bytes) -> bytes:
    return source.rstrip(b"\n") + b' "http://example.org/" "Mozilla/5.0"\n'


def _ip6(rng: Random, source: bytes) -> bytes:
    return b"2001:db8::%x " % rng.randrange(65536) + source.split(b" ", 1)[1]


def _numbered_month(rng: Random, source: bytes) -> bytes:
    return re.sub(rb"/[A-Z][a-z]{2}/", b"/%02d/" % rng.randint(1, 12), source)


def _impossible_date(rng: Random, source: bytes) -> bytes:
    return re.sub(rb"\[\d\d/[A-Z][a-z]{2}", b"[%d/Feb" % rng.randint(30, 99), source)


ACCESS = Task(
    name="access",
    source_suffix="log",
    target_suffix="csv",
    make=_make,
    rule=rule,
    keywords=frozenset(("GET", "POST", "PUT", "HEAD", "DELETE", "HTTP", *MONTHS)),
    odd_kinds={
        "combined": _combined,
        "ip6": _ip6,
        "numbered_month": _numbered_month,
        "impossible_date": _impossible_date,
        "other_method": lambda rng, source: re.sub(rb'"[A-Z]+ ', rng.choice((b'"PATCH ', b'"TRACE ')), source),
    },
)
