//go:build unix

package main

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/docs"
)

var update = flag.Bool("update", false, "write what commands print into README.md and TOUR.md")

// tourPages are the pages that show commands and what they print.
var tourPages = []string{"../../TOUR.md", "../../README.md"}

// tourFiles are what the commands of the pages read, by the names that they have there: a second of
// a NATS server that testdata/demo/load keeps busy, 300 ms of testdata/progs/diagnose in the case
// fsync-under-lock, built as journal, and summaries of six recordings each of
// testdata/progs/builds, without and with -regress lock, made by gosched record-ab.
var tourFiles = map[string]string{
	"trace.parquet":        "testdata/tour/trace.parquet",
	"journal.parquet":      "testdata/tour/journal.parquet",
	"base.summary.parquet": "testdata/summaries/base.summary.parquet",
	"head.summary.parquet": "testdata/summaries/head.summary.parquet",
}

// consoleBlock is a command on a page and what it prints. A live one is of a process of the moment.
var consoleBlock = regexp.MustCompile("(?s)(<!-- live: [^\n]*-->\n)?```console\n\\$ (.*?)\n(.*?)```\n")

// TestTheTourShowsWhatCommandsPrint types the commands of the pages that read files, and compares.
func TestTheTourShowsWhatCommandsPrint(t *testing.T) {
	dir, shown := tourFolder(t), 0
	for _, path := range tourPages {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		page := consoleBlock.ReplaceAllStringFunc(string(text), func(block string) string {
			parts := consoleBlock.FindStringSubmatch(block)
			if parts[1] != "" {
				return block
			}
			shown++
			return fmt.Sprintf("```console\n$ %s\n%s```\n", parts[2], typed(t, dir, parts[2]))
		})
		docs.Check(t, path, page, *update, "go test ./cmd/gosched -run Tour -update")
	}
	if shown < 7 {
		t.Errorf("the pages show what %d commands print; want at least 7", shown)
	}
}

// tourFolder has the files of the tour in it, and gosched in bin.
func tourFolder(t *testing.T) string {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	link(t, self, filepath.Join(dir, "bin", "gosched"))
	for name, path := range tourFiles {
		link(t, path, filepath.Join(dir, name))
	}
	return dir
}

func link(t *testing.T, path, name string) {
	path, err := filepath.Abs(path)
	if err == nil {
		err = os.Symlink(path, name)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// typed is what a command prints that is typed in a folder. It says nothing beside that.
func typed(t *testing.T, dir, command string) string {
	var out, notes bytes.Buffer
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &notes
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "TZ=UTC")
	if err := cmd.Run(); err != nil || notes.Len() > 0 || out.Len() == 0 {
		t.Errorf("%s: %v, it says %q and prints %d bytes", command, err, notes.String(), out.Len())
	}
	return out.String()
}

// TestTheTourShowsWhatSQLFinds counts by itself what the tour's query counts.
func TestTheTourShowsWhatSQLFinds(t *testing.T) {
	text, err := os.ReadFile("../../TOUR.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`│ ([^│]*?) +│ +(\d+) │ +([\d.]+) │\n`).FindAllStringSubmatch(string(text), -1)
	waits := countedWaits(t)
	if len(rows) != 4 {
		t.Fatalf("the page has %d rows; want 4", len(rows))
	}
	reasons := slices.SortedFunc(maps.Keys(waits), func(a, b string) int { return int(waits[b].ns - waits[a].ns) })
	for i, row := range rows {
		w := waits[reasons[i]]
		want := []string{reasons[i], fmt.Sprint(w.times), fmt.Sprintf("%.9f", float64(w.ns)/1e9)}
		if !slices.Equal(row[1:], want) {
			t.Errorf("row %d of the page is %q; want %q", i+1, row[1:], want)
		}
	}
}

type countedWait struct{ times, ns int64 }

// countedWaits are the waits of the tour's trace by reason: how often, and how long until the
// goroutine's next move.
func countedWaits(t *testing.T) map[string]countedWait {
	trace, err := format.Open(tourFiles["trace.parquet"])
	if err != nil {
		t.Fatal(err)
	}
	type since struct {
		reason string
		at     int64
	}
	waits, waiting := map[string]countedWait{}, map[format.GoID]since{}
	for b, err := range trace.Batches(t.Context(), format.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range b.GoID {
			if b.Kind[i] != format.KindGoroutine {
				continue
			}
			if s, ok := waiting[g]; ok {
				w := waits[s.reason]
				waits[s.reason] = countedWait{w.times, w.ns + b.TimeNS[i] - s.at}
				delete(waiting, g)
			}
			if b.To[i] == format.StateWaiting {
				s := since{trace.Reasons().Lookup(b.Reason[i]), b.TimeNS[i]}
				waiting[g], waits[s.reason] = s, countedWait{waits[s.reason].times + 1, waits[s.reason].ns}
			}
		}
	}
	return waits
}

// TestTheReadmeInstallsThisModule holds the path that people type.
func TestTheReadmeInstallsThisModule(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	module, _, _ := strings.Cut(strings.TrimPrefix(string(mod), "module "), "\n")
	if line := "\ngo install " + module + "/cmd/gosched@latest\n"; !strings.Contains(string(text), line) {
		t.Errorf("the README does not say %q", line)
	}
}
