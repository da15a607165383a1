// Leaks serves requests as a service does, and each case has one mistake that leaves goroutines
// behind. It prints how many are left so far.
package main

import (
	"time"

	"gosched.test/progs/internal/life"
)

// pace is the time between two requests that leave goroutines behind.
const pace = 50 * time.Millisecond

// leaked counts the goroutines that nothing will ever end.
var leaked int64

var cases = map[string]func() error{
	"body-not-closed":       bodyNotClosed,
	"cond-no-signal":        condNoSignal,
	"context-not-cancelled": contextNotCancelled,
	"first-error":           firstError,
	"forgotten-receiver":    forgottenReceiver,
	"forgotten-sender":      forgottenSender,
	"missing-done":          missingDone,
	"mutex-not-unlocked":    mutexNotUnlocked,
	"nil-channel":           nilChannel,
	"pool-not-closed":       poolNotClosed,
	"select-no-exit":        selectNoExit,
	"ticker-not-stopped":    tickerNotStopped,
}

func main() { life.Main(cases, &leaked) }

// steadily leaves goroutines behind, beside traffic in which all is well. leave returns how many
// each call leaves.
func steadily(leave func() (int64, error)) error {
	if err := traffic(); err != nil {
		return err
	}
	return life.Every(pace, &leaked, leave)
}
