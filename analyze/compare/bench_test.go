package compare

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/gosched/gosched/analyze/compare/policy"
	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/internal/simsched"
	"github.com/gosched/gosched/analyze/summary"
	"github.com/gosched/gosched/format"
)

// perSide is how many recordings a side has in benchmarks.
const perSide = 10

// BenchmarkCompare compares recordings in memory.
func BenchmarkCompare(b *testing.B) {
	base, head := inTurns(plain(), plain(), perSide, 1)
	for b.Loop() {
		Compare(base, head, policy.Default())
	}
}

// BenchmarkReadSummariesAndCompare compares summary files of simulated recordings.
func BenchmarkReadSummariesAndCompare(b *testing.B) {
	var files [2]bytes.Buffer
	for side := range files {
		var recordings []*summary.Recording
		for i := range perSide {
			recording, err := summary.Of(context.Background(), simsched.New(simulated(200_000, side*perSide+i)))
			if err != nil {
				b.Fatal(err)
			}
			recordings = append(recordings, recording)
		}
		if err := summary.Write(&files[side], recordings); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(files[0].Len()+files[1].Len()), "bytes")
	for b.Loop() {
		var sides [2][]*summary.Recording
		for side := range files {
			recordings, err := summary.Read(bytes.NewReader(files[side].Bytes()), int64(files[side].Len()))
			if err != nil {
				b.Fatal(err)
			}
			sides[side] = recordings
		}
		Compare(sides[0], sides[1], policy.Default())
	}
}

// BenchmarkReadTracesAndCompare compares trace files, read two at a time as the command does.
// GOSCHED_BENCH_EVENTS is how many events each has.
func BenchmarkReadTracesAndCompare(b *testing.B) {
	events := passtest.Events(b, 500_000)
	dir := b.TempDir()
	for i := range 2 * perSide {
		passtest.WriteTrace(b, filepath.Join(dir, fmt.Sprint(i)), simulated(events, i))
	}
	b.ResetTimer()
	for range b.N {
		recordings := summarized(b, dir)
		Compare(recordings[:perSide], recordings[perSide:], policy.Default())
	}
	simsched.ReportRate(b, 2*perSide*events)
}

func simulated(events, seed int) simsched.Config {
	return simsched.Config{Seed: uint64(seed), Events: events, Goroutines: 100, Threads: true}
}

func summarized(b *testing.B, dir string) []*summary.Recording {
	recordings := make([]*summary.Recording, 2*perSide)
	next := make(chan int)
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for i := range next {
				trace, err := format.Open(filepath.Join(dir, fmt.Sprint(i)))
				if err != nil {
					b.Error(err)
					continue
				}
				if recordings[i], err = summary.Of(context.Background(), trace); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range recordings {
		next <- i
	}
	close(next)
	workers.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return recordings
}
