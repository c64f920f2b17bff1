# `make demo` and `make test` set up everything they need, in virtual environments of their own.

PYTHON ?= python3
VENV := .venv
OLDEST := .venv-oldest
SPARK := .venv-spark
DOCS := .venv-docs
BUILD := .venv-build
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
# The floor of pyproject.toml.
OLDEST_POLARS := 1.34.0
MATHJAX := 3.2.2

# One wheel, built once in one environment, serves all of them: a change of the interpreter would build Polars again.
WHEEL := target/wheels/.built
SOURCES := Cargo.toml Cargo.lock pyproject.toml README.md LICENSE \
	$(shell find src python -name '*.rs' -o -name '*.py' -o -name 'py.typed')

# The kernels and the Arrow arrays, without Polars and Python: a minute.
RUST := --locked --no-default-features --features arrow

.PHONY: setup demo demo-arrow demo-spark test test-rust test-python test-oldest test-spark java lint format fuzz bench bench-scale \
	bench-kernels accuracy docs docs-look deny wheel sdist check-wheel clean help

help:
	@echo "make demo          entropies and divergences of real data, printed"
	@echo "make demo-arrow    entropies of an Arrow IPC file, in Rust, without Polars"
	@echo "make test          the tests: Rust, and Python on the newest Polars"
	@echo "make test-oldest   the Python tests on Polars $(OLDEST_POLARS)"
	@echo "make test-spark    the tests of polars_entropy.spark on a cluster of two executors; needs Java 17"
	@echo "make demo-spark    entropies of groups of 50 million rows on such a cluster; ROWS=1000000 for fewer"
	@echo "make lint          formatting, clippy, ruff, types, workflows"
	@echo "make deny          licences and advisories of the dependencies; needs cargo-deny and a network"
	@echo "make fuzz          ten minutes of fuzzing for each target; needs cargo-fuzz; FUZZ_SECONDS=60 for less"
	@echo "make bench         speed and memory beside SciPy and other peers, to docs/explanation/benchmarks.md"
	@echo "make bench-scale   time and memory of up to 256 million rows, to docs/explanation/scale-benchmark.md"
	@echo "make accuracy      the errors beside SciPy's, and docs/explanation/accuracy.md"
	@echo "make bench-kernels the kernels' speed, without Polars"
	@echo "make docs          the site, to target/docs; needs npm"
	@echo "make docs-look     pictures of the site's pages, to target/look; needs Chromium and its driver"
	@echo "make wheel         the wheel of a release, to dist"
	@echo "make sdist         the source distribution, to dist"
	@echo "make check-wheel   tries the wheel in dist in bare environments, with the oldest and the newest Polars"

# The packages that tests need come in while the wheel is built.
setup:
	@$(MAKE) --no-print-directory --jobs=2 $(VENV)/.installed

demo: setup
	$(VENV)/bin/python examples/digits.py

demo-arrow: setup
	$(VENV)/bin/python -c "import sys; sys.path.append('examples'); import digits; digits.load().write_ipc('target/digits.arrow')"
	cargo run --quiet $(RUST) --example ipc_entropies -- target/digits.arrow ink 2

test: test-rust test-python

# The second: what the fuzzer found stays found.
test-rust:
	cargo test $(RUST)
	cargo test --locked --package polars-entropy-fuzz --no-default-features

test-python: setup
	$(VENV)/bin/pytest -n auto

test-oldest: $(OLDEST)/.installed
	$(OLDEST)/bin/pytest -n auto

test-spark: java $(SPARK)/.installed
	$(SPARK)/bin/pytest tests/spark

demo-spark: java $(SPARK)/.installed
	$(SPARK)/bin/python examples/spark_groups.py

# Where Spark looks for it.
java:
	@"$${JAVA_HOME:+$$JAVA_HOME/bin/}java" -version 2>&1 | grep -Eq 'version "(1[7-9]|[2-9][0-9])' || { \
		echo "Spark needs Java 17 or newer, on the PATH or in JAVA_HOME. Install it with" >&2; \
		echo "  apt-get install openjdk-17-jre-headless   on Debian and Ubuntu," >&2; \
		echo "  dnf install java-17-openjdk-headless      on Fedora," >&2; \
		echo "  brew install openjdk@17                   on macOS, or from https://adoptium.net" >&2; \
		exit 1; \
	}

# No interpreter: clippy only looks at the code, and in a folder of its own.
# The second line: a doc comment begins with a noun phrase for its item, so that it reads well alone.
lint: setup
	cargo fmt --all --check
	! grep -rnE '^ *//[/!] (What|Those|That of|The same|Which) ' src benches fuzz/src
	PYO3_NO_PYTHON=1 cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc $(RUST) --no-deps
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy --python-executable $(VENV)/bin/python
	$(VENV)/bin/zizmor --quiet --offline .github
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff

deny:
	@cargo deny --version > /dev/null || { echo "Needs: cargo install cargo-deny" >&2; exit 1; }
	cargo deny --workspace check

format: $(VENV)/.tools
	cargo fmt --all
	$(VENV)/bin/ruff format
	$(VENV)/bin/ruff check --fix

# What it finds is in fuzz/corpus, what breaks a promise in fuzz/artifacts. An allocation that is too large fails here, as it does
# without the sanitizer. RUSTC_BOOTSTRAP lets stable Rust take the sanitizer's options.
FUZZ_SECONDS := 600
fuzz:
	@cargo fuzz --version > /dev/null || { \
		echo "Fuzzing needs: cargo install cargo-fuzz; and a C++ compiler" >&2; exit 1; }
	for target in arrow_import arrow_map kernel; do \
		RUSTC_BOOTSTRAP=1 ASAN_OPTIONS=allocator_may_return_null=1:max_allocation_size_mb=1000 \
			cargo fuzz run --features libfuzzer --target-dir target/fuzz $$target -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=20 || exit 1; \
	done

# A trial run: make bench BENCH="--scale 0.02 --runs 2 --out target/bench"
# As on a processor without AVX-512: make bench ISA=avx2, which has a page of its own.
bench: setup $(VENV)/.bench
	$(if $(ISA),POLARS_ENTROPY_ISA=$(ISA)) $(VENV)/bin/python -m benchmarks $(BENCH)

# Some two minutes, and 4 GB on the disk in the meantime. A trial run: make bench-scale BENCH="--scale 0.1"
bench-scale: setup $(VENV)/.bench
	$(VENV)/bin/python -m benchmarks.scale $(BENCH)

bench-kernels:
	cargo bench --locked --no-default-features --package polars-entropy-benches

# Some ten minutes, most of them for the exact values.
accuracy: setup
	$(VENV)/bin/python benchmarks/accuracy.py

# Warnings are errors. sphinx-gallery and autosummary write into docs; make clean removes that, too.
docs: $(DOCS)/.installed target/mathjax-static/mathjax/tex-svg.js
	$(DOCS)/bin/sphinx-build -n -W --keep-going -q -d target/docs-doctrees docs target/docs
	@echo "The site is in target/docs/index.html."

# One file, so that formulas show without a network.
target/mathjax-static/mathjax/tex-svg.js:
	@npm --version > /dev/null || { echo "The site's formulas need MathJax, which npm fetches: install Node.js" >&2; exit 1; }
	mkdir -p $(dir $@)
	cd target && npm pack --silent mathjax@$(MATHJAX)
	tar -xzf target/mathjax-$(MATHJAX).tgz -C $(dir $@) --strip-components=2 package/es5/tex-svg.js
	touch $@

# Each in an environment of its own, with no more than it needs: on some platforms other tools have no wheels.
# The profile `wheel` takes one codegen unit and fat link-time optimisation, and so another build of Polars: half an hour.
# The PATH is how maturin finds zig. For Linux as old as manylinux_2_28: make wheel WHEEL_ARGS="--compatibility manylinux_2_28 --zig"
wheel: $(BUILD)/.tools
	PATH="$(CURDIR)/$(BUILD)/$(BIN):$$PATH" maturin build --profile wheel --locked --interpreter $(BUILD)/$(BIN)/python --out dist $(WHEEL_ARGS)

sdist: $(BUILD)/.tools
	$(BUILD)/$(BIN)/maturin sdist --out dist

# The wheel in dist, in a bare environment: make check-wheel POLARS=oldest
POLARS := newest
check-wheel:
	rm -rf target/check-wheel
	$(PYTHON) -m venv target/check-wheel
	target/check-wheel/$(BIN)/python -m pip install --quiet polars$(if $(filter oldest,$(POLARS)),==$(OLDEST_POLARS))
	target/check-wheel/$(BIN)/python -m pip install --quiet --no-index --find-links dist --no-deps polars-entropy
	target/check-wheel/$(BIN)/python examples/check_wheel.py

docs-look: docs
	$(DOCS)/bin/python docs/look.py target/docs target/look

clean:
	rm -rf target dist $(VENV) $(OLDEST) $(SPARK) $(DOCS) $(BUILD) docs/gallery docs/reference/api

$(VENV)/.maturin: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(VENV)/bin/python -m pip install --quiet --upgrade --group build
	touch $@

$(VENV)/.tools: $(VENV)/.maturin
	$(VENV)/bin/python -m pip install --quiet --upgrade --group test --group producers --group oracles --group lint polars
	touch $@

$(VENV)/.bench: pyproject.toml $(VENV)/.tools
	$(VENV)/bin/python -m pip install --quiet --group bench
	touch $@

$(OLDEST)/.tools: pyproject.toml
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(OLDEST)/bin/python -m pip install --quiet --group test polars==$(OLDEST_POLARS)
	touch $@

$(SPARK)/.tools: pyproject.toml
	$(PYTHON) -m venv $(SPARK)
	$(SPARK)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(SPARK)/bin/python -m pip install --quiet --group spark polars
	touch $@

$(BUILD)/.tools: pyproject.toml
	$(PYTHON) -m venv $(BUILD)
	$(BUILD)/$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BUILD)/$(BIN)/python -m pip install --quiet --group build --group zig
	touch $@

$(DOCS)/.tools: pyproject.toml
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(DOCS)/bin/python -m pip install --quiet --group docs polars
	touch $@

# Cargo takes all cores, whatever make was told.
$(WHEEL): $(SOURCES) $(VENV)/.maturin
	rm -rf $(dir $(WHEEL))
	MAKEFLAGS= $(VENV)/bin/maturin build --profile develop --locked --interpreter $(VENV)/bin/python --out $(dir $(WHEEL))
	touch $@

$(VENV)/.installed $(OLDEST)/.installed $(SPARK)/.installed $(DOCS)/.installed: %/.installed: $(WHEEL) %/.tools
	$*/bin/python -m pip install --quiet --force-reinstall --no-deps $(dir $(WHEEL))*.whl
	touch $@
