# `make help` lists the targets. Each makes .venv and installs what is missing by itself.
PYTHON ?= python3
LFW ?= data/lfw
ATT ?= data/att
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.DEFAULT_GOAL := help
.PHONY: help demo test check bench docs results clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  \1|/' | column -t -s '|'

.venv/core: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "visavis needs Python 3.11 or newer; say: make PYTHON=python3.12 …"; exit 2; }
	@echo "installing visavis into .venv"
	@$(PYTHON) -m venv .venv
	@$(PIP) install -c constraints.txt -e .
	@touch $@

.venv/dev: .venv/core
	@echo "installing the development tools into .venv"
	@$(PIP) install -c constraints.txt -e '.[dev]'
	@touch $@

.venv/reference: .venv/dev
	@echo "fetching the network sources that ours are compared with"
	@$(PIP) install --no-deps --target $@ -c constraints.txt torchvision facenet-pytorch
	@touch $@

.venv/bench: .venv/dev
	@echo "installing what the benchmarks compare with into .venv"
	@$(PIP) install -c constraints.txt dlib-bin face_recognition_models click 'setuptools<81'
	@$(PIP) install -c constraints.txt --no-deps face_recognition
	@touch $@

demo: .venv/core ## verify the sample portraits pairwise, print the verdicts, draw one
	@$(BIN)/visavis verify --pairs samples/pairs.csv
	@$(BIN)/visavis verify samples/obama_2009.jpg samples/obama_2012.jpg --save demo.png

test: .venv/reference ## run all tests
	@test -n "$$CHROMIUM" || command -v chromium >/dev/null || echo "no Chromium: the page's tests are skipped; apt-get install chromium, or say where it is in CHROMIUM"
	@$(BIN)/pytest -n 2

check: .venv/dev ## lint, types, import contracts (under a minute)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

bench: .venv/bench ## compare with what people use, in speed: make bench LFW=data/lfw
	@$(BIN)/python benchmarks/verify.py --lfw $(LFW)
	@$(BIN)/python benchmarks/train.py --lfw $(LFW)
	@$(BIN)/python benchmarks/serve.py --lfw $(LFW)

results: .venv/core ## measure the figures of RESULTS.md again: make results LFW=data/lfw
	@$(BIN)/visavis evaluate --model sface --data lfw:$(LFW) --view 1 --results RESULTS.md
	@$(BIN)/visavis evaluate --model sface --data lfw:$(LFW) --view 2 --results RESULTS.md

docs: .venv/dev ## build the documentation into site/, running the tutorial's commands (minutes)
	@rm -rf build/tutorial && mkdir -p build/tutorial
	@if [ -d $(ATT) ]; then cp -r $(ATT) build/tutorial/att; fi
	@PATH="$(CURDIR)/$(BIN):$$PATH" NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict -q

clean: ## remove what the targets made
	rm -rf .venv site demo.png
