package record

import (
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/kernel"
)

// objectReasons are the wait reasons for which gopark is given a lock that belongs to one channel,
// semaphore root, condition or end of a descriptor, and to nothing else (go1.18–1.27
// src/runtime/chan.go, sema.go, netpoll.go). A select gives none: it waits for several.
var objectReasons = map[string]bool{
	"chan receive":                  true,
	"chan send":                     true,
	"chan receive (synctest)":       true,
	"chan send (synctest)":          true,
	"chan receive (durable)":        true,
	"chan send (durable)":           true,
	"semacquire":                    true,
	"sync.Mutex.Lock":               true,
	"sync.RWMutex.RLock":            true,
	"sync.RWMutex.Lock":             true,
	"sync.WaitGroup.Wait":           true,
	"sync.WaitGroup.Wait (durable)": true,
	"sync.Cond.Wait":                true,
	"IO wait":                       true,
}

// objectMask is a bit for each wait reason of which the programs are to read what is waited for.
func objectMask(waitReasons []string) (mask uint64) {
	for i, s := range waitReasons {
		if objectReasons[s] && i < 64 {
			mask |= 1 << i
		}
	}
	return mask
}

// setObjects has the programs read what goroutines wait for, where the runtime's struct offsets say
// where that is; otherwise the trace says that it is not known.
func (c *choice) setObjects(cfg *kernel.SubjectConfig, layout *gobin.Layout, waitReasons []string) {
	park := c.of(format.TransitionPark)
	if layout.M.WaitLock >= 0 {
		cfg.Objects = objectMask(waitReasons)
	} else if park.Covered {
		park.Why = "what is waited for is not known: nothing proves where this runtime notes it"
	}
}
