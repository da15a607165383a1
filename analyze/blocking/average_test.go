package blocking_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/replay"
)

// TestAveragesAreOfTheWatchedTime: as those of gosched latency are, windows or not.
func TestAveragesAreOfTheWatchedTime(t *testing.T) {
	full := simsched.Load{Goroutines: 50, For: 5 * time.Second, Sites: 3,
		Wait:  func(x *simsched.At) float64 { return x.Exp(50e6) },
		Delay: func(x *simsched.At) float64 { return x.Exp(4e6) },
		Run:   func(x *simsched.At) float64 { return x.Exp(1e6) }}.Trace()
	var windows []simsched.Window
	for at, n := full.Meta.StartNS, int64(1); at < full.Meta.EndNS; at, n = at+500e6, n+1 {
		windows = append(windows, simsched.Window{Begin: at, End: at + n*10e6})
	}
	pass := blocking.New()
	sum, err := replay.Run(context.Background(), simsched.Cut(full, windows, true), pass)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range pass.Result(sum).Spent {
		want := float64(s.SumNS+s.CensoredSumNS) / float64(sum.WatchedNS())
		if s.By == "class" && s.Name == "runnable" && math.Abs(s.Average-want) > 1e-9 {
			t.Errorf("%v runnable on average, want %v", s.Average, want)
		}
	}
}
