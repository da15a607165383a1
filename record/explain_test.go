package record_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

func TestAProcessThatEndsWhileItsRecordingIsSetUpIsSaid(t *testing.T) {
	testenv.RequireBPF(t)
	cmd := exec.Command(testenv.Build(t, testenv.Program{Name: "still"}))
	p := testenv.Start(t, cmd)
	proc, err := target.Open(p.PID())
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "t.parquet")
	_, err = record.Record(t.Context(), record.Options{Output: out}, proc)
	if !errors.Is(err, record.ErrEnded) || strings.Count(err.Error(), ":") > 0 {
		t.Errorf("error %v, want one sentence that it ended", err)
	}
	if left, _ := filepath.Glob(out + "*"); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}
