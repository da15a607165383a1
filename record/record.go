// Package record watches Go processes with eBPF and writes what their schedulers do into a trace.
// The processes are not changed: nothing is written into their memory, and what is attached is
// detached when the recorder ends, however it ends.
//
// A recording's life: attach (probe points chosen by gobin, checked byte for byte), drain the
// kernel's ring buffers every few milliseconds, decode, order by time, follow (what the events mean
// for goroutines and threads), write. What did not fit anywhere is counted and becomes a gap in the
// trace.
//
// # Size
//
// What is here, some 6,000 lines, is one session and its subjects: choosing what is attached,
// reading goroutines, ordering, following and writing share its clock, its events and what was
// lost. What can be told apart from it is in packages below: the kernel side, the executable, the
// process, snapshots, stacks, images.
package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/choose"
	"github.com/gosched/gosched/record/confine"
	"github.com/gosched/gosched/record/fallback"
	"github.com/gosched/gosched/record/flight/keep"
	"github.com/gosched/gosched/record/governor"
	"github.com/gosched/gosched/record/kernel"
	"github.com/gosched/gosched/record/target"
)

// ErrUnsupported is wrapped by errors that say that this kernel or this user cannot record.
var ErrUnsupported = kernel.ErrUnsupported

// Programs keeps what is loaded into the kernel for the next recording with the same options.
type Programs = kernel.Programs

// DefaultStackDepth is how many frames of a stack are recorded where Options do not say.
const DefaultStackDepth = 64

const (
	drainEvery    = 25 * time.Millisecond
	flushEvery    = 100 * time.Millisecond
	progressEvery = 200 * time.Millisecond
	// segmentDuration, flushEvery and what the order needs together are how much a killed recorder
	// loses: less than a second.
	segmentDuration = 500 * time.Millisecond
	// timeResolutionNS is what times are rounded down to. A probe takes fifty times as long, and
	// what is below is most of a trace's bytes; Go's own tracer rounds to 64 (go1.27
	// src/runtime/tracetime.go).
	timeResolutionNS = 16
)

// Options say how to record. The zero value records everything until the last process exits.
type Options struct {
	Output           string              // a trace's path, or a folder for its segments
	Duration         time.Duration       // 0: until the context or the last process ends
	Without          []format.Transition // what to leave out
	For              string              // the questions that the recording is for, where that is why
	SamplesPerSecond float64             // on-CPU samples of a busy CPU; 0: DefaultSamplesPerSecond; NoSamples: none
	Sampling         Sampling            // read goroutines at random instants instead, without eBPF
	StackDepth       int                 // frames a stack, at most MaxStackDepth; 0: DefaultStackDepth
	Recorder         string              // name and version of the program that records, for the trace's metadata
	// called once everything is attached; processes that were started for this recording go on
	// then. With it, goroutines that are there already are not read at the beginning
	Ready    func() error
	Begun    func(time.Time) // called once everything is watched, with the trace's beginning
	Progress func(Progress)  // called a few times a second
	Written  func(*Summary)  // called once the trace is whole, while probes may still have to be taken off
	Programs *Programs       // keeps what is loaded into the kernel for other recordings; nil: it is for this one
	// What the recording may cost, of all processes together: a share of their CPU time, or CPU-seconds a
	// second. Beyond it, what is attached is taken off for part of the time. 0: there is no such bound
	MaxOverhead, MaxCPUs float64
	// A file: as long as it is there nothing is attached. With it, or with a bound, nothing is attached
	// either while the machine or a process's cgroup is short of memory, or of its CPU quota. "": none
	KillSwitch string
	Need       governor.Need // from what on they are short of it
	// How often windows must come in which everything is attached, for goroutines not to be sampled in
	// their place; 0: governor.RarestWindow.
	RarestWindow time.Duration
	Seed         uint64 // of the instants that are chosen at random
	// called the first time that probes come off for a reason, and with ReasonNone when all are back
	Governed  func(format.Reason)
	Fallbacks []string // fall-backs to use even where the kernel can do better: see package fallback
	// which processes are recorded too, as they come; nil: those that are given alone. The recording
	// does not end with the last of them
	Choose  *choose.Rules
	Until   *target.Process // the recording ends with it; nil: with all that are recorded
	Keep    *keep.Keeper    // keeps the last of the recording in its folder, instead of Output; nil: all is written
	Changes <-chan Budget   // other bounds from now on, where there are some from the beginning; nil: none come
	Sink    Sink            // takes the recording too while it is made; nil: the trace's file alone
	// what the caller still does once everything is watched: all else is given up then, for the
	// whole process and for good. nil: nothing is
	Confine *confine.Needs
}

// Budget is what a recording may cost, as Options have it.
type Budget struct {
	MaxOverhead, MaxCPUs float64
	KillSwitch           string
	Need                 governor.Need
}

// Check finds what is wrong with the options whatever is recorded. Record does so too.
func (o *Options) Check() error {
	if o.StackDepth < 0 || o.StackDepth > MaxStackDepth {
		return fmt.Errorf("a stack depth of %d is not between 1 and %d", o.StackDepth, MaxStackDepth)
	}
	if o.SamplesPerSecond > MaxSamplesPerSecond {
		return fmt.Errorf("%g samples a second are more than %d", o.SamplesPerSecond, MaxSamplesPerSecond)
	}
	if o.Choose != nil {
		if err := o.Choose.Check(); err != nil {
			return err
		}
	}
	if o.MaxOverhead < 0 || o.MaxCPUs < 0 || o.MaxOverhead > 0 && o.MaxCPUs > 0 {
		return fmt.Errorf("a recording can be bounded by %g of its processes' CPU time or by %g CPUs, not by both",
			o.MaxOverhead, o.MaxCPUs)
	}
	return errors.Join(checkTransitions(o.Without), fallback.Check(o.Fallbacks), o.Sampling.check())
}

// MaxStackDepth is the largest Options.StackDepth.
const MaxStackDepth = maxFrames - 2

// Progress is how far a recording is.
type Progress struct {
	Counts
	Elapsed time.Duration
	Bytes   int64          // written so far
	Rounds  *format.Rounds // of all processes, where goroutines are sampled; nil: they are not
	// what it costs so far; nil: nothing bounds that
	Governor *format.Governor
	// those that are recorded now, as the recorder's PID namespace numbers them
	Processes []int
}

// Summary is what a recording gave.
type Summary struct {
	Progress
	Output string
	// as the recorder's PID namespace numbers the processes; the metadata has the same ones with
	// the root's numbers
	PIDs      []int
	Whole     bool   // everything that was counted is in the trace, or was
	Kept      bool   // only the last part of it is still there
	For       string // as in Options
	OneByOne  bool   // the probes are taken off one by one: the kernel takes a tenth of a second for each
	EndReason string
	Metadata  format.Metadata
	OfProcess []Counts        // by process, as in the metadata
	Missed    []Missed        // processes that were picked and not recorded
	Attached  []time.Duration // of those that began while it went on, how long each was not recorded; sorted
}

// Missed are processes that were picked and could not be recorded, all for one reason.
type Missed struct {
	Why   string
	Count int
	PID   int // the first of them, as the recorder's PID namespace numbers it
}

// MaxProcesses is how many processes one recording can have.
const MaxProcesses = kernel.MaxSubjects

// The reasons why a recording ends, and one process's part of it.
const (
	EndDuration    = "duration"
	EndInterrupted = "interrupted"
	EndExited      = "target exited"
	EndReplaced    = "target replaced its program"
)

// Record records processes until the options' duration or the context ends, or all of them have
// ended. The trace is whole in every case; when writing it goes wrong, what was written until then
// stays readable and the error says so. Where one of the processes cannot be recorded, none is.
func Record(ctx context.Context, opts Options, procs ...*target.Process) (*Summary, error) {
	s, err := open(opts, procs)
	if err != nil {
		return nil, setUpError(procs, err)
	}
	if err := s.start(); err != nil && s.startNS == 0 {
		err = errors.Join(err, s.silence(), s.release(), s.close())
		s.out.discard()
		return nil, setUpError(procs, err)
	} else if err != nil {
		return s.finish("", err)
	}
	return s.finish(s.run(ctx))
}
