package record

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/gobin"
)

func TestABinaryIsCheckedWithoutAMachine(t *testing.T) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	c, err := CheckBinary(shell)
	if err != nil {
		t.Fatal(err)
	}
	if c.Recordable() || c.Obstacles[0].Step != StepBinary || !errors.Is(c.Obstacles[0].Err, gobin.ErrNotGo) ||
		!Unsupported(c.Obstacles[0].Err) {
		t.Errorf("a shell is met with %v; want that it is not Go", c.Obstacles)
	}
	if c.Binary != nil || c.Caller != nil || c.Kernel != nil {
		t.Errorf("something is known of it: %+v", c)
	}
	_, err = CheckBinary(filepath.Join(t.TempDir(), "nothing"))
	if !errors.Is(err, fs.ErrNotExist) || Unsupported(err) {
		t.Errorf("of a file that is not there the error is %v", err)
	}
}

func TestCheckSaysWhatAProcessIs(t *testing.T) {
	testenv.RequireBPF(t)
	c, err := Check(CheckOptions{PID: os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	if !c.Recordable() || c.Kernel == nil || c.Caller == nil || c.Release == "" {
		t.Errorf("the machine cannot record: %+v", c)
	}
	if c.Process == nil || c.Process.PID != os.Getpid() || c.Process.Threads == 0 {
		t.Errorf("the process is %+v", c.Process)
	}
	if c.Binary == nil || c.Binary.GoVersion != runtime.Version() || c.Binary.Arch != runtime.GOARCH ||
		!c.Binary.Tested {
		t.Errorf("the binary is %+v", c.Binary)
	}
	if len(c.Probes) == 0 || len(c.Coverage) == 0 {
		t.Errorf("the probes are %v and cover %v", c.Probes, c.Coverage)
	}
}
