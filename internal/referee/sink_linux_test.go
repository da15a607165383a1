package referee_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gosched/gosched/analyze/info"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/summary"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// live is a walk over a recording that goes on, which is asked now and then.
type live struct {
	*replay.Walk
	tb    testing.TB
	ask   func(*replay.Summary) any
	fed   int
	asked int
	open  int
}

func (l *live) Feed(b *format.Batch) error {
	err := l.Walk.Feed(b)
	if l.fed++; l.fed%4 == 0 && err == nil {
		l.asked++
		l.open += len(l.Open())
		document(l.tb, l.ask(l.Summary()))
	}
	return err
}

// everything makes the passes of all analyzers, and what asks them.
func everything() ([]replay.Pass, func(*replay.Summary) any) {
	passes, facts := summary.New(), info.New()
	return append(passes.All(), facts), func(sum *replay.Summary) any {
		return []any{facts.Result(sum), passes.Results(sum), passes.Recording(sum)}
	}
}

func document(tb testing.TB, result any) []byte {
	tb.Helper()
	doc, err := json.MarshalIndent(result, "", " ")
	if err != nil {
		tb.Fatal(err)
	}
	return doc
}

// TestAWalkOverARecordingThatGoesOnSaysWhatItsFileSays feeds all passes while a server is recorded,
// asks them meanwhile, and compares with what reading the trace afterwards gives.
func TestAWalkOverARecordingThatGoesOnSaysWhatItsFileSays(t *testing.T) {
	testenv.RequireBPF(t)
	cmd := exec.Command(testenv.Build(t, testenv.Program{Name: "service"}), "-clients", "2")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), cmd.Wait() })
	time.Sleep(200 * time.Millisecond) // so that it runs: one that begins does not yet know its GOMAXPROCS
	proc, err := target.Open(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()

	passes, ask := everything()
	sink := &live{Walk: replay.NewWalk(passes...), tb: t, ask: ask}
	path := filepath.Join(t.TempDir(), "t.parquet")
	opts := record.Options{Output: path, Duration: 3 * time.Second, Sink: sink}
	if _, err := record.Record(t.Context(), opts, proc); err != nil {
		t.Fatal(err)
	}
	if sink.asked < 3 || sink.open == 0 {
		t.Errorf("the walk was asked %d times, and %d spans were open then", sink.asked, sink.open)
	}
	got := document(t, ask(sink.Summary()))

	trace, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	passes, ask = everything()
	sum, err := replay.Run(t.Context(), trace, passes...)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Events < 1000 {
		t.Errorf("only %d events", sum.Events)
	}
	if want := document(t, ask(sum)); !bytes.Equal(got, want) {
		t.Errorf("the walk and the file differ: %s", firstDifference(got, want))
	}
}

// firstDifference is where two documents part.
func firstDifference(got, want []byte) string {
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(g), len(w)) {
		if !bytes.Equal(g[i], w[i]) {
			from := max(0, i-5)
			return string(bytes.Join(g[from:i+1], []byte("\n"))) + "\nand\n" + string(w[i])
		}
	}
	return "one is longer"
}
