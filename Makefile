# Everything happens in .venv, so an externally managed Python is left alone.
PYTHON ?= python3
BIN := .venv/bin
NOTEBOOKS := $(wildcard notebooks/*.py)

.PHONY: help demo test test-slow test-exhaustive test-jax lint catalogue bench notebooks wheel clean

help:
	@echo "make demo       search, train, compare, export and serve on the embedded digits"
	@echo "make test       the default tests"
	@echo "make test-slow  the slow tests"
	@echo "make test-exhaustive   the slowest tests, and those of recipes that are like another"
	@echo "make test-jax   the tests on JAX"
	@echo "make lint       style"
	@echo "make catalogue  write the table of recipes in README.md"
	@echo "make bench      the benchmarks, three hours or so"
	@echo "make notebooks  execute the notebooks; FAST=1 for a quick pass that changes nothing"
	@echo "make wheel      build the wheel into dist/"

# Without Debian's python3-venv there is no ensurepip; a pip outside the environment helps then.
.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "amalthea needs Python 3.11 or newer: name one by make PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv && $(PYTHON) -m venv --without-pip .venv && \
		$(PYTHON) -m pip --python .venv/bin/python install --quiet pip; } || \
		{ rm -rf .venv; echo "no virtual environment can be made: install python3-venv"; exit 1; }

# One stamp for each extra that is installed.
.venv/installed-%: setup.cfg pyproject.toml | .venv
	$(BIN)/python -m pip install --quiet --editable '.$(if $(filter base,$*),,[$*])'
	@touch $@

demo: .venv/installed-base
	rm -rf runs/demo
	$(BIN)/amalthea demo --out runs/demo

test: .venv/installed-test
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow and not exhaustive"

test-slow: .venv/installed-test .venv/installed-onnx .venv/installed-litert .venv/installed-wheel \
		.venv/installed-ray
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "slow and not exhaustive" --durations 40

test-exhaustive: .venv/installed-test .venv/installed-onnx .venv/installed-litert .venv/installed-ray
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m exhaustive

# What a backend makes a difference to, `ALL=1` for everything; compiled as it is fastest to compile.
JAX_RECIPES := adversarial_model autoregressive dbn every_recipe growing_model skip_gram \
	variational_autoencoder
JAX_CALLBACKS := backup greedy_layerwise kl_warm_up progressive_growing
ifdef ALL
JAX_TESTS := tests/layers tests/recipes tests/callbacks
else
JAX_TESTS := tests/layers $(JAX_RECIPES:%=tests/recipes/test_%.py) \
	$(JAX_CALLBACKS:%=tests/callbacks/test_%.py)
endif
test-jax: .venv/installed-test .venv/installed-jax
	KERAS_BACKEND=jax JAX_DISABLE_MOST_OPTIMIZATIONS=1 $(BIN)/python -m pytest -n 2 --dist loadgroup \
		-m "(jax or not slow) and not (exhaustive or tensorflow)" $(JAX_TESTS) tests/jobs/test_devices.py

lint: .venv/installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

catalogue: .venv/installed-base
	$(BIN)/python -m amalthea.jobs.catalogue

bench: .venv/installed-base .venv/installed-ray .bench-venv
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/input.py --peers .bench-venv/bin/python
	$(BIN)/python benchmarks/lenet5.py --torch .bench-venv/bin/python
	$(BIN)/python benchmarks/classifiers.py --torch .bench-venv/bin/python
	$(BIN)/python benchmarks/sequences.py --torch .bench-venv/bin/python
	$(BIN)/python benchmarks/language.py --torch .bench-venv/bin/python
	$(BIN)/python benchmarks/autoregressive.py --torch .bench-venv/bin/python
	$(BIN)/python benchmarks/skip_gram.py --gensim .bench-venv/bin/python
	$(BIN)/python benchmarks/echo_state.py --reservoirpy .bench-venv/bin/python
	$(BIN)/python benchmarks/boltzmann.py --torch .bench-venv/bin/python
	$(BIN)/python benchmarks/gans.py --torch .bench-venv/bin/python
	$(BIN)/python benchmarks/growing.py --torch .bench-venv/bin/python
	$(BIN)/python benchmarks/autoencoders.py --torch .bench-venv/bin/python
	$(BIN)/python benchmarks/search.py --torch .bench-venv/bin/python

# PyTorch and its libraries have an environment of their own, being peers only.
.bench-venv: | .venv
	$(PYTHON) -m venv .bench-venv
	.bench-venv/bin/python -m pip install --quiet torch==2.13.0 rbms==0.5.0 learnergy==2.0.2 optuna==5.0.0 gensim==4.4.0 reservoirpy==0.4.2 grain==0.2.18 pillow numpy || \
		{ rm -rf .bench-venv; exit 1; }

notebooks: .venv/installed-notebooks .venv/installed-ray
ifdef FAST
	printf '%s\n' $(NOTEBOOKS) | AMALTHEA_FAST=1 xargs -P 2 -I {} sh -c \
		'$(BIN)/jupytext --to ipynb --output - {} | \
			$(BIN)/jupyter nbconvert --stdin --execute --to notebook --stdout > /dev/null'
else
	$(BIN)/jupytext --update --to ipynb $(NOTEBOOKS)
	$(BIN)/jupyter nbconvert --execute --inplace $(NOTEBOOKS:.py=.ipynb)
	$(BIN)/python notebooks/tools/shrink.py $(NOTEBOOKS:.py=.ipynb)
endif

wheel: .venv/installed-wheel
	$(BIN)/python -m build --wheel --outdir dist .

clean:
	rm -rf .venv .bench-venv build dist *.egg-info runs
