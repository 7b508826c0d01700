# The commands of this project. Each does its own set-up, so any of them may come first.
.DEFAULT_GOAL := help
BIN := .venv/bin

.PHONY: help setup run sidecar test check bench bench-sidecar bench-jobs soak format lock docs clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Create .venv with everything from the lock files (PYTHON=… chooses the interpreter)
	@sh scripts/setup

run: setup ## Serve on http://127.0.0.1:7055; without a credential the demo answers
	@exec $(BIN)/genspark2api serve --demo-without-credentials

sidecar: setup ## Run the reCAPTCHA sidecar on http://127.0.0.1:7022 (settings: .env.sidecar)
	@browser="$$(sh scripts/browser)" && CHROMIUM_PATH="$$browser" exec $(BIN)/genspark2api-sidecar

# Without a browser the other tests still run; those that need one say so.
test: setup ## Run every check and every test, then print one summary
	@CHROMIUM_PATH="$$(sh scripts/browser)" $(BIN)/python scripts/checks.py

check: setup ## Run the checks alone: format, lint, types, import contracts
	@$(BIN)/python scripts/checks.py --without-tests

bench: setup ## Measure the server against pass-through baselines (BENCH="--quick" for options)
	@$(BIN)/python -m bench $(BENCH)

bench-sidecar: setup ## Measure the sidecar with a real browser on the emulator's page
	@browser="$$(sh scripts/browser)" && CHROMIUM_PATH="$$browser" $(BIN)/python -m bench.sidecar $(BENCH)

bench-jobs: setup ## Measure ten thousand jobs in flight and large downloads (BENCH="--quick")
	@$(BIN)/python -m bench.jobs $(BENCH)

# Thousands of requests take longer than a test may.
soak: setup ## Ask for a long time and see that memory stays bounded (SOAK="-k sidecar" for options)
	@CHROMIUM_PATH="$$(sh scripts/browser)" $(BIN)/python -m pytest soak -s -o timeout=0 \
		-o pythonpath="tests soak" $(SOAK)

format: setup ## Format the code and mend what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: setup ## Write the generated pages anew (settings, .env.example, failures, jobs)
	@$(BIN)/python scripts/configuration_docs.py
	@$(BIN)/python scripts/failure_docs.py
	@$(BIN)/python scripts/job_docs.py

lock: setup ## Compile the lock files anew (UPGRADE=--upgrade also moves the pins)
	@sh scripts/lock

clean: ## Remove .venv and all caches; data/ and .env stay
	@rm -rf .venv tests/conformance/instructor/.venv dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . \( -name __pycache__ -o -name node_modules \) -type d -prune -exec rm -rf {} +
