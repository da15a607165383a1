package referee

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/fallback"
)

// TestMoveForMove runs programs under gosched record and Go's own tracer at once and compares what
// the two say: a selection of cells, or with GOSCHED_FULL_MATRIX=1 all of them, two at a time. The
// table of results goes to the file named by GOSCHED_REFEREE_REPORT. GOSCHED_REFEREE_KEEP names a
// folder to keep the traces of cells that fail in.
func TestMoveForMove(t *testing.T) {
	testenv.RequireBPF(t)
	gosched := testenv.Gosched(t)
	full := os.Getenv("GOSCHED_FULL_MATRIX") == "1"
	cells := selection()
	switch {
	case full:
		cells = fullMatrix()
	case testenv.Guest():
		cells = guestCells()
	}
	results := make([]*Result, len(cells))
	t.Run("cells", func(t *testing.T) {
		for i, cell := range cells {
			t.Run(cell.String(), func(t *testing.T) {
				if full {
					t.Parallel()
				}
				results[i] = judge(t, gosched, cell)
			})
		}
	})
	writeResults(t, results)
}

// TestProgramsForGuests builds what TestMoveForMove needs in a guest without a toolchain into the
// folder that GOSCHED_PREBUILD names, for the processor that GOSCHED_PREBUILD_ARCH names.
func TestProgramsForGuests(t *testing.T) {
	dir, arch := os.Getenv("GOSCHED_PREBUILD"), os.Getenv("GOSCHED_PREBUILD_ARCH")
	if dir == "" {
		t.Skip("GOSCHED_PREBUILD names no folder")
	}
	for _, cell := range guestCells() {
		testenv.Prebuild(t, dir, arch, cell.Program)
		testenv.PrebuildSource(t, dir, cell.Program.Toolchain, waitReasonsFile)
	}
}

// TestRecorderThatLeavesSomethingOutIsCaught has the recorder not look for one kind of transition
// and wants the comparison to miss it.
func TestRecorderThatLeavesSomethingOutIsCaught(t *testing.T) {
	testenv.RequireBPF(t)
	gosched := testenv.Gosched(t)
	for without, missing := range map[string]struct {
		program string
		kind    kind
	}{
		"yield":    {"yield", yield},
		"syscalls": {"syscalls", syscallIn},
		"ready":    {"channels", ready},
		"exit":     {"panics", kind{format.StateRunning, format.StateNotExist}},
	} {
		t.Run(without, func(t *testing.T) {
			bin := testenv.Build(t, testenv.Program{Name: missing.program})
			r := record(t, gosched, bin, 2, Options{}, "--without", without)
			if wrong := (Cell{Program: testenv.Program{Toolchain: "go1.26"}}).Complaints(r); len(wrong) == 0 {
				t.Errorf("recorded without %s, and the referee finds nothing wrong: %d moves %s are missing",
					without, r.kind(missing.kind).Missing, missing.kind)
			}
		})
	}
}

// TestFallbacksAgree records with each fall-back for older kernels, on a kernel that needs none.
func TestFallbacksAgree(t *testing.T) {
	testenv.RequireBPF(t)
	gosched := testenv.Gosched(t)
	for _, fallbacks := range []string{fallback.LegacyPrograms, fallback.PerfUprobes,
		fallback.LegacyPrograms + "," + fallback.PerfUprobes} {
		for i, name := range []string{"channels", "http", "syscalls", "gc", "coro", "cgo"} {
			t.Run(fallbacks+"/"+name, func(t *testing.T) {
				cell := Cell{testenv.Program{Name: name}, []int{allProcs[i%len(allProcs)]}}
				judge(t, gosched, cell, "--fallback", fallbacks)
			})
		}
	}
}

func writeResults(t *testing.T, results []*Result) {
	file := os.Getenv("GOSCHED_REFEREE_REPORT")
	if file == "" {
		return
	}
	var b bytes.Buffer
	results = slices.DeleteFunc(results, func(r *Result) bool { return r == nil })
	if err := WriteMatrix(&b, results); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// judge runs a cell's program once for each number of Ps, recorded with some flags, and adds up the
// reports.
func judge(t *testing.T, gosched string, cell Cell, flags ...string) *Result {
	bin := testenv.Build(t, cell.Program)
	opt := Options{WaitReasons: runtimeWaitReasons(t, cell.Program.Toolchain)}
	sum := &Result{Cell: cell, Report: newReport()}
	for _, procs := range cell.Procs {
		r := record(t, gosched, bin, procs, opt, flags...)
		if wrong := cell.Complaints(r); len(wrong) > 0 {
			t.Errorf("GOMAXPROCS=%d: %v\n%s", procs, wrong, r)
			for _, w := range wrong {
				sum.Complaints = append(sum.Complaints, fmt.Sprintf("GOMAXPROCS=%d: %s", procs, w))
			}
		}
		sum.Report.Add(r)
	}
	if lacking := lacks(cell, sum.Report); len(lacking) > 0 {
		t.Errorf("the program did not do what it is for: %v", lacking)
		sum.Complaints = append(sum.Complaints, lacking...)
	}
	return sum
}

// record runs a program once, recorded by both, and compares.
func record(t *testing.T, gosched, bin string, procs int, opt Options, flags ...string) *Report {
	t.Helper()
	return recordAs(t, func(*exec.Cmd) {}, gosched, bin, procs, opt, flags...)
}

// recordAs is record with the recorder's command changed by as.
func recordAs(t *testing.T, as func(*exec.Cmd), gosched, bin string, procs int, opt Options, flags ...string) *Report {
	t.Helper()
	dir := t.TempDir()
	ours, theirs := filepath.Join(dir, "trace.parquet"), filepath.Join(dir, "go.trace")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args := append([]string{"record", "-o", ours}, flags...)
	cmd := exec.CommandContext(ctx, gosched, append(args, "--", bin, "-trace", theirs)...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMAXPROCS=%d", procs))
	as(cmd)
	cmd.WaitDelay = 10 * time.Second // should the recorder be killed, its program may still hold the pipe
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("GOMAXPROCS=%d %s: %v\n%s", procs, cmd, err, out)
	}
	tracer := readGoTraceFile(t, theirs)
	recording, err := ReadOurs(t.Context(), ours)
	if err != nil {
		t.Fatal(err)
	}
	r := Compare(tracer, recording, opt)
	if keep := os.Getenv("GOSCHED_REFEREE_KEEP"); keep != "" && r.Agreement() < wantAgreement {
		t.Logf("kept %s", keepFiles(t, keep, ours, theirs, bin))
	}
	return r
}

func readGoTraceFile(t *testing.T, path string) *Recording {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rec, err := ReadGoTrace(f)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func keepFiles(t *testing.T, dir string, files ...string) string {
	t.Helper()
	dir, err := os.MkdirTemp(dir, "cell")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(f)), b, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
