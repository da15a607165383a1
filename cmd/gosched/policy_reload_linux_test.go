package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/governor"
)

// TestAPolicyIsReadAgain changes a policy under a recording, with a flag of the command line that
// holds instead of it.
func TestAPolicyIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte("version: 1\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("budget: {max-overhead: 5%, kill-switch: /off}")
	opts := new(recordOptions)
	flags := recordCommand(opts).Flags()
	if err := flags.Parse([]string{"--without", "gc", "--policy", path}); err != nil {
		t.Fatal(err)
	}
	opts.policy.remember(opts, flags)
	if err := opts.policy.apply(flags); err != nil {
		t.Fatal(err)
	}
	budget := record.Budget{MaxOverhead: 0.05, KillSwitch: "/off"}
	for _, step := range []struct{ name, text, says string }{
		{"as it was", "budget: {max-overhead: 5%, kill-switch: /off}", "FILE says what it said before"},
		{"no YAML", "{", "the policy stays as it was: FILE: read policy: "},
		{"a bad value", "budget: {max-overhead: much}", "the policy stays as it was: FILE: budget.max-overhead: "},
		{"a contradiction", "keep: {bytes: 1MB}", "the policy stays as it was: FILE: keep.bytes: --keep-bytes is for"},
		{"a contradiction with the command line", "watch: {sample: 1/s}", "the policy stays as it was: "},
		{"a budget", "budget: {max-overhead: 1%, kill-switch: /off}", "FILE: budget.max-overhead from now on"},
		{"what the command line has", "budget: {max-overhead: 1%, kill-switch: /off}\nwatch: {without: [cgo]}",
			"FILE says what it said before"},
		{"both", "budget: {max-overhead: 2%}\nwatch: {stack-depth: 8}",
			"FILE: budget.max-overhead, budget.kill-switch from now on; " +
				"1 setting only after a restart: watch.stack-depth"},
		{"needs", "budget: {max-overhead: 2%, off-at-memory-stall: 20%, off-at-throttling: false}\n" +
			"watch: {stack-depth: 8}",
			"FILE: budget.off-at-memory-stall, budget.off-at-throttling from now on; 1 setting only"},
		{"the usual ones again", "budget: {max-overhead: 2%}\nwatch: {stack-depth: 8}",
			"FILE: budget.off-at-memory-stall, budget.off-at-throttling from now on; 1 setting only"},
		{"the other again", "budget: {max-overhead: 2%}\nwatch: {stack-depth: 8}",
			"FILE: 1 setting only after a restart: watch.stack-depth"},
	} {
		write(step.text)
		said, next := reloaded(opts, true)
		if !strings.HasPrefix(said, strings.ReplaceAll(step.says, "FILE", path)) || strings.Contains(said, "\n") {
			t.Errorf("%s: it says %q; want %q", step.name, said, step.says)
		}
		switch step.name {
		case "a budget":
			budget.MaxOverhead = 0.01
		case "both":
			budget = record.Budget{MaxOverhead: 0.02, KillSwitch: defaultKillSwitch}
		case "needs":
			budget.Need = governor.Need{Stalled: 0.2, NoThrottled: true}
		case "the usual ones again":
			budget.Need = governor.Need{}
		}
		if next != nil {
			opts = next
		}
		if got := opts.budget.record(); got != budget || len(opts.without.list) != 1 || opts.stackDepth != 0 {
			t.Errorf("%s: it records with %+v, without %v, stacks of %d", step.name, got, opts.without.list,
				opts.stackDepth)
		}
	}
	write("budget: {max-overhead: 7%}")
	if said, next := reloaded(opts, false); next != nil || !strings.Contains(said, "after a restart") {
		t.Errorf("a recording that nothing governs follows a budget: %s", said)
	}
}
