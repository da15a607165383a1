package findings

import (
	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// Rule is one thing to look for.
type Rule struct {
	Name      string // one word for programs
	Title     string // a line for people
	Looks     string // what it looks for
	Threshold string // from where on it is a finding, and why there
	Explains  string // what time it explains; of what that explains none, what the floor is of
	Advice    string // what to do about it
	threads   bool   // it needs thread events
	machine   bool   // it is about the machine, not the program
	needs     []format.Transition
	find      func(*look) []hit
	trace     func(*replay.Summary) []hit // of rules about the whole trace
}

// hit is something that a rule found: where, and which chains of the account it explains.
type hit struct {
	code
	behind   string // what stands behind it: code, a system call, a process
	explains explained
	// of what is no blocked time, how large it is, from 0 to 1: where a hit explains too little it may
	// still be a note
	extent   float64
	unknown  bool   // it is what the trace does not know
	clause   string // what was found, to go on after "62% of blocked time: "; empty: the rule's title
	evidence []string
	advice   string // empty: the rule's
}

// look is a process as the rules see it.
type look struct {
	*process
	names      *replay.Names
	account    *account
	begin, end int64
	watchedNS  int64                        // of that, while probes were attached
	seen       float64                      // the share of that in which no events are missing
	system     func(replay.EntryID) bool    // whether goroutines with an entry function are of the runtime
	busy       float64                      // the share of the machine's CPUs' time that was used; −1: not known
	known      map[*blocking.Place]*section // where the places of chains belong to
	serial     []*serial                    // see serials; nil: they were not asked for yet
}

// The floor of all rules that say none of their own.
const (
	MinSeverity  = 5    // less is not reported, nor are notes whose extent is less, in percent
	MinExplained = 0.01 // time that is a smaller part of the watched time is not reported

	minRan = 10 // what ran counts as at least one part in so many of the watched time
)

// ranAndMore is the end of what the floor of notes is of.
const ranAndMore = " / (that + time that goroutines ran)"

// generalRule is what explains a root cause where no rule does.
var generalRule = Rule{Name: "root-cause", Title: "Goroutines wait for it in the end"}

// Rules is the table of rules, in the order of their names.
func Rules() []Rule { return append([]Rule(nil), rules[:]...) }

// rules is the table.
var rules = [...]Rule{
	{
		Name:  "background-work",
		Title: "Background work has the Ps",
		needs: []format.Transition{format.TransitionRun},
		Looks: "runs of goroutines that do not wait for the network, were begun by none that does, and that others " +
			"hardly wait for, and delays of goroutines that got a P which these had before",
		Threshold: "two fifths of the Ps' time, and a tenth of the delays behind it of other goroutines: with free " +
			"Ps nobody waits behind it",
		Explains: "those delays, and what others waited for that long",
		Advice: "Give it fewer goroutines than there are Ps, do less of it at a time with pauses between, or move " +
			"it to a process of its own.",
		find: backgroundWork,
	},
	{
		Name:  "blocked-write",
		Title: "Goroutines are blocked in writes",
		needs: []format.Transition{format.TransitionPark, format.TransitionStacks},
		Looks: "waits to write to a pipe, a terminal, a connection or a file, and write system calls of 1 ms and " +
			"more, where nobody in the process is known to read the other end; and who waits for those that write",
		Threshold: "a tenth of a goroutine on average is blocked so; of system calls half of the time of all writes " +
			"there",
		Explains: "those writes, and the waits for who makes them; not those for a lock, which are serial-section",
		Advice: "Find out why the other end reads so slowly; write less, or put a queue before it that drops what " +
			"is too much.",
		find: blockedWrites,
	},
	{
		Name:    "cpu-contention",
		Title:   "Other processes take the CPUs",
		threads: true,
		machine: true,
		Looks: "threads that could have run goroutines and were ready while a thread of another program had the CPU, " +
			"gosched itself left out",
		Threshold: "a fifth of the time in which goroutines could run and did not, on a machine whose CPUs were busy " +
			"for half of the time; less is a line below the findings",
		Explains: "the time in which threads of other programs had the CPU, and what others waited for that long",
		Advice: "Move the other process, give this one a larger CPU weight, or give it CPUs of " +
			"its own.",
		find: cpuContention,
	},
	{
		Name:    "cpu-throttled",
		Title:   "The CPU quota stops the process",
		threads: true,
		machine: true,
		Looks: "ready threads whose CPU went idle instead, or was idle when they got it, of a process with a " +
			"CPU quota: had it been contention, another thread would have had the CPU. And, where others want the " +
			"CPUs too, how long the kernel says that it stopped the cgroup",
		Threshold: "2 ms at a time, since the kernel gives an idle CPU to a ready thread within microseconds, " +
			"three times in all, or once where the kernel says so, and a fifth of the time in which goroutines " +
			"could run and did not",
		Explains: "so much of goroutines' delays as was spent so, or as large a part of those with a thread off its " +
			"CPU as the kernel's time is of that in which threads were ready, whichever is more",
		Advice: "Raise the quota (cpu.max), or use less CPU in bursts: fewer Ps, less work at " +
			"once, less garbage.",
		find: throttled,
	},
	{
		Name:  "explicit-gc",
		Title: "The program asks for garbage collections",
		needs: []format.Transition{format.TransitionGC, format.TransitionStacks},
		Looks: "waits in runtime.GC and debug.FreeOSMemory, by caller",
		Threshold: "three calls, and one a second; where most cycles were asked for, all that the collector costs is " +
			"because of them",
		Explains: "the calls themselves, and all waits for the collector where most cycles were asked for",
		Advice:   "Leave it to the collector (GOGC, GOMEMLIMIT), or do it much less often.",
		find:     explicitGC,
	},
	{
		Name:  "explicit-stop",
		Title: "The program asks for what stops the world",
		needs: []format.Transition{format.TransitionGC},
		Looks: "stops of the world for runtime.ReadMemStats, profiles of goroutines, stacks of all goroutines, heap " +
			"dumps and changes of GOMAXPROCS, and who calls for them",
		Threshold: "three stops, and one a second",
		Explains: "delays while the world was stopped so, and waits of those that call for it; the floor of a note: " +
			"time in such stops / recorded time",
		Advice: "Do it less often.",
		find:   explicitStop,
	},
	{
		Name:  "fan-in-imbalance",
		Title: "One of several goroutines has nearly all of the work",
		needs: []format.Transition{format.TransitionPark, format.TransitionReady},
		Looks: "as queued-behind, where others with the same entry function wait for work",
		Threshold: "three goroutines of that entry function, of whom one ends nine in ten of the waits: what is " +
			"split by a key, a channel each, is split badly",
		Explains: "the waits there, and of who waited for these goroutines",
		Advice:   "Spread the work: another key, one channel for all, or more channels for what is hot.",
		find:     fanInImbalance,
	},
	{
		Name:      "gaps",
		Title:     "Too much is missing from the trace",
		trace:     gaps,
		Looks:     "the share of the time in which events were lost or not looked for",
		Threshold: "the floor: with 5% missing, any number here may be wrong by as much",
		Explains:  "nothing; the floor of a note: time in gaps / recorded time",
		Advice: "Record again with fewer classes of transitions (record --without), and read the other findings " +
			"with care.",
	},
	{
		Name:  "gc-pressure",
		Title: "The garbage collector takes what others wait for",
		needs: []format.Transition{format.TransitionGC},
		Looks: "cycles of the garbage collector, and what it takes of the Ps, of those that allocate and have to " +
			"help it, of those that are stopped to be scanned, and of all while the world is stopped for it",
		Threshold: "three cycles, and the floor: others hardly wait for a collector that keeps up. Not where the " +
			"program asks for most of the cycles itself: see explicit-gc",
		Explains: "waits for the collector and delays while its workers had the P or the world was stopped for " +
			"it, and what others waited for that long",
		Advice: "Allocate less there (a heap profile says what: pprof -alloc_space), or raise GOGC or GOMEMLIMIT, so " +
			"that cycles are rarer.",
		find: gcPressure,
	},
	{
		Name:      "goroutine-growth",
		Title:     "The number of goroutines keeps growing",
		needs:     []format.Transition{format.TransitionCreate, format.TransitionExit},
		Looks:     "goroutines created less those that ended, in each quarter of the recording",
		Threshold: "100 more, and at least 10 more in each quarter: a burst or a pool that is filled once ends growing",
		Explains:  "nothing; the floor of a note: goroutines that were added / goroutines alive at the end",
		Advice:    "Find who creates them (gosched goroutines), and bound them or let them end.",
		find:      growth,
	},
	{
		Name:    "hog",
		Title:   "Goroutines of one entry function hold the Ps",
		threads: true,
		Looks: "runs of 5 ms and more of goroutines with one entry function, beside delays of 1 ms and more of " +
			"others; background work and runs that cannot be preempted have rules of their own",
		Threshold: "half of all running time in such runs of one entry function, and 20 such delays: what the others " +
			"wait for has one source",
		Explains: "delays of goroutines that were queued behind those, and what others waited for that long",
		Advice: "Let fewer of them compute at once than there are Ps, make what they compute shorter, or give the " +
			"process more CPUs.",
		find: hog,
	},
	{
		Name:  "hot-shard",
		Title: "One of several locks is wanted by most",
		needs: []format.Transition{format.TransitionPark, format.TransitionReady},
		Looks: "as serial-section, where the trace says which lock each wait was for, and there are several in one " +
			"function",
		Threshold: "three locks, of which one has half of the time of the waits, and twice its part",
		Explains:  "the waits there, and of who waited for these goroutines",
		Advice:    "Spread what is behind that lock over more of them.",
		find:      hotShards,
	},
	{
		Name:  "leak",
		Title: "Goroutines are left behind, waiting",
		needs: []format.Transition{format.TransitionCreate, format.TransitionPark, format.TransitionReady},
		Looks: "a place where goroutines began to wait for a channel, a lock or forever throughout the " +
			"recording, and where none was woken",
		Threshold: "20, some in each quarter of the recording: workers that wait for their first job come all at once",
		Explains:  "nothing; the floor of a note: goroutines left there / goroutines alive at the end",
		Advice: "Make sure that somebody sends, " +
			"closes or cancels on every path, or give the wait a second way out (ctx.Done).",
		find: leak,
	},
	{
		Name:    "long-run",
		Title:   "Goroutines cannot be preempted",
		threads: true,
		Looks:   "runs on a CPU that went on long after the runtime asked for the P",
		Threshold: "40 ms, four times what the runtime allows, 100 ms where the thread lost its CPU in between; " +
			"three of them, and half of the time in runs of 10 ms and more of one entry function: where most end " +
			"when the runtime asks, it asked late for the others",
		Explains: "delays while such runs had the P that ended them, less their first 10 ms; the floor of a note: " +
			"time beyond 10 ms in such runs" + ranAndMore,
		Advice: "Look for asyncpreemptoff, loops in assembly or long copies; where nothing preempts it, it helps to " +
			"call runtime.Gosched within.",
		find: longRun,
	},
	{
		Name:    "process-stopped",
		Title:   "The process is stopped from outside",
		threads: true,
		Looks: "the time in which all threads of the process were stopped from outside: by a signal " +
			"such as SIGSTOP, a debugger, a frozen cgroup",
		Threshold: "the floor: nobody stops a process that is in service",
		Explains: "delays and waits that lasted longer for it; the floor of a note: time in which it was " +
			"stopped / recorded time",
		Advice: "Find who sends SIGSTOP, attaches a debugger or freezes the cgroup. Other findings leave that " +
			"time out.",
		find: processStopped,
	},
	{
		Name:      "procs-over-quota",
		Title:     "GOMAXPROCS is larger than the CPU quota",
		threads:   true,
		machine:   true,
		Looks:     "a process that was throttled and has more Ps than its quota has CPUs, rounded up",
		Threshold: "as cpu-throttled: more Ps than CPUs do no harm to a process that never uses up its quota",
		Explains:  "as cpu-throttled, the time in which there were more Ps than that",
		Advice: "Set GOMAXPROCS to the quota rounded up. Go 1.25 and later do so unless told " +
			"otherwise.",
		find: procsOverQuota,
	},
	{
		Name:  "queued-behind",
		Title: "Goroutines queue for one goroutine",
		needs: []format.Transition{format.TransitionPark, format.TransitionReady},
		Looks: "waits of two or more goroutines to send to one or to hear from it, which does not wait there itself; " +
			"what it does meanwhile is what they wait for",
		Threshold: "eight in ten of the waits that its like do not end are ended by goroutines with its entry " +
			"function, nine in ten of these by one",
		Explains: "the waits there, and of who waited for these goroutines",
		Advice:   "Let several goroutines do it, or let it do less for each: hand on what takes time.",
		find:     queuedBehind,
	},
	{
		Name:  "serial-section",
		Title: "Goroutines go through a section one by one",
		needs: []format.Transition{format.TransitionPark, format.TransitionReady},
		Looks: "waits for a Mutex, an RWMutex, a sync.Once, singleflight, an errgroup's limit, a semaphore.Weighted, " +
			"a connection of database/sql or net/http; and for a channel that is used as a semaphore: those who wait " +
			"are let through by those who had been let through",
		Threshold: "a tenth of a goroutine waiting on average, and somebody for a fifth of the time, or one on " +
			"average; of channels three in four waits that end so, and 20 waits",
		Explains: "the waits there, and of who waited for these goroutines: the time that their holder lacked a " +
			"CPU too",
		Advice: "Hold it for less, split it, or let more through at a time.",
		find:   serialSections,
	},
	{
		Name:  "sleep-under-lock",
		Title: "A goroutine sleeps with a lock in its hand",
		needs: []format.Transition{format.TransitionPark, format.TransitionReady},
		Looks: "as serial-section, of locks, where the root cause of the waits is a timer: a sleep, or a pause " +
			"between attempts",
		Threshold: "half of the time of the waits",
		Explains:  "the waits there, and of who waited for these goroutines",
		Advice:    "Do not sleep with the lock in hand.",
		find:      sleepsUnderLock,
	},
	{
		Name:  "slow-reader",
		Title: "A reader in the process takes what is written slowly",
		needs: []format.Transition{format.TransitionPark, format.TransitionStacks, format.TransitionSyscalls},
		Looks: "as blocked-write, where goroutines of the process read the other end: they were seen at it, or " +
			"the blocked writes end right after their reads, and these hardly ever have to wait for data",
		Threshold: "as blocked-write; of the blocked writes that ended, ten and three in five did within 200 µs of a " +
			"read, and twice as many as would by chance",
		Explains: "as blocked-write",
		Advice:   "Let the reader do less between reads, read more at a time, or hand on what it has read.",
		find:     slowReaders,
	},
	{
		Name:      "stop-the-world",
		Title:     "The world is stopped for long",
		Looks:     "the time in which no goroutine may run for a reason that is none of the rules' above",
		Threshold: "the floor: pauses of a healthy collector are well below 1% of the time",
		Explains:  "delays while the world was stopped; the floor of a note: time in pauses / recorded time",
		Advice:    "See what stops it (gosched info), and call for that less often; where stops are long: long-run.",
		find:      stopTheWorld,
	},
	{
		Name:      "syscall-handoff",
		Title:     "System calls cost goroutines their P",
		needs:     []format.Transition{format.TransitionSyscalls},
		Looks:     "goroutines that came back from a system call and found that their P had been given away",
		Threshold: "100 a second: a few are how blocking calls are meant to work",
		Explains:  "so much of goroutines' delays as followed such calls",
		Advice:    "Make fewer and larger calls, or have few goroutines make them.",
		find:      handoff,
	},
	{
		Name:  "thundering-herd",
		Title: "Many goroutines are woken for little work",
		needs: []format.Transition{format.TransitionPark, format.TransitionReady},
		Looks: "eight or more goroutines that one goroutine woke within a millisecond by a broadcast or by " +
			"closing a channel, and that waited at the same place again after less than 50 µs of running",
		Threshold: "ten such times, and half of those woken for nothing: a start signal wakes many too, but they go " +
			"on to work",
		Explains: "the delays of those that were woken for nothing; the floor of a note: these and their " +
			"runs" + ranAndMore,
		Advice: "Wake one (sync.Cond.Signal, a channel send) for each piece of work.",
		find:   herd,
	},
	{
		Name:  "timer-storm",
		Title: "Timers wake goroutines that have nothing to do",
		needs: []format.Transition{format.TransitionPark, format.TransitionReady},
		Looks: "runs of less than 50 µs that a timer began at the top of a goroutine's loop, where it then waits " +
			"again: a pause further down its stack is one in the middle of work",
		Threshold: "1,000 a second: fewer cost a CPU less than 1%",
		Explains:  "nothing; the floor of a note: the delays and runs of those that timers woke" + ranAndMore,
		Advice:    "Use one timer for many, longer periods, or an event instead of polling.",
		find:      timerStorm,
	},
	{
		Name:  "worker-pool",
		Title: "All goroutines of a pool are busy",
		needs: []format.Transition{format.TransitionPark, format.TransitionReady},
		Looks: "as queued-behind, for up to eight goroutines with one entry function",
		Threshold: "eight in ten of the waits that their like do not end are ended by goroutines with one entry " +
			"function, and less than nine in ten of these by one",
		Explains: "the waits there, and of who waited for these goroutines",
		Advice:   "Let more goroutines do it, or make each piece of work shorter.",
		find:     workerPools,
	},
}

// lacks says why the rule cannot look at a process; empty where it can.
func (r *Rule) lacks(q *process) string {
	if r.threads && !q.threadsIn {
		return "the trace has no thread events"
	}
	if q.meta == nil {
		return ""
	}
	for _, t := range r.needs {
		if _, missing := q.meta.Missing(t); missing {
			return t.String() + " events were not recorded"
		}
	}
	return ""
}

func (l *look) seconds() float64 { return float64(max(1, l.watchedNS)) / 1e9 }

// perSecond is a rate over the time in which probes were attached.
func (l *look) perSecond(n int64) int64 { return int64(float64(n) / l.seconds()) }
