package archtest

const module = "github.com/gosched/gosched"

// layers says what each folder may import of ours. The first row that matches a
// package holds; an entry ending in "/..." is the folder and all below it. Tests
// may also import what testLayers gives them.
var layers = []struct {
	pkg string
	may []string
	why string
}{
	{"format/...", []string{"format/..."}, "the trace stands for itself: whoever reads or writes one needs nothing " +
		"else of ours"},
	{"bpf", nil, "the programs in the kernel know nothing of traces or targets"},
	{"record/gobin", []string{"format", "record/gobin/..."},
		"a Go executable is read through io.ReaderAt: no process; of traces only the names of transitions"},
	{"record/gobin/...", []string{"record/gobin/..."}, "code and offsets are all it takes"},
	{"record/target/...", []string{"record/target/..."}, "a process is what /proc shows: no Go binary, no trace"},
	{"record/gotrace/...", []string{"format", "record/gotrace/...", "record/syscalls"},
		"Go's own traces become events without eBPF or a target"},
	{"record/image", []string{"format", "record/gobin", "record/target"},
		"where a process has its Go code: no eBPF, no events"},
	{"record/rounds", nil, "when to read, and how much, is decided without a process or a clock"},
	{"record/snapshot", []string{"format", "record/gobin", "record/target"},
		"goroutines are read from memory: no eBPF, no events"},
	{"record/descriptor", []string{"format", "record/gobin", "record/target"},
		"what goroutines wait for is read from memory and /proc: no eBPF, no events"},
	{"record/stacks", []string{"format", "record/gobin", "record/snapshot", "record/syscalls"},
		"stacks are addresses and names: no eBPF, no process"},
	{"record/kernel", []string{"bpf", "record/fallback", "record/gobin", "record/target"},
		"programs are loaded, attached and drained: no trace, and no meaning of what they write"},
	{"record/container", nil, "the names of cgroups and the runtimes' files are all it takes"},
	{"record/choose", []string{"record/container"}, "processes are picked by what /proc says: no Go binary, no eBPF"},
	{"record/flight", nil, "what is decided is decided on what is told: no files, no clock, no trace"},
	{"record/flight/keep", []string{"format", "record/flight"}, "segments are kept and saved: no eBPF, no process"},
	{"record/flight/control", []string{"record/flight"}, "triggers are taken for whoever keeps something"},
	{"record/confine", []string{"record/target"}, "what is given up is the process's own: no eBPF, no trace"},
	{"record/governor", nil, "what may be attached when is decided on numbers: no kernel, no clock, no trace"},
	{"record/fallback", nil, "a table, for all systems"},
	{"record/syscalls", nil, "names of functions are all it takes"},
	{"record/...", []string{"bpf", "format", "record/..."}, "left of format: it writes traces and asks them nothing"},
	{"analyze/stats/...", []string{"analyze/stats/..."}, "statistics know nothing of traces"},
	{"analyze/report/...", []string{"analyze/report/...", "analyze/replay/stack", "analyze/stats"},
		"results are drawn as they are given; how a function's name is shortened has one home, in stack"},
	{"analyze/replay/...", []string{"format", "analyze/replay/...", "analyze/stats"},
		"the scheduler model reads the trace and nothing else"},
	{"analyze/internal/passtest", []string{"format", "analyze/replay", "analyze/report", "analyze/internal/simsched",
		"internal/golden"}, "one harness for the tests of all analyzers, which knows none of them"},
	{"analyze/internal/...", []string{"format", "analyze/replay"}, "made-up schedules for the analyzers' tests"},
	{"analyze/caveat", []string{"format", "analyze/replay", "analyze/report", "analyze/stats"},
		"what a result needs of a trace is said before anyone asks"},
	{"analyze/blocking/internal/...", []string{"format", "analyze/replay"},
		"causes and histories know nothing of how a cause is found or printed"},
	{"analyze/blocking", []string{"format", "analyze/replay/...", "analyze/stats/...", "analyze/report/...",
		"analyze/caveat",
		"analyze/blocking/internal/..."}, "an analyzer whose causes are a package of their own"},
	{"analyze/goroutines/...", []string{"format", "analyze/replay/...", "analyze/stats/...", "analyze/report/...",
		"analyze/caveat", "analyze/goroutines/..."},
		"an analyzer whose profiles and instants are folders of their own"},
	{"analyze/requests/internal/...", []string{"format", "analyze/stats", "analyze/blocking"},
		"cycles know nothing of how one is found or printed"},
	{"analyze/requests", []string{"format", "analyze/replay/...", "analyze/stats/...", "analyze/report/...",
		"analyze/caveat", "analyze/blocking", "analyze/requests/internal/..."},
		"what a cycle's time was spent on is asked of blocking, so that there is one account of it"},
	{"analyze/summary", []string{"format/...", "analyze/replay/...", "analyze/stats", "analyze/report",
		"analyze/caveat", "analyze/latency", "analyze/blocking/...", "analyze/goroutines/...", "analyze/summary"},
		"a summary is what the analyzers found, kept in a file of its own"},
	{"analyze/compare/policy", []string{"analyze/summary", "analyze/stats", "internal/yamlfile"},
		"what a team demands of a comparison is said in the words of summaries, and of percentiles"},
	{"analyze/compare", []string{"format", "analyze/replay/...", "analyze/stats", "analyze/report", "analyze/summary",
		"analyze/caveat", "analyze/compare/policy"}, "comparing takes summaries, and no trace"},
	{"analyze/blocking/findings", []string{"format", "analyze/replay/...", "analyze/stats", "analyze/report",
		"analyze/blocking"}, "the rules explain the account of blocked time"},
	{"analyze/...", []string{"format", "analyze/replay/...", "analyze/stats/...", "analyze/report/...",
		"analyze/caveat"},
		"right of format: analyzers may touch only the trace, and know nothing of one another"},
	{"export/...", []string{"format", "analyze/replay", "export/..."},
		"right of format: exports may touch only the trace"},
	{"cmd/gosched/internal/ab", []string{"format", "record/...", "analyze/report", "cmd/gosched/internal/input",
		"cmd/gosched/internal/status"}, "recording two builds analyzes nothing"},
	{"cmd/gosched/internal/input", []string{"format/...", "record/gotrace", "analyze/summary",
		"analyze/goroutines/profile", "analyze/compare/policy", "analyze/report", "cmd/gosched/internal/status"},
		"whatever is read, is read on any system"},
	{"cmd/gosched/internal/output", []string{"format", "analyze/summary", "analyze/goroutines/profile",
		"analyze/folded"},
		"whatever is written, is written on any system"},
	{"cmd/gosched/internal/metrics", []string{"format", "analyze/...", "record/flight"},
		"a recording is shown while it is made: what was measured is asked of others"},
	{"cmd/gosched/internal/policy", []string{"internal/yamlfile"}, "a policy's values are what flags say they are"},
	{"cmd/gosched/internal/status", nil, "a line on a terminal knows nothing of what it says"},
	{"cmd/...", []string{"bpf", "format/...", "record/...", "analyze/...", "export/...", "cmd/...", "internal/..."},
		"commands put the pieces together"},
	{"internal/yamlfile", nil, "a file of settings knows nothing of what they are about"},
	{"internal/archtest", nil, "the rules read files, not packages"},
	{"internal/docs", nil, "tests of any package fill in pages with it"},
	{"internal/...", []string{"bpf", "format/...", "record/...", "analyze/...", "internal/..."},
		"what only tests use may use everything but commands"},
}

// binaryWords is what record/gobin may use of format, beside all that begins with Transition.
var binaryWords = []string{"Coverage", "NumTransitions"}

// testLayers is what tests of any package may import beside their own layer.
var testLayers = []string{"internal/docs", "internal/golden", "internal/testenv", "internal/referee",
	"analyze/internal/..."}

// homes says which of our packages may import a third-party module: its home, and
// more in tests. A module that is not here is not used.
var homes = []struct {
	module  string
	home    []string
	inTests []string
}{
	{"github.com/cilium/ebpf", []string{"bpf", "record/kernel", "internal/..."},
		[]string{"bpf", "record", "record/kernel", "internal/..."}},
	{"github.com/parquet-go/parquet-go", []string{"format/..."}, []string{"format/..."}},
	{"golang.org/x/exp/trace", []string{"record/gotrace/...", "internal/referee/..."},
		[]string{"record/...", "internal/...", "analyze/..."}},
	{"gonum.org/v1/gonum", []string{"analyze/stats/..."}, []string{"analyze/..."}},
	{"go.yaml.in/yaml/v4", []string{"internal/yamlfile"}, []string{"analyze/compare/policy"}},
	{"github.com/spf13/cobra", []string{"cmd/gosched"}, nil},
	{"github.com/spf13/pflag", []string{"cmd/gosched"}, nil},
	{"golang.org/x/arch", []string{"record/gobin/..."}, []string{"record/gobin/..."}},
	{"golang.org/x/sys", []string{"bpf", "record", "record/confine", "record/kernel",
		"record/target/...", "cmd/...", "internal/..."},
		[]string{"..."}},
	{"github.com/elastic/go-seccomp-bpf", []string{"record/confine"}, nil},
	{"mvdan.cc/sh/v3", []string{"cmd/gosched/internal/ab"}, nil},
	{"golang.org/x/term", []string{"cmd/gosched/internal/status"}, nil},
	{"github.com/prometheus/client_golang", []string{"cmd/gosched/internal/metrics"}, nil},
	{"github.com/prometheus/common", nil, []string{"cmd/gosched/internal/metrics", "cmd/gosched"}},
	{"github.com/prometheus/client_model", nil, []string{"cmd/gosched/internal/metrics", "cmd/gosched"}},
	{"github.com/google/pprof", []string{"analyze/goroutines/...", "export/pprof/..."}, []string{"..."}},
	{"github.com/klauspost/compress", []string{"format/..."}, []string{"format/..."}},
	{"github.com/rogpeppe/go-internal", []string{"internal/..."}, []string{"..."}},
	{"github.com/google/go-cmp", nil, []string{"..."}},
}

// machine are the standard packages by which code touches the machine. Right of
// format they are not for use: the same trace gives the same output everywhere.
var machine = []string{"net", "os", "os/exec", "os/signal", "os/user", "plugin", "runtime/trace", "syscall",
	"time/tzdata"}

// offMachine are the folders that may touch only the trace.
var offMachine = []string{"analyze/...", "export/..."}

// testsOnly are folders whose code is part of tests alone.
var testsOnly = []string{"analyze/internal/passtest"}

// vagueNames are package names that say nothing of what is inside.
var vagueNames = []string{"base", "common", "core", "helper", "helpers", "lib", "misc", "shared", "support", "tools",
	"util", "utils"}

// commandOnly are the functions that belong to the command alone: libraries take
// writers, and return errors.
var commandOnly = []struct{ pkg, name, why string }{
	{"os", "Exit", "a library returns an error"},
	{"os", "Args", "flags live in cmd"},
	{"os", "Stdout", "a library takes an io.Writer"},
	{"fmt", "Print", "a library takes an io.Writer"},
	{"fmt", "Printf", "a library takes an io.Writer"},
	{"fmt", "Println", "a library takes an io.Writer"},
	{"log", "Fatal", "a library returns an error"},
	{"log", "Fatalf", "a library returns an error"},
	{"log", "Printf", "a library takes a *slog.Logger"},
	{"log", "Println", "a library takes a *slog.Logger"},
}
