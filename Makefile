# Commands for this checkout. `make help` lists them; the README explains them.
# Needs make and Python 3.11 or newer. PYTHON=... names another interpreter, VENV=... another environment.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && exit; \
	done; echo python3)
VENV ?= .venv
JOBS ?= 2
export PORT := $(or $(PORT),8000)

py = "$(VENV)/bin/python"
bin = "$(VENV)/bin"
node = $(py) scripts/node.py
bootstrap = "$(PYTHON)" gmmsite/deploy/bootstrap.py --venv "$(VENV)" --goal $@
compile = $(bin)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate
# Settings of a deployment, for Django's deployment checks.
deployed = SITE_URL=https://gmm.example.org SECRET_KEY=0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ

# Number of simulated people, and seconds of the load test.
USERS ?= 50
DURATION ?= 300

# Duration of the mutation test, and the seed of its mutations.
MINUTES ?= 180
SEED ?= 0

# Pictures with known areas: how many, and of which seed.
PHANTOMS ?= 300
SEED_OF_PHANTOMS ?= 7

.DEFAULT_GOAL := help
.PHONY: help run dev test coverage test-services soak load crowding mutate check audit fresh format lock bench areas quality learn-regions clean python chromium servers

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

run: python ## start GMM Studio (PORT=8001 make run: on another port)
	@$(bootstrap) --port "$(PORT)" requirements.txt
	@$(py) manage.py prepare
	@exec $(py) -m gmmsite.deploy.supervise

dev: export DEBUG = 1
dev: export GMM_TOOLBAR = 1
dev: python ## start it for development: with auto-reload, debug pages and toolbar
	@$(bootstrap) --port "$(PORT)" requirements-dev.txt
	@$(py) manage.py prepare
	@exec $(py) -m gmmsite.deploy.supervise --reload

test: python chromium ## run all tests (installs what they need)
	@$(bootstrap) requirements-dev.txt
	@mkdir -p .make
	@$(node) install
	$(node) --test "tests/js/**/*.test.js"
	$(py) -m pytest -n $(JOBS) --dist loadfile

coverage: python chromium ## run all tests, and list the lines that none of them runs; takes twice as long
	@$(bootstrap) requirements-dev.txt
	@mkdir -p .make
	@$(node) install
	$(node) --test "tests/js/**/*.test.js"
	$(py) -m pytest -n $(JOBS) --dist loadfile --cov --cov-report=term

soak: python chromium servers fresh ## run the tests that take hours: fresh installation, phantoms, mutations, every fault ten times, a deployment
	@$(bootstrap) requirements-dev.txt
	$(py) scripts/services.py -- $(py) -m pytest -m soak

load: python ## simulate many people on a site of its own (USERS=50 DURATION=300)
	@$(bootstrap) requirements.txt
	@"$(PYTHON)" gmmsite/deploy/bootstrap.py --venv .make/load --goal $@ benchmarks/load-requirements.txt
	@.make/load/bin/python benchmarks/load.py --site-python $(py) --users $(USERS) --seconds $(DURATION)

mutate: python ## change the code in one place at a time, and list the changes that no test detects (MINUTES=180 SEED=0)
	@"$(PYTHON)" gmmsite/deploy/bootstrap.py --venv .make/mutate --goal $@ requirements-dev.txt benchmarks/mutate-requirements.txt
	@.make/mutate/bin/python benchmarks/mutate.py --minutes $(MINUTES) --seed $(SEED)

crowding: python ## measure how one account and slow connections slow down other people, on a site of its own
	@$(bootstrap) requirements.txt
	@$(py) benchmarks/crowding.py

# Tests that depend on database, storage or queue, and one workflow in the browser. Each fault is tested once, without those
# that `make test` always tests.
on_services = tests/access tests/admin tests/api tests/attacks tests/commands/test_backup_services.py tests/execution tests/faults tests/files \
	tests/models tests/scaling tests/services tests/tasks tests/views tests/test_health.py "tests/browser/test_story.py::test_the_whole_story[desktop-light]"

# Tests that need no database or storage, such as attacks on the decoder or with requests that are refused before anything is looked
# up, or that need a local disk.
not_on_services = $(foreach attack,costly_files decode_elsewhere embedding_in_other_sites escape_from_decoder foreign_hosts \
	forged_requests guess_known_passwords heic_boxes hostile_mixtures lying_decoder names_that_leave_their_place open_redirects \
	overridden_methods scripts_in_uploads,--ignore tests/attacks/test_$(attack).py) \
	--deselect tests/execution/test_spool.py::test_a_full_disk_is_said

test-services: python chromium servers ## run the tests of database, storage and queue on PostgreSQL, S3 and RQ
	@$(bootstrap) requirements-dev.txt
	$(py) scripts/services.py -- $(py) -m pytest -n $(JOBS) --dist loadfile -m "not soak" -k "not always" $(on_services) $(not_on_services)

check: python ## check style, types, layers, scripts, templates, migrations, locks, bundled libraries and deployment settings
	@$(bootstrap) requirements-dev.txt
	@$(node) install
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy .
	$(bin)/lint-imports
	$(node) node_modules/typescript/bin/tsc --project .
	$(node) node_modules/eslint/bin/eslint.js .
	$(bin)/djlint templates --check --quiet
	$(bin)/djlint templates --lint --quiet
	$(py) manage.py makemigrations --check --dry-run
	$(deployed) $(py) manage.py check --deploy --fail-level WARNING
	$(py) scripts/check_locks.py
	$(py) scripts/audit.py
	@for environment in "$(VENV)" .make/*; do \
		! test -x "$$environment/bin/python" || "$$environment/bin/python" -m pip check || exit 1; \
	done

audit: python ## compare packages, and libraries inside wheels, with the lowest admitted versions, and run pip-audit
	@$(bootstrap) requirements-dev.txt
	@"$(PYTHON)" gmmsite/deploy/bootstrap.py --venv .make/audit --goal $@ scripts/audit-requirements.txt
	@$(py) scripts/audit.py --service .make/audit/bin/pip-audit

# PIP: bundled or newest; by default both. Needs the network.
fresh: python ## test a fresh installation: clone, install without cache, run, check (PIP=newest: with that pip only)
	@"$(PYTHON)" scripts/fresh.py $(PIP)

format: python ## format sources and templates as `make check` requires
	@$(bootstrap) requirements-dev.txt
	$(bin)/ruff check --fix .
	$(bin)/ruff format .
	-$(bin)/djlint templates --reformat --quiet

lock: python ## compile requirements*.in into the hashed lock files, with the newest versions allowed
	@$(bootstrap) requirements-dev.txt
	$(compile) requirements.in -o requirements.txt
	$(compile) requirements-dev.in -o requirements-dev.txt
	$(compile) benchmarks/load-requirements.in -o benchmarks/load-requirements.txt
	$(compile) benchmarks/bench-requirements.in -o benchmarks/bench-requirements.txt
	$(compile) benchmarks/mutate-requirements.in -o benchmarks/mutate-requirements.txt
	$(compile) scripts/audit-requirements.in -o scripts/audit-requirements.txt

bench: export OPENBLAS_NUM_THREADS = 1
bench: python ## compare the fit with scikit-learn, OpenCV and plain EM
	@"$(PYTHON)" gmmsite/deploy/bootstrap.py --venv .make/bench --goal $@ requirements-dev.txt benchmarks/bench-requirements.txt
	@.make/bench/bin/python benchmarks/fit.py

# PHANTOMS of a SEED_OF_PHANTOMS; each method takes about a second for a phantom.
areas: export OPENBLAS_NUM_THREADS = 1
areas: export OMP_NUM_THREADS = 1
areas: python ## measure areas on phantoms against scikit-learn, k-means and Otsu (PHANTOMS=300 SEED_OF_PHANTOMS=7)
	@$(bootstrap) requirements-dev.txt
	@$(py) benchmarks/areas.py --phantoms $(PHANTOMS) --seed $(SEED_OF_PHANTOMS) --jobs $(JOBS)

# Times are of one core; the others process other pictures.
quality: export OPENBLAS_NUM_THREADS = 1
quality: export OMP_NUM_THREADS = 1
quality: python ## compare segmentations with those of people (DATA=path: Berkeley Segmentation Data Set)
	@$(bootstrap) requirements-dev.txt
	@$(py) benchmarks/quality.py "$(DATA)"

learn-regions: export OPENBLAS_NUM_THREADS = 1
learn-regions: export OMP_NUM_THREADS = 1
learn-regions: python ## learn the weights of Regions from people's segments (DATA=path: as for quality, other pictures than those)
	@$(bootstrap) requirements-dev.txt
	@$(py) benchmarks/learn_regions.py "$(DATA)"

clean: ## remove everything that can be made again; keeps database, pictures and secret key
	rm -rf "$(VENV)" .make staticfiles htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache test-results node_modules
	find gmmsite segmentation tests scripts -name __pycache__ -prune -exec rm -rf {} +

python:
	@command -v "$(PYTHON)" >/dev/null || { echo "GMM Studio needs Python 3.11 or newer, and there is no $(PYTHON)." \
		"On Debian and Ubuntu: apt install python3 python3-venv" >&2; exit 1; }

servers:
	@PATH="$$PATH:$$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')"; \
	if ! command -v initdb >/dev/null || ! command -v redis-server >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && \
			DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=300 postgresql redis-server; \
		else \
			echo "These tests need PostgreSQL and Redis. Install them first: sudo apt install postgresql redis-server" >&2; exit 1; \
		fi; \
	fi

chromium:
	@if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && \
			DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=300 chromium; \
		else \
			echo "The browser tests need Chromium. Install it first: sudo apt install chromium" >&2; exit 1; \
		fi; \
	fi
