package referee

import "github.com/gosched/gosched/format"

// coarse says which of the tracer's reasons goes with each of the runtime's wait reasons: the pairs
// of arguments of gopark, goparkunlock and semacquire1 in go1.22 to go1.27 src/runtime.
var coarse = map[string]string{
	"GC assist wait":                "GC mark assist wait for work",
	"IO wait":                       "network",
	"chan receive (nil chan)":       "forever",
	"chan send (nil chan)":          "forever",
	"panicwait":                     "forever",
	"select":                        "select",
	"select (no cases)":             "forever",
	"GC sweep wait":                 "GC background sweeper wait",
	"GC scavenge wait":              "system goroutine wait",
	"chan receive":                  "chan receive",
	"chan send":                     "chan send",
	"finalizer wait":                "system goroutine wait",
	"force gc (idle)":               "system goroutine wait",
	"semacquire":                    "sync",
	"sleep":                         "sleep",
	"sync.Cond.Wait":                "sync.(*Cond).Wait",
	"trace reader (blocked)":        "system goroutine wait",
	"wait for GC cycle":             "wait until GC ends",
	"GC worker (idle)":              "system goroutine wait",
	format.ReasonPreempted.String(): format.ReasonPreempted.String(),
	"debug call":                    "wait for debug call",
	"sync.Mutex.Lock":               "sync",
	"sync.RWMutex.RLock":            "sync",
	"sync.RWMutex.Lock":             "sync",
	"sync.WaitGroup.Wait":           "sync",
	format.ReasonCoroutine.String(): "",
	"GC weak to strong wait":        "GC weak to strong wait",
	"synctest.Run":                  "synctest",
	"synctest.Wait":                 "synctest",
	"chan receive (durable)":        "chan receive",
	"chan send (durable)":           "chan send",
	"select (durable)":              "select",
	"chan receive (synctest)":       "chan receive",
	"chan send (synctest)":          "chan send",
	"select (synctest)":             "select",
	"sync.WaitGroup.Wait (durable)": "sync",
	"cleanup wait":                  "system goroutine wait",
	"GOMAXPROCS updater (idle)":     "system goroutine wait",
}

// coarseV1 are the wait reasons for which traces of Go 1.18 to 1.21 say something else than later
// ones: nothing (traceEvGoBlock), where the tracer had no event of its own (go1.21 src/runtime, the
// arguments of gopark).
var coarseV1 = map[string]string{
	"GC sweep wait":                 "",
	"GC scavenge wait":              "",
	"finalizer wait":                "",
	"force gc (idle)":               "",
	"trace reader (blocked)":        "",
	"wait for GC cycle":             "",
	"GC worker (idle)":              "",
	format.ReasonPreempted.String(): "",
	"debug call":                    "",
}

// yields says which of the tracer's reasons goes with each of ours for running→runnable.
var yields = map[string]string{
	format.ReasonGosched.String():   format.ReasonGosched.String(),
	format.ReasonPreempted.String(): format.ReasonPreempted.String(),
	format.ReasonGoyield.String():   format.ReasonPreempted.String(),
}

// reasonsAgree reports whether our reason for a move can be what the tracer calls theirs, and which
// row of Differences that takes, if any.
func reasonsAgree(ours, theirs *Move, v1 bool) (agree bool, by DifferenceID) {
	var want string
	var known bool
	switch ours.kind() {
	case park:
		want, known = coarse[ours.Reason]
		if old, ok := coarseV1[ours.Reason]; v1 && ok {
			want = old
		}
		by = CoarseReasons
	case yield:
		want, known = yields[ours.Reason]
		by = Goyield
	default:
		return true, ""
	}
	if !known || want != theirs.Reason {
		return false, ""
	}
	if ours.Reason == theirs.Reason {
		by = ""
	}
	return true, by
}

// hasReason reports whether a move of this kind has a reason that can be compared.
func hasReason(k kind) bool { return k == park || k == yield }

// hasCause reports whether a move of this kind has a goroutine that caused it.
func hasCause(k kind) bool {
	return k == ready || k == create || k == createCoro || k == coroRun
}

// wasCreated reports whether a move of this kind makes a goroutine.
func wasCreated(k kind) bool { return k.from == format.StateNotExist }
