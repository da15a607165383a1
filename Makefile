# The commands of a working day. Each needs Go and nothing else, but where it says so.

GO          ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: build release vulncheck test demo example self-gate bench safety diagnose sampled windows trial soak cost kernels generate generate-bpf lint referee fuzz clean

build: ## the program, ./gosched
	CGO_ENABLED=0 $(GO) build -trimpath -o gosched ./cmd/gosched

release: ## what is released, into build/release: programs, archives, Debian packages, checksums; built twice and compared
	contrib/release --twice

GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
vulncheck: ## known vulnerabilities in what the program calls; asks Go's database over the network
	$(GO) run $(GOVULNCHECK) ./...

test: ## every test; those that load eBPF need root, and are skipped without it. One package at a time: they watch what shares a CPU with whom
	$(GO) test -p 1 -timeout 20m ./...

demo: ## record a real server for some seconds and print why its goroutines waited; without root from a Go trace
	testdata/demo/run

example: ## gate a small journal in every way that CI.md shows; with eBPF where it can be had
	testdata/example/run

self-gate: ## is this tree worse than the commit before? Records a benchmark of both; needs root
	.ci/self-gate

bench: ## what recording costs and how fast traces are written, read and analyzed, in one run of ten minutes; needs root
	GOSCHED_REQUIRE_BPF=1 GOSCHED_BENCH_SECONDS=60 $(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./record
	$(GO) test -p 1 -run '^$$' -bench . -timeout 30m ./format ./analyze/latency ./analyze/blocking ./analyze/summary ./record/gobin ./record/gotrace

ROUNDS ?= 3
diagnose: ## does the verdict name the cause, of programs with one that is known, and blame nothing in those that are well? Each ROUNDS times by eBPF and Go traces, alone and beside busy loops; an hour; needs root
	mkdir -p build
	GOSCHED_REQUIRE_BPF=1 GOSCHED_DIAGNOSE_ROUNDS=$(ROUNDS) GOSCHED_DIAGNOSE_REPORT=$(CURDIR)/build/diagnose.md $(GO) test -v -count=1 -timeout 6h -run TestDiagnosis ./analyze/blocking

TRIALS ?= 100
sampled: ## do the intervals of shares that are sampled without probes have what all moves of the same time say? TRIALS times each of two programs; ten minutes; needs root
	GOSCHED_REQUIRE_BPF=1 GOSCHED_SAMPLED_TRIALS=$(TRIALS) $(GO) test -v -count=1 -timeout 1h -run TestSampledShares ./analyze/rounds

windows: ## do the intervals that windows give hold what a whole recording has, in 95 of 100 made-up recordings of each shape, and do recordings of programs with a known cause blame it, or nothing, when windows are cut out of them? Half an hour; needs root
	GOSCHED_REQUIRE_BPF=1 GOSCHED_WINDOW_TRIALS=$(TRIALS) $(GO) test -p 1 -v -count=1 -timeout 3h -run 'Windows' ./analyze/latency ./analyze/blocking

MINUTES ?= 60
safety: ## does recording harm a process, or leave anything behind? Programs that fork, exec, crash, are stopped, traced, short of memory, recorders that are killed; MINUTES; the table is build/safety.md; needs root
	mkdir -p build
	GOSCHED_REQUIRE_BPF=1 GOSCHED_SAFETY_MINUTES=$(MINUTES) GOSCHED_SAFETY_REPORT=$(CURDIR)/build/safety.md $(GO) test -v -count=1 -timeout 6h -run TestSafety ./internal/safety

trial: ## how often compare is right: 100 rounds of 36 recordings of programs of which one thing is known to be worse; hours, resumable; needs root
	testdata/trial/run

soak: ## does a flight recorder grow in half an hour, are planted stalls saved with the seconds before, what does kill -9 lose? Needs root
	testdata/flight/run

cost: ## what recording costs a saturated server and a program full of channels, within each budget; root, hours; testdata/cost/run --quick takes 12 minutes
	testdata/cost/run

kernels: ## record on Debian's kernels from 5.10 to 7.3, amd64 and arm64, booted under qemu; half an hour, resumable; the table goes into README.md
	testdata/kernels/run --jobs 2 --resume --readme

generate: generate-bpf ## everything generated; the offsets take all Go toolchains since 1.18 and half an hour
	$(GO) generate ./record/...
	$(GO) test ./format -run FormatMD -update
	$(GO) test ./analyze/compare/policy -run CIPage -update
	$(GO) test ./format/buckets -run SummaryMD -update

generate-bpf: ## the eBPF objects; needs clang 14, llvm-strip and libbpf's headers
	$(GO) generate ./bpf

lint: ## formatting, lines of 120 columns at most, the import rules, go vet, staticcheck
	test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	$(GO) test ./internal/archtest
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

referee: ## every program under Go's own tracer and gosched at once, on every Go version and build; needs root
	mkdir -p build
	GOSCHED_FULL_MATRIX=1 GOSCHED_REQUIRE_BPF=1 GOSCHED_REFEREE_REPORT=$(CURDIR)/build/referee.md $(GO) test -v -count=1 -timeout 6h ./internal/referee

FUZZTIME ?= 30s
fuzz: ## each fuzz test for FUZZTIME
	@for pkg in $$($(GO) list ./...); do \
	  for name in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "== $$pkg $$name"; $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; done

clean: ## what the other targets made
	rm -rf gosched build
