package blocking

import (
	"cmp"
	"slices"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
)

// Version is the version of the JSON document that a Result encodes to.
const Version = 1

// Result is the answer. It encodes to the document of `gosched blocking --json`. Times of
// goroutines are sums over goroutines: ten that wait for a second are ten seconds.
type Result struct {
	Version      int      `json:"version"`
	DurationNS   int64    `json:"duration_ns"` // observed
	Events       int64    `json:"events"`
	ResolutionNS int64    `json:"time_resolution_ns"` // what the trace's times are multiples of
	Lead         []string `json:"lead"`               // the headline numbers in sentences
	Causes       []Cause  `json:"causes"`             // the root causes, see idleWeight; the unknown last
	Chains       []Way    `json:"chains"`             // the heaviest chains of waits, at most maxWays
	BlockedNS    int64    `json:"blocked_ns"`         // the sum of all causes
	// in which goroutines may have been waiting for work; not in BlockedNS
	IdleNS int64 `json:"idle_ns"`
	// of both attributed approximately, because a waker's history was too long to be kept exactly
	ApproximateNS int64 `json:"approximate_ns"`
	// by class, range, what is folded, reason, site and entry function; each from the most down
	Spent    []Spent          `json:"spent"`
	Wakers   []Waker          `json:"wakers"`  // who ended the waits, from the largest sum down
	Delays   []Cause          `json:"delays"`  // what runnable goroutines of the program waited for
	OnCPU    []OnCPU          `json:"on_cpu"`  // what on-CPU samples saw, the most often first; none without them
	Threads  *Threads         `json:"threads"` // nil without thread events
	Warnings []report.Warning `json:"warnings"`

	watchedNS int64 // of DurationNS
	unread    bool  // goroutines were not read in all windows: who did nothing in one is not in its times
	moreWays  int   // chains that are not in Chains
}

// Cause is a root cause of blocked time: what goroutines waited for in the end.
type Cause struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"` // the function, the thread that took the CPU, or another word for it
	// what took the CPU was a thread of a recorded program; Name is the entry function of the goroutine
	// on it where that is known
	Own       bool   `json:"own,omitempty"`
	Syscall   string `json:"syscall,omitempty"` // its name
	Frame     string `json:"frame,omitempty"`   // the function with file and line, in the heaviest stack
	Stack     string `json:"stack,omitempty"`   // the heaviest
	BlockedNS int64  `json:"blocked_ns"`        // how long goroutines were blocked by it, waits for work left out
	Count     int64  `json:"count"`             // the waits and delays that had it in them, waits for work too
	Times     int64  `json:"times"`             // how often it happened, each once however many waited for it
	// of BlockedNS in which it delayed the goroutine itself, not one it waited for
	DirectNS int64   `json:"direct_ns"`
	IdleNS   int64   `json:"idle_ns"` // in which goroutines may have been waiting for work; not in BlockedNS
	Share    float64 `json:"share"`   // of the sum of BlockedNS of all causes
	// of code that ran: whether the name is where it was when it was seen next, most of the time;
	// else it is what on-CPU samples found there
	Until   bool  `json:"until,omitempty"`
	Samples int64 `json:"samples,omitempty"`  // those
	ErrorNS int64 `json:"error_ns,omitempty"` // the standard error that they leave in BlockedNS
	// the heaviest chain of waits that leads to the cause, waits for work left aside where there
	// are others
	Chain   []Step `json:"chain,omitempty"`
	ChainNS int64  `json:"chain_ns,omitempty"` // of BlockedNS at the end of this chain
}

// Step is a wait in the chain that leads to a cause.
type Step struct {
	Reason string `json:"reason"`
	Frame  string `json:"frame"` // the innermost frame that is not plumbing
	Stack  string `json:"stack"`
	Elided bool   `json:"elided,omitempty"` // waits between this one and the next are left out
}

// Spent is the time that went into one thing. A number that the trace cannot give is nil, null in
// JSON.
type Spent struct {
	// "class", "range", "folded", "reason", "site" or "entry"; folded are the waits of goroutines that
	// wait beside another for the same, by entry function: they are in no row by class or reason
	By            string  `json:"by"`
	Name          string  `json:"name"`            // of a site the reason
	Stack         string  `json:"stack,omitempty"` // of a site
	Frame         string  `json:"frame,omitempty"`
	Beside        string  `json:"beside,omitempty"` // of what is folded: beside whom they wait
	System        bool    `json:"system"`           // goroutines of the runtime itself
	Count         int64   `json:"count"`            // times seen from beginning to end
	Censored      int64   `json:"censored"`         // times whose beginning or end was not seen
	Broken        int64   `json:"broken"`           // times with moves missing: in no number here
	SumNS         int64   `json:"sum_ns"`
	CensoredSumNS int64   `json:"censored_sum_ns"` // what was seen of the censored
	Average       float64 `json:"average"`         // goroutines at a time: both sums over the observed time
	// as the pass was asked for them; of running goroutines and of ranges they are not known
	Percentiles []stats.Percentile `json:"percentiles"`
	MaxNS       *int64             `json:"max_ns"`
	RunningNS   *int64             `json:"running_ns,omitempty"` // of an entry function: on a CPU, as far as known
	RunnableNS  *int64             `json:"runnable_ns,omitempty"`
	SyscallNS   *int64             `json:"syscall_ns,omitempty"`
	Causes      []Shared           `json:"causes,omitempty"` // of a site
	// where the trace was recorded in windows: how often it began, and the time, in the whole time that
	// the windows stand for; Average is of that then
	Scaled *stats.Scaled `json:"scaled,omitempty"`

	intervals []stats.Interval // of Percentiles, where the trace was recorded in windows
}

// Shared is a part of a whole.
type Shared struct {
	Kind  Kind    `json:"kind"`
	Name  string  `json:"name"`
	NS    int64   `json:"ns"`
	Share float64 `json:"share"`
}

// Waker is waits at one place that were ended in one way.
type Waker struct {
	Reason      string `json:"reason"`
	Stack       string `json:"stack"`
	Frame       string `json:"frame"`
	WakerStack  string `json:"waker_stack,omitempty"`
	WakerFrame  string `json:"waker_frame,omitempty"`
	WakerReason string `json:"waker_reason,omitempty"` // where it was no goroutine; empty where it is not known
	Count       int64  `json:"count"`
	SumNS       int64  `json:"sum_ns"`
}

// Threads is how the threads of running goroutines, and of goroutines in system calls, spent the
// time.
type Threads struct {
	RunningOnNS  int64 `json:"running_on_cpu_ns"`
	RunningOffNS int64 `json:"running_off_cpu_ns"` // another thread had the CPU
	// the kernel had put the thread to sleep: a page fault, a lock of the runtime
	RunningAsleepNS  int64    `json:"running_asleep_ns"`
	RunningStoppedNS int64    `json:"running_stopped_ns"` // stopped from outside, by SIGSTOP or a debugger
	SyscallOnNS      int64    `json:"syscall_on_cpu_ns"`
	SyscallAsleepNS  int64    `json:"syscall_blocked_ns"` // with what they were stopped from outside
	SyscallOffNS     int64    `json:"syscall_off_cpu_ns"`
	TakenBy          []Shared `json:"taken_by"` // who had the CPU of threads that wanted it
}

// Result is the answer after a walk, given what the walk says of the trace.
func (p *Pass) Result(sum *replay.Summary) *Result {
	r := &Result{
		Version: Version, DurationNS: sum.DurationNS(), Events: sum.Events,
		ResolutionNS: max(1, sum.Metadata().TimeResolutionNS), ApproximateNS: p.approximate,
		watchedNS: sum.WatchedNS(), unread: sum.Windows.Read < sum.Windows.Count,
	}
	b := p.blame()
	r.Causes, r.BlockedNS, r.IdleNS = b.causes()
	r.Chains, r.moreWays = p.ways(r.BlockedNS)
	r.Delays = b.delays()
	r.OnCPU = p.onCPU()
	r.Spent = p.spender(sum).all(b.bySite)
	r.Wakers = p.wakers()
	if p.threads.seen {
		r.Threads = p.threadTimes(b)
	}
	r.Lead, r.Warnings = r.lead(), p.warnings(r, sum)
	return r
}

func (p *Pass) wakers() []Waker {
	out := []Waker{}
	for _, pair := range p.sites.pairs {
		site := p.sites.list[pair.site]
		if site.system || pair.sumNS == 0 {
			continue
		}
		w := Waker{Reason: p.names.Reason(site.reason), Stack: p.names.Stack(site.stack), Count: pair.count,
			SumNS:      pair.sumNS,
			WakerStack: p.names.Stack(pair.waker), WakerReason: p.names.Reason(pair.reason)}
		w.Frame, w.WakerFrame = stack.Culprit(w.Stack), stack.Culprit(w.WakerStack)
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b Waker) int {
		return cmp.Or(cmp.Compare(b.SumNS, a.SumNS), cmp.Compare(a.Stack, b.Stack), cmp.Compare(a.Reason, b.Reason),
			cmp.Compare(a.WakerStack, b.WakerStack), cmp.Compare(a.WakerReason, b.WakerReason))
	})
	return out
}

func (p *Pass) threadTimes(b *blame) *Threads {
	t := &p.threads
	return &Threads{
		RunningOnNS: t.running, RunningOffNS: t.offCPU, RunningAsleepNS: t.asleep, RunningStoppedNS: t.suspended,
		SyscallOnNS: t.callRunning, SyscallAsleepNS: t.callBlocked, SyscallOffNS: t.callOffCPU, TakenBy: b.takers(),
	}
}
