package blocking

import (
	"context"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/format"
)

// TestWindowsHoldTheWhole: what windows say of the times by state, reason and place in the whole
// recording holds those.
func TestWindowsHoldTheWhole(t *testing.T) {
	passtest.Windows(t, func(t *testing.T, full, cut *format.Memory, held *passtest.Held) {
		rows := map[[4]string]*Spent{}
		whole := spentOf(t, full)
		for i := range whole {
			s := &whole[i]
			rows[[4]string{s.By, s.Name, s.Stack}] = s
		}
		for _, s := range spentOf(t, cut) {
			w := rows[[4]string{s.By, s.Name, s.Stack}]
			if w == nil || s.Scaled == nil || s.By == "entry" {
				continue
			}
			name := s.By
			if s.Name == classRunning {
				name = classRunning
			} else {
				held.Note(name+" count", w.Count+w.Censored, s.Scaled.CountInterval)
			}
			held.Note(name+" time", w.SumNS+w.CensoredSumNS, s.Scaled.NSInterval)
			for q, in := range s.intervals {
				if ns := w.Percentiles[q].NS; ns != nil {
					held.Note(name+" "+s.Percentiles[q].Name, *ns, ends(in.Lo, in.Hi, in.LoDefined, in.HiDefined))
				}
			}
		}
	})
}

func ends(lo, hi int64, loKnown, hiKnown bool) (out [2]*int64) {
	if loKnown {
		out[0] = &lo
	}
	if hiKnown {
		out[1] = &hi
	}
	return out
}

func spentOf(t *testing.T, trace *format.Memory) []Spent {
	t.Helper()
	p := New()
	sum, err := replay.Run(context.Background(), trace, p)
	if err != nil {
		t.Fatal(err)
	}
	return p.Result(sum).Spent
}

// TestAveragesOfUnreadWindowsAreAtLeast: who did nothing in a window in which goroutines were not read
// is not in the averages, which say so.
func TestAveragesOfUnreadWindowsAreAtLeast(t *testing.T) {
	const text = `gosched text trace 1
metadata {"schema_version":4,"source":"ebpf","start_ns":1000000000,"end_ns":1010000000,"processes":[{"pid":1}]}
covered all
base 1000000000
START1000000 gap pid=1 end_ns=5000000 reason=budget
WINDOW6000000 g2 waiting->runnable pid=1 tid=11 proc=0 reason="chan receive"
7000000 g2 runnable->running pid=1 tid=11 proc=0
`
	const still = " snapshot g3 _->waiting pid=1 reason=select\n"
	for _, read := range []bool{false, true} {
		rows := strings.NewReplacer("START", "", "WINDOW", "")
		if read {
			rows = strings.NewReplacer("START", "0"+still, "WINDOW", "5000010"+still)
		}
		trace, err := format.ParseText(strings.NewReader(rows.Replace(text)))
		if err != nil {
			t.Fatal(err)
		}
		p := New()
		sum, err := replay.Run(context.Background(), trace, p)
		if err != nil {
			t.Fatal(err)
		}
		lead := strings.Join(p.Result(sum).Lead, " ")
		if strings.Contains(lead, "Blocked: ≥") == read {
			t.Errorf("windows read: %v, and it says %q", read, lead)
		}
	}
}
