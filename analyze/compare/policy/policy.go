package policy

import (
	"time"

	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/analyze/summary"
)

// Policy is what is judged and how. Default makes one.
type Policy struct {
	Alpha float64 // the chance of a false alarm that all metrics share, such as 0.05
	// the least effect where the recordings of one side were made before all of the other: a
	// machine's drift looks like a change
	Sequential float64
	Metrics    []Gate
	// Percentiles are those that are reported beside the metrics that decide; nil: the usual ones.
	Percentiles  []stats.Quantile
	Rules        map[Rule]Limit // every rule has one
	Suppressions []Suppression
	Allowed      []Difference
}

// Gate is a metric with what counts as a change: a ratio, and an absolute difference in the
// metric's own unit. Both must be exceeded.
type Gate struct {
	Metric Metric
	Effect float64 // above 1
	Floor  float64 // nanoseconds; of rates 1/s; of times s/s
}

// Rule is something that is looked for beside numbers.
type Rule string

// The rules.
const (
	NewSite    Rule = "new-site"    // a place where goroutines wait that base does not have
	NewReason  Rule = "new-reason"  // a wait reason that base does not have
	Leak       Rule = "leak"        // goroutines left behind where base leaves none
	Goroutines Rule = "goroutines"  // more goroutines alive at the end
	NewFinding Rule = "new-finding" // a pattern that gosched blocking finds and base does not have
	Waker      Rule = "waker"       // somebody who keeps others waiting for longer
	Steal      Rule = "steal"       // the hypervisor took more CPU time
)

// Limit says how a rule is applied.
type Limit struct {
	Gate bool // it decides the verdict; else it is only reported
	// the least that counts: of sites, reasons and wakers s/s; of goroutines their number; of
	// findings the severity; of steal a share
	Floor float64
}

// Suppression keeps something known from deciding for a time.
type Suppression struct {
	What   string    // a metric or a rule
	Where  string    // a part of the function's name, or empty for anywhere
	Reason string    // for those who read the file later
	Until  time.Time // the last day, UTC, on which it holds
}

// Difference is something in which recordings may differ so that comparing them says nothing of the
// code.
type Difference string

// The differences.
const (
	DiffGOMAXPROCS Difference = "gomaxprocs" // GOMAXPROCS or the CPU quota
	DiffCPU        Difference = "cpu"        // model, number or architecture
	DiffGo         Difference = "go-version"
	DiffLoad       Difference = "load"
	DiffDuration   Difference = "duration"
	DiffLoss       Difference = "loss"
	DiffRecorder   Difference = "recorder"
	DiffDuplicate  Difference = "duplicate" // the same recording twice
)

// Differences is the table of them, with what makes recordings different in each.
var Differences = []struct {
	Name Difference
	Text string
}{
	{DiffGOMAXPROCS, "another GOMAXPROCS or CPU quota"},
	{DiffCPU, "another CPU model, architecture or number of CPUs"},
	{DiffGo, "another Go version"},
	{DiffLoad, "more than twice as many network wake-ups per second, where there are 100 or more"},
	{DiffDuration, "one side's recordings are more than 1.5 times as long"},
	{DiffLoss, "more than 0.1% of a recording's events or time lost"},
	{DiffRecorder, "another recorder or version of it, eBPF beside Go traces, other transitions or stack depths"},
	{DiffDuplicate, "a recording is there twice"},
}

// Rules is the table of rules, with what each looks for.
var Rules = []struct {
	Name  Rule
	Text  string
	Limit Limit
}{
	{NewSite, "a blocking site that no base recording has, of 0.02 s/s or more, idle waits excluded",
		Limit{true, 0.02}},
	{NewReason, "a wait reason that no base recording has, of 0.02 s/s or more", Limit{true, 0.02}},
	{Leak, "leaked goroutines at a site where no base recording has any", Limit{true, 1}},
	{Goroutines, "10 goroutines more at the end, and 10% more", Limit{true, 10}},
	{NewFinding, "a finding of gosched blocking that explains 20% of blocked time or more, and that no base " +
		"recording has; those about the machine do not gate", Limit{true, 20}},
	{Waker, "code that ends waits which take 1.5 times as long, and 0.02 s/s more",
		Limit{false, 0.02}},
	{Steal, "the hypervisor stole 2% more of the CPU time", Limit{false, 0.02}},
}

// DefaultAlpha is the chance of a false alarm that the metrics share where a policy does not say.
const DefaultAlpha = 0.05

// DefaultSequential is the least effect between sequential recordings. Of 15 comparisons
// of a program with itself, so recorded, 1 (p50) to 10 (p99.9) passed a test for equality.
const DefaultSequential = 2

// Default is the policy where there is no file.
func Default() *Policy {
	contention := summary.Key{Measure: summary.MeasureWait, By: summary.ByContention}
	own := summary.Key{Measure: summary.MeasureDelay, By: summary.ByNoCPUContention}
	delay := summary.Key{Measure: summary.MeasureDelay, By: summary.ByTotal}
	p := &Policy{Alpha: DefaultAlpha, Sequential: DefaultSequential, Rules: map[Rule]Limit{}, Metrics: []Gate{
		{Metric{delay, Percentile(stats.P50)}, 1.25, 20_000},
		{Metric{delay, Percentile(stats.P99)}, 1.3, 200_000},
		{Metric{own, Percentile(stats.P99)}, 1.3, 200_000},
		{Metric{contention, Percentile(stats.P50)}, 1.3, 100_000},
		{Blocked, 1.3, 0.05},
	}}
	for _, r := range Rules {
		p.Rules[r.Name] = r.Limit
	}
	return p
}

// Allows says whether a difference is allowed.
func (p *Policy) Allows(d Difference) bool {
	for _, a := range p.Allowed {
		if a == d {
			return true
		}
	}
	return false
}

// PercentilesOr are the percentiles to report, where the policy does not say these.
func (p *Policy) PercentilesOr(usual []stats.Quantile) []stats.Quantile {
	if p.Percentiles == nil {
		return usual
	}
	return p.Percentiles
}
