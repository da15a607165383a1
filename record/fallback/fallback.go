// Package fallback is the table of what recording does where an older kernel lacks something that
// it would rather have.
package fallback

import (
	"fmt"
	"slices"
	"strings"
)

// The names of the fall-backs.
const (
	PerfUprobes         = "perf-uprobes"
	LegacyPrograms      = "legacy-programs"
	PreemptiblePrograms = "preemptible-programs"
	SharedStacks        = "shared-stacks"
)

// Fallback is what is done where the kernel lacks something.
type Fallback struct {
	Name  string
	Lacks string // what the kernel lacks
	Does  string // what is done instead
	Force bool   // it can be asked for where it is not needed
}

// All are all fall-backs.
var All = []Fallback{
	{
		PerfUprobes, "uprobe_multi that filters by process (Linux 6.10)",
		"probes are attached one by one", true,
	},
	{
		LegacyPrograms, "attach cookies (Linux 5.15), task storage (5.11) or bpf_loop (5.17)",
		"probe points are known by their addresses, threads by their ids; of a list of more than 1,024 goroutines " +
			"that are made ready at once the rest is lost, and counted as one event", true,
	},
	{ // from Linux 6.13 on programs that can be preempted would share a stack: it is never asked for there
		PreemptiblePrograms, "bpf_preempt_disable (Linux 6.10)",
		"where more than 4 threads are preempted inside a probe on one CPU, the next one's event is lost, and counted",
		false,
	},
	{ // without it, recording is refused there
		SharedStacks, "bpf_preempt_disable, though it preempts programs that share a stack (Linux 6.13)",
		"the kernel may panic: probes are attached because it was asked for", true,
	},
}

// Names are the names of those that can be asked for where they are not needed.
func Names() []string {
	var names []string
	for _, f := range All {
		if f.Force {
			names = append(names, f.Name)
		}
	}
	return names
}

// Check finds a name that is not one of Names.
func Check(names []string) error {
	for _, name := range names {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("no fall-back that can be asked for is called %q: there are %s", name,
				strings.Join(Names(), ", "))
		}
	}
	return nil
}
