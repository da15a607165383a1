package findings_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/blocking/findings"
	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// TestEachProcessHasItsFindings asks of a trace with a second process that does the same, with the
// same ids: each has the findings that it has alone.
func TestEachProcessHasItsFindings(t *testing.T) {
	passtest.Each(t, "testdata/*.trace", func(t *testing.T, _ string, trace *format.Memory) {
		one := passtest.Ask(t, trace, question).Result.(*findings.Result)
		two := passtest.Ask(t, passtest.Doubled(trace), question).Result.(*findings.Result)
		for _, p := range trace.Meta.Processes {
			alone := ofProcess(one, p.PID)
			for _, pid := range []int32{p.PID, passtest.Twin(p.PID)} {
				if got := ofProcess(two, pid); !reflect.DeepEqual(got, alone) {
					t.Errorf("process %d has the findings\n%+v\nalone it has\n%+v", pid, got, alone)
				}
				if n := told(two, fmt.Sprintf("process %d: ", pid)); n != 2*len(alone) {
					t.Errorf("process %d is named in %d rows of %d findings", pid, n, len(alone))
				}
			}
		}
	})
}

// told is how many rows of the tables have a text.
func told(r *findings.Result, text string) (n int) {
	for _, table := range r.Tables() {
		for _, row := range table.Rows {
			if slices.ContainsFunc(row, func(c report.Cell) bool { return strings.HasPrefix(c.Text, text) }) {
				n++
			}
		}
	}
	return n
}

// ofProcess are the findings of a process, without its number.
func ofProcess(r *findings.Result, pid int32) []findings.Finding {
	var out []findings.Finding
	for _, f := range r.Findings {
		if f.PID != nil && *f.PID == pid {
			f.PID = nil
			out = append(out, f)
		}
	}
	return out
}
