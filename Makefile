# Every target is one call of ./nightfill (see ./nightfill --help) or of a tool in .venv.
.DEFAULT_GOAL := help
PY := .venv/bin/python

.PHONY: help env run test test-long drill drills status stop clean setup check lint format types docs alarms

help:        ## this list
	@grep -hE '^[a-z%-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/: .*## /\t/' | expand -t 16
run:         ## set up, and run the recorded nights on a year of purchases (NIGHTS=7 for more)
	@./nightfill run
test:        ## set up, and pass all tests
	@./nightfill test
test-long:   ## soaks, races and whole-year runs
	@./nightfill test --long
drill:       ## one bad model through a release, for example make drill FAULT=nan FORM=delayed
	@./nightfill drill $(FAULT) $(if $(FORM),--form $(FORM))
drills:      ## every kind of bad model through a release; none may reach a shopper
	@./nightfill drill all
status:      ## what is up, and where to look
	@./nightfill status
stop:        ## end everything that run left up
	@./nightfill stop
clean:       ## forget everything that was written
	@./nightfill clean
env:         ## write .env, the random secrets of docker-compose.yaml (mode 600, never overwritten)
	@./nightfill env
setup:       ## only make .venv and find Java
	@./nightfill setup
check:       ## memory, disk, ports, Java
	@./nightfill check
lint: setup  ## style and types
	@.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy
format: setup ## put the code into shape
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .
alarms: setup ## judge every night of the panel, and write docs/ALARMS.md
	@PYTHONPATH=. $(PY) -m include.quality.alarms_page
docs: setup  ## write docs/DAGS.md from the DAGs, and docs/FEATURES.md from the features
	@PYTHONPATH=.:plugins AIRFLOW_HOME=$(CURDIR)/var/docs $(PY) -m nightfill.dag_docs
	@PYTHONPATH=. $(PY) -m include.features.page
bench-%: setup ## a benchmark beside its rivals, for example make bench-models; writes var/bench/models.json
	@PYTHONPATH=. $(PY) benchmarks/bench_$*.py
