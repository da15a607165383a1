package record_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// BenchmarkAttach measures what a recording of a second costs of a process that does nothing: CPU
// of the recorder and time, from its start until it says that it records, and in all. The process
// is a small program and one of 80 MB, or that whose number GOSCHED_BENCH_PID is.
func BenchmarkAttach(b *testing.B) {
	testenv.RequireBPF(b)
	gosched := testenv.Gosched(b)
	if pid := os.Getenv("GOSCHED_BENCH_PID"); pid != "" {
		benchmarkAttach(b, gosched, pid)
		return
	}
	b.Run("small", func(b *testing.B) {
		s := startService(b, "-pingpong=false")
		benchmarkAttach(b, gosched, strconv.Itoa(s.pid()))
	})
	b.Run("80MB", func(b *testing.B) {
		cmd := exec.Command(bigProgram(b))
		in, err := cmd.StdinPipe()
		if err != nil {
			b.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		defer cmd.Wait()
		defer in.Close()
		benchmarkAttach(b, gosched, strconv.Itoa(cmd.Process.Pid))
	})
}

func benchmarkAttach(b *testing.B, gosched, pid string) {
	var begun, wall, cpu time.Duration
	for b.Loop() {
		cmd := exec.Command(gosched, "record", "-p", pid, "-d", "1s", "-f", "-o", filepath.Join(b.TempDir(),
			"t.parquet"))
		notes, err := cmd.StderrPipe()
		if err != nil {
			b.Fatal(err)
		}
		started := time.Now()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		line := make([]byte, 256)
		n, _ := notes.Read(line)
		if !bytes.HasPrefix(line, []byte("recording since ")) {
			b.Fatalf("the recorder says %q", line[:n])
		}
		begun += time.Since(started)
		var rest bytes.Buffer
		_, _ = rest.ReadFrom(notes)
		if err := cmd.Wait(); err != nil {
			b.Fatalf("%v: %s", err, &rest)
		}
		wall += time.Since(started)
		cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 / float64(b.N) }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(cpu), "cpu-ms/op")
	b.ReportMetric(ms(begun), "begun-ms/op")
	b.ReportMetric(ms(wall), "wall-ms/op")
}

// bigSource is a package of a program that is as large as servers are: many functions, which use
// fmt, maps, generics and what is inlined into them, and are all kept.
var bigSource = template.Must(template.New("big").Parse(`package p{{.Package}}

import (
	"fmt"
	"sort"
	"strings"
)

type value[T any] struct {
	it   T
	next *value[T]
}

func (v *value[T]) last() *value[T] {
	for v.next != nil {
		v = v.next
	}
	return v
}

func clamp(n int) int { return min(max(n, 0), 1<<20) }

{{range .Functions}}
func f{{.}}(n int, s []string) (m map[string]int, err error) {
	m = make(map[string]int)
	v := &value[[{{.}} + 1]int]{}
	for i := range clamp(n + {{.}}) {
		if i%({{.}}+2) == 1 {
			v.last().next = &value[[{{.}} + 1]int]{}
		}
		m[fmt.Sprintf("%d {{.}} %v", i, v)] = clamp(i * {{.}})
	}
	sort.Slice(s, func(a, b int) bool { return strings.Compare(s[a], s[b]) < clamp({{.}})-{{.}} })
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("f{{.}}: %v", r)
		}
	}()
	for k, x := range m {
		if strings.Contains(k, "{{.}}") && x < len(s) {
			s[x] += k
		}
	}
	return m, nil
}
{{end}}

// Functions are all.
var Functions = []func(int, []string) (map[string]int, error){ {{range .Functions}}f{{.}}, {{end}} }
`))

// bigProgram builds it. That takes a minute, once.
func bigProgram(b *testing.B) string {
	dir := filepath.Join(os.TempDir(), "gosched-big-program")
	exe := filepath.Join(dir, "big")
	if _, err := os.Stat(exe); err == nil {
		return exe
	}
	var imports, uses strings.Builder
	for p := range bigPackages {
		fmt.Fprintf(&imports, "\t\"big/p%d\"\n", p)
		fmt.Fprintf(&uses, "\tn += len(p%d.Functions)\n", p)
		var source bytes.Buffer
		functions := make([]int, bigFunctions)
		for i := range functions {
			functions[i] = i
		}
		if err := bigSource.Execute(&source, map[string]any{"Package": p, "Functions": functions}); err != nil {
			b.Fatal(err)
		}
		writeFile(b, filepath.Join(dir, fmt.Sprintf("p%d/p.go", p)), source.String())
	}
	writeFile(b, filepath.Join(dir, "go.mod"), "module big\n\ngo 1.26\n")
	writeFile(b, filepath.Join(dir, "main.go"), "package main\n\nimport (\n\t\"io\"\n\t\"os\"\n"+imports.String()+
		")\n\nfunc main() {\n\tn := 0\n"+
		uses.String()+"\tif n == 0 {\n\t\tos.Exit(1)\n\t}\n\t_, _ = io.Copy(io.Discard, os.Stdin)\n}\n")
	build := exec.Command("go", "build", "-o", exe, ".")
	build.Dir = dir
	if text, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, text)
	}
	return exe
}

const bigPackages, bigFunctions = 96, 250

func writeFile(b *testing.B, path, text string) {
	b.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRecordings measures a recording of a command after others of it, as record-ab makes
// them: CPU of the recorder, with programs that are loaded each time and with programs that are
// kept.
func BenchmarkRecordings(b *testing.B) {
	testenv.RequireBPF(b)
	exe := testenv.Build(b, testenv.Program{Name: "service"})
	for _, kept := range []bool{false, true} {
		b.Run(fmt.Sprintf("kept=%v", kept), func(b *testing.B) {
			opts := record.Options{Output: filepath.Join(b.TempDir(), "t.parquet")}
			if kept {
				opts.Programs = new(record.Programs)
				defer opts.Programs.Close()
				recordCommand(b, exe, opts)
			}
			before := cpuTime(b)
			for b.Loop() {
				recordCommand(b, exe, opts)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric((cpuTime(b)-before).Seconds()*1e3/float64(b.N), "cpu-ms/op")
		})
	}
}

// recordCommand records a command from its first instruction to its end.
func recordCommand(b *testing.B, exe string, opts record.Options) {
	b.Helper()
	if err := os.RemoveAll(opts.Output); err != nil {
		b.Fatal(err)
	}
	child, err := target.Start(b.Context(), []string{exe, "-procs=1"}, target.StartOptions{Stderr: os.Stderr})
	if err != nil {
		b.Fatal(err)
	}
	defer child.Close()
	opts.Ready = child.Resume
	if _, err := record.Record(b.Context(), opts, child.Process); err != nil {
		b.Fatal(err)
	}
	if _, err := child.Wait(); err != nil {
		b.Fatal(err)
	}
}

// cpuTime is that of this process.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
