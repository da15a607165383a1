package descriptor

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/internal/testenv"
)

// BenchmarkLook is the CPU time of one look at a process with 10,000 connections that nothing comes
// through: a recording looks ten times a second.
func BenchmarkLook(b *testing.B) {
	run, _ := start(b, testenv.Program{}, "-idle", "10000")
	l, _ := lookAt(b, run.PID())
	const pause = 100 * time.Millisecond
	began, looks := time.Now(), 0
	before := spent()
	for b.Loop() {
		if _, err := l.Look(); err != nil {
			b.Fatal(err)
		}
		looks++
		time.Sleep(pause)
	}
	used := spent() - before
	b.ReportMetric(float64(used.Microseconds())/float64(looks), "cpu-µs/look")
	b.ReportMetric(100*used.Seconds()/time.Since(began).Seconds(), "%cpu")
	b.ReportMetric(float64(len(l.polls.all)), "polls")
}

// spent is the CPU time of this process.
func spent() time.Duration {
	var u unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
