package summary

import (
	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// Recording is what is kept of one recording: the replicate of a comparison.
type Recording struct {
	Info   Info
	Groups []Group // ascending by Key
	Pairs  []Pair  // ascending by site, then waker
}

// Measure is what a group's durations are.
type Measure string

// The measures.
const (
	MeasureDelay   Measure = "delay"   // scheduling delay: from runnable to running
	MeasureWait    Measure = "wait"    // from waiting to runnable
	MeasureCall    Measure = "syscall" // from the entry into a system call, or C, to its end
	MeasureRunning Measure = "running" // from running to anything else
)

// By is what a group's durations have in common.
type By string

// The ways to group. The runtime's own goroutines are in ByEntry alone.
const (
	ByTotal By = "total" // all of them; Name is empty
	// of a delay: all, without the time in which a thread was ready and had no CPU of the machine;
	// Name is empty
	ByNoCPUContention By = "excluding CPU contention"
	// of a delay why the goroutine became runnable, of a wait its reason, of a system call its name
	ByReason     By = "reason"
	ByClass      By = "class"      // of a wait: the class of its reason
	ByContention By = "contention" // of a wait: for a Mutex or an RWMutex; Name is empty
	ByEntry      By = "entry"      // the function that the go statement called
	BySite       By = "site"       // of a wait or a system call: its reason and stack
)

// Key names a group. It is the same in every build that has the same functions: stacks are
// functions, root first, ";" between, without files and lines.
type Key struct {
	Measure Measure `json:"measure"`
	By      By      `json:"by"`
	Name    string  `json:"name"`            // of sites the reason
	Stack   string  `json:"stack,omitempty"` // of sites
}

// Group is the durations of one key in one recording. A recording has no group of which it has no
// durations.
type Group struct {
	Key
	Hist   stats.Histogram
	Broken int64   // durations with moves missing: in no number
	IdleNS int64   // of sites: of their time, in which goroutines may have been waiting for work
	Frame  string  // of sites: the innermost frame that is not plumbing, with file and line
	Causes []Cause // of sites: root causes of the time blocked there, the largest first
}

// Pair is waits at one site that were ended by one waker.
type Pair struct {
	Reason string `json:"reason"`
	Stack  string `json:"stack"`
	// the waker's stack; or, where it was no goroutine, what the trace calls it, in angle brackets
	Waker      string `json:"waker"`
	WakerFrame string `json:"waker_frame"` // the innermost that is not plumbing, with file and line
	Count      int64  `json:"count"`
	NS         int64  `json:"ns"` // the sum of these waits
}

// Kinds of causes that keep goroutines from running, as Cause has them.
var (
	CauseQueued  = blocking.KindQueued.String()
	CauseHeld    = blocking.KindHeld.String()
	CauseOffCPU  = blocking.KindOffCPU.String()
	CauseWakeUp  = blocking.KindWakeUp.String()
	CauseSTW     = blocking.KindSTW.String()
	CauseStopped = blocking.KindStopped.String()
)

// Cause is a root cause of blocked time; see package blocking.
type Cause struct {
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	NS       int64  `json:"ns"`
	Count    int64  `json:"count,omitempty"`
	DirectNS int64  `json:"direct_ns,omitempty"`
	IdleNS   int64  `json:"idle_ns,omitempty"`
	Frame    string `json:"frame,omitempty"`
	Root     string `json:"root,omitempty"` // the function at the root of the heaviest stack, in Info.Causes
}

// Info is what is known of a recording as a whole. What the recording cannot say is nil.
type Info struct {
	ID         string          `json:"id"` // of the recording's contents: equal ones are the same recording
	Meta       format.Metadata `json:"metadata"`
	DurationNS int64           `json:"duration_ns"` // observed
	Events     int64           `json:"events"`
	GapNS      int64           `json:"gap_ns"`
	GapShare   float64         `json:"gap_share"`
	// where it was recorded in windows: how many there were, for how long something was watched, and
	// the part of GapShare that was left out for the budget; rates are by the time watched
	Windows     int64   `json:"windows,omitempty"`
	WatchedNS   int64   `json:"watched_ns,omitempty"`
	BudgetShare float64 `json:"budget_share,omitempty"`
	// and the percentiles of all delays as windows give them, which buckets do not: long delays are cut
	DelayPercentiles []stats.Percentile `json:"delay_percentiles,omitempty"`
	// waits that the network ended: the work that came from outside
	NetworkWakes int64  `json:"network_wakes"`
	Goroutines   *int64 `json:"goroutines"`       // alive at the end, the runtime's own left out
	AtStart      *int64 `json:"goroutines_start"` // alive when observation began
	Leaks        []Leak `json:"leaks"`
	// a leak would have been found: it is long enough, and nothing was lost
	LeaksJudged bool      `json:"leaks_judged"`
	Findings    []Finding `json:"findings"`
	Causes      []Cause   `json:"causes"` // root causes of blocked time, the largest first
	// the breakdown of the program's delays that were seen whole; nil without thread events
	Delay       *replay.Delay    `json:"delay"`
	Limits      []Limit          `json:"limits"`
	Warnings    []report.Warning `json:"warnings"`
	SitesBeyond int64            `json:"sites_beyond"`    // sites with so little time that they were not kept
	BeyondNS    int64            `json:"sites_beyond_ns"` // the most time that one of them had
	// the time of all waits there but those for a time and, maybe, for work
	BeyondSumNS int64 `json:"sites_beyond_sum_ns"`
}

// RateNS is the time that rates are by: that in which something was watched.
func (i *Info) RateNS() int64 {
	if i.Windows > 0 {
		return i.WatchedNS
	}
	return i.DurationNS
}

// Quantile is a quantile of a group's durations. Of a recording in windows it is known of all delays
// alone, where gosched latency knows it.
func (r *Recording) Quantile(key Key, q stats.Quantile) (value int64, known bool) {
	if r.Info.Windows == 0 {
		return r.histogram(key).Quantile(q)
	}
	for _, p := range r.Info.DelayPercentiles {
		if key == delays && p.Name == q.Name && p.NS != nil {
			return *p.NS, true
		}
	}
	return 0, false
}

// Leak is goroutines that package goroutines calls leaked.
type Leak struct {
	Where    string `json:"where"` // the function in which they wait
	Entry    string `json:"entry"`
	Reason   string `json:"reason"`
	Stack    string `json:"stack"` // functions
	Frame    string `json:"frame"` // with file and line
	Count    int64  `json:"count"`
	Evidence string `json:"evidence"`
}

// Finding is what a rule of package blocking/findings found.
type Finding struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Where       string `json:"where"`    // the function
	At          string `json:"at"`       // "file.go:12"
	Severity    int    `json:"severity"` // how much of blocked time it explains, in percent; of notes 0
	ExplainedNS int64  `json:"explained_ns"`
	Sentence    string `json:"sentence"`
}
