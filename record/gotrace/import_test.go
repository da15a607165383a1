package gotrace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
)

// memory takes an import.
type memory struct{ *format.Memory }

func (m memory) Write(b *format.Batch) error {
	m.Events.AppendBatch(b, 0, b.Len())
	return nil
}

func read(data []byte) (*format.Memory, *Summary, error) {
	m := format.NewMemory(format.Metadata{})
	s, err := Import(context.Background(), bytes.NewReader(data), memory{m}, Options{Recorder: "test"})
	if err == nil {
		m.Meta = s.Metadata
	}
	return m, s, err
}

// traced is the trace of this process at some work.
func traced(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := trace.Start(&out); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	c := make(chan int)
	for range 4 {
		wg.Go(func() {
			for range c {
				mu.Lock()
				time.Sleep(time.Microsecond)
				mu.Unlock()
			}
		})
	}
	for n := range 200 {
		c <- n
	}
	close(c)
	wg.Wait()
	trace.Stop()
	return out.Bytes()
}

func TestTheTraceSaysWhatItIs(t *testing.T) {
	before := time.Now()
	m, s, err := read(traced(t))
	if err != nil {
		t.Fatal(err)
	}
	if s.Events != m.Rows() || s.Events < 800 || s.Truncated != nil {
		t.Errorf("%d events, %d rows, truncated %v", s.Events, m.Rows(), s.Truncated)
	}
	if start := time.Unix(0, m.Meta.StartNS); start.Before(before.Add(-time.Second)) || start.After(time.Now()) {
		t.Errorf("it began at %v, in truth at %v", start, before)
	}
	p := m.Meta.Processes[0]
	if m.Meta.Source != format.SourceGoTrace || p.GOMAXPROCS == 0 || !strings.HasPrefix(p.GoVersion, "go1.") ||
		len(p.Coverage) != len(format.Transitions()) {
		t.Errorf("metadata %+v", m.Meta)
	}
	reasons := map[string]bool{}
	for _, r := range m.Events.Reason {
		reasons[m.Reasons().Lookup(r)] = true
	}
	for _, want := range []string{"chan receive", "sync.Mutex.Lock", "sleep"} {
		if !reasons[want] {
			t.Errorf("no wait for %q; there are %v", want, reasons)
		}
	}
	if wrong, err := format.Validate(context.Background(), m, 10); err != nil || len(wrong) > 0 {
		t.Errorf("%v, %v", wrong, err)
	}
}

func TestChangesOfGOMAXPROCSAreInTheTrace(t *testing.T) {
	was := runtime.GOMAXPROCS(2)
	defer runtime.GOMAXPROCS(was)
	var out bytes.Buffer
	if err := trace.Start(&out); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{30, 30, 1, 2} {
		runtime.GOMAXPROCS(n)
	}
	trace.Stop()
	m, _, err := read(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got := []string{fmt.Sprint("GOMAXPROCS ", m.Meta.Processes[0].GOMAXPROCS)}
	for i, kind := range m.Events.Kind {
		if kind == format.KindLimit {
			got = append(got, m.Reasons().Lookup(m.Events.Reason[i]))
		}
	}
	if want := []string{"GOMAXPROCS 2", "GOMAXPROCS 30", "GOMAXPROCS 1", "GOMAXPROCS 2"}; !slices.Equal(got, want) {
		t.Errorf("the trace has %q, want %q", got, want)
	}
	if wrong, err := format.Validate(context.Background(), m, 10); err != nil || len(wrong) > 0 {
		t.Errorf("%v, %v", wrong, err)
	}
}

func TestWhatIsNoTraceIsRefusedInASentence(t *testing.T) {
	old := append([]byte("go 1.21 trace\x00\x00\x00"), make([]byte, 100)...)
	for _, c := range []struct {
		name string
		data []byte
		want error
	}{{"nothing", nil, ErrNotTrace}, {"text", []byte("hello, this is some text"), ErrNotTrace},
		{"an old trace", old, ErrOld}} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := read(c.data)
			if !errors.Is(err, c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is %v; want %v", err, c.want)
			}
		})
	}
	if _, _, err := read([]byte("go 1.26 trace\x00\x00\x00")); err == nil {
		t.Error("a trace without anything is taken")
	}
}

func TestInterruptedImportEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	m := format.NewMemory(format.Metadata{})
	if _, err := Import(ctx, bytes.NewReader(traced(t)), memory{m}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestFilesOfOtherVersions(t *testing.T) {
	files, err := filepath.Glob("testdata/*.trace")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m, s, err := read(data)
			if err != nil {
				t.Fatal(err)
			}
			if s.Truncated != nil || m.Rows() == 0 {
				t.Errorf("%d rows, truncated %v", m.Rows(), s.Truncated)
			}
		})
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte("go 1.22 trace\x00\x00\x00"))
	files, _ := filepath.Glob("testdata/*.trace")
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			f.Add(data)
			f.Add(data[:len(data)/2])
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<20 {
			return
		}
		m, s, err := read(data)
		if err != nil {
			return
		}
		if s.Events != m.Rows() {
			t.Errorf("%d events, %d rows", s.Events, m.Rows())
		}
		last := int64(-1 << 63)
		for _, at := range m.Events.TimeNS {
			if at < last {
				t.Fatal("time runs backwards")
			}
			last = at
		}
	})
}

func BenchmarkImport(b *testing.B) {
	data := traced(b)
	b.SetBytes(int64(len(data)))
	var events int64
	for b.Loop() {
		_, s, err := read(data)
		if err != nil {
			b.Fatal(err)
		}
		events += s.Events
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds()/1e6, "Mevents/s")
}

func TestTheCallerSaysWhatTheTraceDoesNot(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	where := Where{Command: "go test", Host: "ci-1", Kernel: "6.18", Arch: "arm64", CPUModel: "fast", CPUs: 8,
		Machine: &format.MachineTime{BusyNS: 7}}
	tests := []struct {
		file string
		says bool // the trace itself says what time it was
	}{{"go1.23.12.trace", false}, {"go1.25.4.trace", true}}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", test.file))
			if err != nil {
				t.Fatal(err)
			}
			m := format.NewMemory(format.Metadata{})
			s, err := Import(t.Context(), bytes.NewReader(data), memory{m}, Options{Began: began, Where: where})
			if err != nil {
				t.Fatal(err)
			}
			meta := s.Metadata
			if got := meta.StartNS == began.UnixNano(); got == test.says {
				t.Errorf("it starts at %v, was told to have begun at %v", time.Unix(0, meta.StartNS), began)
			}
			if m.Events.TimeNS[0] < meta.StartNS || meta.EndNS < meta.StartNS ||
				meta.EndNS-meta.StartNS > int64(time.Minute) {
				t.Errorf("from %d to %d, the first event at %d", meta.StartNS, meta.EndNS, m.Events.TimeNS[0])
			}
			if strings.Contains(meta.Clock, "outside") == test.says {
				t.Errorf("the clock is %q", meta.Clock)
			}
			got := Where{meta.Processes[0].Command, meta.Host, meta.Kernel, meta.Arch, meta.CPUModel, meta.CPUs,
				meta.Machine}
			if got != where {
				t.Errorf("metadata has %+v; want %+v", got, where)
			}
		})
	}
}

// TestSamplesOfACPUProfileAreRows traces a program that profiles itself meanwhile.
func TestSamplesOfACPUProfileAreRows(t *testing.T) {
	var out bytes.Buffer
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := trace.Start(&out); err != nil {
		t.Fatal(err)
	}
	spin(300 * time.Millisecond)
	trace.Stop()
	pprof.StopCPUProfile()
	m, sum, err := read(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	n, spinning := 0, 0
	for i := range m.Events.Kind {
		e := m.Events.At(i)
		if e.Kind != format.KindSample {
			continue
		}
		n++
		if e.GoID != 0 && strings.Contains(m.Stacks().Lookup(e.Stack), "gotrace.spin ") {
			spinning++
		}
	}
	why, missing := sum.Metadata.Processes[0].Missing(format.TransitionSamples)
	if spinning == 0 || missing || why != "" || sum.Metadata.SamplePeriodNS != 10e6 {
		t.Errorf("%d samples, %d of who ran; missing %v (%s); period %d", n, spinning, missing, why,
			sum.Metadata.SamplePeriodNS)
	}
	if problems, err := format.Validate(t.Context(), m, 0); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

//go:noinline
func spin(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		for i := range 100_000 {
			spun += i * i
		}
	}
}

var spun int
