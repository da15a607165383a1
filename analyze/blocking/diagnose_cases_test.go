package blocking_test

// diagnosis is a case of testdata/progs/diagnose with one known cause for most of the waiting, and
// what the first sentence of the verdict has to say of it.
type diagnosis struct {
	name string
	rule string   // what it is there for; the word of the report
	says []string // patterns of the code and of what stands behind it, all of which must be there

	noted   string // the rule that must find it where it explains no time and cannot come first
	env     string
	quotaUS string // the CPU time that the process may have of each 100 ms

	goSays  []string // where a Go trace says less: what it has to say
	unknown string   // why a Go trace cannot know
}

// noThreads is why a Go trace cannot know what the machine does to threads.
const noThreads = "a Go trace has no threads' events"

// noSamples is why a Go trace cannot know what ran between two events: whether it allocated or not.
const noSamples = "a Go trace without a CPU profile has no samples"

const noPreemption = "GODEBUG=asyncpreemptoff=1"

// diagnoses are the planted causes, by the rule that they are for.
var diagnoses = []diagnosis{
	// Serial sections.
	{name: "lock-convoy", rule: "mutex", says: []string{`main\.\(\*cache\)\.get`}},
	{name: "fsync-under-lock", rule: "mutex", says: []string{`main\.\(\*journal\)\.append`, `fsync`},
		goSays: []string{`main\.\(\*journal\)\.append|os\.\(\*File\)\.Sync`}},
	{name: "sleep-under-lock", rule: "mutex", says: []string{`main\.\(\*leases\)\.renew`, `sleep|timer`}},
	{name: "retry-under-lock", rule: "retry under a lock", says: []string{`main\.\(\*uplink\)\.send`, `sleep|timer`}},
	{name: "nested-locks", rule: "mutex", says: []string{`main\.\(\*ledger\)\.record`}},
	{name: "exec-under-lock", rule: "mutex",
		says: []string{`main\.\(\*converter\)\.convert|exec\.`, `waitid|wait4|exec\.`}},
	{name: "hot-shard", rule: "hot shard", says: []string{`main\.\(\*shards\)\.add`}},
	{name: "once-slow", rule: "sync.Once", says: []string{`main\.loadTenant`, `sleep|timer`}},
	{name: "rwmutex-writer", rule: "RWMutex writer", says: []string{`main\.\(\*table\)\.read`,
		`main\.\(\*table\)\.reload`}},
	{name: "rwmutex-readers", rule: "RWMutex readers", says: []string{`main\.\(\*table\)\.write`,
		`main\.\(\*table\)\.scan`}},
	{name: "slow-reader", rule: "RWMutex readers", says: []string{`main\.\(\*table\)\.scan`}},
	{name: "channel-lock", rule: "channel of one", says: []string{`main\.\(\*printer\)\.print`}},
	{name: "channel-semaphore", rule: "channel of n", says: []string{`main\.\(\*gateway\)\.call`,
		`main\.askBackend`}},
	{name: "semaphore", rule: "channel of n", says: []string{`main\.fetch`, `\bread\b`}},
	{name: "singleflight", rule: "singleflight", says: []string{`main\.fetch`, `\bread\b`}},
	{name: "group-limit", rule: "errgroup limit", says: []string{`main\.\(\*group\)\.start`, `main\.fetchPart`}},
	{name: "sql-pool", rule: "connection pool", says: []string{`main\.\(\*orders\)\.find`,
		`main\.\(?\*?wire\)?\.roundTrip`}},
	{name: "http-conns", rule: "MaxConnsPerHost", says: []string{`main\.\(\*quotes\)\.get`, `network|connection`}},
	{name: "worker-pool", rule: "worker pool", says: []string{`main\.\(\*pool\)\.submit`, `main\.upload`}},

	// Queued behind one goroutine.
	{name: "slow-consumer", rule: "one that computes", says: []string{`main\.index`}},
	{name: "fan-in", rule: "one that computes", says: []string{`main\.index`}},
	{name: "dispatcher", rule: "one that computes", says: []string{`main\.route`}},
	{name: "three-hops", rule: "one that computes", says: []string{`main\.store`}},
	{name: "pipeline", rule: "one that computes", says: []string{`main\.compress`}},
	{name: "straggler", rule: "one that computes", says: []string{`main\.poster`}},
	{name: "cond-producer", rule: "one that computes", says: []string{`main\.\(\*mailbox\)\.fill`}},
	{name: "partition-skew", rule: "fan-in imbalance", says: []string{`main\.aggregate`}},
	{name: "limiter", rule: "one that sleeps", says: []string{`main\.refill`, `sleep|timer`}},
	{name: "feed", rule: "one that reads slowly", says: []string{`main\.\(\*remote\)\.pump`, `network|\bread`}},
	{name: "remote-slow", rule: "one that reads slowly", says: []string{`main\.\(\*remote\)\.(readLoop|ask)`,
		`network|\bread`}},

	// Blocked writes, slow readers.
	{name: "audit-pipe", rule: "one in a blocked write", says: []string{`main\.auditor`, `\bwrit`}},
	{name: "log-pipe", rule: "blocked write", says: []string{`main\.\(\*logger\)\.print`, `\bwrit`},
		goSays: []string{`main\.\(\*logger\)\.print`}},
	{name: "pipe-writer", rule: "slow reader", says: []string{`main\.export`, `\bwrit`,
		`reader main\.collect .*sleeps`}},
	{name: "socket-slow-reader", rule: "slow reader", says: []string{`main\.export`, `\bwrit`,
		`reader main\.collect .*sleeps`}},

	// Garbage.
	{name: "gc-assist", rule: "GC pressure", says: []string{`garbage collector|GC`}},
	{name: "gc-handler", rule: "GC pressure", says: []string{`garbage collector|GC`, `main\.render`},
		unknown: noSamples},
	{name: "explicit-gc", rule: "explicit GC", says: []string{`main\.tidy|runtime\.GC`}},
	{name: "stop-the-world", rule: "stop-the-world", says: []string{`main\.scrape|ReadMemStats`}},

	// Who has the Ps and the CPUs.
	{name: "busy-loop", rule: "background work", says: []string{`main\.score`}},
	{name: "hog", rule: "background work", says: []string{`main\.score`}},
	{name: "background-work", rule: "background work", says: []string{`main\.(merge|compaction)`}},
	{name: "unpreempted", rule: "long runs", env: noPreemption, says: []string{`main\.checksum`}},
	{name: "long-run", rule: "long runs", env: noPreemption, noted: "long-run", unknown: noThreads},
	{name: "cpu-contention", rule: "CPU contention", says: []string{`indexer|other programs`}, unknown: noThreads},
	{name: "quota", rule: "CPU quota", says: []string{`quota`}, quotaUS: "10000", unknown: noThreads},
	// Its calls cost it the Ps because others compute: either is the cause.
	{name: "syscall-handoff", rule: "system calls", says: []string{`main\.lookup|system call|main\.handoff`}},

	// Wake-ups, and what explains no time.
	{name: "thundering-herd", rule: "thundering herd", noted: "thundering-herd"},
	{name: "timer-storm", rule: "timers", noted: "timer-storm"},
	{name: "goroutine-growth", rule: "growth", noted: "goroutine-growth"},
	{name: "leak", rule: "leak", noted: "leak"},
}

// alike is a case in which nothing is wrong.
type alike struct {
	name    string
	like    string   // what it looks like
	may     []string // rules that may be in the verdict: true, and no blame
	env     string
	quotaUS string
}

// lookalikes have what the planted causes have, in health.
var lookalikes = []alike{
	{name: "lock-busy-but-fine", like: "mutex"},
	{name: "once-quick", like: "sync.Once"},
	{name: "retry-without-lock", like: "retry under a lock"},
	{name: "rwmutex-read-mostly", like: "RWMutex writer"},
	{name: "shards-even", like: "hot shard"},
	{name: "channel-lock-brief", like: "channel of one"},
	{name: "semaphore-never-full", like: "channel of n"},
	{name: "group-within-limit", like: "errgroup limit"},
	{name: "singleflight-quick", like: "singleflight"},
	{name: "fan-in-kept-up", like: "one that computes"},
	{name: "partitions-even", like: "fan-in imbalance"},
	{name: "pipeline-balanced", like: "one that computes"},
	{name: "workers-without-work", like: "worker pool"},
	{name: "worker-pool-spare", like: "worker pool"},
	{name: "start-signal", like: "thundering herd"},
	{name: "pool-filled-once", like: "growth"},
	{name: "connections-idle", like: "slow reader"},
	{name: "http-conns-spare", like: "MaxConnsPerHost"},
	{name: "sql-pool-spare", like: "connection pool"},
	{name: "write-never-waits", like: "one in a blocked write"},
	{name: "log-drained", like: "blocked write"},
	{name: "socket-kept-up", like: "slow reader"},
	{name: "load-beside", like: "CPU contention"},
	{name: "service", like: "CPU contention"},
	{name: "idle-server", like: "one that reads slowly"},
	{name: "syscalls-alone", like: "system calls"},
	{name: "few-timers", like: "timers"},
	{name: "few-stops", like: "stop-the-world"},
	{name: "gc-that-keeps-up", like: "GC pressure"},
	{name: "gc-once", like: "explicit GC"},
	{name: "long-runs-alone", like: "background work"},
	{name: "background-spare", like: "background work"},
	{name: "cpu-busy", like: "long runs"},
	{name: "batch", like: "one that computes", may: []string{"root-cause"}},
	{name: "quota", like: "CPU quota", quotaUS: "800000"},
}
