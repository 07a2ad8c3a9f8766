"""The figures of docs/speed.md: runs every benchmark, keeps what it prints, and draws tables and picture.

    python docs/speed.py measure              # all benchmarks, about 20 minutes on an idle computer
    python docs/speed.py measure cold_start   # one of them
    python docs/speed.py                      # tables and picture of what was kept

What was measured is kept in docs/curves/speed/. `make bench` does both.
"""

import argparse
import json
import math
import subprocess
import sys
from typing import Any

from trials import HERE, put_table

from bytesim.pictures.canvas import new_figure, png_of

PAGE = HERE / "speed.md"
KEPT = HERE / "curves" / "speed"
SCRIPTS = HERE.parent / "benchmarks"
RUNS: dict[str, list[str]] = {
    "decode_large": ["decode.py", "--model", "published", "--prefix", "1024", "4096", "--files", "1", "16"],
    "decode_music": ["decode.py", "--model", "music", "--prefix", "1024", "2048", "4096", "7680", "--files", "1", "16"],
    "decode_convert": ["decode.py", "--model", "music", "--source", "400", "--files", "1", "16", "32", "--slots", "16"],
    "decode_blt": ["blt.py"],
    "cpu": ["cpu.py"],
    "convert": ["convert.py"],
    "classify": ["classify.py"],
    "cold_start": ["cold_start.py"],
    "train_large": ["train.py", "--model", "published"],
    "train_large_bfloat16": ["train.py", "--model", "published", "--dtype", "bfloat16"],
    "train_small": ["train.py", "--model", "small"],
    "train_small_bfloat16": ["train.py", "--model", "small", "--dtype", "bfloat16"],
    "engines": ["engines.py"],
    "compress": ["compress.py", "--bytes", "200000"],
    "detect": ["detect.py"],
    "inspect": ["inspecting.py"],
}
"""Name -> script of benchmarks/ and its options."""
ENGINES = {"torch": "torch", "native_float32": "native, float32", "native_int8": "native, int8"}


def measure(name: str) -> None:
    """Run a benchmark, and keep the JSON of its last line."""
    script, *options = RUNS[name]
    print(f"== {name}: {script} {' '.join(options)}", flush=True)
    command = [sys.executable, str(SCRIPTS / script), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout, end="", flush=True)
    KEPT.mkdir(parents=True, exist_ok=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    (KEPT / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def kept(name: str) -> dict[str, Any]:
    """What a benchmark printed last."""
    figures: dict[str, Any] = json.loads((KEPT / f"{name}.json").read_text(encoding="utf-8"))
    return figures


def rows_of(header: str, rows: list[list[str]]) -> str:
    """A table of Markdown."""
    columns = header.count("|") + 1
    lines = [f"| {header} |", "|---" * columns + "|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def decoding(name: str, before: dict[str, str]) -> str:
    """Rates of the engines, after so many bytes before the first one: `before` are their keys and names."""
    figures = kept(name)
    files = sorted({int(key.split("_")[-1]) for key in figures if key.startswith("torch_")})
    rows = []
    for key, text in before.items():
        naive = figures[f"naive_{key}"]
        for count in files:
            rates = [figures[f"{engine}_{key}_{count}"] for engine in ENGINES]
            cells = [f"{rate:,} ({rate / naive:,.0f} times)" for rate in rates]
            alone = f"{naive:,.1f}" if count == 1 else ""
            rows.append([text, str(count), alone, *cells, f"{figures[f'ceiling_{count}']:,}"])
    return rows_of(f"before | files | nothing cached | {' | '.join(ENGINES.values())} | ceiling, float32", rows)


def by_length() -> tuple[list[int], dict[str, list[float]]]:
    """Bytes before the first one, and name of an engine -> its bytes per second of one file after each of them."""
    figures = kept("decode_music")
    lengths = sorted({int(key.split("_")[1]) for key in figures if key.startswith("naive_")})
    rates = {title: [figures[f"{engine}_{length}_1"] for length in lengths] for engine, title in ENGINES.items()}
    return lengths, {**rates, "nothing cached": [figures[f"naive_{length}"] for length in lengths]}


def growth() -> str:
    """How the cost of a byte grows with the length of a file, and its exponent."""
    lengths, rates = by_length()
    rows = []
    for title, ends in rates.items():
        factor = ends[0] / ends[-1]
        exponent = math.log(factor) / math.log(lengths[-1] / lengths[0])
        rows.append([title, *(f"{rate:,.0f}" for rate in ends), f"{factor:.2f}", f"{exponent:.2f}"])
    named = " | ".join(f"{length:,} bytes" for length in lengths)
    return rows_of(f"engine | {named} | cost grows by | exponent", rows)


def latent() -> str:
    """A BLT in torch, with its caches and without."""
    figures = kept("decode_blt")
    cells = [f"{figures['context']:,} bytes", f"{figures['recomputed_bytes_per_s']:.2f}"]
    cells += [f"{figures['incremental_bytes_per_s']:.0f} ({figures['times_as_fast']:.0f} times)"]
    return rows_of(
        "before | recomputed | incremental, torch | ceiling", [[*cells, f"{figures['ceiling_bytes_per_s']:,}"]]
    )


def commands() -> str:
    """Cold starts of the commands."""
    rows = [
        [name, f"{figures['seconds']:.2f} s", f"{figures['peak_mb']} MB"]
        for name, figures in kept("cold_start")["commands"].items()
    ]
    return rows_of("command | from start to end | peak memory", rows)


def many() -> str:
    """Many files at once."""
    convert, classify, cpu = kept("convert"), kept("classify"), kept("cpu")
    return rows_of(
        "work | time | floor",
        [
            [f"`convert abc2midi`, {convert['files']} tunes, --jobs {convert['jobs']}", f"{convert['many_s']} s",
             f"{convert['floor_s']} s"],
            [f"`classify file`, {classify['files']:,} files of 200 to 4,000 bytes, one process",
             f"{classify['one_process_s']} s: {60 * classify['files'] / classify['one_process_s']:,.0f} a minute",
             f"{classify['floor_s']} s"],
            [f"the same, --jobs {classify['jobs']}",
             f"{classify['several_processes_s']} s: "
             f"{60 * classify['files'] / classify['several_processes_s']:,.0f} a minute", ""],
            [f"`cpu` predicts a program of {cpu['instructions']} instructions, start excluded",
             f"{cpu['one_program_s']} s",
             f"{cpu['one_program_floor_s']} s"],
            [f"the same for {cpu['programs_together']} programs together", f"{cpu['together_s']} s",
             f"{cpu['together_floor_s']} s"],
        ],
    )  # fmt: skip


def training() -> str:
    """Training steps."""
    rows = []
    for size, title in (("large", "published, 110 M"), ("small", "modern, 7 M")):
        for dtype, suffix in (("float32", ""), ("bfloat16", "_bfloat16")):
            figures = kept(f"train_{size}{suffix}")
            naive = figures.get("naive_bytes_per_s")
            rows.append(
                [title, dtype, f"{figures['bytes_per_s']:,}", f"{100 * figures['share_of_ceiling']:.0f} %",
                 f"{100 * figures['patch_share_of_ceiling']:.0f} %",
                 "" if naive is None else f"{naive:,}, so {figures['bytes_per_s'] / naive:.2f} times"]
            )  # fmt: skip
    return rows_of(
        "model | dtype | bytes/s | share of the product rate | patch-level decoder alone | as published, float32", rows
    )


def exactness() -> str:
    """How many answers of the engines are equal."""
    figures = kept("engines")
    rows = []
    for name, found in figures["models"].items():
        gaps = found["gaps"]
        ties = sum(gap <= figures["tie"] for gap in gaps)
        others = f"{ties} of {len(gaps)}, greatest difference {max(gaps):.1g}" if gaps else ""
        rows.append([f"`{name}`", f"{found['files']}", f"{found['bytes']:,}", f"{found['equal']}", others])
    return rows_of("model | files | bytes written | equal | near ties among the others", rows)


def detection() -> str:
    """How often each means finds the borders and the types of the parts of mixtures."""
    rows = []
    for kind, found in kept("detect").items():
        for name, figures in found.items() if isinstance(found, dict) else ():
            *shares, rate = figures.values()
            rows.append([kind, name, *(f"{share:.1f} %" for share in shares), f"{rate:,.0f}"])
    heads = "parts | found by | borders found | to the byte | of its borders right | bytes labelled right | kB/s"
    return rows_of(heads, rows)


def inspection() -> str:
    """How often the changed place of a file is found."""
    rows = []
    for kind, figures in kept("inspect").items():
        if isinstance(figures, dict):
            shares = (figures["in_top_three"], figures["stands_out"], figures["intact_files_with_one"])
            rows.append([kind, f"{figures['cases']}", *(f"{share:.1f} %" for share in shares)])
    heads = "change | files | in the three most surprising windows | stands out | intact files with a false alarm"
    return rows_of(heads, rows)


def compression() -> str:
    """Bits per byte of each kind of file, by each compression."""
    found = {kind: row for kind, row in kept("compress").items() if isinstance(row, dict)}
    tools = list(dict.fromkeys(name for row in found.values() for name in row if isinstance(row[name], dict)))
    rows = []
    for kind, row in found.items():
        cells = [f"{row[name]['bits_per_byte']:.3f}" if name in row else "" for name in tools]
        rates = [f"{row['--fast']['kb_per_s']:.0f}"]
        rates.append(f"{row['with a model']['kb_per_s']:.1f}" if row["model"] else "")
        rows.append([kind, f"{row['bytes']:,}", *cells, f"`{row['model']}`" if row["model"] else "", *rates])
    return rows_of(f"files | bytes | {' | '.join(tools)} | model | kB/s, --fast | kB/s, model", rows)


def machine() -> str:
    """The computer, by its measured rates."""
    figures, halves = kept("decode_large"), kept("train_large_bfloat16")
    return (
        f"{figures['threads']} cores, matrix products {figures['matmul_gflops']:.0f} GFLOP/s in float32 and "
        f"{halves['matmul_gflops']:.0f} in bfloat16, memory {figures['bandwidth_gb_s']:.0f} GB/s; "
        f"torch {figures['torch']}."
    )


def draw_growth() -> bytes:
    """The rates of one file by the bytes before the first one, as a PNG."""
    lengths, rates = by_length()
    figure = new_figure(7, 3.6)
    axes = figure.subplots()
    for title, ends in rates.items():
        axes.plot(lengths, ends, marker="o", label=title)
    axes.set(xscale="log", yscale="log", xlabel="bytes before", ylabel="bytes per second, one file")
    axes.set_xticks(lengths, [f"{length:,}" for length in lengths])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return png_of(figure)


def draw_tables() -> None:
    """Write the tables into the page."""
    after = {str(length): f"{length:,} bytes" for length in (1024, 4096)}
    put_table(PAGE, "machine", machine())
    put_table(PAGE, "large", decoding("decode_large", after))
    put_table(PAGE, "music", decoding("decode_music", {**after, "7680": "7,680 bytes"}))
    put_table(PAGE, "converting", decoding("decode_convert", {"0": "a source of 400 bytes"}))
    put_table(PAGE, "latent", latent())
    put_table(PAGE, "growth", growth())
    put_table(PAGE, "commands", commands())
    put_table(PAGE, "many", many())
    put_table(PAGE, "training", training())
    put_table(PAGE, "exactness", exactness())
    put_table(HERE / "compress.md", "compress", compression())
    put_table(HERE / "detect.md", "detect", detection())
    put_table(HERE / "inspect.md", "inspect", inspection())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measure", nargs="?", choices=["measure"])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(RUNS)}; by default all")
    options = parser.parse_args()
    if options.measure:
        for name in options.names or RUNS:
            measure(name)
    draw_tables()
    (HERE / "speed.png").write_bytes(draw_growth())


if __name__ == "__main__":
    main()
