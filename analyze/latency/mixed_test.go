package latency_test

import (
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/internal/simsched"
)

// TestWhyReasonsHaveNoPercentilesIsSaid: where many delays of windows have no reason, the table says
// that it is for that.
func TestWhyReasonsHaveNoPercentilesIsSaid(t *testing.T) {
	full := simsched.Load{Goroutines: 50, For: 10 * time.Second, Sites: 3,
		Wait:  func(x *simsched.At) float64 { return x.Exp(50e6) },
		Delay: func(x *simsched.At) float64 { return x.Exp(4e6) },
		Run:   func(x *simsched.At) float64 { return x.Exp(1e6) }}.Trace()
	var windows []simsched.Window
	for at := full.Meta.StartNS; at < full.Meta.EndNS; at += 500e6 {
		windows = append(windows, simsched.Window{Begin: at, End: at + 20e6})
	}
	below := ""
	for _, table := range analyze(t, simsched.Cut(full, windows, false)).Document().Tables {
		below += strings.Join(table.Below, "\n")
	}
	if !strings.Contains(below, "so that their reason is unknown") {
		t.Errorf("the tables say %q", below)
	}
}
