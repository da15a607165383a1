package format

// SchemaVersion is the version of the trace schema that this package writes. Version 2 added
// KindLimit. Version 3 added:
//   - KindSample, with TransitionSamples.
//   - the column object.
//   - in rows of threads that are woken, whether a CPU was idle.
//   - KindDescriptor, with TransitionDescriptors.
//   - how often and how long the CPU quota stopped a process.
//
// Version 4 added:
//   - reasons of gaps in which probes were off, or only one class was not watched.
//   - what recording was allowed to cost and what it cost.
//   - the column since_ns, and object in rows of snapshots.
//   - why a flight recorder saved a trace.
//   - processes that come and go, and what container they are in.
//   - KindRound, the column weight, SourceMemory and how goroutines were sampled.
const SchemaVersion = 4

// Source says how the events of a trace were obtained.
type Source string

// The sources of events.
const (
	SourceEBPF    Source = "ebpf"
	SourceGoTrace Source = "go trace"
	SourceMemory  Source = "memory"
)

// sources are all of them.
var sources = []Source{SourceEBPF, SourceGoTrace, SourceMemory}

// CoarseClockNS is a step of the clock in which two CPUs can do much: one can make a goroutine
// ready that the other runs. From there on, the times of events do not tell their order.
const CoarseClockNS = 1000

// Metadata describes a recording. It is stored as JSON in the trace's key-value metadata.
//
// FORMAT.md prints the comment of each field, in this type and in those below it. A field that is
// absent from the JSON has its zero value.
type Metadata struct {
	SchemaVersion int `json:"schema_version"` // The version of this schema.
	// How events were obtained: `ebpf`, `go trace`, or `memory`: read from memory, without probes.
	Source   Source `json:"source"`
	Recorder string `json:"recorder"` // Program and version that wrote the trace.

	Host     string `json:"host,omitempty"`      // Host name.
	Kernel   string `json:"kernel,omitempty"`    // Kernel release.
	Arch     string `json:"arch,omitempty"`      // Architecture, as Go names it.
	CPUModel string `json:"cpu_model,omitempty"` // Model of the CPUs.
	CPUs     int    `json:"cpus,omitempty"`      // Number of CPUs.

	Clock         string `json:"clock"`                  // The clock behind `time_ns`.
	ClockOffsetNS int64  `json:"clock_offset_ns"`        // `time_ns` minus that clock.
	ClockSource   string `json:"clock_source,omitempty"` // The kernel's name for the counter behind the clock.
	// The smallest step by which the clock advances. Events within a step have the same time. 0:
	// each reading differs from the one before, or the step was not measured.
	ClockStepNS int64 `json:"clock_step_ns,omitempty"`
	// All times are multiples of it. 0: 1 ns. The writer sets it.
	TimeResolutionNS int64  `json:"time_resolution_ns,omitempty"`
	StartNS          int64  `json:"start_ns"`             // When the recording began. Nothing earlier was looked for.
	EndNS            int64  `json:"end_ns"`               // When it ended. 0: the recorder was killed.
	EndReason        string `json:"end_reason,omitempty"` // Why it ended.

	Lost          int64 `json:"lost"`            // Events lost, all of them inside `gap` rows.
	LostStacks    int64 `json:"lost_stacks"`     // Events whose stack is null because the stack was lost.
	MaxStackDepth int   `json:"max_stack_depth"` // The most frames a stack can have. 0: stacks were not recorded.

	// On-CPU samples asked for, per second that a CPU is busy. 0: none. The tracer of a Go trace does
	// not say it.
	SamplesPerSecond float64 `json:"samples_per_second,omitempty"`
	// The CPU time that each `sample` row stands for. 0: there are none, or they are of recordings
	// with different periods.
	SamplePeriodNS int64 `json:"sample_period_ns,omitempty"`

	// How goroutines were read from memory at random instants, in rounds. Absent: they were not.
	GoroutineSampling *GoroutineSampling `json:"goroutine_sampling,omitempty"`

	Processes []Process `json:"processes"` // The recorded processes.

	// What recording was allowed to cost, and what it cost. Absent: there was no bound.
	Governor *Governor `json:"governor,omitempty"`

	// What all CPUs of the machine did during the recording, as the kernel accounts for it, summed
	// over CPUs. Absent: not measured.
	Machine *MachineTime `json:"machine,omitempty"`

	// What the recorder did instead of what it would rather have done. Absent: nothing.
	Fallbacks []Fallback `json:"fallbacks,omitempty"`

	// What the recorder could still do once everything was watched. Absent: it gave nothing up.
	Confined *Confined `json:"confined,omitempty"`

	// The times at which the goroutines of a process were read from its memory, in order. A reading
	// takes a while: each of its rows has its own time within it.
	Snapshots []Snapshot `json:"snapshots,omitempty"`

	// Why a flight recorder saved this part of a longer recording. Absent: the trace is whole, or the
	// recorder was killed.
	Saved *Saved `json:"saved,omitempty"`
}

// Confined says what a recorder could still do once everything was watched.
type Confined struct {
	Capabilities []string `json:"capabilities"`  // The capabilities that it kept.
	Bounding     bool     `json:"bounding"`      // No program that it started could have others.
	Filter       bool     `json:"filter"`        // System calls that recording does not make were refused to it.
	Not          []string `json:"not,omitempty"` // What it could not give up, and why.
}

// Saved says why a flight recorder saved a part of a recording.
type Saved struct {
	// The rule that held, or what else asked for it: `request`, `signal`, `exit`, `restart`.
	Trigger     string `json:"trigger"`
	Evidence    string `json:"evidence,omitempty"` // What was found, in words.
	TriggeredNS int64  `json:"triggered_ns"`       // When, on the clock of `time_ns`.
	// When the recording began of which this is a part.
	RecordingNS int64 `json:"recording_ns"`
	// Triggers while this part was being saved, at most the first 16.
	Others []Trigger `json:"others,omitempty"`
	// Triggers since the part saved before, or since the recording began, that saved nothing because
	// of the limit on how often is saved.
	Suppressed int64 `json:"suppressed,omitempty"`
}

// Trigger is one more reason to save a part of a recording.
type Trigger struct {
	Trigger     string `json:"trigger"`            // As `saved.trigger`.
	Evidence    string `json:"evidence,omitempty"` // As `saved.evidence`.
	TriggeredNS int64  `json:"triggered_ns"`       // As `saved.triggered_ns`.
}

// Governor is what kept a recording's cost below a bound, for all recorded processes together. Costs
// are CPU time.
type Governor struct {
	// The bound as a share of the processes' CPU time. 0: it was not given as one.
	MaxOverhead float64 `json:"max_overhead,omitempty"`
	// The bound in CPU-seconds a second. 0: it was not given so.
	MaxCPUs float64 `json:"max_cpus,omitempty"`
	// What is always allowed, in CPU-seconds a second: a recorder that watches an idle process costs
	// something too.
	FloorCPUs float64 `json:"floor_cpus,omitempty"`
	// What it cost, in CPU-seconds a second.
	CPUs float64 `json:"cpus,omitempty"`
	// What it might cost so, of the whole recording: the bound, what is always allowed where that is
	// more, and what starting may take. 0: no bound was given.
	AllowedCPUs float64 `json:"allowed_cpus,omitempty"`
	Overhead    float64 `json:"overhead"`  // What it cost, as a share of the processes' own CPU time.
	TargetNS    int64   `json:"target_ns"` // The processes' CPU time, without what probes took of it.
	HitsNS      int64   `json:"hits_ns"`   // What probes took: hits times what one costs.
	// The recorder's own CPU time, with attaching and detaching, from the recording's beginning.
	RecorderNS int64 `json:"recorder_ns"`
	// Of `governor.recorder_ns`, attaching and detaching.
	AttachNS int64 `json:"attach_ns,omitempty"`
	// What a trap costs on this machine, in nanoseconds: measured at the start on a function of the
	// recorder's own.
	TrapNS   float64 `json:"trap_ns"`
	TrapSDNS float64 `json:"trap_sd_ns"` // The standard deviation of the measurements of it.
	// What was counted and what it cost, by class.
	Hits []Hits `json:"hits,omitempty"`
	// The share of the recording's time in which probes were attached.
	DutyCycle float64 `json:"duty_cycle"`
	Windows   int64   `json:"windows"` // How often probes were attached.
	// For how long which classes were not watched while others were.
	Dropped []Dropped `json:"dropped,omitempty"`
	Off     []Off     `json:"off,omitempty"` // For how long no probe was attached, and why.
}

// Hits are the hits of all probes of one class of transitions.
type Hits struct {
	Transition Transition `json:"name"`     // The class of transitions.
	Hits       int64      `json:"hits"`     // How often a probe was hit.
	HitNS      float64    `json:"hit_ns"`   // What one costs: the trap, and the program as measured in some of them.
	Measured   int64      `json:"measured"` // In how many hits the program's time was measured.
}

// Dropped is a class of transitions that was not watched for some time.
type Dropped struct {
	Transition Transition `json:"name"`   // The class of transitions.
	OffNS      int64      `json:"off_ns"` // For how long.
}

// Off is the time in which no probe was attached for one reason.
type Off struct {
	Reason string `json:"reason"` // The reason, as `gap` rows have it.
	Times  int64  `json:"times"`  // How often.
	OffNS  int64  `json:"off_ns"` // For how long in all.
}

// Fallback is what a recorder did instead of what it would rather have done.
type Fallback struct {
	Name   string `json:"name"`             // Its name, as `gosched check` and `--fallback` have it.
	Does   string `json:"does"`             // What was done instead, and what that costs.
	Forced bool   `json:"forced,omitempty"` // It was asked for. False: the kernel lacks something.
}

// Snapshot is one reading of a process's goroutines from its memory.
type Snapshot struct {
	PID     int32 `json:"pid,omitempty"` // The process.
	BeginNS int64 `json:"begin_ns"`      // When the reading began.
	EndNS   int64 `json:"end_ns"`        // When it ended.
	// Whether it was made at the end of the recording. False: at its beginning, or because a plugin
	// was opened.
	AtEnd bool `json:"at_end,omitempty"`
	// Goroutines that it found alive. Fewer have a row: a goroutine whose own transitions already
	// tell its state gets none.
	Goroutines int64 `json:"goroutines"`
	// The goroutines were not read from memory: a flight recorder tells their states from the moves
	// before the trace's beginning.
	FromMoves bool  `json:"from_moves,omitempty"`
	Unread    int64 `json:"unread,omitempty"` // Places of goroutines that it did not get to before its time was up.
	// Of `snapshots.goroutines`, those that have no row because the goroutine may have moved, or
	// ended, while it was read.
	Unsure int64 `json:"unsure,omitempty"`
}

// GoroutineSampling is how the goroutines of processes were read at random instants, without probes.
type GoroutineSampling struct {
	// How many rounds a second were to be begun in each process: the rate of the Poisson process whose
	// events are the instants. 0: those of recordings that were sampled in different ways.
	RatePerS float64 `json:"rate_per_s"`
	Seed     int64   `json:"seed"` // Of the random numbers: instants, places, and what is left out.
	// What all rounds together may take, in CPU-seconds a second. 0: as much as it takes.
	MaxCPUs float64 `json:"max_cpus,omitempty"`
}

// Rounds counts the rounds of a process, and those that there are not. Instants that are left out
// or skipped are so whatever the goroutines do, so that the rounds are still at random.
type Rounds struct {
	Made       int64 `json:"made"`       // Rounds with a row.
	Goroutines int64 `json:"goroutines"` // Snapshot rows in them.
	// Of `processes.rounds.goroutines`, those that were as they had been when they were read before, and
	// were not looked into again.
	Unchanged int64 `json:"unchanged,omitempty"`
	Weighted  int64 `json:"weighted,omitempty"`   // Rounds that read some places only.
	MaxWeight int32 `json:"max_weight,omitempty"` // The largest weight.
	// Instants that were left out at random because rounds would have taken more than
	// `goroutine_sampling.max_cpus`.
	LeftOut int64 `json:"left_out,omitempty"`
	Skipped int64 `json:"skipped,omitempty"` // Instants at which a round was still being read.
	// Rounds that began more than two milliseconds after their instant because the recorder had no CPU.
	// They are not quite at random: what they find is what comes after others have left the CPUs.
	Late      int64 `json:"late,omitempty"`
	MaxLateNS int64 `json:"max_late_ns,omitempty"` // The longest such time.
	ReadNS    int64 `json:"read_ns"`               // How long all rounds together took.
	CPUNS     int64 `json:"cpu_ns"`                // The recorder's CPU time for them.
}

// MachineTime is what all CPUs of the machine did while it was recorded, as the kernel accounts for
// it, summed over CPUs. The first three come in steps of a clock tick a CPU, so that in a short
// recording OwnNS may be a little more than BusyNS.
type MachineTime struct {
	BusyNS  int64 `json:"busy_ns"`  // Any process, the kernel, interrupts.
	StealNS int64 `json:"steal_ns"` // The hypervisor ran something else.
	IdleNS  int64 `json:"idle_ns"`  // Nothing to do, or only disks to wait for.
	// Of `machine.busy_ns`, the recorded processes; in a Go trace, with the children that they
	// waited for. It is counted more finely than `machine.busy_ns` and may exceed it by a few clock
	// ticks. 0: not known.
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
	PID        int32  `json:"pid"`                // PID, as the root PID namespace numbers it.
	Command    string `json:"command"`            // Command line or name.
	Executable string `json:"executable"`         // Path of the executable, as the process sees it.
	GoVersion  string `json:"go_version"`         // The Go version the executable was built with.
	BuildID    string `json:"build_id,omitempty"` // The executable's build id.
	// GOMAXPROCS when the recording began; of a command recorded from its first instruction, the
	// first value seen. `limit` rows say what it was later.
	GOMAXPROCS int `json:"gomaxprocs,omitempty"`
	// CPUs that the cgroup could use when the recording began. 0: no limit. `limit` rows say what
	// it was later.
	CPUQuota float64 `json:"cpu_quota,omitempty"`
	// How long the kernel stopped the cgroup whose quota is the limit, from the first reading of the
	// recording to the last, summed over CPUs: its `cpu.stat`. Other processes of that cgroup may have
	// been stopped too. Absent: not known, as without a quota, or where more cgroups than one had it.
	ThrottledNS *int64 `json:"throttled_ns,omitempty"`
	Throttled   *int64 `json:"throttled,omitempty"` // How many of the quota's periods it was stopped in.
	// When the process's part of the recording began, where it was picked by a rule: it may have come
	// later than the recording began. 0: when the recording did.
	BeginNS int64 `json:"begin_ns,omitempty"`
	// When the process began its program, to 10 ms where that was not seen. 0: not known.
	ProgramNS int64  `json:"program_ns,omitempty"`
	Comm      string `json:"comm,omitempty"`   // Short name, as the kernel has it.
	Chosen    string `json:"chosen,omitempty"` // The kinds of rules that picked it. Absent: it was named.
	Cgroup    string `json:"cgroup,omitempty"` // The cgroup that it was in at its beginning.
	// The container that it is in. Absent: its cgroup does not say.
	Container *Container `json:"container,omitempty"`
	// When the process's part of the recording ended, if that was before the recording did: it
	// exited or replaced its program. 0: it did not.
	EndNS      int64      `json:"end_ns,omitempty"`
	EndReason  string     `json:"end_reason,omitempty"`  // Why.
	Lost       int64      `json:"lost,omitempty"`        // The process's part of the recording's `lost`.
	LostStacks int64      `json:"lost_stacks,omitempty"` // The process's part of `lost_stacks`.
	Gaps       int64      `json:"gaps,omitempty"`        // `gap` rows of the process.
	Rounds     *Rounds    `json:"rounds,omitempty"`      // Its rounds. Absent: none were to be made.
	Coverage   []Coverage `json:"coverage"`              // Which classes of transitions can be in the trace, each once.
	// Go code that is not in the executable: plugins, or a library in a program that is not Go.
	Modules []Module `json:"modules,omitempty"`
}

// Container is the container that a process is in, as its cgroup and the container runtime's files
// say. Most of it may be absent.
type Container struct {
	ID        string `json:"id"`                  // The runtime's id, 64 hexadecimal digits.
	Runtime   string `json:"runtime,omitempty"`   // `docker`, `containerd`, `cri-o` or `podman`.
	Name      string `json:"name,omitempty"`      // Its name, in a pod the one there.
	Image     string `json:"image,omitempty"`     // The image that it was made from.
	Pod       string `json:"pod,omitempty"`       // The name of its pod.
	PodUID    string `json:"pod_uid,omitempty"`   // The pod's id.
	Namespace string `json:"namespace,omitempty"` // The pod's namespace.
}

// sameProgram says whether two processes run one build of one program, as far as they say what they
// run.
func (p *Process) sameProgram(other *Process) bool {
	if p.BuildID != "" && other.BuildID != "" {
		return p.BuildID == other.BuildID
	}
	return p.Executable == "" || other.Executable == "" || p.Executable == other.Executable
}

// Module is Go code of a process that is not in its executable: a plugin, or a library in a program
// that is not Go.
type Module struct {
	Path    string `json:"path"`               // Path of the file, as the process sees it.
	BuildID string `json:"build_id,omitempty"` // The file's build id.
	Runtime bool   `json:"runtime,omitempty"`  // The recorded Go runtime is in it, not in the executable.
	// When it was found, on the clock of `time_ns`. 0: before the recording began.
	FoundNS int64 `json:"found_ns,omitempty"`
	Other   bool  `json:"other,omitempty"` // It has another Go runtime, whose goroutines are not in the trace.
	// Why its functions are not known: in stacks each is the file's name in brackets. Absent: they
	// are known.
	Why    string `json:"why,omitempty"`
	Stacks int64  `json:"stacks,omitempty"` // Events with such functions in their stacks.
}

// Coverage says whether transitions of a class can be in the trace of a process.
type Coverage struct {
	Transition Transition `json:"name"`          // The class of transitions.
	Covered    bool       `json:"covered"`       // Whether they can be in the trace.
	Why        string     `json:"why,omitempty"` // Why not, or what to know about it.
}
