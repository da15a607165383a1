package format

import (
	"strings"

	"github.com/gosched/gosched/format/internal/flat"
)

// Column names a column of the trace. Columns are numbered in the order of the schema.
type Column uint8

// The columns of the trace.
const (
	ColTime Column = iota
	ColKind
	ColPID
	ColTID
	ColCPU
	ColProc
	ColGoID
	ColFrom
	ColTo
	ColReason
	ColStack
	ColByGoID
	ColByStack
	ColEnd
	ColObject
	ColSince
	ColWeight

	NumColumns = iota
)

// ColumnSet is a set of columns. The zero value is the empty set.
type ColumnSet uint32

// AllColumns is the set of all columns.
const AllColumns ColumnSet = 1<<NumColumns - 1

// Columns is the set of the columns given.
func Columns(cols ...Column) ColumnSet {
	var s ColumnSet
	for _, c := range cols {
		s |= 1 << c
	}
	return s
}

// Has says whether c is in the set.
func (s ColumnSet) Has(c Column) bool { return s>>c&1 != 0 }

// use says whether events of a kind have a value in a column.
type use byte

const (
	never use = '-' // always null
	may   use = '?' // null where unknown
	must  use = '+' // never null
)

// uses says of each kind, in the order of the Kind constants, whether its events use the column.
type uses [NumKinds]use

// spec is what there is to say of a column.
type spec struct {
	name     string
	typ      flat.Type
	encoding string
	uses     uses
	meaning  string
	field    field // its place in a Batch, its values
}

// nullable says whether the column can hold nulls at all.
func (s *spec) nullable() bool { return s.uses != always }

var always = uses{must, must, must, must, must, must, must, must, must}

// The encodings of columns.
const (
	encDelta  = "delta"
	encDict   = "dictionary"
	encEither = "dictionary, delta"
)

// encodingSpecs says what the encodings are, for FORMAT.md.
var encodingSpecs = []struct{ name, meaning string }{
	{encDelta, "DELTA_BINARY_PACKED; miniblocks in whole bytes where all times are multiples of 8 or more, else in " +
		"as few bits as there can be"},
	{encDict, "RLE_DICTIONARY, the dictionary in order of appearance; indices of 1, 2, 4, 8, 16, 24 or 32 bits, so " +
		"that none straddles a byte"},
	{encEither, "RLE_DICTIONARY; once a row group's dictionary has more than 65,536 values, DELTA_BINARY_PACKED in " +
		"the pages that follow"},
}

// specs is the schema. Later versions append columns to it and change nothing else.
var specs = [NumColumns]spec{
	ColTime: {"time_ns", flat.Int64, encDelta, always,
		"When it happened: nanoseconds since the Unix epoch, ascending over the whole trace. `clock` and " +
			"`clock_offset_ns` in the metadata say which clock it was.",
		timeField},
	ColKind: {"kind", flat.String, encDict, always,
		"What the event is about.",
		kindField},
	// goroutine, thread, range, gap, snapshot, limit, sample, descriptor, round
	ColPID: {"pid", flat.Int32, encDict, uses{may, may, may, may, may, may, may, may, must},
		"The process, as the root PID namespace numbers it.",
		pidField},
	ColTID: {"tid", flat.Int32, encDict, uses{may, must, may, may, may, never, may, may, never},
		"The kernel thread it happened on or to, as the root PID namespace numbers it.",
		tidField},
	ColCPU: {"cpu", flat.Int32, encDict, uses{may, may, may, may, may, never, may, never, never},
		"The CPU it happened on.",
		cpuField},
	ColProc: {"proc", flat.Int32, encDict, uses{may, may, may, may, may, never, may, never, never},
		"The runtime's P it happened on.",
		procField},
	ColGoID: {"goid", flat.Int64, encEither, uses{must, may, may, never, must, never, may, must, never},
		"The goroutine it happened to; for a thread the goroutine it was running.",
		goidField},
	ColFrom: {"from_state", flat.String, encDict, uses{must, must, may, never, never, never, never, never, never},
		"The state before.",
		fromField},
	ColTo: {"to_state", flat.String, encDict, uses{must, must, may, never, must, never, never, must, never},
		"The state after.",
		toField},
	ColReason: {"reason", flat.String, encDict, uses{may, may, must, must, may, must, may, must, never},
		"Why, in the words of the runtime or the kernel: the wait reason, the cause of a preemption or of a wake-up " +
			"without a goroutine, the system call's name, the range's name, what a gap misses, the limit that holds, " +
			"where a sample found the thread if not in the goroutine's own code, what a descriptor is.",
		reasonField},
	ColStack: {"stack", flat.String, encDict, uses{may, never, never, never, may, never, may, never, never},
		"The frames of `goid`, root first, `;` between, each `func file:line`, or `[file]` in a file whose " +
			"functions are not known.",
		stackField},
	ColByGoID: {"by_goid", flat.Int64, encEither, uses{may, may, may, never, may, never, never, never, never},
		"The goroutine that did it to `goid`: its creator or its waker. Null: it was the runtime.",
		byGoIDField},
	ColByStack: {"by_stack", flat.String, encDict, uses{may, may, never, never, may, never, never, never, never},
		"The frames of `by_goid` at that time, written like `stack`.",
		byStackField},
	ColEnd: {"end_ns", flat.Int64, encEither, uses{never, never, must, must, never, never, never, never, must},
		"When a range or gap ended, on the clock of `time_ns`; the event itself lies at its beginning.",
		endField},
	ColObject: {"object", flat.Int64, encEither, uses{may, never, never, never, may, never, never, may, never},
		"What a wait that begins is for: a number that is the same for the same channel, lock, condition, or " +
			"direction of a descriptor of a process. Of a descriptor row, its number in the process.",
		objectField},
	ColSince: {"since_ns", flat.Int64, encEither, uses{never, never, never, never, may, never, never, never, never},
		"At the beginning of what a flight recorder saved: since when the goroutine is in its state, on the clock " +
			"of `time_ns`. Null: its beginning was not seen.",
		sinceField},
	ColWeight: {"weight", flat.Int32, encDict, uses{never, never, never, never, may, never, never, never, may},
		"How many goroutines a snapshot in a round stands for: the round read only every so manieth place of a " +
			"goroutine, from a random one on. Null: 1.",
		weightField},
}

// String is the column's name in the schema.
func (c Column) String() string {
	if int(c) < len(specs) {
		return specs[c].name
	}
	return "column?"
}

// kindSpecs names the kinds. A kind's name is what the column holds.
var kindSpecs = [...]struct{ name, meaning string }{
	KindGoroutine: {"goroutine", "A goroutine moved from one state to another."},
	KindThread:    {"thread", "A kernel thread of the process came onto a CPU, left it, or was woken."},
	KindRange:     {"range", "Something that lasts from `time_ns` to `end_ns`: a GC phase, a stop-the-world pause."},
	KindGap: {"gap", "Events of the process from `time_ns` to `end_ns` are missing: they were lost, or not looked " +
		"for."},
	KindSnapshot: {"snapshot", "A goroutine as it was found in the process's memory, at the beginning, when a plugin " +
		"was opened, in a round, or at the end; where a flight recorder saved the trace, as its moves before the " +
		"beginning say."},
	KindLimit: {"limit", "A limit of the process that holds from `time_ns` on: its GOMAXPROCS, or its CPU quota."},
	KindSample: {"sample", "What a thread of the process was doing at `time_ns`, when it was on a CPU; one for each " +
		"`sample_period_ns` of CPU time in the metadata."},
	KindDescriptor: {"descriptor", "A goroutine that waited for a file descriptor at `time_ns`, or was in a system " +
		"call on it, and what that is: a file, a pipe, a socket, a terminal."},
	KindRound: {"round", "One reading of the goroutines of a process from its memory, at a random instant and " +
		"without probes; its goroutines are the `snapshot` rows of the process from `time_ns` to `end_ns`."},
}

// stateSpecs names the states, in the vocabulary of the Go execution trace.
var stateSpecs = [...]struct{ name, meaning string }{
	StateUnknown:  {"", "Null."},
	StateNotExist: {"notexist", "Not created yet, or gone."},
	StateRunnable: {"runnable", "Could run, waits for a P (a thread: for a CPU)."},
	StateRunning:  {"running", "Runs on a P (a thread: on a CPU)."},
	StateSyscall:  {"syscall", "In a system call or in C code."},
	StateWaiting:  {"waiting", "Waits for something other than a P (a thread: sleeps)."},
}

// String is the kind's name in a trace.
func (k Kind) String() string {
	if int(k) < len(kindSpecs) {
		return kindSpecs[k].name
	}
	return "kind?"
}

// String is the state's name in a trace, "unknown" for StateUnknown.
func (s State) String() string {
	switch {
	case s == StateUnknown:
		return "unknown"
	case int(s) < len(stateSpecs):
		return stateSpecs[s].name
	}
	return "state?"
}

// parseKind gives the kind of that name.
func parseKind(name string) (Kind, bool) {
	for k := range kindSpecs {
		if kindSpecs[k].name == name {
			return Kind(k), true
		}
	}
	return 0, false
}

// parseState gives the state of that name; "unknown" is none.
func parseState(name string) (State, bool) {
	for s := range stateSpecs[1:] {
		if stateSpecs[s+1].name == name {
			return State(s + 1), true
		}
	}
	return StateUnknown, false
}

// schemaColumns is the schema as Parquet sees it.
func schemaColumns() []flat.Column {
	var cols []flat.Column
	for i := range specs {
		s := &specs[i]
		cols = append(cols, flat.Column{Name: s.name, Type: s.typ, Optional: s.nullable()})
	}
	return cols
}

// String is the names of the columns in the set.
func (s ColumnSet) String() string {
	var names []string
	for c := range Column(NumColumns) {
		if s.Has(c) {
			names = append(names, c.String())
		}
	}
	return strings.Join(names, ", ")
}
