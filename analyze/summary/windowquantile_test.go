package summary_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/latency"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/analyze/summary"
)

// TestWindowsGiveOnePercentile: a summary, and what is read of its file, say of windows what latency says.
func TestWindowsGiveOnePercentile(t *testing.T) {
	full := simsched.Load{Goroutines: 50, For: 10 * time.Second, Sites: 3,
		Wait:  func(x *simsched.At) float64 { return x.Exp(50e6) },
		Delay: func(x *simsched.At) float64 { return x.Exp(4e6) },
		Run:   func(x *simsched.At) float64 { return x.Exp(1e6) }}.Trace()
	var windows []simsched.Window
	for at := full.Meta.StartNS; at < full.Meta.EndNS; at += 500e6 {
		windows = append(windows, simsched.Window{Begin: at, End: at + 20e6})
	}
	cut := simsched.Cut(full, windows, true)
	pass := latency.New()
	sum, err := replay.Run(context.Background(), cut, pass)
	if err != nil {
		t.Fatal(err)
	}
	made, err := summary.Of(context.Background(), cut)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := summary.Write(&file, []*summary.Recording{made}); err != nil {
		t.Fatal(err)
	}
	read, err := summary.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	known, open := 0, 0
	key := summary.Key{Measure: summary.MeasureDelay, By: summary.ByTotal}
	for i, p := range pass.Result(sum).Total.Percentiles {
		for _, r := range append(read, made) {
			v, ok := r.Quantile(key, latency.DefaultPercentiles[i])
			if ok != (p.NS != nil) || ok && v != *p.NS {
				t.Errorf("%s is %d (%v), and latency says %v", p.Name, v, ok, p.NS)
			}
			if ok {
				known++
			} else {
				open++
			}
		}
	}
	if known == 0 || open == 0 {
		t.Errorf("%d percentiles are known, %d are not: want some of each", known, open)
	}
	key.Measure = summary.MeasureRunning
	if v, ok := made.Quantile(key, stats.P50); ok {
		t.Errorf("runs have a median of %d, which windows do not give", v)
	}
}
