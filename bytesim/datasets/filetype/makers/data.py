"""Makers of the filetype set: tables, arrays and databases with numbers and words of found files."""

from __future__ import annotations

import csv
import io
import json
import pickle
import re
import sqlite3
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.datasets.filetype.makers.maker import Job, Maker

Column = tuple[str, list[Any]]


def table_of(job: Job) -> list[Column]:
    """Columns of equal length from a found file: those of a CSV, else words, numbers and line lengths of a text."""
    text = job.read().decode("utf-8", "replace")
    rows = _csv_rows(text) if job.names[0].lower().endswith(".csv") else []
    if rows:
        return _typed(rows)
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["empty"]
    count = min(len(lines) * job.rng.choice((1, 1, 4)), job.rng.choice((40, 200, 1000, 5000)))
    picked = [lines[index % len(lines)] for index in range(count)]
    makers: dict[str, Any] = {
        "id": lambda: list(range(1, count + 1)),
        "line": lambda: [line[:200] for line in picked],
        "length": lambda: [len(line) for line in picked],
        "word": lambda: [(re.findall(r"\w+", line) or ["-"])[0] for line in picked],
        "share": lambda: [sum(map(str.isalpha, line)) / len(line) for line in picked],
        "value": lambda: [round(job.rng.gauss(20, 8), 3) for _ in picked],
        "flag": lambda: [line.endswith((";", ".")) for line in picked],
        "count": lambda: [line.count("e") for line in picked],
        "when": lambda: [1_200_000_000 + 3600 * index + job.rng.randint(0, 999) for index in range(count)],
        "name": lambda: [" ".join(re.findall(r"\w+", line)[:3]) or "none" for line in picked],
    }
    names = job.rng.sample(sorted(makers), job.rng.randint(3, 8))
    return [(f"{name}{job.rng.choice(('', '', '_1', '_x'))}", makers[name]()) for name in names]


def _csv_rows(text: str) -> list[list[str]]:
    try:
        rows = [row for row in csv.reader(io.StringIO(text)) if row][:5000]
    except csv.Error:
        return []
    return rows if len(rows) > 2 and len({len(row) for row in rows}) == 1 and len(rows[0]) <= 200 else []


def _typed(rows: list[list[str]]) -> list[Column]:
    """CSV rows as columns; a column of numbers is converted to numbers."""
    columns: list[Column] = []
    for index, name in enumerate(rows[0]):
        values: list[Any] = [row[index] for row in rows[1:]]
        for kind in (int, float):
            try:
                values = [kind(value) for value in values]
                break
            except ValueError:
                continue
        columns.append((f"{name.strip() or 'column'}_{index}", values))
    return columns


def array_of(job: Job) -> NDArray[Any]:
    """An array from a found file: pixels, samples or numbers of a text, sometimes processed, of various dtypes."""
    name, data, rng = job.names[0].lower(), job.read(), job.rng
    if name.endswith((".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff")):
        from PIL import Image

        array: NDArray[Any] = np.asarray(Image.open(io.BytesIO(data)).convert(rng.choice(("L", "RGB"))))
        array = array[:: rng.choice((1, 2)), :: rng.choice((1, 2))]
    elif name.endswith((".wav", ".flac", ".ogg", ".mp3")):
        import soundfile

        array = soundfile.read(io.BytesIO(data), dtype=rng.choice(("int16", "float32", "float64")))[0][:200_000]
    else:
        numbers = [value for _, values in table_of(job) for value in values if isinstance(value, int | float)]
        array = np.array(numbers or [0])
        width = rng.choice((1, 2, 3, 4, 8, 10))
        array = array[: len(array) // width * width].reshape(-1, width) if len(array) >= width else array
    return _processed(array, job)


def _processed(array: NDArray[Any], job: Job) -> NDArray[Any]:
    way = job.rng.choice(("as it is", "as it is", "float", "half", "gradient", "int", "noise", "complex", "order"))
    if way == "float":
        return array.astype(np.float32) / 255
    if way == "half":
        return array.astype(np.float16)
    if way == "gradient":
        return np.diff(array.astype(np.float64), axis=0)
    if way == "int":
        return array.astype(job.rng.choice((np.int64, np.int32, np.uint16)))
    if way == "noise":
        return array + np.random.default_rng(job.rng.randint(0, 2**31)).normal(0, 1, array.shape)
    if way == "complex":
        return np.fft.rfft(array.astype(np.float64), axis=0)[:20_000]
    return np.asfortranarray(array) if way == "order" else array


def npy(job: Job) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array_of(job)[:150_000], allow_pickle=False)
    return buffer.getvalue()


def npz(job: Job) -> bytes:
    buffer = io.BytesIO()
    save = np.savez_compressed if job.settings == "compressed" else np.savez
    save(buffer, data=array_of(job)[:100_000], more=np.arange(job.rng.randint(3, 500)))
    return buffer.getvalue()


def hdf5(job: Job) -> bytes:
    import h5py

    path = job.folder / "out.h5"
    settings: dict[str, dict[str, Any]] = {
        "gzip": {"compression": "gzip", "compression_opts": job.rng.choice((1, 4, 9))},
        "lzf": {"compression": "lzf"},
        "shuffle": {"compression": "gzip", "shuffle": True},
        "none": {},
        "checked": {"fletcher32": True},
    }
    how = settings[job.settings]
    with h5py.File(path, "w", libver=job.rng.choice(("earliest", "latest"))) as file:
        group = file.create_group(job.rng.choice(("data", "run/1", "model", "entry")))
        group.attrs["source"] = job.names[0]
        group.create_dataset("values", data=array_of(job)[:120_000], **how)
        for name, values in table_of(job)[: job.rng.randint(0, 6)]:
            column = np.array(values)
            group.create_dataset(
                name.replace("/", "_"), data=column if column.dtype.kind != "U" else column.astype("S"), **how
            )
    return path.read_bytes()


def _arrow_table(job: Job) -> Any:
    import pyarrow

    return pyarrow.table(dict(table_of(job)))


def parquet(job: Job) -> bytes:
    import pyarrow.parquet

    buffer = io.BytesIO()
    pyarrow.parquet.write_table(
        _arrow_table(job), buffer, compression=job.settings, row_group_size=job.rng.choice((100, 1000, 100_000)),
        use_dictionary=job.rng.random() < 0.6, version=job.rng.choice(("1.0", "2.6")),
    )  # fmt: skip
    return buffer.getvalue()


def arrow(job: Job) -> bytes:
    import pyarrow.feather

    path = job.folder / "out.arrow"
    pyarrow.feather.write_feather(
        _arrow_table(job), str(path), compression=job.settings, chunksize=job.rng.choice((100, 2000, None))
    )
    return path.read_bytes()


def sqlite(job: Job) -> bytes:
    path = job.folder / "out.db"
    columns = table_of(job)
    quoted = [f'"{name}"'.replace("?", "") for name, _ in columns]
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA page_size={job.settings}")
    database.execute(f"PRAGMA encoding='{job.rng.choice(('UTF-8', 'UTF-8', 'UTF-16le'))}'")
    table = job.rng.choice(("items", "entries", "log", "t1", "words", "files"))
    database.execute(f"CREATE TABLE {table} (key INTEGER PRIMARY KEY, {', '.join(quoted)})")
    marks = ", ".join("?" * len(columns))
    database.executemany(
        f"INSERT INTO {table} ({', '.join(quoted)}) VALUES ({marks})", zip(*(v for _, v in columns), strict=True)
    )
    if job.rng.random() < 0.5:
        database.execute(f"CREATE INDEX by_{table} ON {table} ({quoted[0]})")
    if job.rng.random() < 0.4:
        database.execute("CREATE TABLE texts (id INTEGER PRIMARY KEY, name TEXT UNIQUE, body TEXT)")
        for number, line in enumerate(job.read().decode("utf-8", "replace").split("\n\n")[:400]):
            database.execute("INSERT INTO texts (name, body) VALUES (?, ?)", (f"{number} {line[:20]}", line))
    if job.rng.random() < 0.3:
        database.execute(f"DELETE FROM {table} WHERE key % 3 = 0")
    database.commit()
    database.close()
    return path.read_bytes()


def objects_of(job: Job) -> Any:
    """Python objects from a found file, in structures that programs often pickle."""
    columns = dict(table_of(job))
    shape = job.rng.choice(("columns", "rows", "words", "array", "nested", "json"))
    if shape == "rows":
        return [dict(zip(columns, row, strict=True)) for row in list(zip(*columns.values(), strict=True))[:2000]]
    if shape == "words":
        words = re.findall(r"\w+", job.read().decode("utf-8", "replace"))[:20_000]
        return {word: words.count(word) for word in sorted(set(words[:1500]))}
    if shape == "array":
        return {"data": array_of(job)[:20_000], "names": list(columns)}
    if shape == "json" and job.names[0].endswith(".json"):
        return json.loads(job.read())
    return [columns, {"meta": (job.names[0], len(columns), None, 1.5)}] if shape == "nested" else columns


def pickled(job: Job) -> bytes:
    return pickle.dumps(objects_of(job), int(job.settings))


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def msgpack(job: Job) -> bytes:
    import msgpack as package

    data: bytes = package.packb(objects_of(job), default=_plain)
    return data


def cbor(job: Job) -> bytes:
    import cbor2

    data: bytes = cbor2.dumps(objects_of(job), default=lambda encoder, value: encoder.encode(_plain(value)))
    return data


def gdbm(job: Job) -> bytes:
    lines = [re.findall(r"\w+", line) for line in job.read().decode("utf-8", "replace").splitlines()]
    commands = "".join(
        f'store {words[0]}{number} "{" ".join(words[1:9])}"\n' for number, words in enumerate(lines[:500]) if words
    )
    job.run("gdbmtool", "-n", "out.gdbm", stdin=commands.encode())
    return (job.folder / "out.gdbm").read_bytes()


MAKERS = [
    Maker("npy", npy, ("image",), "image", (), 130, 1, 500),
    Maker("npy", npy, ("sound",), "wav", (), 60, 1, 2000),
    Maker("npy", npy, ("table",), "table", (), 300, 1, 1000),
    Maker("npz", npz, ("compressed", "stored"), "image", (), 100, 1, 500),
    Maker("hdf5", hdf5, ("gzip", "lzf", "none", "shuffle", "checked"), "table", ("python:h5py",), 500, 1, 1000),
    Maker("parquet", parquet, ("snappy", "gzip", "none", "zstd"), "table", ("python:pyarrow",), 560, 1, 1000),
    Maker("arrow", arrow, ("uncompressed", "lz4", "zstd"), "table", ("python:pyarrow",), 560, 1, 1000),
    Maker("sqlite", sqlite, ("4096", "1024", "8192", "2048"), "table", (), 500, 1, 1000),
    Maker("pickle", pickled, ("2", "3", "4", "0", "5"), "table", (), 360, 1, 1000),
    Maker("msgpack", msgpack, ("",), "table", ("python:msgpack",), 70, 1, 1000),
    Maker("cbor", cbor, ("",), "table", ("python:cbor2",), 70, 1, 1000),
    Maker("gdbm", gdbm, ("",), "text", ("gdbmtool",), 70, 1, 1000),
]
