package record_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/fallback"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

// service is a running testdata/progs/service.
type service struct {
	*testenv.Running
	exe string
}

func startService(tb testing.TB, args ...string) *service {
	tb.Helper()
	exe := testenv.Build(tb, testenv.Program{Name: "service"})
	s := &service{testenv.Start(tb, exec.Command(exe, args...)), exe}
	tb.Cleanup(func() {
		if err := s.End(); err != nil {
			tb.Errorf("the service: %v", err)
		}
	})
	s.work(tb) // it runs
	return s
}

func (s *service) pid() int { return s.PID() }

// work is what the service has done.
type work struct{ rounds, served, cpuNS int64 }

func (a work) minus(b work) work {
	return work{a.rounds - b.rounds, a.served - b.served, a.cpuNS - b.cpuNS}
}

func (s *service) work(tb testing.TB) (w work) {
	tb.Helper()
	if _, err := fmt.Sscan(s.Ask(tb, ""), &w.rounds, &w.served, &w.cpuNS); err != nil {
		tb.Fatal(err)
	}
	return w
}

// during is the work done in some time.
func (s *service) during(tb testing.TB, d time.Duration) work {
	before := s.work(tb)
	time.Sleep(d)
	return s.work(tb).minus(before)
}

// pingPongEvents is how many transitions a round of ping-pong has: each of two goroutines is made
// ready, parks and runs.
const pingPongEvents = 6

// BenchmarkTarget measures what an event costs the recorded process: its CPU time a round of
// ping-pong, less that without probes, for an empty program on the same probe points and for the
// recorder with stacks of 8 frames and more, without and with each fall-back for older kernels.
func BenchmarkTarget(b *testing.B) {
	testenv.RequireBPF(b)
	s := startService(b, "-procs=1", "-depth=4")
	var none, empty, full, legacy, perf []float64
	recorded := func(fallbacks ...string) float64 {
		opts := record.Options{Output: filepath.Join(b.TempDir(), "t.parquet"), Fallbacks: fallbacks}
		defer recordInBackground(b, s.pid(), opts)()
		return cost(b, s)
	}
	for range 5 * b.N { // interleaved, so that the machine's moods hit all alike
		none = append(none, cost(b, s))
		detach := attachEmpty(b, s)
		empty = append(empty, cost(b, s))
		detach()
		full = append(full, recorded())
		legacy = append(legacy, recorded(fallback.LegacyPrograms))
		perf = append(perf, recorded(fallback.PerfUprobes))
	}
	base := median(none)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(base/pingPongEvents, "bare-ns/event")
	b.ReportMetric((median(empty)-base)/pingPongEvents, "empty-ns/event")
	b.ReportMetric((median(full)-base)/pingPongEvents, "full-ns/event")
	b.ReportMetric((median(full)-base)/(median(empty)-base), "full/empty")
	b.ReportMetric((median(legacy)-base)/(median(full)-base), "legacy/full")
	b.ReportMetric((median(perf)-base)/(median(full)-base), "perf-uprobes/full")
}

// cost is the CPU time of a round of ping-pong in ns.
func cost(b *testing.B, s *service) float64 {
	w := s.during(b, 400*time.Millisecond)
	return float64(w.cpuNS) / float64(w.rounds)
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// attachEmpty puts a program that does nothing on every probe point.
func attachEmpty(b *testing.B, s *service) (detach func()) {
	b.Helper()
	bin, err := gobin.Open(s.exe)
	if err != nil {
		b.Fatal(err)
	}
	defer bin.Close()
	points, _, err := bin.Probes()
	if err != nil {
		b.Fatal(err)
	}
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.Kprobe, AttachType: ebpf.AttachTraceUprobeMulti, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		b.Fatal(err)
	}
	opts := &link.UprobeMultiOptions{PID: uint32(s.pid())}
	for _, p := range points {
		opts.Addresses = append(opts.Addresses, p.FileOffset)
	}
	ex, err := link.OpenExecutable(s.exe)
	if err != nil {
		b.Fatal(err)
	}
	l, err := ex.UprobeMulti(nil, prog, opts)
	if err != nil {
		b.Fatal(err)
	}
	return func() { l.Close(); prog.Close() }
}

// recordInBackground records until stop is called, which gives the summary.
func recordInBackground(tb testing.TB, pid int, opts record.Options) (stop func() *record.Summary) {
	tb.Helper()
	proc, err := target.Open(pid)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	attached, done := make(chan struct{}), make(chan struct{})
	opts.Ready = func() error { close(attached); return nil }
	var sum *record.Summary
	var failed error
	go func() {
		defer close(done)
		sum, failed = record.Record(ctx, opts, proc)
	}()
	select {
	case <-attached:
	case <-done:
		tb.Fatal(failed)
	}
	return func() *record.Summary {
		cancel()
		<-done
		proc.Close()
		if failed != nil {
			tb.Error(failed)
		}
		return sum
	}
}

// BenchmarkRecorder measures the recorder: CPU time an event, memory, events lost and bytes an
// event, for as long as GOSCHED_BENCH_SECONDS says, at the rate that a ping-pong beside an HTTP
// load makes and for an HTTP server alone.
func BenchmarkRecorder(b *testing.B) {
	testenv.RequireBPF(b)
	seconds, err := strconv.Atoi(os.Getenv("GOSCHED_BENCH_SECONDS"))
	if err != nil {
		seconds = 10
	}
	for _, load := range []struct {
		name string
		args []string
	}{
		{"pingpong+http", []string{"-clients=4"}},
		{"http", []string{"-pingpong=false", "-clients=8"}},
	} {
		b.Run(load.name, func(b *testing.B) {
			gosched := testenv.Gosched(b)
			s := startService(b, load.args...)
			for range b.N {
				measureRecorder(b, gosched, s, seconds)
			}
		})
	}
}

func measureRecorder(b *testing.B, gosched string, s *service, seconds int) {
	out := filepath.Join(b.TempDir(), "t.parquet")
	idle := runRecorder(b, gosched, s, time.Millisecond, out+".idle")
	before := s.work(b)
	full := runRecorder(b, gosched, s, time.Duration(seconds)*time.Second, out)
	w := s.work(b).minus(before)
	events := float64(full.events)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(events/float64(seconds), "events/s")
	b.ReportMetric(float64(w.served)/float64(seconds), "requests/s")
	b.ReportMetric(float64(full.cpu-idle.cpu)/events, "cpu-ns/event")
	b.ReportMetric(float64(idle.cpu)/1e6, "startup-cpu-ms")
	b.ReportMetric(float64(full.lost), "lost")
	b.ReportMetric(float64(full.rssKiB)/1024, "rss-MiB")
	b.ReportMetric(float64(full.bytes)/events, "B/event")
}

// recorderRun is what a run of the command took and gave.
type recorderRun struct {
	events, lost, bytes int64
	cpu                 time.Duration
	rssKiB              int64
}

func runRecorder(tb testing.TB, gosched string, s *service, d time.Duration, out string) recorderRun {
	tb.Helper()
	cmd := exec.Command(gosched, "record", "-p", strconv.Itoa(s.pid()), "-d", d.String(), "-o", out, "--json")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		tb.Fatal(err)
	}
	var doc struct{ Events, Lost, Bytes int64 }
	if err := json.Unmarshal(text, &doc); err != nil {
		tb.Fatal(err)
	}
	u := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return recorderRun{doc.Events, doc.Lost, doc.Bytes, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		u.Maxrss}
}
