package format

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write FORMAT.md and the golden files")

// metadataMeanings says what the fields of the metadata's JSON are, by name; a dot leads into a
// list's elements.
var metadataMeanings = map[string]string{
	"schema_version":  "The version of this schema.",
	"source":          "How events were obtained: `ebpf` or `go trace`.",
	"recorder":        "Program and version that wrote the trace.",
	"host":            "Host name.",
	"kernel":          "Kernel release.",
	"arch":            "Architecture, as Go names it.",
	"cpu_model":       "Model of the CPUs.",
	"cpus":            "Number of CPUs.",
	"clock":           "The clock behind `time_ns`.",
	"clock_offset_ns": "`time_ns` minus that clock.",
	"clock_source":    "The kernel's name for the counter behind the clock.",
	"clock_step_ns": "How far the clock moves at least when it moves, in ns. Events within a step have " +
		"one time. Missing: it moves from each reading to the next, or was not measured.",
	"time_resolution_ns": "All times are multiples of it. Missing: 1 ns.",
	"start_ns":           "When the recording began. Nothing before was looked for.",
	"end_ns":             "When it ended. 0: the recorder was killed.",
	"end_reason":         "Why it ended.",
	"lost":               "Events lost, all of them inside `gap` rows.",
	"machine": "What all CPUs of the machine did while it was recorded, as the kernel accounts " +
		"for it, summed over CPUs; absent where it was not measured.",
	"machine.busy_ns":  "Any process, the kernel, interrupts.",
	"machine.steal_ns": "The hypervisor ran something else.",
	"machine.idle_ns":  "Nothing to do, or only disks to wait for.",
	"machine.own_ns": "Of `machine.busy_ns`, the recorded processes; of a Go trace with what they " +
		"started and awaited. It is counted more finely and may be a few clock ticks more than it. 0: not known.",
	"snapshots": "The readings of the process's goroutines from its memory, in order of time. Each " +
		"row of one is of a moment in it. Missing: it was not said.",
	"snapshots.begin_ns": "When the reading began.",
	"snapshots.end_ns":   "When it ended.",
	"snapshots.at_end":   "Whether it was made at the end of the recording. Missing: at its beginning.",
	"snapshots.goroutines": "Goroutines that it found alive. Not all have a row: at the beginning, what a " +
		"goroutine does says what it was.",
	"snapshots.unread": "Places of goroutines that it did not look at, because the time was up. Missing: none.",
	"snapshots.unsure": "Of `snapshots.goroutines`, those left out because it was not certain that the " +
		"memory showed what was so then. Missing: none.",
	"lost_stacks":          "Events whose stack is null because the stack was lost.",
	"max_stack_depth":      "Frames a stack has at most. 0: stacks were not recorded.",
	"processes":            "The recorded processes.",
	"processes.pid":        "PID, as the root PID namespace numbers it.",
	"processes.command":    "Command line or name.",
	"processes.executable": "Path of the executable, as the process sees it.",
	"processes.go_version": "The Go version the executable was built with.",
	"processes.build_id":   "The executable's build id.",
	"processes.gomaxprocs": "GOMAXPROCS when the recording began; of a command that was recorded from its " +
		"start, the first that was seen. `limit` rows say what it was later.",
	"processes.cpu_quota": "CPUs that the cgroup could use when the recording began. Missing: no limit. " +
		"`limit` rows say what it was later.",
	"processes.coverage": "Which transitions can be in the trace.",
	"processes.coverage.name": "Kind of transition: create, run, park, ready, yield, exit, syscalls, coroutines, " +
		"cgo, gc, kernel, stacks.",
	"processes.coverage.covered": "Whether it can be in the trace.",
	"processes.coverage.why":     "Why not, or what to know about it.",
	"processes.modules": "Go code that is not in the executable: plugins, or a library in a program that " +
		"is not Go.",
	"processes.modules.path":     "Path of the file, as the process sees it.",
	"processes.modules.build_id": "The file's build id.",
	"processes.modules.runtime":  "The recorded Go runtime is in it, not in the executable.",
	"processes.modules.found_ns": "When it was found, on the clock of `time_ns`. Missing: before the recording began.",
	"processes.modules.other":    "It has another Go runtime, whose goroutines are not in the trace.",
	"processes.modules.why": "Why its functions are not known: in stacks each is the file's name in brackets. " +
		"Missing: they are known.",
	"processes.modules.stacks": "Events with such functions in their stacks.",
}

func TestFormatMDIsWhatTheSpecSays(t *testing.T) {
	got := formatMD(t)
	if *update {
		if err := os.WriteFile("FORMAT.md", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("FORMAT.md differs from the spec; run: go test ./format -run FormatMD -update")
	}
}

// formatMD makes FORMAT.md.
func formatMD(t *testing.T) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, mdIntro, SchemaVersion)
	out.WriteString("## Columns\n\n| column | type | encoding | null | meaning |\n|---|---|---|---|---|\n")
	for i := range specs {
		s := &specs[i]
		null := "never"
		if s.nullable() {
			null = "where unknown"
		}
		fmt.Fprintf(&out, "| `%s` | %s | %s | %s | %s |\n", s.name, mdTypes[s.typ], s.encoding, null, s.meaning)
	}
	out.WriteString("\nEncodings:\n\n")
	for _, e := range encodingSpecs {
		fmt.Fprintf(&out, "- **%s**: %s.\n", e.name, e.meaning)
	}
	out.WriteString("\n## Kinds of events\n\n| `kind` | meaning |\n|---|---|\n")
	for _, k := range kindSpecs {
		fmt.Fprintf(&out, "| `%s` | %s |\n", k.name, k.meaning)
	}
	writeUses(&out)
	out.WriteString("\n## States\n\n| state | meaning |\n|---|---|\n")
	for _, s := range stateSpecs[1:] {
		fmt.Fprintf(&out, "| `%s` | %s |\n", s.name, s.meaning)
	}
	out.WriteString(mdMoves)
	writeMetadata(t, &out)
	out.WriteString(mdRest)
	return out.Bytes()
}

var mdTypes = []string{"int32", "int64", "string"}

// writeUses writes which columns which kind has.
func writeUses(out *bytes.Buffer) {
	out.WriteString("\nWhich columns have a value: ● always, ○ where known, blank never.\n\n| column |")
	for _, k := range kindSpecs {
		fmt.Fprintf(out, " %s |", k.name)
	}
	out.WriteString("\n|---|" + strings.Repeat("---|", numKinds) + "\n")
	for i := range specs {
		fmt.Fprintf(out, "| `%s` |", specs[i].name)
		for _, u := range specs[i].uses {
			fmt.Fprintf(out, " %s |", map[use]string{must: "●", may: "○", never: ""}[u])
		}
		out.WriteString("\n")
	}
}

// writeMetadata writes the metadata's fields; a field without a meaning fails the test.
func writeMetadata(t *testing.T, out *bytes.Buffer) {
	fmt.Fprintf(out, mdMetadata, keyVersion, keyMetadata, keySegment, keyMetadata)
	out.WriteString("| field | type | meaning |\n|---|---|---|\n")
	left := len(metadataMeanings)
	var walk func(reflect.Type, string)
	walk = func(typ reflect.Type, prefix string) {
		for f := range typ.Fields() {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			name := prefix + tag
			meaning, ok := metadataMeanings[name]
			if !ok {
				t.Errorf("field %s of the metadata has no meaning here", name)
			}
			left--
			fmt.Fprintf(out, "| `%s` | %s | %s |\n", name, jsonType(f.Type), meaning)
			if kind := f.Type.Kind(); kind == reflect.Slice || kind == reflect.Pointer {
				walk(f.Type.Elem(), name+".")
			}
		}
	}
	walk(reflect.TypeFor[Metadata](), "")
	if left != 0 {
		t.Errorf("%d fields are described that the metadata does not have", left)
	}
}

func jsonType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		return "list"
	case reflect.Pointer:
		return "object"
	}
	return "number"
}

const mdIntro = `# The trace format, version %d

This file is made from the spec table in ` + "`spec.go`" + `; do not edit it (` + "`go test ./format -run FormatMD -update`" + `).

A trace is one flat table in Parquet: one row is one event, in time order. Nothing is nested, no type is unsigned, times
are plain ` + "`int64`" + `, so that any engine reads it as it is:

` + "```sql\nSELECT reason, count(*) FROM 'trace.parquet' WHERE from_state = 'running' AND to_state = 'waiting' GROUP BY reason;\n```" + `

Pages are compressed with zstd and carry a CRC. Every column of a row group has its page boundaries at the same rows;
the page index has the bounds of each page's int64 columns. Row groups have up to about a million rows.

`

const mdMoves = `
## What a transition says

` + "`kind` = `goroutine`" + `: ` + "`goid`" + ` moved from ` + "`from_state`" + ` to ` + "`to_state`" + ` on thread ` + "`tid`, `cpu`, `proc`" + `.

| move | from | to | what else it has |
|---|---|---|---|
| create | notexist | runnable; waiting for a coroutine | ` + "`stack`" + `: the entry function alone; ` + "`by_*`" + `: the creator |
| run | runnable | running | |
| park | running | waiting | ` + "`reason`" + `: the runtime's wait reason; ` + "`stack`" + `: its own |
| ready | waiting | runnable | ` + "`by_*`" + `: the waker; ` + "`reason`" + `: netpoll, timer, sysmon, gc or runtime where it was no goroutine |
| yield | running | runnable | ` + "`reason`" + `: preempted, runtime.Gosched, goyield or syscall exit; ` + "`stack`" + `: its own |
| syscall | running | syscall | ` + "`reason`" + `: the system call's name where known, cgo for a call into C; ` + "`stack`" + `: its own |
| syscall exit | syscall | running; runnable when no P was free | |
| exit | running | notexist | |
| coroutine switch | running; waiting | waiting; running | two rows of the same time and thread, ` + "`reason`" + ` coroutine; ` + "`by_*`" + ` of the second: the one that left |
| C thread in and out of Go | notexist; syscall | syscall; notexist | |

` + "`kind` = `thread`" + `: ` + "`tid`" + ` came onto a CPU (runnable → running), left it still runnable (running → runnable, ` + "`reason`" + `: the name of
the thread that took the CPU), went to sleep (running → waiting, ` + "`reason`" + `: the kernel's state) or was woken (waiting →
runnable, ` + "`by_goid`" + `: the goroutine that ran on the waking thread). ` + "`goid`" + `: the goroutine on that thread.

` + "`kind` = `range`" + `: [` + "`time_ns`, `end_ns`" + `), ` + "`reason`" + ` is the Go execution trace's name for it. A long one comes in consecutive pieces:
` + "`from_state`" + ` is notexist where it begins with this piece and running where it goes on from an earlier one (null: its
beginning was not seen), ` + "`to_state`" + ` is notexist where it ends with this piece and running where it goes on.

` + "`kind` = `gap`" + `: in [` + "`time_ns`, `end_ns`" + `) events of ` + "`pid`" + ` (null: of every process) are missing, ` + "`reason`" + ` says which and why.

` + "`kind` = `snapshot`" + `: the process's memory showed ` + "`goid`" + ` in ` + "`to_state`" + `
with ` + "`reason` and `stack`" + ` just before ` + "`time_ns`" + `, and
may have been late by its last move; ` + "`by_goid`" + ` is its creator, ` + "`by_stack`" + ` the go statement's frame.

` + "`kind` = `limit`" + `: from ` + "`time_ns`" + ` on another limit holds for the process. ` + "`reason`" + ` is its name and its value: ` + "`GOMAXPROCS 4`" + `, ` + "`CPU quota 1.5`" + `
(CPUs), ` + "`CPU quota none`" + `. Before the first row of a name, what the metadata says holds. A change of GOMAXPROCS is at the moment where the world
goes on, where stop-the-world pauses are recorded; else, as with the quota, at the moment when the recorder saw it, at most a quarter of a
second after it. How long each value of GOMAXPROCS held:

` + "```sql\nSELECT reason, sum(until - time_ns) / 1e9 AS seconds FROM (\n  SELECT reason, time_ns, lead(time_ns, 1, (SELECT max(time_ns) FROM 'trace.parquet')) OVER (ORDER BY time_ns) AS until\n  FROM 'trace.parquet' WHERE kind = 'limit' AND reason LIKE 'GOMAXPROCS %') GROUP BY reason;\n```" + `
`

const mdMetadata = `
## Metadata

Key-value metadata of the Parquet file:

- ` + "`%s`" + `: the schema version, a decimal number.
- ` + "`%s`" + `: what the recording is, JSON as below.
- ` + "`%s`" + `: which part of a recording the file is: ` + "`{\"recording\": id, \"first\": n, \"last\": n, \"final\": bool}`" + `, segments counted from 1;
  final where the recording ended with this file. Missing: all of it.

Fields of ` + "`%s`" + `:

`

const mdRest = `
## Summaries

What is kept of recordings to compare them, ` + "`*.summary.parquet`" + `, is another table: [buckets/SUMMARY.md](buckets/SUMMARY.md).

## Segments

A recorder writes segments of about a second, each a whole Parquet file ` + "`gosched-000001.parquet`" + `, … in the folder ` + "`TRACE.partial/`" + `; a
segment in the making ends in ` + "`.tmp`" + `. At the end it copies the segments' row groups into ` + "`TRACE`" + ` and removes the folder. What a killed
recorder leaves is readable as it is. Where segments are missing, and between two recordings that are read as one, readers
put a ` + "`gap`" + ` row.

## Versions

Later versions append columns, kinds, states and metadata, and change nothing that is there. A reader refuses a newer version
than its own.
`
