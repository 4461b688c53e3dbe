# What a person wants from this tree. Every target first makes .venv and installs what is missing.

BIN := .venv/bin
READY := .venv/ready

.DEFAULT_GOAL := help
.PHONY: help run test lint format screenshots sample bench clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

$(READY): pyproject.toml .ci/prepare
	@.ci/prepare

run: $(READY) ## open the window on the sample bundle (without a display: draw its pages to build/screenshots)
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname -s)" = Darwin ]; then \
		exec $(BIN)/apbundle-gui --demo; \
	else \
		QT_QPA_PLATFORM=offscreen $(BIN)/apbundle-gui --screenshots build/screenshots && \
		echo "There is no display here. The pages are pictures in $(CURDIR)/build/screenshots"; \
	fi

test: $(READY) ## run the whole suite
	@$(BIN)/python tests/fetch_models.py
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -n auto --dist worksteal

lint: $(READY) ## check style, format, types and layers
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/core/test_import_rules.py

format: $(READY) ## put the source into its standard format
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

screenshots: $(READY) ## draw the pictures the README shows
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	{ $(BIN)/python tests/real_bundle.py "$$folder/models.apbundle" || [ $$? -eq 3 ]; } && \
	QT_QPA_PLATFORM=offscreen $(BIN)/apbundle-gui --screenshots resources/screenshots \
		$$(ls "$$folder"/*.apbundle 2>/dev/null)

sample: $(READY) ## make the sample bundle anew
	@$(BIN)/python resources/make_sample.py

bench: $(READY) ## measure, as ratios against other libraries and plain reads and copies
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group bench
	@$(BIN)/python tests/benchmarks

clean: ## remove all that was made here
	rm -rf .venv .cache build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
