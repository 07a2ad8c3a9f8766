# make demo   set everything up and convert a real tune with the shipped model
# make quick  most of the tests, in a minute or two     make test   every test, on all cores
# make lint   ruff and mypy                             make bench  every benchmark, for docs/speed.md
# make fuzz MINUTES=5    hostile inputs for every parser, task and stored file; docs/fuzzing.md
# make sanitize          the compiled kernels under AddressSanitizer and UBSan (Linux, gcc)
# make lease-rehearsal   training on a rented GPU, rehearsed on this computer in five minutes; docs/short_lease.md

PYTHON ?= python3
VENV ?= .venv
TUNE ?= examples/ode_to_joy.abc
MINUTES ?= 5
SEED ?= 0
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt
# A worker per core; one that has nothing left to do takes tests from the others.
PYTEST := $(BIN)/python -m pytest -q --numprocesses auto --dist worksteal

.PHONY: demo quick test lint bench fuzz sanitize lease-rehearsal clean
.DEFAULT_GOAL := demo

# A stamp per set of dependencies. The install is editable, so of the source files only the kernels need a new one.
$(VENV)/installed: pyproject.toml setup.py constraints.txt $(wildcard bytesim/native/kernels/*)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(INSTALL) --editable '.[dev]'
	touch $@

demo: $(VENV)/installed
	mkdir -p build/demo
	$(BIN)/bytesim convert abc2midi $(TUNE) -o build/demo/tune.mid --notes --force

quick: $(VENV)/installed-dev
	$(PYTEST) -m "not slow"

test: $(VENV)/installed-dev
	$(PYTEST)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/installed-dev
	$(BIN)/python docs/speed.py measure

fuzz: $(VENV)/installed-dev
	$(BIN)/python -m fuzz.run --minutes $(MINUTES) --seed $(SEED)

sanitize: $(VENV)/installed-dev
	$(BIN)/python -m fuzz.sanitize

lease-rehearsal: $(VENV)/installed
	$(BIN)/python -m benchmarks.rehearsal build/lease

clean:
	rm -rf build $(VENV)
