//go:build linux

package target

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

func TestParseMachineTime(t *testing.T) {
	tests := []struct {
		name, stat string
		want       MachineTime
	}{
		{"guests are in user and nice", "cpu  100 20 30 400 50 6 7 8 90 10\ncpu0 1 2 3 4 5 6 7 8 9 10\n",
			MachineTime{Busy: 1630 * time.Millisecond, Steal: 80 * time.Millisecond, Idle: 4500 * time.Millisecond}},
		{"without guests", "cpu 1 0 0 0 0 0 0 0", MachineTime{Busy: 10 * time.Millisecond}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, err := parseMachineTime(test.stat); err != nil || got != test.want {
				t.Errorf("parseMachineTime = %+v, %v; want %+v", got, err, test.want)
			}
		})
	}
	for _, stat := range []string{"", "cpu", "cpu 1 2 3", "intr 1 2 3 4 5 6 7 8 9", "cpu 1 2 3 4 5 6 7 x"} {
		if got, err := parseMachineTime(stat); err == nil {
			t.Errorf("%q is taken for %+v", stat, got)
		}
	}
}

func TestMachineTimePasses(t *testing.T) {
	before, err := ReadMachineTime()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for time.Since(began) < 200*time.Millisecond { // busy
	}
	after, err := ReadMachineTime()
	if err != nil {
		t.Fatal(err)
	}
	spent := after.Since(before)
	if spent.Busy+spent.Steal < 100*time.Millisecond {
		t.Errorf("a fifth of a second of work is %+v", spent)
	}
	if back := before.Since(after); back.Busy != 0 {
		t.Errorf("what went back did %+v", back)
	}
}

func TestCPUTime(t *testing.T) {
	own := open(t, os.Getpid())
	before, err := own.CPUTime()
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); time.Since(began) < 50*time.Millisecond; {
	}
	after, err := own.CPUTime()
	if err != nil || after <= before {
		t.Errorf("CPU time %v, then %v, %v", before, after, err)
	}
}

// TestCPUTimeOutlivesTheProcess wants a child's time until it is waited for, and not after.
func TestCPUTimeOutlivesTheProcess(t *testing.T) {
	child, err := Start(context.Background(), []string{"sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"},
		StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer child.Close()
	if err := child.Resume(); err != nil {
		t.Fatal(err)
	}
	<-child.Exited()
	spent, err := child.CPUTime()
	if err != nil || spent < time.Millisecond {
		t.Errorf("CPU time at its end is %v, %v", spent, err)
	}
	if _, err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := child.CPUTime(); !errors.Is(err, ErrNoProcess) {
		t.Errorf("after its end: %v; want ErrNoProcess", err)
	}
}
