package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// TestBlockingShowsMovesAndRounds records a service whose probes come off for good, so that goroutines
// are sampled, and asks for what blocks it.
func TestBlockingShowsMovesAndRounds(t *testing.T) {
	testenv.RequireBPF(t)
	run := testenv.Start(t, exec.Command(testenv.Build(t, testenv.Program{Name: "service"}), "-procs=1"))
	run.Ask(t, "") // it runs
	proc, err := target.Open(run.PID())
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	path := filepath.Join(t.TempDir(), "t.parquet")
	_, err = record.Record(t.Context(), record.Options{
		Output: path, Duration: 3 * time.Second, Recorder: "test", MaxOverhead: 0.1, RarestWindow: time.Millisecond,
	}, proc)
	if err != nil {
		t.Fatal(err)
	}
	var text, document bytes.Buffer
	ask := func(out io.Writer, args ...string) {
		root := newRootCommand()
		root.SetArgs(args)
		root.SetOut(out)
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	ask(&text, "blocking", "--all", path)
	ask(&document, "blocking", "--json", path)
	var d struct {
		Spent  []json.RawMessage `json:"spent"`
		Rounds *struct {
			Processes []struct {
				Rounds int64 `json:"rounds"`
			} `json:"processes"`
		} `json:"rounds"`
	}
	if err := json.Unmarshal(document.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Spent) < 2 || d.Rounds == nil || len(d.Rounds.Processes) != 1 || d.Rounds.Processes[0].Rounds == 0 {
		t.Errorf("it says %s", document.String())
	}
	if !strings.Contains(text.String(), "From rounds, while no moves were recorded") {
		t.Errorf("the text does not show what rounds found: %s", text.String())
	}
}
