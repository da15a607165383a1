package requests_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/gosched/gosched/analyze/internal/passtest"
	"github.com/gosched/gosched/analyze/requests"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
)

// measured is what the server says of its handlers, or its clients of their requests.
type measured struct {
	Count, P50, P90, P99, Max int64
}

// TestCyclesAreTheRequestsThatTheServerCounts records a server that measures its handlers, with
// eBPF and with Go's own tracer at once, under a load that measures what it sees. A cycle has the
// handler in it, and more.
func TestCyclesAreTheRequestsThatTheServerCounts(t *testing.T) {
	testenv.RequireBPF(t)
	for _, c := range []struct {
		name string
		load []string
	}{
		{"kept connections", nil},
		{"a connection for each request", []string{"-close", "-requests", "100"}},
		{"more clients than Ps", []string{"-clients", "24", "-requests", "60"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server, client, traces := served(t, c.load)
			t.Logf("the server's handlers: %+v", server)
			t.Logf("its clients:           %+v", client)
			for _, trace := range traces {
				judge(t, trace, server, client)
			}
		})
	}
}

// judge compares the cycles in a trace with what the server and its clients measured.
func judge(t *testing.T, path string, server, client measured) {
	t.Helper()
	trace, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	r := passtest.Ask(t, trace, question).Result.(*requests.Result)
	var ours measured
	for _, g := range r.Groups {
		if g.Entry != "net/http.(*conn).serve" {
			continue
		}
		ours.Count += g.Count
		if g.Count > server.Count/2 {
			p := g.Percentiles
			ours.P50, ours.P90, ours.P99, ours.Max = *p[0].NS, *p[1].NS, *p[2].NS, *g.MaxNS
		}
	}
	name := filepath.Base(path)
	t.Logf("%-22s %+v", name+":", ours)
	if ours.Count != server.Count || ours.Count != client.Count {
		t.Errorf("%s: %d cycles of %d requests", name, ours.Count, server.Count)
	}
	for _, q := range []struct {
		name                string
		ours, atLeast, most int64
	}{
		{"p50", ours.P50, server.P50, client.P50 + client.P50/10 + slackNS},
		{"p90", ours.P90, server.P90, client.P90 + client.P90/10 + slackNS},
		{"p99", ours.P99, server.P99, ours.P99}, {"longest", ours.Max, server.Max, ours.Max},
	} {
		if q.ours < q.atLeast || q.ours > q.most {
			t.Errorf("%s: %s of cycles is %d ns; it cannot be below %d, and should not be above %d", name, q.name,
				q.ours, q.atLeast, q.most)
		}
	}
}

// slackNS is how much longer cycles may be than what clients saw of them: the goroutine has to come
// back to the top of its loop after it has answered. Of the slowest, on a busy machine, that may be
// anything.
const slackNS = 2_000_000

// served records a server under load. It gives what the server and the load measured, and the
// recordings: of eBPF, and of Go's tracer.
func served(t *testing.T, args []string) (server, client measured, traces []string) {
	t.Helper()
	dir := t.TempDir()
	program := testenv.Build(t, testenv.Program{Name: "requests"})
	goTrace, imported, recorded := filepath.Join(dir, "go.trace"), filepath.Join(dir, "go.parquet"),
		filepath.Join(dir, "ebpf.parquet")
	p := testenv.Start(t, exec.Command(program, "-serve", "-trace", goTrace))
	address := p.Line(t)
	stop := record(t, p.PID(), recorded)
	out, err := exec.Command(program, append([]string{"-load", address}, args...)...).Output()
	if err != nil {
		t.Fatalf("load: %v\n%s", err, out)
	}
	stop()
	decode(t, out, &client)
	decode(t, []byte(p.Ask(t, "print")), &server)
	if err := p.End(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(testenv.Gosched(t), "import", "-o", imported, goTrace).CombinedOutput(); err != nil {
		t.Fatalf("import: %v\n%s", err, out)
	}
	return server, client, []string{recorded, imported}
}

func decode(t *testing.T, text []byte, to *measured) {
	t.Helper()
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// record begins to record a process, and gives what ends that.
func record(t *testing.T, pid int, out string) (stop func()) {
	t.Helper()
	cmd := exec.Command(testenv.Gosched(t), "record", "-o", out, "-p", strconv.Itoa(pid))
	cmd.Dir = t.TempDir()
	messages, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(messages)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "recording since") {
			break
		}
	}
	return func() {
		t.Helper()
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		said := ""
		for lines.Scan() {
			said += fmt.Sprintln(lines.Text())
		}
		if err := cmd.Wait(); err != nil {
			t.Fatalf("record: %v\n%s", err, said)
		}
	}
}
