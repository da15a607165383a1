package record_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
)

// manySamples is a rate that is a hundred times the default, so that what samples cost stands out.
const manySamples = 100 * record.DefaultSamplesPerSecond

// BenchmarkSamples measures what on-CPU samples cost a saturated HTTP server that is recorded: its
// CPU time a request with many samples, less that without any, and the recorder's. Both are
// recorded in turns. A sample's cost times the default rate is the share of a busy CPU that it
// takes.
func BenchmarkSamples(b *testing.B) {
	testenv.RequireBPF(b)
	s := startService(b, "-pingpong=false", "-clients=8")
	var target, recorder, none []float64
	samples := int64(0)
	for range 10 * b.N {
		without, with := sampledWork(b, s, record.NoSamples), sampledWork(b, s, manySamples)
		requests := float64(with.served)
		target = append(target, (float64(with.cpuNS)-without.perRequest(without.cpuNS)*requests)/float64(with.samples))
		recorder = append(recorder,
			(float64(with.ownNS)-without.perRequest(without.ownNS)*requests)/float64(with.samples))
		none = append(none, without.perRequest(without.cpuNS))
		samples += with.samples
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(samples)/float64(10*b.N), "samples")
	b.ReportMetric(median(none), "bare-ns/request")
	b.ReportMetric(median(target), "target-ns/sample")
	b.ReportMetric(median(recorder), "recorder-ns/sample")
	b.ReportMetric(100*record.DefaultSamplesPerSecond*(median(target)+median(recorder))/1e9, "%-of-a-CPU")
}

// sampled is what the service did, and the recorder, in some time.
type sampled struct {
	work
	ownNS, samples int64
}

func (s sampled) perRequest(ns int64) float64 { return float64(ns) / float64(s.served) }

// sampledWork records the service with samples at that rate.
func sampledWork(b *testing.B, s *service, rate float64) sampled {
	b.Helper()
	stop := recordInBackground(b, s.pid(),
		record.Options{Output: filepath.Join(b.TempDir(), "t.parquet"), SamplesPerSecond: rate})
	time.Sleep(100 * time.Millisecond)
	own := ownTime(b)
	done := s.during(b, 700*time.Millisecond)
	own = ownTime(b) - own
	sum := stop()
	return sampled{done, own, sum.Samples * done.cpuNS / max(sum.Metadata.Machine.OwnNS, 1)}
}

// ownTime is the CPU time of this process, in which the recorder runs.
func ownTime(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
