# Everything that one does with this repository. `make` alone lists it.
# Needed: Go (the version in go.mod), git, make; the race detector also needs a C compiler.

GO       ?= go
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X main.version=$(VERSION)

# The version comes from git describe, above; Go's own stamp fails where the checkout belongs to somebody else.
export GOFLAGS := $(strip $(GOFLAGS) -buildvcs=false)

# Where things that take minutes to build are kept between clones. tools/mirror follows the same rule.
CACHE    := $(or $(TUTTI_CACHE),$(XDG_CACHE_HOME),$(HOME)/.cache)/tutti
# What the tests, the demo and the benchmarks are told. A test that needs a peer skips, and says so, where it is absent.
export TUTTI_MIRROR ?= $(CACHE)/mirror
export TUTTI_TOFU   ?= $(CACHE)/bin/tofu
export TUTTI_VENV   ?= $(CACHE)/venv
export TUTTI_ANSIBLE ?= $(CACHE)/ansible

# For one call: make test PKG=./internal/flow/... TESTFLAGS='-run Journal -v'
PKG       ?= ./...
TESTFLAGS ?=
FUZZTIME  ?= 20s
SEEDS     ?= 2000

# The packages that run concurrently, or are driven by those that do.
HALL := flow apply planner eval activity runtime store object addr secret executor

.DEFAULT_GOAL := help

.PHONY: help
help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | \
		while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

# Where tutti embeds the programs that it puts onto hosts from, and the platforms that they are built for.
PROGRAMS := internal/ansible/connection/program/embedded
HOSTS    := amd64 arm64

.PHONY: build
build: programs ## bin/tutti, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/tutti ./cmd/tutti

.PHONY: programs
programs: ## the small program that tutti puts onto hosts (Linux), for tutti to embed
	@mkdir -p bin/target
	@for arch in $(HOSTS); do \
		CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) build -trimpath -ldflags '-s -w' -o bin/target/$$arch ./cmd/tutti-target || exit 1; \
		hash=$$({ sha256sum || shasum -a 256; } <bin/target/$$arch 2>/dev/null | cut -d' ' -f1); \
		file=$(PROGRAMS)/target_linux_$${arch}_$$hash.gz; \
		test -f $$file && continue; \
		rm -f $(PROGRAMS)/target_linux_$${arch}_*; \
		gzip -9n <bin/target/$$arch >$(PROGRAMS)/.new && mv $(PROGRAMS)/.new $$file || exit 1; \
	done

.PHONY: demo
demo: build providers ## the bookshop: plan, apply, edit, kill -9, resume, destroy
	TUTTI="$(CURDIR)/bin/tutti" examples/bookshop/demo.sh

.PHONY: test
test: build providers ## all tests, with the real providers
	$(GO) test -timeout 15m $(TESTFLAGS) $(PKG)

.PHONY: test-all
test-all: tofu moto ## all tests uncached, with the peer, long simulations and the race detector
	$(MAKE) test TESTFLAGS='-count=1 $(TESTFLAGS)'
	$(MAKE) sim race

.PHONY: bench
bench: build providers tofu ## benchmarks beside OpenTofu, with the ratios
	TUTTI="$(CURDIR)/bin/tutti" $(GO) run ./bench

.PHONY: bench-states
bench-states: build moto ## the Step Functions API beside moto, and JSONata beside jsonata-js in Node
	TUTTI="$(CURDIR)/bin/tutti" $(GO) run ./bench/states
	$(GO) run ./bench/jsonata

.PHONY: bench-ansible
bench-ansible: build ansible ## playbooks beside ansible-core, with the ratios (as root, with sshd)
	TUTTI="$(CURDIR)/bin/tutti" $(GO) run ./bench/ansible

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME each (20s)
	GO='$(GO)' FUZZTIME='$(FUZZTIME)' tools/fuzz.sh

.PHONY: sim
sim: ## simulated runs with faults, SEEDS of them per test (2000)
	TUTTI_SIM_SEEDS=$(SEEDS) $(GO) test -timeout 60m -count=1 -run 'Sim|RandomHistories' ./internal/...

.PHONY: race
race: ## the tests of the hall under the race detector
	CGO_ENABLED=1 $(GO) test -timeout 30m -race $(TESTFLAGS) \
		$$(for room in $(HALL); do if test -d internal/$$room; then echo ./internal/$$room/...; fi; done)

.PHONY: lint
lint: ## gofmt, vet, staticcheck
	@unformatted=$$(gofmt -l .) && if test -n "$$unformatted"; then \
		echo "gofmt -w these files:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

.PHONY: generate
generate: ## the Go code of the provider protocol, from its .proto files
	$(GO) generate ./...

.PHONY: providers
providers: ## real providers from their Go modules, into a filesystem mirror
	@$(GO) run ./tools/mirror

.PHONY: tofu
tofu: $(CACHE)/bin/tofu ## the peer, OpenTofu, for benchmarks and differential tests (minutes, once)

$(CACHE)/bin/tofu: tools/tofu/go.mod tools/tofu/go.sum
	mkdir -p '$(@D)'
	cd tools/tofu && CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false \
		-ldflags '-s -w -X github.com/opentofu/opentofu/version.dev=no' \
		-o '$@.new' github.com/opentofu/opentofu/cmd/tofu
	mv -f '$@.new' '$@'

.PHONY: moto
moto: $(CACHE)/venv/installed ## AWS for the tests, as moto imitates it, with boto3 and the aws command (a minute, once)

$(CACHE)/venv/installed: tools/venv/requirements.txt
	python3 -m venv '$(@D)'
	'$(@D)/bin/python' -m pip install --quiet --disable-pip-version-check -r $<
	cp $< '$@'

.PHONY: ansible
ansible: $(CACHE)/ansible/installed ## ansible-core, the peer, for recording and differential tests (a minute, once)

$(CACHE)/ansible/installed: tools/ansible/requirements.txt
	python3 -m venv '$(@D)'
	'$(@D)/bin/python' -m pip install --quiet --disable-pip-version-check -r $<
	cp $< '$@'

.PHONY: record
record: ansible ## what ansible-core makes of the cases that the native modules are held to, anew (half an hour, as root)
	TUTTI_ANSIBLE_RECORD=1 $(GO) test -timeout 90m -count=1 -p 1 -run 'Recorded' ./internal/ansible/module/...

.PHONY: clean
clean: ## remove what make built here (the cache folder stays)
	rm -rf bin $(PROGRAMS)/target_*
