# Every target first sets up what is missing; ARGS goes to the command, as in: make demo ARGS='--say "grab the red cylinder"';
# PYTHON names the one to build on, else set-up finds one.
SHELL := /bin/sh
ENVIRONMENT := . .venv/bin/activate &&
ALL_TESTS := python -m pytest -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder -m "not gazebo"
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help prepare demo test test-jazzy test-gazebo check check-locks format bench lock clean

help:
	@echo 'make demo         speak a sentence, watch the simulated arm pick up what it names (ARGS: options of autoglm demo)'
	@echo 'make test         all tests, the slow ones included (ARGS: options of pytest)'
	@echo 'make test-jazzy   the tests of the nodes on ROS 2 Jazzy, in an environment of its own beside `.venv` (ARGS: options of pytest)'
	@echo 'make test-gazebo  the same arm in Gazebo 11, set up in a Debian 11 of its own (root only, on a machine that keeps it in real time, else skipped)'
	@echo 'make check        formatting, lint, types, import rule, package.xml'
	@echo 'make check-locks  ask the package index whether every lock can be had, on every Python (one minute)'
	@echo 'make format       put the formatting right'
	@echo 'make bench        50 fresh episodes over the ROS graph (ARGS: options of autoglm evaluate)'
	@echo 'make prepare      only set up'
	@echo 'make lock         pin the requirements anew'
	@echo 'make clean        remove what was built; rm -r .venv .venv-jazzy removes the environments too'

prepare:
	@sh setup/prepare.sh

demo: prepare
	@$(ENVIRONMENT) autoglm demo $(ARGS)

# On every core first what may run beside others, then what must run alone: see tests/conftest.py.
test: prepare
	@$(ENVIRONMENT) $(ALL_TESTS) $(ARGS)

test-jazzy: prepare
	@$(ENVIRONMENT) python setup/jazzy.py
	@. .venv-jazzy/bin/activate && $(ALL_TESTS) tests/ros tests/safety tests/nodes --ignore tests/nodes/test_actions_over_graph.py $(ARGS)

test-gazebo: prepare
	@sh setup/gazebo_classic.sh
	@$(ENVIRONMENT) python -m pytest -m gazebo -s tests/gazebo $(ARGS)

check: prepare
	@$(ENVIRONMENT) ruff format --check . && ruff check . && mypy && python -m pytest -q tests/repository

format: prepare
	@$(ENVIRONMENT) ruff format . && ruff check --fix .

bench: prepare
	@mkdir -p out
	@$(ENVIRONMENT) autoglm bench align --json out/align.json --plot out/alignment-error.png
	@$(ENVIRONMENT) autoglm bench ingest --json out/ingest.json
	@$(ENVIRONMENT) autoglm bench sim --json out/sim.json
	@$(ENVIRONMENT) autoglm evaluate --ros --json out/evaluate.json $(ARGS)

check-locks: prepare
	@sh setup/lock.sh check

lock: prepare
	@sh setup/lock.sh

clean:
	rm -rf build install log out ros2_ws/build ros2_ws/install ros2_ws/log sim/build *.egg-info sim/*.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -path './.venv*' -prune -o -name __pycache__ -type d -exec rm -rf {} +
