package replay

import (
	"strings"

	"github.com/gosched/gosched/format"
)

// Class is what kind of thing a goroutine waits for.
type Class uint8

// The classes of waits.
const (
	ClassOther     Class = iota // a reason that is in no other class, or none
	ClassChannel                // a channel
	ClassSelect                 // any of several channels
	ClassMutex                  // a Mutex or RWMutex
	ClassSync                   // another goroutine, through a Cond, a WaitGroup, a Once or a semaphore of the runtime
	ClassTimer                  // a time
	ClassNetwork                // a file descriptor of the network poller
	ClassGC                     // the garbage collector
	ClassStop                   // the world to stop or go on
	ClassCoroutine              // the other side of an iter.Pull
	ClassForever                // nothing that can come: a nil channel, a select without cases
	ClassSystem                 // work for a goroutine of the runtime itself
	numClasses
)

var classNames = [numClasses]string{
	ClassOther: "other", ClassChannel: "channel", ClassSelect: "select", ClassMutex: "mutex", ClassSync: "sync",
	ClassTimer: "timer", ClassNetwork: "network", ClassGC: "GC", ClassStop: "stop-the-world",
	ClassCoroutine: "coroutine", ClassForever: "forever", ClassSystem: "runtime idle",
}

// String is the name that reports print.
func (c Class) String() string {
	if c >= numClasses {
		return classNames[ClassOther]
	}
	return classNames[c]
}

// reasonClasses are the wait reasons of the runtime (go1.18 to go1.27 src/runtime/runtime2.go,
// waitReasonStrings) and, where they differ, those of its tracer (go1.22 to go1.27
// src/runtime/traceruntime.go, traceBlockReasonStrings).
var reasonClasses = map[string]Class{
	"chan receive":            ClassChannel,
	"chan receive (durable)":  ClassChannel,
	"chan receive (synctest)": ClassChannel,
	"chan send":               ClassChannel,
	"chan send (durable)":     ClassChannel,
	"chan send (synctest)":    ClassChannel,

	"select":            ClassSelect,
	"select (durable)":  ClassSelect,
	"select (synctest)": ClassSelect,

	"semacquire":                    ClassSync, // up to go1.19 of sync.Mutex too
	"sync":                          ClassSync,
	"sync.(*Cond).Wait":             ClassSync,
	"sync.Cond.Wait":                ClassSync,
	"sync.Mutex.Lock":               ClassMutex,
	"sync.RWMutex.Lock":             ClassMutex,
	"sync.RWMutex.RLock":            ClassMutex,
	"sync.WaitGroup.Wait":           ClassSync,
	"sync.WaitGroup.Wait (durable)": ClassSync,
	"synctest":                      ClassSync,
	"synctest.Run":                  ClassSync,
	"synctest.Wait":                 ClassSync,

	"sleep": ClassTimer,

	"IO wait": ClassNetwork,
	"network": ClassNetwork,

	"GC assist marking":             ClassGC,
	"GC assist wait":                ClassGC,
	"GC mark assist wait for work":  ClassGC,
	"GC mark termination":           ClassGC,
	"GC weak to strong wait":        ClassGC,
	"GC worker (active)":            ClassGC,
	"flushing proc caches":          ClassGC,
	"garbage collection":            ClassGC,
	"garbage collection scan":       ClassGC,
	format.ReasonPreempted.String(): ClassGC, // stopped to have its stack scanned
	"wait for GC cycle":             ClassGC,
	"wait until GC ends":            ClassGC,

	"stopping the world": ClassStop,

	format.ReasonCoroutine.String(): ClassCoroutine,

	"chan receive (nil chan)": ClassForever,
	"chan send (nil chan)":    ClassForever,
	"forever":                 ClassForever,
	"select (no cases)":       ClassForever,

	"GC background sweeper wait": ClassSystem,
	"GC scavenge wait":           ClassSystem,
	"GC sweep wait":              ClassSystem,
	"GC worker (idle)":           ClassSystem,
	"GOMAXPROCS updater (idle)":  ClassSystem,
	"cleanup wait":               ClassSystem,
	"finalizer wait":             ClassSystem,
	"force gc (idle)":            ClassSystem,
	"system goroutine wait":      ClassSystem,
	"timer goroutine (idle)":     ClassSystem,
	"trace reader (blocked)":     ClassSystem,
}

// ClassOf is the class of a wait reason, in the words of the runtime or of its tracer.
func ClassOf(reason string) Class { return reasonClasses[reason] }

// Receives says whether a wait may be one for work: of a receiver, not of one that is blocked.
func Receives(reason string) bool {
	switch ClassOf(reason) {
	case ClassSelect, ClassNetwork, ClassTimer:
		return true
	}
	return strings.HasPrefix(reason, "chan receive") || strings.Contains(reason, "Cond")
}
