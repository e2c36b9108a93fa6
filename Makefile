# Every target describes itself: `make` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# DuckDB's binding reports objects that a test process still holds when it ends, in the middle of what matters.
QUIET_END := 2>&1 | sed '/nanobind: leaked/s/nanobind: .*//; /^ - leaked /d; /^ - ... skipped remainder/d; /^nanobind: this is/d; /^See https:..nanobind/d'
# Twice quiet: warnings about package indexes that cannot be used are no news, errors still are.
PIP := $(BIN)/pip install -qq --disable-pip-version-check --constraint constraints.txt
# As many tests at once as there are processors; whoever is done first takes over from the others.
# Threads of linear algebra beside as many tests would only wait for one another.
PYTEST := OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -q --numprocesses logical --dist worksteal
# Slow tests share worlds that are costly to make: those of a file stay in one process.
PYTEST_SLOW := $(PYTEST) --dist loadfile
export MIA_HOME ?= .mia

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-tmf test-faults browser java check format notebooks docs sample example-megaline example-complete-journey bench bench-dashboard bench-demo bench-ingest bench-ingest-large bench-profiles bench-profile-store bench-exploration bench-open-bandit bench-ranking bench-scoring bench-serving bench-training bench-uptake bench-validate bench-door constraints clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-26s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing MIA into $(VENV) (about a minute, once)"
	@$(PIP) --editable '.[dev]'
	@touch $@

install: $(READY) ## Make the environment; source .venv/bin/activate puts its commands on the path

demo: $(READY) ## Run the whole loop on data/sample, then serve API and dashboard; PORT=8081 for another port, MONTHS=3 to live on for more than one
	@$(BIN)/mia demo $(if $(PORT),--port $(PORT)) $(if $(MONTHS),--months $(MONTHS))

test: $(READY) browser ## Run the test suite
	@$(PYTEST) -m "not slow" $(QUIET_END)

TESTS ?= tests
RECORDS ?= 2000000
test-slow: $(READY) java browser ## Run the truth tests that take minutes; TESTS="tests/engines" for some of them, RECORDS that DuckDB and Spark agree on
	@SPARK_RECORDS=$(RECORDS) $(PYTEST_SLOW) -m slow --ignore tests/faults $(TESTS) $(QUIET_END)

EXAMPLES ?= 400
CASES ?= 3000
# Kills in all, seconds that PostgreSQL stays away, requests in a row, and moves of the clock.
KILLS ?= 50
OUTAGE ?= 30
REQUESTS ?= 20000
MOVES ?= 600
FAULTS := FUZZ_EXAMPLES=$(EXAMPLES) FUZZ_CASES=$(CASES) FAULT_KILLS=$(KILLS) FAULT_OUTAGE_SECONDS=$(OUTAGE) FAULT_REQUESTS=$(REQUESTS) FAULT_CLOCK_STEPS=$(MOVES)
test-faults: $(READY) ## Fuzz, attack, kill and starve the service; EXAMPLES an operation (400: 10,000 cases and more), CASES of events, KILLS, OUTAGE in seconds, REQUESTS, MOVES of the clock
	@$(FAULTS) $(PYTEST) -rP tests/faults $(QUIET_END)

check: $(READY) ## Lint, types, floors, and the tests that need no world around them
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(PYTEST) -m "not slow" tests/unit src/mia $(QUIET_END)
	@.ci/audit $(BIN)

format: $(READY) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

notebooks: $(READY) ## Bring .ipynb and .py of each notebook into step (the newer one counts) and strip outputs
	@$(BIN)/jupytext --quiet --sync notebooks/*.ipynb
	@$(BIN)/nbstripout notebooks/*.ipynb
	@touch notebooks/*.py

docs: $(READY) ## Make the tables of features in docs/profiles.md again
	@$(BIN)/mia profile --describe --markdown docs/profiles.md

TMF680 ?= ../shared/tmf/TMF680-Recommendation-v4.0.0.swagger.json
test-tmf: $(READY) ## Hold the TM Forum face against the standard's own document; TMF680=FILE, which must be there
	@TMF680=$(abspath $(TMF680)) $(BIN)/pytest -q tests/api/test_tmf680.py tests/api/test_orders.py $(QUIET_END)

java: ## Get Java 17 for Spark, where it is missing
	@command -v java >/dev/null || { \
	  echo "Installing Java for the Spark tests"; \
	  SUDO=$$(command -v sudo || true); $$SUDO apt-get update -qq && $$SUDO apt-get install -qq -y openjdk-17-jre-headless >/dev/null; }

browser: ## Get Chromium for the browser tests, where it is missing
	@command -v chromium >/dev/null || { \
	  echo "Installing Chromium for the browser tests"; \
	  SUDO=$$(command -v sudo || true); $$SUDO apt-get update -qq && $$SUDO apt-get install -qq -y chromium >/dev/null; }

sample: $(READY) ## Make data/sample again from its seed
	@$(BIN)/mia simulate --subscribers 2000 --months 6 --seed 2021 --out data/sample

example-megaline: $(READY) ## Check a year of real records; MEGALINE=folder with the five files
	@$(BIN)/python benchmarks/megaline.py $(MEGALINE)

CJ := build/complete-journey
CJ_MIA := MIA_HOME=$(CJ)/home MIA_USAGE_KINDS='{"purchase": "item"}' $(BIN)/mia
CJ_TRAIN := $(CJ_MIA) train --since 2017-03-03 --until 2017-10-04 --attribution-days 55
# RecTools asks for an older NumPy than MIA, so its models run in an environment of their own.
PEERS := $(CJ)/peers/bin
example-complete-journey: $(READY) ## Train and score on a public year of purchases and coupons, beside collaborative filtering
	@$(PIP) --editable '.[dev,examples]'
	@rm -rf $(CJ)/files $(CJ)/home $(CJ)/scored
	@$(BIN)/python benchmarks/complete_journey.py files $(CJ)/files
	@$(CJ_MIA) ingest $(CJ)/files --mapping data/sample/mappings/complete_journey.yaml
	@mkdir -p $(CJ)/scored
	@$(CJ_TRAIN) --recipe models/complete_journey.toml
	@$(CJ_MIA) score --model 1 --pairs $(CJ)/pairs.parquet --out "$(CJ)/scored/MIA.parquet"
	@$(CJ_TRAIN) --ranker logistic
	@$(CJ_MIA) score --model 2 --pairs $(CJ)/pairs.parquet --out "$(CJ)/scored/logistic regression.parquet"
	@$(CJ_TRAIN) --ranker popular
	@$(CJ_MIA) score --model 3 --pairs $(CJ)/pairs.parquet --out "$(CJ)/scored/popular.parquet"
	@test -x $(PEERS)/python || $(PYTHON) -m venv $(CJ)/peers
	@$(PEERS)/pip install -qq --disable-pip-version-check 'rectools==0.19.0' 'pyarrow<25'
	@OPENBLAS_NUM_THREADS=1 $(PEERS)/python benchmarks/complete_journey_peers.py $(CJ)/files $(CJ)/pairs.parquet "$(CJ)/scored/peers.parquet"
	@$(BIN)/python benchmarks/complete_journey.py report $(CJ)/scored

bench: bench-demo bench-ingest bench-profiles bench-profile-store bench-exploration bench-open-bandit bench-ranking bench-scoring bench-serving bench-training bench-uptake bench-validate ## Run every benchmark

bench-demo: $(READY) ## Time and peak memory of the demo and of the tests
	@$(BIN)/python benchmarks/demo.py

bench-ingest: $(READY) ## Rows a second of ingest, profile and ledger
	@$(BIN)/python benchmarks/ingest.py

bench-profiles: $(READY) ## The profile pipeline beside hand-written SQL, pandas and the bare scan (LARGE=--large: 200 million)
	@$(BIN)/python benchmarks/profiles.py $(LARGE)

SIZE ?= 10
bench-ingest-large: $(READY) ## Load a CSV file of SIZE gigabytes (10) with 2 GiB of memory; wants 5 times SIZE on disk
	@$(BIN)/python benchmarks/ingest_large.py $(SIZE)

bench-ranking: $(READY) ## Ranking of an unseen simulated operator beside the truth and what is knowable; WORLD="--subscribers 2000 --seed 1"
	@$(BIN)/python benchmarks/ranking.py $(WORLD)

bench-scoring: $(READY) ## Compiled trees beside LightGBM: a request, its reasons, a decision's stages, everybody's best offers
	@$(BIN)/python benchmarks/scoring.py

bench-exploration: $(READY) ## Microseconds that exploring with exact propensities adds to a decision
	@$(BIN)/python benchmarks/exploration.py

bench-rules: $(READY) ## Microseconds that contact history and rules take of a request, from 60 to 2,500 offers
	@$(BIN)/python benchmarks/rules.py

bench-open-bandit: $(READY) ## Off-policy values of a public log of true propensities
	@$(BIN)/python benchmarks/open_bandit.py

bench-serving: $(READY) ## Decisions and events a second of one worker beside a bare route; WORLD="--subscribers 1000000 --events 10000000"
	@$(BIN)/python benchmarks/serving.py $(WORLD)

bench-training: $(READY) ## Training beside bare lightgbm.train, and the curve of quality against cost in docs/quality-cost.svg
	@$(BIN)/python benchmarks/training.py
	@$(BIN)/python benchmarks/training.py --curve docs/quality-cost.svg

bench-door: $(READY) ## Microseconds a request pays for keys, limits, log line, metrics and headers
	@$(BIN)/python benchmarks/door.py

bench-dashboard: $(READY) browser ## First paint with figures, weight and layout shift of the dashboard over the sample, in Chromium
	@$(BIN)/python benchmarks/dashboard.py

EVENTS ?= 10000000
bench-uptake: $(READY) ## Rolling up EVENTS (10000000) events and reports on them, beside DuckDB and PostgreSQL on raw events
	@$(BIN)/python benchmarks/uptake.py --events $(EVENTS)

bench-profile-store: $(READY) ## A snapshot of five million subscribers: publishing, size, opening, random reads
	@$(BIN)/python benchmarks/profile_store.py

bench-validate: $(READY) ## Time and peak memory of the checks of a lake of 2 and 20 million records
	@$(BIN)/python benchmarks/validate.py

constraints: $(READY) ## Write the versions in use to constraints.txt
	@$(BIN)/pip freeze --exclude-editable | grep -E '^[A-Za-z0-9_.-]+==' > constraints.txt

clean: ## Remove the environment, the workspace and caches
	@rm -rf $(VENV) .mia build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .schemathesis
