package record

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gosched/gosched/format"
)

// notes is a sink that writes down what it is given.
type notes struct {
	calls           []string
	begun, ended    format.Metadata
	times           []int64
	reasons, stacks *format.Strings
	fails           string // the call that fails
}

var errNotes = errors.New("no room for notes")

func (n *notes) call(name string) error {
	n.calls = append(n.calls, name)
	if name == n.fails {
		return errNotes
	}
	return nil
}

func (n *notes) Begin(meta format.Metadata, reasons, stacks *format.Strings) error {
	n.begun, n.reasons, n.stacks = meta, reasons, stacks
	return n.call("begin")
}

func (n *notes) Feed(b *format.Batch) error {
	n.times = append(n.times, b.TimeNS...)
	return n.call("feed")
}

func (n *notes) End(meta format.Metadata) error {
	n.ended = meta
	return n.call("end")
}

// write writes three batches of two events each, and gives the trace's path.
func write(t *testing.T, n *notes) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.parquet")
	rec, err := format.Create(path, format.Metadata{}, format.RecordingOptions{
		Writer: format.WriterOptions{ResolutionNS: timeResolutionNS}})
	if err != nil {
		t.Fatal(err)
	}
	w := newWriter(traceFile{rec}, n)
	w.begin(format.Metadata{StartNS: 1000})
	b := new(format.Batch)
	for i := range int64(6) {
		e := format.NoEvent
		e.Kind, e.TimeNS, e.Reason = format.KindGap, 1000+7*i, rec.Reasons().Intern("lost")
		e.EndNS = e.TimeNS + 1
		if b.Append(e); i%2 == 1 && i < 5 {
			b = w.take(b)
		}
	}
	return path, w.close(format.Metadata{StartNS: 1000, EndNS: 2000}, b)
}

func TestASinkGetsWhatTheFileHas(t *testing.T) {
	n := new(notes)
	path, err := write(t, n)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"begin", "feed", "feed", "feed", "end"}; !slices.Equal(n.calls, want) {
		t.Errorf("the sink is called to %v; want %v", n.calls, want)
	}
	if n.begun.StartNS != 1000 || n.begun.EndNS != 0 || n.ended.EndNS != 2000 || n.reasons.Lookup(1) != "lost" {
		t.Errorf("it is told %+v and %+v; reason 1 is %q", n.begun, n.ended, n.reasons.Lookup(1))
	}
	trace, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var times []int64
	for b, err := range trace.Batches(t.Context(), format.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, b.TimeNS...)
	}
	if !slices.Equal(n.times, times) {
		t.Errorf("the sink's events are at %v, the file's at %v", n.times, times)
	}
}

func TestASinkThatFailsEndsTheRecordingAndNotTheFile(t *testing.T) {
	for call, want := range map[string][]string{
		"begin": {"begin", "end"}, "feed": {"begin", "feed", "end"}, "end": {"begin", "feed", "feed", "feed", "end"},
	} {
		n := &notes{fails: call}
		path, err := write(t, n)
		if !errors.Is(err, errNotes) {
			t.Errorf("%s fails, and closing says %v", call, err)
		}
		if !slices.Equal(n.calls, want) {
			t.Errorf("%s fails, and the sink is called to %v; want %v", call, n.calls, want)
		}
		trace, err := format.Open(path)
		if err != nil || trace.Rows() != 6 {
			t.Errorf("%s fails, and the file has not all events: %v", call, err)
		}
	}
}

// slow is a sink that takes nothing before it is told to.
type slow struct {
	notes
	let chan struct{}
}

func (s *slow) Feed(b *format.Batch) error {
	<-s.let
	return nil
}

func TestABacklogOfBatchesIsGivenBack(t *testing.T) {
	s := &slow{let: make(chan struct{})}
	rec, err := format.Create(filepath.Join(t.TempDir(), "t.parquet"), format.Metadata{}, format.RecordingOptions{
		Writer: format.WriterOptions{ResolutionNS: timeResolutionNS}})
	if err != nil {
		t.Fatal(err)
	}
	w := newWriter(traceFile{rec}, s)
	w.begin(format.Metadata{StartNS: 1000})
	used := map[*format.Batch]bool{}
	b := new(format.Batch)
	for i := range int64(queuedBatches) { // all of them wait
		used[b] = true
		e := format.NoEvent
		e.Kind, e.TimeNS, e.EndNS = format.KindGap, 1000+7*i, 1001+7*i
		b.Append(e)
		b = w.take(b)
	}
	close(s.let)
	if err := w.close(format.Metadata{StartNS: 1000, EndNS: 2000}, b); err != nil {
		t.Fatal(err)
	}
	if kept := len(w.empty); len(used) != queuedBatches || kept > spareBatches {
		t.Errorf("%d batches waited, and %d are kept", len(used), kept)
	}
}
