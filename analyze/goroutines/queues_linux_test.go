package goroutines_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/goroutines"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
)

// TestWhoCannotWriteIsTheBottleneckAndNotIdle records a program whose logger writes to a pipe that
// is read slowly and then not at all.
func TestWhoCannotWriteIsTheBottleneckAndNotIdle(t *testing.T) {
	testenv.RequireBPF(t)
	p := testenv.Start(t, exec.Command(testenv.Build(t, testenv.Program{Name: "bottleneck"})))
	p.Line(t)
	out := filepath.Join(t.TempDir(), "t.parquet")
	record := exec.Command(testenv.Gosched(t), "record", "-d", "3s", "-o", out, "-p", strconv.Itoa(p.PID()))
	p.Ask(t, "go on")
	if text, err := record.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	trace, err := format.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	r := analyze(t, trace, nil)
	want := map[string]string{"main.logger": goroutines.Bottleneck, "main.handle": goroutines.Stuck,
		"main.serve": goroutines.Idle, "main.console": goroutines.Idle, "main.worker": goroutines.Idle,
		"main.feed": goroutines.Idle, "main.slowly": goroutines.Idle}
	met := map[string]bool{}
	for i := range r.Groups {
		g := &r.Groups[i]
		verdict, judged := want[g.Entry]
		if judged && g.Verdict != verdict {
			t.Errorf("%s is %q (%s), want %q", g.Entry, g.Verdict, g.Evidence, verdict)
		}
		met[g.Entry] = true
		if g.Entry == "main.logger" && (g.Awaited == nil || g.Awaited.Now != 12 ||
			!strings.Contains(g.Evidence, "in a blocked write to a pipe")) {
			t.Errorf("of the bottleneck is said: %s", g.Evidence)
		}
	}
	for name := range want {
		if !met[name] {
			t.Errorf("%s is not there: %s", name, fmt.Sprint(r.Lead))
		}
	}
}
