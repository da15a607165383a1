package compare

import (
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/summary"
)

// Version is the version of the JSON document that a Result encodes to.
const Version = 1

// Verdict is the answer.
type Verdict string

// The verdicts.
const (
	Worse         Verdict = "worse"
	NotWorse      Verdict = "not worse"    // no change for the worse could be shown
	Inconclusive  Verdict = "inconclusive" // too few recordings, or too little in them
	NotComparable Verdict = "not comparable"
)

// Result is the answer. It encodes to the document of `gosched compare --json`.
type Result struct {
	Version     int          `json:"version"`
	Verdict     Verdict      `json:"verdict"`
	Explanation []string     `json:"explanation"` // why, the most important first
	Design      Design       `json:"design"`
	Differences []Difference `json:"differences"` // why the recordings cannot be compared, or are all the same
	Metrics     []*Measured  `json:"metrics"`     // those that decide, in the policy's order
	Found       []Found      `json:"found"`       // by the rules, in their order
	Suppressed  []Suppressed `json:"suppressed"`  // entries of the policy
	Reported    []*Measured  `json:"reported"`    // metrics that do not decide
	Shifts      []Shift      `json:"shifts"`
	// where goroutines wait more or less, and who makes them, the largest change first
	Places   []Change         `json:"places"`
	Base     []Recording      `json:"base"`
	Head     []Recording      `json:"head"`
	Warnings []report.Warning `json:"warnings"`

	asked bool // percentiles were asked for: tables that have them are drawn always
}

// Design is how the recordings were made, and what can be told from them.
type Design struct {
	Interleaved   bool    `json:"interleaved"` // base and head alternate
	Sequential    bool    `json:"sequential"`  // they do not, or do not say when they were made
	Blocks        int     `json:"blocks"`      // of neighbours within which they are compared; 1: all together
	LeastP        float64 `json:"least_p"`     // the smallest p that so many recordings can give
	Alpha         float64 `json:"alpha"`
	LowConfidence bool    `json:"low_confidence"` // LeastP, adjusted, cannot be below Alpha
}

// Recording is one recording of a side.
type Recording struct {
	ID         string  `json:"id"`
	StartNS    int64   `json:"start_ns"`
	DurationNS int64   `json:"duration_ns"`
	Events     int64   `json:"events"`
	Lost       int64   `json:"lost"`
	GapShare   float64 `json:"gap_share"`
	Command    string  `json:"command"`
	BuildID    string  `json:"build_id,omitempty"`
}

// Shift is a distribution in both sides.
type Shift struct {
	Name        string            `json:"name"`
	Percentiles []ShiftPercentile `json:"percentiles"`
	key         summary.Key
}

// ShiftPercentile is one of its percentiles, in nanoseconds, the geometric mean of each side's
// recordings.
type ShiftPercentile struct {
	Name     string     `json:"name"`
	Base     *float64   `json:"base_ns"`
	Head     *float64   `json:"head_ns"`
	Ratio    *float64   `json:"ratio"`
	Interval [2]float64 `json:"interval,omitzero"`
	P        *float64   `json:"p"`
}

// Change is how much more or less time goroutines spend waiting at a place, in s/s,
// idle waits excluded.
type Change struct {
	Place    string   `json:"place"`
	Measure  string   `json:"measure"` // wait or syscall
	Reason   string   `json:"reason"`
	Function string   `json:"function"`
	Frame    string   `json:"frame,omitempty"` // with file and line, of head where it is there
	Base     float64  `json:"base"`
	Head     float64  `json:"head"`
	Ratio    *float64 `json:"ratio"` // nil where a side has none
	P        float64  `json:"p"`
	Q        float64  `json:"q"` // false discovery rate among all places
	Waker    *Growth  `json:"waker"`
	Cause    *Growth  `json:"cause"`
}

// Growth is that of which there is more, the one that changed most in the place's direction.
type Growth struct {
	Kind string  `json:"kind,omitempty"` // of a cause, as in gosched blocking
	Name string  `json:"name"`
	Base float64 `json:"base"` // s/s
	Head float64 `json:"head"`
}

// Suppressed is an entry of the policy with what it kept from deciding.
type Suppressed struct {
	What    string   `json:"what"`
	Where   string   `json:"where,omitempty"`
	Reason  string   `json:"reason"`
	Until   string   `json:"until"`
	Expired bool     `json:"expired"` // head was recorded after it
	Kept    []string `json:"kept"`    // metrics, and what rules found
}
