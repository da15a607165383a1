package record_test

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// TestGoroutinesAreThoseThatTheProcessKnows compares what is read from a process's memory with the
// dump that it makes of itself.
func TestGoroutinesAreThoseThatTheProcessKnows(t *testing.T) {
	testenv.RequireBPF(t) // root, to read another process
	for _, c := range []testenv.Program{
		{Name: "still"}, {Name: "still", Mode: testenv.Stripped}, {Name: "still", Mode: testenv.PIE},
		{Name: "still", Toolchain: "go1.18.10"}, {Name: "still", Toolchain: "go1.22.12"},
	} {
		t.Run(c.String(), func(t *testing.T) {
			pid, dump := still(t, testenv.Build(t, c))
			m := goroutines(t, pid)
			theirs := parseDump(dump)
			if len(theirs) < 15 {
				t.Fatalf("the process names %d goroutines\n%s", len(theirs), dump)
			}
			for i := range m.Events.GoID {
				checkGoroutine(t, m, i, theirs)
			}
			for id := range theirs {
				t.Errorf("goroutine %d was not read", id)
			}
		})
	}
}

func goroutines(t testing.TB, pid int) *format.Memory {
	t.Helper()
	proc, err := target.Open(pid)
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	m, err := record.Goroutines(t.Context(), proc, "test")
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := format.Validate(t.Context(), m, 10); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	return m
}

// checkGoroutine compares row i with the process's own words, which it then crosses off. The dump
// leaves out goroutines of the runtime.
func checkGoroutine(t *testing.T, m *format.Memory, i int, theirs map[int64]dumped) {
	t.Helper()
	id := int64(m.Events.GoID[i])
	stack, reason := m.Stacks().Lookup(m.Events.Stack[i]), m.Reasons().Lookup(m.Events.Reason[i])
	want, ok := theirs[id]
	if !ok {
		if !strings.HasPrefix(stack, "runtime.") {
			t.Errorf("goroutine %d is not in the process's dump: %s", id, stack)
		}
		return
	}
	delete(theirs, id)
	if want.state != reason && m.Events.To[i] == format.StateWaiting {
		t.Errorf("goroutine %d waits for %q; the process says %q", id, reason, want.state)
	}
	for _, f := range want.functions {
		if m.Events.To[i] == format.StateWaiting && !strings.Contains(stack, f+" ") {
			t.Errorf("goroutine %d: the stack lacks %s: %s", id, f, stack)
		}
	}
}

// still starts a program whose goroutines stand still, and gives its pid and its own dump of them.
func still(t testing.TB, path string, args ...string) (pid int, dump string) {
	t.Helper()
	p := testenv.Start(t, exec.Command(path, args...))
	var b strings.Builder
	for line := p.Line(t); line != "end of dump"; line = p.Line(t) {
		b.WriteString(line + "\n")
	}
	return p.PID(), b.String()
}

type dumped struct {
	state     string
	functions []string
}

var dumpHeader = regexp.MustCompile(`(?m)^goroutine (\d+) \[([^\],]*)[^\]]*\]:$`)

// parseDump reads what runtime.Stack writes.
func parseDump(dump string) map[int64]dumped {
	out := map[int64]dumped{}
	for _, part := range strings.Split(dump, "\n\n") {
		m := dumpHeader.FindStringSubmatch(part)
		if m == nil {
			continue
		}
		var id int64
		_, _ = fmt.Sscan(m[1], &id)
		d := dumped{state: m[2]}
		for line := range strings.Lines(part) {
			name, _, ok := strings.Cut(strings.TrimSpace(line), "(0x")
			if !ok {
				name, ok = strings.CutSuffix(strings.TrimSpace(line), "()")
			}
			if ok && strings.HasPrefix(name, "main.") {
				d.functions = append(d.functions, name)
			}
		}
		out[id] = d
	}
	return out
}

// BenchmarkGoroutines reads all goroutines of a process.
func BenchmarkGoroutines(b *testing.B) {
	path := testenv.Build(b, testenv.Program{Name: "still"})
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			pid, _ := still(b, path, "-more", fmt.Sprint(n))
			for b.Loop() {
				if m := goroutines(b, pid); m.Rows() < int64(n) {
					b.Fatalf("%d goroutines", m.Rows())
				}
			}
		})
	}
}
