package format

// SchemaVersion is the version of the trace schema that this package writes. Version 2 added
// KindLimit.
const SchemaVersion = 2

// Source says how the events of a trace were obtained.
type Source string

// The sources of events.
const (
	SourceEBPF    Source = "ebpf"
	SourceGoTrace Source = "go trace"
)

// Metadata describes a recording. It is stored as JSON in the trace's key-value metadata.
type Metadata struct {
	SchemaVersion int    `json:"schema_version"`
	Source        Source `json:"source"`
	Recorder      string `json:"recorder"` // program and version that wrote the trace

	Host     string `json:"host,omitempty"`
	Kernel   string `json:"kernel,omitempty"`
	Arch     string `json:"arch,omitempty"`
	CPUModel string `json:"cpu_model,omitempty"`
	CPUs     int    `json:"cpus,omitempty"`

	Clock         string `json:"clock"`                  // the clock behind time_ns
	ClockOffsetNS int64  `json:"clock_offset_ns"`        // time_ns minus that clock
	ClockSource   string `json:"clock_source,omitempty"` // the kernel's name for the counter behind the clock
	// ClockStepNS is how far the clock moves at least when it moves; events within a step have one
	// time. 0: it moves from each reading to the next, or was not measured.
	ClockStepNS int64 `json:"clock_step_ns,omitempty"`
	// TimeResolutionNS is what all times are multiples of, 0: 1 ns. The writer sets it.
	TimeResolutionNS int64  `json:"time_resolution_ns,omitempty"`
	StartNS          int64  `json:"start_ns"` // recording began: everything before was not looked for
	EndNS            int64  `json:"end_ns"`   // recording ended; 0 in a segment whose recorder was killed
	EndReason        string `json:"end_reason,omitempty"`

	Lost          int64 `json:"lost"`            // events lost, all of them inside gap rows
	LostStacks    int64 `json:"lost_stacks"`     // events whose stack is null because the stack was lost
	MaxStackDepth int   `json:"max_stack_depth"` // frames, 0: stacks were not recorded

	Processes []Process `json:"processes"`

	Machine *MachineTime `json:"machine,omitempty"` // nil where it was not measured

	Snapshots []Snapshot `json:"snapshots,omitempty"` // in order of time
}

// Snapshot is one reading of a process's goroutines from its memory. It takes time: each of its
// rows is of a moment in it, and not all of the same one.
type Snapshot struct {
	BeginNS    int64 `json:"begin_ns"`
	EndNS      int64 `json:"end_ns"`
	AtEnd      bool  `json:"at_end,omitempty"` // of the recording, and not at its beginning
	Goroutines int64 `json:"goroutines"`       // found alive
	Unread     int64 `json:"unread,omitempty"` // not looked at, because the time was up
	// Unsure are of those found alive the ones that have no row: whether they were still in the
	// state that the memory showed, or were that goroutine at all, is not certain.
	Unsure int64 `json:"unsure,omitempty"`
}

// MachineTime is what all CPUs of the machine did while it was recorded, as the kernel accounts for
// it, summed over CPUs. The first three come in steps of a clock tick a CPU, so that in a short
// recording OwnNS may be a little more than BusyNS.
type MachineTime struct {
	BusyNS  int64 `json:"busy_ns"`  // any process, the kernel, interrupts
	StealNS int64 `json:"steal_ns"` // the hypervisor ran something else
	IdleNS  int64 `json:"idle_ns"`  // nothing to do, or only disks to wait for
	// of BusyNS, the recorded processes; of a Go trace with what they started and awaited. 0: not
	// known
	OwnNS int64 `json:"own_ns"`
}

// Unread is how many goroutines may be missing from the trace at most: those that were not looked
// at when the recording began, and that never moved.
func (m *Metadata) Unread() (n int64) {
	for _, s := range m.Snapshots {
		if !s.AtEnd {
			n += s.Unread
		}
	}
	return n
}

// Process is a recorded process.
type Process struct {
	PID        int32        `json:"pid"`
	Command    string       `json:"command"`
	Executable string       `json:"executable"`
	GoVersion  string       `json:"go_version"`
	BuildID    string       `json:"build_id,omitempty"`
	GOMAXPROCS int          `json:"gomaxprocs,omitempty"`
	CPUQuota   float64      `json:"cpu_quota,omitempty"` // CPUs the cgroup may use, 0: no limit
	Coverage   []Transition `json:"coverage"`
	Modules    []Module     `json:"modules,omitempty"` // Go code beside the executable's
}

// Module is Go code of a process that is not in its executable: a plugin, or a library in a program
// that is not Go.
type Module struct {
	Path    string `json:"path"`
	BuildID string `json:"build_id,omitempty"`
	Runtime bool   `json:"runtime,omitempty"`  // the recorded Go runtime is in it, not in the executable
	FoundNS int64  `json:"found_ns,omitempty"` // when it was found; 0: before the recording began
	Other   bool   `json:"other,omitempty"`    // it has another Go runtime, whose goroutines are not recorded
	Why     string `json:"why,omitempty"`      // why its functions are not known; empty: they are
	Stacks  int64  `json:"stacks,omitempty"`   // events with such functions in a stack
}

// Transition says whether a kind of transition can be in the trace.
type Transition struct {
	Name    string `json:"name"` // create, run, park, ready, yield, exit, syscalls, coroutines, cgo, gc, kernel, stacks
	Covered bool   `json:"covered"`
	Why     string `json:"why,omitempty"` // why not, or what to know
}
