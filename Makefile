# Everything that is built, run and proved here, with Go, make and git alone.

# The binary is built from the first four modules; the others hold what building,
# developing and testing need beyond them. "work" are the packages of all of them.
TREES     := server shared web wasm
MODULES   := $(TREES) server/cmd/dev server/e2e web/static/build
PACKAGES  := work
# As the client is compiled (web/static/build), so that the build cache serves both.
BROWSER    = GOOS=js GOARCH=wasm GOFLAGS="$(GOFLAGS) -gcflags=all=-l"
VERSION   := $(or $(shell git describe --tags --always --dirty 2>/dev/null),devel)
FUZZTIME  ?= 10s
# Per input that adds coverage. Go's own minute mostly goes by for nothing where
# coverage differs from run to run, as with sockets, and shows as 0 execs/s.
MINIMIZE  ?= 2s
BENCH     ?= .

# staticcheck's, without the one that wants comments on the packages of tests.
CHECKS    := all,-ST1000

# One way of compiling for all that compiles, so that the build cache serves it
# all. The race detector alone needs another.
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

symbols: go ## name the functions in a stack trace of the browser; ADDR is the trace, or stdin
	@go run ./web/static/build -version $(VERSION) -symbols "$$ADDR"

test: go ## prove everything; PARTS="unit e2e" picks, STRICT=1 makes a skip fail
	@go run ./server/cmd/check $(PARTS)

chaos: build ## try to make it lose something; SEED=, FOR=10m and CLIENTS=12 pick the run
	@CHAOS_SEED=$(SEED) CHAOS_FOR=$(or $(FOR),10m) CHAOS_CLIENTS=$(CLIENTS) \
		go test -count=1 -timeout=0 -v -run '^TestNothingIsLost$$' ./server/e2e/chaos

dev: go ## run with live reload of pages, styles, client and server; takes ARGS
	@go build -o bin/dev ./server/cmd/dev
	@bin/dev $(ARGS)

lint: go ## report what gofmt, templ fmt, go vet, staticcheck and gosec have to say
	@echo "gofmt";       out=$$(gofmt -l $(TREES)); [ -z "$$out" ] || { echo "run make fmt: $$out"; exit 1; }
	@echo "templ fmt";   tool=$$(go tool -n templ) && for f in web/*/*.templ; do \
		"$$tool" fmt -log-level error -stdout "$$f" | cmp -s - "$$f" || { echo "run make fmt: $$f"; exit 1; }; done
	@echo "go vet";      go vet $(PACKAGES)
	@echo "go vet, js";  $(BROWSER) go vet ./wasm/...
	@echo "staticcheck"; go tool staticcheck -checks $(CHECKS) $(PACKAGES)
	@echo "staticcheck, js"; tool=$$(go tool -n staticcheck); $(BROWSER) "$$tool" -checks $(CHECKS) ./wasm/...
	@echo "gosec";       go run ./server/cmd/dev/gosec $(PACKAGES)

vuln: go ## look for known holes in what we use; needs the vulnerability database, https://vuln.go.dev
	@tool=$$(go tool -n govulncheck); for m in $(MODULES); do echo "$$m"; (cd "$$m" && "$$tool" ./...) || exit 1; done

fmt: go ## format Go and templ files
	@gofmt -w $(TREES)
	@go -C web tool templ fmt -log-level error .

generate: go ## make the generated files again: templ's Go, codecs, references
	@go -C web tool templ generate
	@go generate $(PACKAGES)

bench: go ## run the benchmarks; BENCH=regexp picks
	@go test -run '^$$' -bench '$(BENCH)' -benchmem $(PACKAGES) | grep -v 'no test files'

# Until Go 1.27, a target may fail at the end of its time with "context deadline
# exceeded" and no input (golang/go#75804): that is no finding.
fuzz: go ## run each fuzz target for FUZZTIME (10s)
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' $(TREES) | sort | while IFS=: read -r file func; do \
		echo "$$file: $${func#func }"; \
		{ go test -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime $(MINIMIZE) "./$$(dirname "$$file")" || echo "not passed"; } | tee "$$log"; \
		if grep -q '^not passed' "$$log"; then \
			grep -q 'context deadline exceeded' "$$log" && ! grep -q 'Failing input' "$$log" || exit 1; fi; done

pictures: build ## take the README's pictures anew, in Chromium or what E2E_BROWSER names
	@E2E_README=$(CURDIR)/web/docs/pictures go test -count=1 -run '^TestReadmePictures$$' ./server/e2e

clean: ## remove what was built; the data of make dev stays
	rm -rf bin .dev/gatehouse .dev/text
	find web/static/dist -type f ! -name .gitkeep -delete

go:
	@command -v go >/dev/null || { echo "Go 1.26 or newer is needed, and there is no go in PATH." >&2; exit 1; }
