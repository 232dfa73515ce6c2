# Verbs only; what they do is in Scripts/.

.PHONY: help deps build test lint kernels demo bench docs install clean fuzz nightly

help: ## print the verbs
	@sed -nE 's/^([a-z]+):.*## /\1	/p' Makefile

deps: ## install missing system packages
	Scripts/install-deps

build: deps ## build the program in release configuration
	swift build -c release

test: ## run the tests, on the processor and on PoCL
	Scripts/install-deps test
	swift test --disable-xctest

lint: deps ## check format, layers, file sizes, kernels and weak symbols
	Scripts/lint

kernels: ## compile every OpenCL kernel without a device
	Scripts/check-kernels

demo: deps ## the frontier of the sentiment example, as a table and frontier.csv
	Scripts/demo

bench: deps ## time the engine on this machine
	Scripts/bench

docs: ## build the documentation
	Scripts/docs

install: deps ## install the program; PREFIX=/usr/local
	Scripts/install

clean: ## remove everything that was built
	Scripts/clean

fuzz: deps ## feed the readers broken input
	Scripts/fuzz

nightly: deps ## the long tests: coverage simulations, soaks, sanitizers
	Scripts/nightly
