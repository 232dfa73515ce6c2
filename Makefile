# Verbs only; what they do is in Scripts/.

.PHONY: help deps build library wheel test test-python races faults lint kernels demo tutorial paper bench scaling docs install clean fuzz nightly \
  test-intel test-address test-thread

help: ## print the verbs
	@sed -nE 's/^([a-z-]+):.*## /\1	/p' Makefile

deps: ## install missing system packages
	Scripts/install-deps

build: deps ## build the program in release configuration
	swift build -c release

test: ## run the tests, on the processor and on PoCL
	Scripts/install-deps test
	swift test --disable-xctest
	Scripts/check-library

races: ## run every kernel under Oclgrind and compare its bits with PoCL's
	Scripts/install-deps test
	Scripts/check-races

faults: ## make each OpenCL call fail in turn
	Scripts/install-deps test
	Scripts/check-faults

test-intel: ## run the device tests on Intel's CPU runtime from PyPI (833 MB)
	Scripts/install-deps test
	Scripts/test-intel

test-address: ## run the tests under the address sanitizer
	Scripts/install-deps test
	Scripts/test-sanitized address

test-thread: ## run the tests under the thread sanitizer
	Scripts/install-deps test
	Scripts/test-sanitized thread

lint: deps ## check format, layers, file sizes, kernels and weak symbols
	Scripts/lint

kernels: ## compile every OpenCL kernel without a device
	Scripts/check-kernels

demo: ## the frontier of the sentiment example, as a table, frontier.csv and frontier.svg
	Scripts/install-deps demo
	Scripts/demo

tutorial: ## run the notebook in Examples/python and compare it with what is kept there
	Scripts/install-deps python
	Scripts/run-tutorial

paper: ## the figures of both papers, each number checked, into docs/paper
	Scripts/install-deps paper
	Scripts/paper

bench: deps ## time the engine beside its peers, into Benchmarks/runs
	Scripts/bench

scaling: deps ## measure docs/scaling.md on this machine
	Scripts/scaling

docs: ## build the documentation into build/docs
	Scripts/install-deps python
	Scripts/docs

library: ## build libesscher.so, esscher.h and esscher.pc into build/library, and check them
	Scripts/install-deps test
	Scripts/check-library release

wheel: ## build the wheel of the Python package into dist/
	Scripts/install-deps python
	Scripts/build-wheel

test-python: ## build the wheel and test it on every Python from 3.10 to 3.13 that is here
	Scripts/install-deps python
	Scripts/test-python

install: deps ## install the program and the C library; PREFIX=/usr/local
	Scripts/install

clean: ## remove everything that was built
	Scripts/clean

fuzz: deps ## feed the readers broken input
	Scripts/fuzz

nightly: deps ## the long tests: coverage simulations, soaks, sanitizers
	Scripts/nightly
