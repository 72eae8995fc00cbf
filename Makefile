# Everything a person types: make demo, make quick, make test. All install what they need.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
HOME_OF_DEMO ?= .medsearch/demo
TEST_PROCESSES ?= 4

# uv reads its own names for what pip is told about package indexes and certificates.
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifdef PIP_CERT
export SSL_CERT_FILE ?= $(PIP_CERT)
endif
export UV_LINK_MODE ?= copy

ROOT := $(if $(filter 0,$(shell id -u)),,sudo)
APT  := env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends

# Hundreds of processes import the same modules: each is compiled once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo quick coverage test check lint types quick-tests all-tests format docs hooks clean

demo: $(VENV)/demo.installed
	@$(BIN)/medsearch demo --home $(HOME_OF_DEMO)

# mypy keeps one processor busy: the tests begin beside it.
quick: lint
	@$(MAKE) --no-print-directory -j 2 types quick-tests

quick-tests: $(VENV)/test.installed
	$(BIN)/pytest --quick -n 2 --dist loadfile -q

coverage: $(VENV)/test.installed
	$(BIN)/pytest --quick -n 2 --dist loadfile -q --cov --cov-report term:skip-covered

test: lint
	@command -v chromium >/dev/null || { $(ROOT) apt-get update -q && $(ROOT) $(APT) chromium; }
	@command -v openssl >/dev/null || { $(ROOT) apt-get update -q && $(ROOT) $(APT) openssl; }
	@command -v dcm2pnm >/dev/null || { $(ROOT) apt-get update -q && $(ROOT) $(APT) dcmtk; }
	@command -v g++ >/dev/null || { $(ROOT) apt-get update -q && $(ROOT) $(APT) g++; }
	@test -f "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" || { $(ROOT) apt-get update -q && $(ROOT) $(APT) python3-dev; }
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || { $(ROOT) apt-get update -q && $(ROOT) $(APT) postgresql; }
	@command -v mvn >/dev/null && command -v javac >/dev/null || { $(ROOT) apt-get update -q && $(ROOT) $(APT) maven default-jdk-headless; }
	@$(MAKE) --no-print-directory -j 2 types all-tests

all-tests: $(VENV)/test.installed
	$(BIN)/pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder --durations 25

check: lint types

lint: $(VENV)/test.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/lint-imports

types: $(VENV)/test.installed
	$(BIN)/mypy

format: $(VENV)/test.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/test.installed
	$(BIN)/python -m docs.generate

hooks: $(VENV)/test.installed
	$(BIN)/pre-commit install

clean:
	rm -rf $(VENV) .medsearch

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit("medsearch needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(ROOT) apt-get update -q && $(ROOT) $(APT) python3-venv; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q uv

$(VENV)/demo.installed: $(BIN)/uv pyproject.toml constraints.txt
	@echo "Installing (the first time a few minutes: torch is large) ..."
	$(BIN)/uv pip install -q --python $(BIN)/python -c constraints.txt -e '.[pipeline,embedding,openvino,api]'
	@touch $@

$(VENV)/test.installed: $(BIN)/uv pyproject.toml constraints.txt
	$(BIN)/uv pip install -q --python $(BIN)/python -c constraints.txt -e '.[pipeline,embedding,api,dev]'
	@touch $@
