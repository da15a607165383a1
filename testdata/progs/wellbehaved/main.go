// Wellbehaved does what services do, with goroutines that wait for long, and none that is left
// behind. It prints how much work is done so far.
package main

import (
	"fmt"
	"os"
	"time"

	"gosched.test/progs/internal/life"
)

// rounds counts the work.
var rounds int64

var cases = map[string]func() error{
	"batch":        batch,
	"chat":         chat,
	"cond-queue":   condQueue,
	"conn-pool":    connPool,
	"fan-out":      fanOut,
	"growing-pool": growingPool,
	"idle-pool":    idlePool,
	"janitor":      janitor,
	"keep-alive":   keepAlive,
	"long-poll":    longPoll,
	"pipeline":     pipeline,
	"pubsub":       pubsub,
	"select-main":  selectMain,
	"signals":      signals,
	"ticker-loops": tickerLoops,
}

func main() { life.Main(cases, &rounds) }

// again does something again and again, and counts it.
func again(pace time.Duration, do func() error) error {
	return life.Every(pace, &rounds, func() (int64, error) { return 1, do() })
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "wellbehaved:", err)
	os.Exit(1)
}
