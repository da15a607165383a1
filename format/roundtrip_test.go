package format

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// testMeta is metadata with every kind of field set.
func testMeta() Metadata {
	return Metadata{
		SchemaVersion: SchemaVersion, Source: SourceEBPF, Recorder: "gosched test", Host: "host", Clock: "boottime",
		ClockOffsetNS: -5, StartNS: 1000, EndNS: 1 << 40, EndReason: "asked to", Lost: 3,
		Processes: []Process{{PID: 42, Command: "server", GoVersion: "go1.26", GOMAXPROCS: 2, CPUQuota: 1.5,
			Coverage: []Coverage{{TransitionPark, true, ""}, {TransitionCgo, false, "switched off"}}}},
	}
}

// interner names strings: a writer, a recording or a Memory.
type interner interface {
	Reasons() *Strings
	Stacks() *Strings
}

// randomBatch makes n events with every column at random, null or not as the spec allows any kind.
func randomBatch(rng *rand.Rand, in interner, n int, from int64) *Batch {
	b := new(Batch)
	t := from
	for range n {
		t += rng.Int64N(3000)
		e := Event{
			TimeNS: t, Kind: Kind(rng.IntN(NumKinds) * rng.IntN(2)), PID: Unknown, TID: rng.Int32N(9),
			CPU: rng.Int32N(4) - 1, Proc: rng.Int32N(300) - 1,
			GoID: GoID(rng.Int64N(1 << rng.IntN(40))), From: State(rng.IntN(len(stateSpecs))),
			To: State(rng.IntN(len(stateSpecs))),
		}
		if rng.IntN(2) == 0 {
			e.Reason = in.Reasons().Intern(fmt.Sprintf("reason %d", rng.IntN(20)))
			e.ByGoID = GoID(rng.Int64N(100))
			e.Object = int64(rng.IntN(3)) << rng.IntN(60)
			e.Weight = int32(rng.IntN(3)) << rng.IntN(8)
		}
		if rng.IntN(3) == 0 {
			e.Stack = in.Stacks().Intern(fmt.Sprintf("main.main m.go:1;f %d", rng.IntN(700)))
			e.ByStack = in.Stacks().Intern(strings.Repeat("x;", rng.IntN(50)))
		}
		if e.Kind == KindRange || e.Kind == KindGap || rng.IntN(100) == 0 {
			e.EndNS = t + rng.Int64N(1e5)
		}
		b.Append(e)
	}
	return b
}

// text is the trace's text twin, to compare traces by.
func text(t *testing.T, tr Trace, sel Selection) string {
	t.Helper()
	var buf bytes.Buffer
	if err := WriteText(context.Background(), &buf, tr, sel); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// memoryOf is a Memory of events that were numbered by tables.
func memoryOf(meta Metadata, in interner, batches ...*Batch) *Memory {
	m := NewMemory(meta)
	m.tables = tables{in.Reasons(), in.Stacks()}
	for _, b := range batches {
		m.Events.AppendBatch(b, 0, b.Len())
	}
	return m
}

func TestFileHoldsWhatWasWritten(t *testing.T) {
	for _, c := range []struct {
		name string
		rows []int
		opts WriterOptions
	}{
		{"no events", nil, WriterOptions{}},
		{"one event", []int{1}, WriterOptions{}},
		{"many small batches and pages", []int{5, 100, 1, 64, 7, 1000}, WriterOptions{PageRows: 64, GroupRows: 256}},
		{"a page of odd length", []int{999}, WriterOptions{PageRows: 1 << 10}},
		{"large pages", []int{30000, 50000}, WriterOptions{}},
		{"many goroutines", []int{200000}, WriterOptions{PageRows: 1 << 15}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(len(c.rows))))
			var buf bytes.Buffer
			w, err := NewWriter(&buf, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			var all []*Batch
			last := int64(1e18)
			for _, n := range c.rows {
				b := randomBatch(rng, w, n, last)
				last = b.TimeNS[n-1]
				all = append(all, b)
				if err := w.Write(b); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(testMeta()); err != nil {
				t.Fatal(err)
			}
			r, err := NewReader("test", bytes.NewReader(buf.Bytes()), int64(buf.Len()))
			if err != nil {
				t.Fatal(err)
			}
			want := memoryOf(testMeta(), w, all...)
			if !reflect.DeepEqual(r.Metadata(), want.Metadata()) {
				t.Errorf("metadata %+v, want %+v", r.Metadata(), want.Metadata())
			}
			compareText(t, text(t, r, Selection{}), text(t, want, Selection{}))
		})
	}
}

// compareText says where two text twins differ first.
func compareText(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("line %d:\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	t.Fatalf("%d lines, want %d", len(g), len(w))
}

func TestRecordingJoinsIntoOneFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "trace.parquet")
	now := time.Unix(0, 0)
	rec, err := Create(path, testMeta(), RecordingOptions{SegmentRows: 70000, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var all []*Batch
	last := int64(1e18)
	for range 60 {
		b := randomBatch(rng, rec, 1+rng.IntN(9000), last)
		last = b.TimeNS[b.Len()-1]
		all = append(all, b)
		if err := rec.Write(b); err != nil {
			t.Fatal(err)
		}
		now = now.Add(300 * time.Millisecond)
	}
	segments, err := Open(rec.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if segments.Rows() == 0 || len(segments.inputs) < 5 {
		t.Fatalf("%d rows in %d segments", segments.Rows(), len(segments.inputs))
	}
	if err := rec.Close(testMeta()); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%d entries left in the folder, want the trace alone", len(left))
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	compareText(t, text(t, r, Selection{}), text(t, memoryOf(testMeta(), rec, all...), Selection{}))
}

func TestTextIsReadBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	m := NewMemory(testMeta())
	m.Events = *randomBatch(rng, m, 3000, 1e18)
	first := text(t, m, Selection{})
	parsed, err := ParseText(strings.NewReader(first))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(parsed.Meta, m.Meta) {
		t.Errorf("metadata %+v, want %+v", parsed.Meta, m.Meta)
	}
	compareText(t, text(t, parsed, Selection{}), first)
}
