package referee

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	recorder "github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/fallback"
	"github.com/gosched/gosched/record/target"
)

// severalCase are programs that are recorded at once.
type severalCase struct {
	name  string
	cells []Cell // each with one number of Ps
}

// severalCases are one file twice, whose goroutines have the same ids at the same addresses, and
// builds that have hardly an offset in common.
func severalCases() []severalCase {
	newest := testenv.Newest(len(testenv.Toolchains))
	channels := testenv.Program{Name: "channels"}
	return []severalCase{
		{"two of one file", []Cell{{channels, []int{2}}, {channels, []int{1}}}},
		{"three builds", []Cell{
			{testenv.Program{Name: "http", Toolchain: newest[0], Mode: testenv.PIE}, []int{2}},
			{testenv.Program{Name: "syscalls", Toolchain: newest[5]}, []int{2}},
			{testenv.Program{Name: "gc", Toolchain: newest[1], Mode: testenv.Stripped}, []int{1}},
		}},
	}
}

// TestSeveralProcessesMoveForMove records several processes at once and compares what the trace
// says of each with what its own tracer says.
func TestSeveralProcessesMoveForMove(t *testing.T) {
	testenv.RequireBPF(t)
	for _, fallbacks := range [][]string{
		nil, {fallback.LegacyPrograms}, {fallback.PerfUprobes},
	} {
		for _, c := range severalCases() {
			t.Run(fmt.Sprintf("%s%s", c.name, fallbacks), func(t *testing.T) { judgeSeveral(t, c.cells, fallbacks) })
		}
	}
}

// TestSeveralRunningProcessesMoveForMove attaches to two processes of one file that run already,
// and whose goroutines are read from memory. The work is in a plugin that both have opened.
func TestSeveralRunningProcessesMoveForMove(t *testing.T) {
	testenv.RequireBPF(t)
	toolchain := testenv.Toolchain(t)
	host, plugin := testenv.BuildPlugin(t, toolchain)
	dir := t.TempDir()
	var programs [2]*testenv.Running
	for i := range programs {
		programs[i] = testenv.Start(t, exec.Command(host, plugin, "-trace", tracerFile(dir, i)))
		programs[i].Tell(t, "open")
	}
	r := startRecording(t, programs[0].PID(), programs[1].PID())
	for _, p := range programs {
		p.Tell(t, "done")
	}
	r.end(t)
	for i := range programs {
		meta := r.compareProcess(t, toolchain, tracerFile(dir, i), i)
		if meta.Processes[i].PID != int32(programs[i].PID()) || len(meta.Snapshots) < len(programs) {
			t.Errorf("process %d is %d, with %d snapshots", i, meta.Processes[i].PID, len(meta.Snapshots))
		}
	}
}

func judgeSeveral(t *testing.T, cells []Cell, fallbacks []string) {
	dir := t.TempDir()
	ours := filepath.Join(dir, "trace.parquet")
	var built []string
	for _, cell := range cells {
		built = append(built, testenv.Build(t, cell.Program))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var procs []*target.Process
	var children []*target.Child
	for i, cell := range cells {
		child, err := target.Start(ctx, []string{built[i], "-trace", tracerFile(dir, i)},
			target.StartOptions{
				Env:    append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", cell.Procs[0])),
				Stderr: os.Stderr, Bound: true,
			})
		if err != nil {
			t.Fatal(err)
		}
		defer child.Close()
		procs, children = append(procs, child.Process), append(children, child)
	}
	sum, err := recorder.Record(ctx, recorder.Options{Output: ours, Fallbacks: fallbacks, Ready: func() error {
		for _, child := range children {
			if err := child.Resume(); err != nil {
				return err
			}
		}
		return nil
	}}, procs...)
	if err != nil {
		t.Fatal(err)
	}
	for _, child := range children {
		if code, err := child.Wait(); code != 0 || err != nil {
			t.Fatalf("a program ended with %d: %v", code, err)
		}
	}
	if sum.EndReason != recorder.EndExited || len(sum.Metadata.Processes) != len(cells) {
		t.Fatalf("ended with %q and %d processes", sum.EndReason, len(sum.Metadata.Processes))
	}
	for i, cell := range cells {
		judgeOne(t, ours, tracerFile(dir, i), cell, &sum.Metadata.Processes[i])
	}
}

func tracerFile(dir string, i int) string { return filepath.Join(dir, fmt.Sprintf("go%d.trace", i)) }

// judgeOne compares what a trace says of one of its processes.
func judgeOne(t *testing.T, ours, theirs string, cell Cell, p *format.Process) {
	t.Helper()
	if p.EndReason != recorder.EndExited || p.EndNS == 0 {
		t.Errorf("process %d ended with %q at %d", p.PID, p.EndReason, p.EndNS)
	}
	recording, err := ReadProcess(t.Context(), ours, p.PID)
	if err != nil {
		t.Fatal(err)
	}
	r := Compare(readGoTraceFile(t, theirs), recording,
		Options{WaitReasons: runtimeWaitReasons(t, cell.Program.Toolchain)})
	if wrong := cell.Complaints(r); len(wrong) > 0 {
		t.Errorf("%s: %s\n%s", cell, strings.Join(wrong, "\n"), r)
	}
	if !cell.V1() && r.Total.Missing+r.Total.Extra > 0 {
		t.Errorf("%s: %d moves are missing, %d extra", cell, r.Total.Missing, r.Total.Extra)
	}
	t.Logf("%s: %d moves in both, %d missing, %d extra", cell, r.Total.Matched, r.Total.Missing, r.Total.Extra)
}
