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
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	proc, err := target.Open(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	in.Close()
	if err := cmd.Wait(); err != nil {
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
