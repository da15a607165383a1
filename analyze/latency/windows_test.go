package latency_test

import (
	"testing"

	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/latency"
	"github.com/gosched/gosched/format"
)

// TestWindowsHoldTheWhole cuts windows out of recordings and asks both: what the windows say of the
// whole has to hold it.
func TestWindowsHoldTheWhole(t *testing.T) { passtest.Windows(t, holds) }

// holds compares what windows say with the whole.
func holds(t *testing.T, full, cut *format.Memory, held *passtest.Held) {
	t.Helper()
	whole, part := analyze(t, full), analyze(t, cut)
	rows := map[string]*latency.Row{}
	for i := range whole.Groups {
		rows[whole.Groups[i].By+whole.Groups[i].Name] = &whole.Groups[i]
	}
	rows[""] = &whole.Total
	for _, r := range append(part.Groups, part.Total) {
		w := rows[r.By+r.Name]
		if w == nil || r.By == "entry" {
			continue
		}
		for q, p := range r.Percentiles {
			if ns := w.Percentiles[q].NS; ns != nil {
				held.Note(r.By+" "+p.Name, *ns, p.Interval)
			}
		}
		held.Note(r.By+" count", w.Count+w.Censored, r.Scaled.CountInterval)
		held.Note(r.By+" time", w.SumNS+w.CensoredSumNS, r.Scaled.NSInterval)
	}
}
