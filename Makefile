# GNU make 3.81 or newer, on Linux and macOS. Windows: the plain commands are in README.md.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# A stamp is newer than what it was made from, so a second call starts at once.
VENV_STAMP := $(VENV)/.stamp-venv
APP_STAMP := $(VENV)/.stamp-app
DEV_STAMP := $(VENV)/.stamp-dev
DOCS_STAMP := $(VENV)/.stamp-docs
NOTEBOOK_STAMP := $(VENV)/.stamp-notebook

# The tools that examine the dependencies have an environment of their own: they are none of them.
AUDIT := build/audit
AUDIT_STAMP := $(AUDIT)/.stamp

TORCH_CPU := https://download.pytorch.org/whl/cpu

CHECKPOINTS := assets/checkpoints
NEW_CHECKPOINTS := build/checkpoints
STYLE_WEIGHTS := 0 0.25 0.5 0.75 1

.PHONY: help app test torture check lock audit image docs notebooks checkpoints snapshots lesson runtime figures clean

help: ## print this list (what make alone does)
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

app: $(APP_STAMP) ## set up on the first call, then open the app (TORCH=cpu: without CUDA, first call only)
	$(BIN)/streamlit run app/main.py --server.showEmailPrompt=false

test: $(DEV_STAMP) ## set up on the first call, then run every test
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# The load has both cores for itself.
torture: $(DEV_STAMP) ## every hostile input, all faults and the load: about 12 minutes on two cores
	$(BIN)/python -m pytest tests/torture --ignore tests/torture/load --torture --numprocesses 2 --dist loadfile
	$(BIN)/python -m pytest tests/torture/load --torture

check: $(DEV_STAMP) ## format, lint, imports, types and insecure code, without changing a file
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/bandit -q -c pyproject.toml -r gnl_core app benchmarks

# Constrained like CI, so that both test the same PyTorch. The markers in the lock cover every system and Python from 3.11 on.
lock: $(AUDIT_STAMP) ## resolve the run-time dependencies again: requirements.lock, with hashes
	{ echo "# Every run-time dependency with its hashes. Written by make lock; install with pip install --require-hashes -r."; \
		grep -v '^-e' requirements.txt | $(AUDIT)/bin/uv pip compile - --quiet --upgrade --constraint .ci/constraints.txt \
			--generate-hashes --universal --python-version 3.11 --no-header --no-annotate; } >requirements.lock.new
	mv requirements.lock.new requirements.lock

# pip-audit is last: it fails where the database of vulnerabilities cannot be reached.
audit: $(AUDIT_STAMP) $(APP_STAMP) ## list dependencies (CycloneDX), licences and known vulnerabilities, into build/
	$(AUDIT)/bin/cyclonedx-py environment --of JSON -o build/sbom.json $(BIN)/python
	$(AUDIT)/bin/pip-licenses --python $(BIN)/python --from mixed --format markdown --output-file build/licences.md
	$(AUDIT)/bin/pip-audit --strict --requirement requirements.lock --no-deps --disable-pip

# Untested, as TORCH=cpu below is.
image: ## build the container image gnl with PyTorch for CPUs (needs Docker)
	docker build --build-arg TORCH_CPU=$(TORCH_CPU) --tag gnl .

# -W: a link or a name that leads nowhere is an error.
docs: $(DOCS_STAMP) ## set up on the first call, then build these docs as a site: build/site/index.html
	rm -rf build/site
	$(BIN)/python -m sphinx -q -W --keep-going -E -d build/doctrees -c docs . build/site

# The project's folder is the root, so that notebooks which the app writes can be opened too.
notebooks: $(NOTEBOOK_STAMP) ## set up on the first call, then open the notebooks in JupyterLab
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/five_lines.ipynb

# Data set, class, detector, image size in px. Half precision: each of the four takes 4 MB instead of 7.
define make-run
	$(BIN)/gnl train --dataset $(1) --normal-class $(2) --detector $(3) --image-size $(4) --stored-precision float16 \
		--run $(NEW_CHECKPOINTS)/$(1)-$(2)-$(3)
	set -e; for weight in $(STYLE_WEIGHTS); do \
		$(BIN)/gnl score $(NEW_CHECKPOINTS)/$(1)-$(2)-$(3) --domain train held_out --style-weight $$weight; \
		$(BIN)/gnl score $(NEW_CHECKPOINTS)/$(1)-$(2)-$(3) --style-weight $$weight; \
	done
endef

PARTS := parts parts_lighting parts_bright parts_background parts_blur parts_noise

# Data set, class, detector, its domains: the severities of one corruption too, for the first curve of the page Shift lab. The report
# of the last call holds the shift scores of all of them.
SEVERITIES := $(addprefix gaussian_noise:,1 2 3 4 5)
define score-severities
	set -e; for weight in 0 1; do \
		$(BIN)/gnl score $(NEW_CHECKPOINTS)/$(1)-$(2)-$(3) --style-weight $$weight \
			--domain $(4) $(addprefix $(1)+,$(SEVERITIES)); \
	done
endef

# All runs are made in a folder of their own and moved at the end: an interrupted call changes nothing.
checkpoints: $(APP_STAMP) ## train and score the runs in assets/checkpoints again (some minutes)
	rm -rf $(NEW_CHECKPOINTS)
	$(call make-run,digits,4,rd4ad,64)
	$(call make-run,digits,4,gnl,64)
	$(call make-run,parts,nut,rd4ad,128)
	$(call make-run,parts,nut,gnl,128)
	$(call score-severities,digits,4,rd4ad,digits digits_m)
	$(call score-severities,digits,4,gnl,digits digits_m)
	$(call score-severities,parts,nut,rd4ad,$(PARTS))
	$(call score-severities,parts,nut,gnl,$(PARTS))
	$(BIN)/python -m benchmarks.adapted_scores --corruption gaussian_noise $(NEW_CHECKPOINTS)/*
	$(BIN)/python -m benchmarks.line_scores $(NEW_CHECKPOINTS)/parts-nut-*
	rm -rf $(CHECKPOINTS)
	mkdir -p $(dir $(CHECKPOINTS))
	mv $(NEW_CHECKPOINTS) $(CHECKPOINTS)

# Learn's training: twice the usual epochs, so that it can be seen that more of them do not help under the shift.
WATCHED := digits-4-rd4ad
snapshots: $(APP_STAMP) ## train the run again that Learn shows epoch by epoch: assets/snapshots (some minutes)
	rm -rf build/watched
	$(BIN)/gnl train --dataset digits --normal-class 4 --detector rd4ad --epochs 20 --keep-epochs --run build/watched/$(WATCHED)
	mkdir -p assets/snapshots
	$(BIN)/python -m benchmarks.snapshots build/watched/$(WATCHED) --epochs 0 1 2 3 4 5 7 10 15 20 \
		--output assets/snapshots/$(WATCHED).json
	rm -rf build/watched

# The first method of each data set is the one that is taught with.
lesson: $(APP_STAMP) ## write the lesson again, which opens without a server: assets/lesson.html
	$(BIN)/gnl page --lesson $(foreach run,parts-nut-rd4ad parts-nut-gnl digits-4-rd4ad digits-4-gnl,$(CHECKPOINTS)/$(run)) \
		--output assets/lesson.html

# Another version also needs its number in gnl_core/page/runtime.py, its hashes in assets/README.md, and its notices.
RUNTIME := gnl_core/page/onnxruntime-web
RUNTIME_VERSION := $(shell sed -n 's/^VERSION = "\(.*\)"/\1/p' gnl_core/page/runtime.py)
runtime: ## fetch ONNX Runtime Web again, which pages with a model contain (needs npm)
	mkdir -p build
	cd build && npm pack --silent onnxruntime-web@$(RUNTIME_VERSION)
	tar -xzf build/onnxruntime-web-$(RUNTIME_VERSION).tgz -C build package/dist
	cp build/package/dist/ort.wasm.bundle.min.mjs $(RUNTIME)/
	gzip -9nc build/package/dist/ort-wasm-simd-threaded.wasm >$(RUNTIME)/ort-wasm-simd-threaded.wasm.gz

figures: $(DEV_STAMP) ## take the pictures in assets/figures again (needs Chromium)
	$(BIN)/python -m tests.browser.figures

clean: ## remove the environment and all caches; runs/ stays
	rm -rf $(VENV) build gnl.egg-info .pytest_cache .mypy_cache .ruff_cache
	find app gnl_core tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV_STAMP):
	@command -v $(PYTHON) >/dev/null || { echo "GNL needs Python 3.11 or newer, but $(PYTHON) is not installed." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else \
		"GNL needs Python 3.11 or newer, but $(PYTHON) is %d.%d; name another: make PYTHON=python3.12 ..." % v[:2])'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# TORCH=cpu is untested: PyTorch's own index could not be reached from where this was written.
$(APP_STAMP): requirements.txt pyproject.toml $(VENV_STAMP)
ifeq ($(TORCH),cpu)
	grep '^torch' requirements.txt | $(BIN)/python -m pip install --index-url $(TORCH_CPU) -r /dev/stdin
endif
	$(BIN)/python -m pip install -r requirements.txt
	@touch $@

$(DEV_STAMP): requirements.txt pyproject.toml $(APP_STAMP)
	$(BIN)/python -m pip install -r requirements.txt -e ".[dev]"
	@touch $@

$(AUDIT_STAMP): pyproject.toml $(VENV_STAMP)
	$(PYTHON) -m venv $(AUDIT)
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["audit"], sep="\n")' \
		| $(AUDIT)/bin/python -m pip install -r /dev/stdin
	@touch $@

$(DOCS_STAMP): requirements.txt pyproject.toml $(APP_STAMP)
	$(BIN)/python -m pip install -r requirements.txt -e ".[docs]"
	@touch $@

$(NOTEBOOK_STAMP): requirements.txt pyproject.toml $(APP_STAMP)
	$(BIN)/python -m pip install -r requirements.txt -e ".[notebook]"
	@touch $@
