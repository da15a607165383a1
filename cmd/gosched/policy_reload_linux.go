package main

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/cmd/gosched/internal/policy"
	"github.com/gosched/gosched/record"
)

// changeable are the keys of a policy that a recording follows while it goes on, if it has had a
// budget or a kill switch from its beginning.
var changeable = []string{
	"budget.max-overhead", "budget.kill-switch", "budget.off-at-memory-stall", "budget.off-at-memory-use",
	"budget.off-at-throttling",
}

// reloads has SIGHUP read the policy again, until stop is called.
func (r *recorder) reloads(opts *record.Options) (stop func()) {
	asked, changes := make(chan os.Signal, 1), make(chan record.Budget, 1)
	opts.Changes = changes
	signal.Notify(asked, syscall.SIGHUP)
	now, notes, governs := r.opts, r.notes, r.opts.governs()
	var ended sync.WaitGroup
	ended.Go(func() {
		for range asked {
			sentence, next := reloaded(&now, governs)
			if next != nil {
				now = *next
				select { // what nobody has taken yet does not hold any more
				case <-changes:
				default:
				}
				changes <- now.budget.record()
			}
			fmt.Fprintln(notes, sentence)
		}
	})
	return func() {
		signal.Stop(asked)
		close(asked)
		ended.Wait()
	}
}

// record are the bounds of a recording.
func (o *budgetOptions) record() record.Budget {
	return record.Budget{
		MaxOverhead: o.most.share, MaxCPUs: o.most.cpus, KillSwitch: o.switchFile(), Need: o.need(),
	}
}

// reloaded reads the policy of a recording again, and says what becomes of that. The options are nil
// where nothing changes that the recording can follow: a budget, if it is governed from its beginning.
func reloaded(now *recordOptions, governs bool) (string, *recordOptions) {
	next, changed, err := now.policy.reload()
	if err != nil {
		return fmt.Sprintf("the policy stays as it was: %v", err), nil
	}
	var live, later []string
	for _, key := range changed {
		if slices.Contains(changeable, key) && governs {
			live = append(live, key)
		} else {
			later = append(later, key)
		}
	}
	var said []string
	if len(live) > 0 {
		said = append(said, fmt.Sprintf("%s from now on", strings.Join(live, ", ")))
	}
	if len(later) > 0 {
		said = append(said, fmt.Sprintf("%s only after a restart: %s",
			report.FormatNumber(int64(len(later)), "setting"), strings.Join(later, ", ")))
	}
	if len(said) == 0 {
		return next.policy.path + " says what it said before", nil
	}
	text := fmt.Sprintf("%s: %s", next.policy.path, strings.Join(said, "; "))
	if len(live) == 0 {
		return text, nil
	}
	follow := *now // what takes a restart stays as it was, and is said again
	follow.budget = next.budget
	is := func(s policy.Setting) bool { return slices.Contains(live, s.Key) }
	follow.policy.set = slices.DeleteFunc(slices.Clone(now.policy.set), is)
	for _, s := range next.policy.set {
		if is(s) {
			follow.policy.set = append(follow.policy.set, s)
		}
	}
	return text, &follow
}
