package blocking

import (
	"context"
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
