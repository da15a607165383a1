package info

import (
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// Version is the version of the JSON document that a Result encodes to.
const Version = 1

// Result is the answer. It encodes to the document of `gosched info --json`.
type Result struct {
	Version    int           `json:"version"`
	Source     format.Source `json:"source"`     // how the events were obtained; empty: not known
	GoVersion  string        `json:"go_version"` // of the processes, each different one once
	BeginNS    int64         `json:"begin_ns"`
	EndNS      int64         `json:"end_ns"`
	DurationNS int64         `json:"duration_ns"`
	Complete   bool          `json:"complete"` // the recorder came to its end; false: it was killed
	Whole      bool          `json:"whole"`    // nothing is missing that should be there: what --strict asks
	Events     int64         `json:"events"`
	Lost       int64         `json:"lost"`
	LostStacks int64         `json:"lost_stacks"`
	Gaps       int64         `json:"gaps"`
	GapNS      int64         `json:"gap_ns"`
	GapShare   float64       `json:"gap_share"` // of the observed time
	ByKind     Kinds         `json:"by_kind"`
	Moves      []Move        `json:"transitions"`
	Goroutines int64         `json:"goroutines"` // different ones seen
	// of them, first seen in the middle of their life and in no snapshot
	Unannounced    int64            `json:"unannounced"`
	PeakAlive      int              `json:"peak_alive"`
	Threads        int              `json:"threads"`
	Ps             int              `json:"ps"` // different Ps of the runtime seen
	AtStart        States           `json:"at_start"`
	AtEnd          States           `json:"at_end"`
	Problems       []Problem        `json:"problems"`
	ProblemCount   int64            `json:"problem_count"`
	ImpliedMoves   int64            `json:"implied_moves"`
	Questions      []Question       `json:"questions"`
	RangeReasons   []RangeCount     `json:"ranges"`
	Limits         []Limit          `json:"limits"`      // for each process from the recording's beginning
	LimitCount     int64            `json:"limit_count"` // with those beyond the first that are not in the list
	Suspended      []Suspension     `json:"stopped"`     // the first of the times, see Suspension
	SuspendedNS    int64            `json:"stopped_ns"`  // the time in all of them
	SuspendedCount int64            `json:"stopped_count"`
	Rounds         []Sampling       `json:"rounds,omitempty"` // of the processes that have some
	Warnings       []report.Warning `json:"warnings"`
	Lead           []string         `json:"lead"`     // the headline numbers in sentences
	Metadata       *format.Metadata `json:"metadata"` // as stored in the trace

	limits []string // what keeps all answers from being of the whole recording
	lesser bool     // some answers are partial for another reason
}

// Kinds counts events by kind.
type Kinds struct {
	Goroutine  int64 `json:"goroutine"`
	Thread     int64 `json:"thread"`
	Range      int64 `json:"range"`
	Gap        int64 `json:"gap"`
	Snapshot   int64 `json:"snapshot"`
	Limit      int64 `json:"limit"`
	Sample     int64 `json:"sample"`
	Descriptor int64 `json:"descriptor"`
	Round      int64 `json:"round"`
}

// Limit is GOMAXPROCS or the CPU quota of a process from a moment on.
type Limit struct {
	TimeNS int64    `json:"time_ns"`
	PID    int32    `json:"pid"`
	Name   string   `json:"name"`
	Value  *float64 `json:"value"` // Ps or CPUs; nil: no limit
}

// Suspension is a time in which all threads of a process were stopped from outside.
type Suspension struct {
	BeginNS int64  `json:"begin_ns"`
	EndNS   int64  `json:"end_ns"`
	Open    bool   `json:"open"` // it was still stopped when observation ended
	PID     int32  `json:"pid"`
	State   string `json:"state"` // of its threads, as the kernel has it
}

// Move counts a transition.
type Move struct {
	Name  string `json:"name"` // empty: no goroutine ever makes this move
	From  string `json:"from"`
	To    string `json:"to"`
	Count int64  `json:"count"`
}

// States counts goroutines of a snapshot by state.
type States struct {
	Runnable int64 `json:"runnable"`
	Running  int64 `json:"running"`
	Syscall  int64 `json:"syscall"`
	Waiting  int64 `json:"waiting"`
}

// Total is the number of goroutines in the snapshot.
func (s States) Total() int64 { return s.Runnable + s.Running + s.Syscall + s.Waiting }

// Problem is a place where the trace contradicts the scheduler model.
type Problem struct {
	Kind   string      `json:"kind"`
	TimeNS int64       `json:"time_ns"`
	PID    int32       `json:"pid"`
	GoID   format.GoID `json:"goid"`
	Have   string      `json:"have"` // the state that the model had
	From   string      `json:"from"`
	To     string      `json:"to"`
	Reason string      `json:"reason,omitempty"`
}

// RangeCount sums the ranges of one name.
type RangeCount struct {
	Name  string `json:"name"`
	Count int64  `json:"count"` // ranges whose beginning is in the trace
	SumNS int64  `json:"sum_ns"`
	MaxNS int64  `json:"max_ns"` // of the pieces that a range may come in
}

// Question is something that a trace may be asked, and whether this one can answer.
type Question struct {
	Name   string `json:"name"`
	Answer Answer `json:"answer"`
	Why    string `json:"why,omitempty"` // why not, or what to know
}

// Answer says how far a trace can answer a question.
type Answer string

// The answers.
const (
	Yes    Answer = "yes"
	Partly Answer = "partly" // some of what the answer is made of was not recorded
	No     Answer = "no"
)
