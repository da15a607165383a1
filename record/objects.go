package record

import (
	"slices"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/kernel"
)

// waitsFor is what a wait reason's lock, which gopark is given, belongs to.
type waitsFor uint8

const (
	forOther     waitsFor = iota // to many things, or there is none: a select waits for several
	forObject                    // to one thing alone: a channel, a condition, an end of a descriptor
	forSemaphore                 // to one of the runtime's lists of those who wait for semaphores
)

// objectReasons are the wait reasons that have an object (go1.18–1.27 src/runtime/chan.go, sema.go,
// netpoll.go).
var objectReasons = map[string]waitsFor{
	"chan receive":                  forObject,
	"chan send":                     forObject,
	"chan receive (synctest)":       forObject,
	"chan send (synctest)":          forObject,
	"chan receive (durable)":        forObject,
	"chan send (durable)":           forObject,
	"sync.Cond.Wait":                forObject,
	"IO wait":                       forObject,
	"semacquire":                    forSemaphore,
	"sync.Mutex.Lock":               forSemaphore,
	"sync.RWMutex.RLock":            forSemaphore,
	"sync.RWMutex.Lock":             forSemaphore,
	"sync.WaitGroup.Wait":           forSemaphore,
	"sync.WaitGroup.Wait (durable)": forSemaphore,
}

// objectMask is a bit for each wait reason of some sorts.
func objectMask(waitReasons []string, sorts ...waitsFor) (mask uint64) {
	for i, s := range waitReasons {
		if slices.Contains(sorts, objectReasons[s]) && i < 64 {
			mask |= 1 << i
		}
	}
	return mask
}

// setObjects has the programs read what goroutines wait for, where the runtime's struct offsets say
// where that is; otherwise the trace says that it is not known.
func (c *choice) setObjects(cfg *kernel.SubjectConfig, b *gobin.Binary, layout *gobin.Layout, waitReasons []string) {
	park := c.of(format.TransitionPark)
	if layout.M.WaitLock >= 0 {
		cfg.Objects = objectMask(waitReasons, forObject, forSemaphore)
	} else if park.Covered {
		park.Why = "what is waited for is not known: nothing proves where this runtime notes it"
	}
	if s, ok := b.Semaphore(); ok {
		cfg.Semaphore, cfg.Semaphores = s, cfg.Objects&objectMask(waitReasons, forSemaphore)
		cfg.Ranges[s.Code.Name] = s.Code
	}
}
