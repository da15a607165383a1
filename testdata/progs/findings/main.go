// Findings does one thing for which gosched has a rule, or something that looks alike and is well.
// -case names it.
package main

import (
	"flag"
	"fmt"
	"net"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"

	"gosched.test/progs/internal/bracket"
)

// length is how long a case lasts.
const length = 1500 * time.Millisecond

// cases come in pairs: one that a rule must find and one that looks alike.
var cases = map[string]func() error{
	"lock-convoy":          lockConvoy,
	"lock-busy-but-fine":   lockBriefly,
	"fan-in":               fanIn,
	"fan-in-kept-up":       fanInKeptUp,
	"thundering-herd":      herd,
	"start-signal":         startSignal,
	"timer-storm":          timerStorm,
	"few-timers":           fewTimers,
	"goroutine-growth":     growth,
	"pool-filled-once":     pool,
	"leak":                 leak,
	"workers-without-work": idleWorkers,
	"stop-the-world":       stopTheWorld,
	"few-stops":            fewStops,
	"hog":                  hog,
	"long-runs-alone":      longRunsAlone,
	"long-run":             computeAlone,
	"cpu-contention":       contended,
	"cpu-busy":             computeAlone,
	"gc-assist":            gcAssist,
	"gc-that-keeps-up":     gcKeepsUp,
	"quota":                inBursts,
	"syscall-handoff":      handoff,
	"syscalls-alone":       syscallsAlone,
	"idle-server":          idle,
}

func main() {
	name := flag.String("case", "", "what to do: "+strings.Join(names(), ", "))
	if hogged() {
		return
	}
	bracket.Main(func() error {
		work := cases[*name]
		if work == nil {
			return fmt.Errorf("there is no case %q", *name)
		}
		runtime.GOMAXPROCS(2)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		go acceptLoop(l)
		return work()
	})
}

func names() []string {
	var list []string
	for name := range cases {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

func acceptLoop(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		c.Close()
	}
}

// crowd runs n goroutines that do something again and again until the time is up.
func crowd(n int, do func()) {
	var wg sync.WaitGroup
	end := time.Now().Add(length)
	for i := 0; i < n; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for time.Now().Before(end) {
				do()
			}
		}()
	}
	wg.Wait()
}

// spin keeps the P for a while.
//
//go:noinline
func spin(d time.Duration) {
	for t := time.Now(); time.Since(t) < d; {
	}
}

func idle() error {
	time.Sleep(length)
	return nil
}
