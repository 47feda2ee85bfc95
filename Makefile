# Builds, runs and tests everything here. It needs only Go, make and git.

# The binary is built from the first four modules. The other three have what building,
# developing and testing need. "work" stands for the packages of all modules.
TREES     := server shared web wasm
MODULES   := $(TREES) server/cmd/dev server/e2e web/static/build
PACKAGES  := work
# The flags with which web/static/build compiles the client, so that vet and staticcheck
# share its build cache.
BROWSER    = GOOS=js GOARCH=wasm GOFLAGS="$(GOFLAGS) -gcflags=all=-l"
VERSION   := $(or $(shell git describe --tags --always --dirty 2>/dev/null),devel)
FUZZTIME  ?= 10s
# How long go test minimizes each input that adds coverage. Go's default, a minute, is
# mostly wasted where coverage differs from run to run, as with sockets: go test shows
# 0 execs/s meanwhile.
MINIMIZE  ?= 2s
BENCH     ?= .

# All of staticcheck's checks except the one that asks for package comments, which
# packages of tests lack.
CHECKS    := all,-ST1000

# All commands compile with the same settings, so that they share the build cache. Only
# the race detector needs others.
export CGO_ENABLED := 0
export GOFLAGS     := $(strip $(GOFLAGS) -trimpath)

.DEFAULT_GOAL := help
.PHONY: help run build client symbols test chaos dev lint vuln fmt generate bench fuzz pictures clean go

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-10s %s\n' "$$name" "$$text"; done

run: build ## build and start the gateway; ARGS="-listen :9000" are its arguments
	@./bin/gatehouse $(ARGS)

build: client ## build bin/gatehouse, with the client in it
	@echo "→ gatehouse: compiling (the first time this takes a few minutes)"
	@go build -v -buildvcs=false -ldflags "-s -w -X main.version=$(VERSION)" -o bin/gatehouse ./server/cmd/gatehouse
	@echo "→ bin/gatehouse $(VERSION), $$(( $$(wc -c < bin/gatehouse) / 1000 )) kB"

client: go
	@go run ./web/static/build -version $(VERSION)

symbols: go ## add function names to a browser's stack trace, from ADDR or stdin
	@go run ./web/static/build -version $(VERSION) -symbols "$$ADDR"

test: go ## run all tests; PARTS="unit e2e" chooses parts, STRICT=1 makes a skip fail
	@go run ./server/cmd/check $(PARTS)

chaos: build ## try to make the gateway lose something; SEED=, FOR=10m and CLIENTS=12 choose the run
	@CHAOS_SEED=$(SEED) CHAOS_FOR=$(or $(FOR),10m) CHAOS_CLIENTS=$(CLIENTS) \
		go test -count=1 -timeout=0 -v -run '^TestNothingIsLost$$' ./server/e2e/chaos

dev: go ## run with live reload of pages, styles, client and server; takes ARGS
	@go build -o bin/dev ./server/cmd/dev
	@bin/dev $(ARGS)

lint: go ## run gofmt, templ fmt, go vet, staticcheck and gosec
	@echo "gofmt";       out=$$(gofmt -l $(TREES)); [ -z "$$out" ] || { echo "run make fmt: $$out"; exit 1; }
	@echo "templ fmt";   tool=$$(go tool -n templ) && for f in web/*/*.templ; do \
		"$$tool" fmt -log-level error -stdout "$$f" | cmp -s - "$$f" || { echo "run make fmt: $$f"; exit 1; }; done
	@echo "go vet";      go vet $(PACKAGES)
	@echo "go vet, js";  $(BROWSER) go vet ./wasm/...
	@echo "staticcheck"; go tool staticcheck -checks $(CHECKS) $(PACKAGES)
	@echo "staticcheck, js"; tool=$$(go tool -n staticcheck); $(BROWSER) "$$tool" -checks $(CHECKS) ./wasm/...
	@echo "gosec";       go run ./server/cmd/dev/gosec $(PACKAGES)

vuln: go ## look for known vulnerabilities in the libraries; asks https://vuln.go.dev
	@tool=$$(go tool -n govulncheck); for m in $(MODULES); do echo "$$m"; (cd "$$m" && "$$tool" ./...) || exit 1; done

fmt: go ## format Go and templ files
	@gofmt -w $(TREES)
	@go -C web tool templ fmt -log-level error .

generate: go ## write the generated files anew: templ's Go, codecs, references
	@go -C web tool templ generate
	@go generate $(PACKAGES)

bench: go ## run the benchmarks; BENCH=regexp chooses
	@go test -run '^$$' -bench '$(BENCH)' -benchmem $(PACKAGES) | grep -v 'no test files'

# Until Go 1.27, a target may fail at the end of its time with "context deadline
# exceeded" and without an input (golang/go#75804). That is not a finding.
fuzz: go ## run each fuzz target for FUZZTIME (10s)
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' $(TREES) | sort | while IFS=: read -r file func; do \
		echo "$$file: $${func#func }"; \
		{ go test -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime $(MINIMIZE) "./$$(dirname "$$file")" || echo "not passed"; } | tee "$$log"; \
		if grep -q '^not passed' "$$log"; then \
			grep -q 'context deadline exceeded' "$$log" && ! grep -q 'Failing input' "$$log" || exit 1; fi; done

pictures: build ## take the README's pictures again, in Chromium or the browser that E2E_BROWSER names
	@E2E_README=$(CURDIR)/web/docs/pictures go test -count=1 -run '^TestReadmePictures$$' ./server/e2e

clean: ## remove what was built; keep the data of make dev
	rm -rf bin .dev/gatehouse .dev/text
	find web/static/dist -type f ! -name .gitkeep -delete

go:
	@command -v go >/dev/null || { echo "Go 1.26 or newer is needed, and there is no go in PATH." >&2; exit 1; }
