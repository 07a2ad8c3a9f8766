"""The compiled kernels under AddressSanitizer and UBSan: `python -m fuzz.sanitize`. Linux, with gcc.

Builds the kernels into build/sanitize, with a copy of the package, so that the usual library stays as it is; then runs
the tests of the native engine and of compression, and the fuzz targets of the kernels, on them. A program ends at the
first report of a sanitizer, which goes to stderr.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys

from fuzz.fixtures import RECIPES, ROOT, trained

PLACE = ROOT / "build" / "sanitize"
FLAGS = "-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined"
TESTS = (
    "tests/engine/test_native.py",
    "tests/engine/test_mixer.py",
    "tests/engine/test_strides.py",
    "tests/tasks/test_compress.py",
    "tests/models/test_flat.py",
    "tests/models/test_encoder.py",
)
TARGETS = ("native-*", "decompress", "compress", "classify-file")


def build() -> None:
    """A copy of the package with kernels that check themselves."""
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    for name in (
        "bytesim",
        "tests",
        "fuzz",
        "models",
        "examples",
        "setup.py",
        "pyproject.toml",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
    ):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, PLACE / name, ignore=shutil.ignore_patterns("*.so", "__pycache__", "corpus", "found")
            )
        else:
            shutil.copyfile(source, PLACE / name)
    environment = {**os.environ, "CFLAGS": FLAGS, "LDFLAGS": "-fsanitize=address,undefined"}
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    subprocess.run(command, cwd=PLACE, env=environment, check=True)
    assert list((PLACE / "bytesim" / "native").glob("_kernels*.so")), "the kernels were not built"


def environment() -> dict[str, str]:
    """What makes Python load the sanitizer first, and its reports end the program."""
    libraries = [
        subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True).stdout.strip()
        for name in ("libasan.so", "libubsan.so", "libstdc++.so.6")
    ]
    return {
        **os.environ,
        "LD_PRELOAD": " ".join(libraries),
        # Python does not free all it has at its end; torch makes and loads what a sanitizer does not follow.
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
        "PYTHONPATH": str(PLACE),
        "PYTHONMALLOC": "malloc",
        "OMP_NUM_THREADS": "1",
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz.sanitize", description=__doc__)
    parser.add_argument("--inputs", type=int, default=300, help="inputs for each fuzz target")
    parser.add_argument("--tests", action=argparse.BooleanOptionalAction, default=True, help="also run the tests")
    asked = parser.parse_args()
    build()
    for name in RECIPES:
        shutil.copytree(trained(name), PLACE / "build" / "fuzz" / name)
    code = 0
    if asked.tests:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=1200", *TESTS]
        code |= subprocess.run(command, cwd=PLACE, env=environment(), check=False).returncode
    command = [sys.executable, "-m", "fuzz.run", *TARGETS, "--inputs", str(asked.inputs)]
    code |= subprocess.run(command, cwd=PLACE, env=environment(), check=False).returncode
    print("the sanitizers reported nothing" if code == 0 else "not clean: see above")
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main())
