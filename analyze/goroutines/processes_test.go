package goroutines_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/gosched/gosched/analyze/goroutines"
	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/golden"
)

// TestEachProcessHasItsGoroutines asks of a trace with a second process that does the same, with
// the same ids: each has the groups and verdicts that it has alone.
func TestEachProcessHasItsGoroutines(t *testing.T) {
	passtest.Each(t, "testdata/groups/*.trace", func(t *testing.T, _ string, trace *format.Memory) {
		one, two := analyze(t, trace, nil), analyze(t, passtest.Doubled(trace), nil)
		for _, p := range trace.Meta.Processes {
			alone := groupsOf(one, p.PID)
			for _, pid := range []int32{p.PID, passtest.Twin(p.PID)} {
				if got := groupsOf(two, pid); !reflect.DeepEqual(got, alone) {
					t.Errorf("process %d has the groups\n%+v\nalone it has\n%+v", pid, got, alone)
				}
			}
		}
	})
}

// groupsOf are a process's groups, as they are printed and without its number.
func groupsOf(r *goroutines.Result, pid int32) []string {
	var out []string
	for _, g := range r.Groups {
		if g.PID == pid {
			g.PID = 0
			text, err := json.Marshal(g)
			if err != nil {
				panic(err)
			}
			out = append(out, string(text))
		}
	}
	return out
}

// TestGoroutinesOfAProcessThatEndedWereAliveThen has one process end early: its goroutines are told
// as they were then, and have waited until then.
func TestGoroutinesOfAProcessThatEndedWereAliveThen(t *testing.T) {
	r := analyze(t, golden.Trace(t, "../replay/testdata/processends.trace"), nil)
	for _, g := range r.Groups {
		switch {
		case g.PID == 1 && (g.State != "waiting" || g.OldestNS != 70):
			t.Errorf("of the process that ended: %s for %d ns", g.State, g.OldestNS)
		case g.PID == 2 && (g.State != "runnable" || g.OldestNS != 500):
			t.Errorf("of the process that goes on: %s for %d ns", g.State, g.OldestNS)
		}
	}
	if len(r.Groups) != 2 {
		t.Errorf("%d groups, want one a process", len(r.Groups))
	}
}

// TestRowsOfTwoProcessesSayWhoseTheyAre asks of two processes for what people read.
func TestRowsOfTwoProcessesSayWhoseTheyAre(t *testing.T) {
	trace := golden.Trace(t, "testdata/groups/verdicts.trace")
	one, two := analyze(t, trace, nil), analyze(t, passtest.Doubled(trace), nil)
	alone, beside := one.Document(goroutines.View{}), two.Document(goroutines.View{})
	for i, table := range beside.Tables {
		if len(table.Rows) == 0 {
			continue
		}
		if table.Columns[0] != "pid" || alone.Tables[i].Columns[0] == "pid" {
			t.Errorf("%s begins with the column %s, and of one process with %s", table.Title, table.Columns[0],
				alone.Tables[i].Columns[0])
		}
		whose := map[string]int{}
		for _, row := range table.Rows {
			whose[row[0].Text]++
		}
		if n := len(alone.Tables[i].Rows); len(whose) != 2 || whose["1"] != n || whose["1048577"] != n {
			t.Errorf("%s has rows of %v, want %d of each", table.Title, whose, n)
		}
	}
}
