package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/gobin"
)

func TestProgressText(t *testing.T) {
	tests := []struct {
		name     string
		duration time.Duration
		before   record.Progress
		now      record.Progress
		want     string
	}{
		{
			"the first line of a limited recording", 10 * time.Second, record.Progress{},
			record.Progress{Counts: record.Counts{Events: 5000}, Elapsed: 500 * time.Millisecond, Bytes: 2048},
			"recording 42: 5,000 events, 10,000/s, 0 lost, 2.00 KiB, 10s left",
		},
		{
			"the rate is that since the line before", 10 * time.Second,
			record.Progress{Counts: record.Counts{Events: 5000}, Elapsed: time.Second},
			record.Progress{Counts: record.Counts{Events: 5100, Lost: 7}, Elapsed: 3 * time.Second, Bytes: 3 << 20},
			"recording 42: 5,100 events, 50/s, 7 lost, 3.00 MiB, 7s left",
		},
		{
			"without a limit", 0, record.Progress{}, record.Progress{Elapsed: 61 * time.Second},
			"recording 42: 0 events, 0/s, 0 lost, 0 B, 1m1s, Ctrl-C to end",
		},
		{
			"past its end", time.Second, record.Progress{}, record.Progress{Elapsed: 2 * time.Second},
			"recording 42: 0 events, 0/s, 0 lost, 0 B, 0s left",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := progressText([]int{42}, test.duration, test.now, test.before); got != test.want {
				t.Errorf("progressText = %q; want %q", got, test.want)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	summary := &record.Summary{
		Whole: true,
		PIDs:  []int{42},
		Progress: record.Progress{Counts: record.Counts{Events: 4000, Lost: 1200, LostStacks: 3},
			Elapsed: 2 * time.Second, Bytes: 8000},
		EndReason: record.EndDuration,
		Metadata: format.Metadata{Processes: []format.Process{{
			PID: 42, Executable: "/usr/bin/server", GoVersion: "go1.26.8", Lost: 1200, LostStacks: 3,
			Coverage: format.CoverAllBut("left out when recording", format.TransitionGC),
		}}},
	}
	out := new(strings.Builder)
	if err := writeSummary(out, summary, "t.parquet"); err != nil {
		t.Fatal(err)
	}
	want := `recorded server (pid 42, go1.26.8) for 2.00 s: 4,000 events, 2,000/s; ended: duration
lost 1,200 events and 3 stacks, without gc (left out when recording)
wrote t.parquet, 7.81 KiB, 2.00 bytes an event: gosched blocking t.parquet
`
	if out.String() != want {
		t.Errorf("summary\n%s; want\n%s", out, want)
	}
}

func TestSummaryOfSeveralProcesses(t *testing.T) {
	summary := &record.Summary{
		Whole:     true,
		PIDs:      []int{42, 7},
		Progress:  record.Progress{Counts: record.Counts{Events: 4000, Lost: 5}, Elapsed: 2 * time.Second, Bytes: 8000},
		EndReason: record.EndInterrupted,
		Metadata: format.Metadata{
			StartNS: 1e9,
			Processes: []format.Process{
				{PID: 42, Executable: "/usr/bin/server", GoVersion: "go1.26.8", Lost: 5,
					Coverage: format.FullCoverage()},
				{
					PID: 1007, Executable: "/usr/bin/worker", GoVersion: "go1.22.1", EndNS: 15e8,
					EndReason: record.EndExited,
					Coverage:  format.CoverAllBut("left out when recording", format.TransitionGC),
				},
			},
			Snapshots: []format.Snapshot{{PID: 1007, Goroutines: 3, Unread: 2}},
		},
	}
	out := new(strings.Builder)
	if err := writeSummary(out, summary, "t.parquet"); err != nil {
		t.Fatal(err)
	}
	want := `recorded 2 processes for 2.00 s: 4,000 events, 2,000/s; ended: interrupted
  server (pid 42, go1.26.8): lost 5 events and 0 stacks
  worker (pid 7, in the trace 1007 as the root PID namespace has it, go1.22.1), ended after 500 ms: ` +
		`target exited: no event lost, read from memory 3 goroutines in 0 ns (up to 2 more not read), ` +
		`without gc (left out when recording)
wrote t.parquet, 7.81 KiB, 2.00 bytes an event: gosched blocking t.parquet
`
	if out.String() != want {
		t.Errorf("summary\n%s; want\n%s", out, want)
	}
	if d := newRecordDocument(summary, "t.parquet"); d.Processes[1].DurationNS != 5e8 ||
		d.Processes[1].EndReason != record.EndExited || d.Processes[0].EndReason != record.EndInterrupted {
		t.Errorf("in JSON they are %+v", d.Processes)
	}
	if got := pidsText([]int{1, 2, 3, 4, 5}); got != "5 processes" {
		t.Errorf("five processes are called %q", got)
	}
}

func TestTheSummaryDoesNotContradictItself(t *testing.T) {
	counts := func(lost, stacks, gaps int64) format.Process {
		return format.Process{PID: 7, Lost: lost, LostStacks: stacks, Gaps: gaps, Coverage: format.FullCoverage()}
	}
	unread := []format.Snapshot{{PID: 7, Unread: 59_495, Goroutines: 5, EndNS: 1e6}, {PID: 8, Unread: 3}}
	unsure := []format.Snapshot{{PID: 7, Goroutines: 5, Unsure: 2, EndNS: 1e6}}
	slow := []format.Snapshot{{PID: 7, Goroutines: 5, EndNS: 300e6}, {PID: 8, Unsure: 3}}
	const part = "read from memory 5 goroutines in "
	for _, test := range []struct {
		name      string
		process   format.Process
		snapshots []format.Snapshot
		want      string
	}{
		{"all is there", counts(0, 0, 0), nil, "nothing lost"},
		{"all is there, and reading it took long", counts(0, 0, 0), slow, "nothing lost, " + part + "300 ms"},
		{"goroutines were not read", counts(0, 0, 0), unread, "no event lost, " + part +
			"1.00 ms (up to 59,495 more not read)"},
		{"goroutines were uncertain", counts(0, 0, 0), unsure, "no event lost, " + part +
			"1.00 ms (2 left out as uncertain)"},
		{"a plugin was opened", counts(0, 0, 1), unsure, "no event lost, but not everything was looked for in 1 gap, " +
			part + "1.00 ms (2 left out as uncertain)"},
		{"events were lost", counts(7, 0, 1), unread, "lost 7 events and 0 stacks, " + part +
			"1.00 ms (up to 59,495 more not read)"},
		{"stacks were lost", counts(0, 3, 0), nil, "lost 0 events and 3 stacks"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &record.Summary{Whole: true, Metadata: format.Metadata{Snapshots: test.snapshots}}
			if got := missing(s, &test.process); got != test.want {
				t.Errorf("%q\nwant %q", got, test.want)
			}
		})
	}
}

// unsupportedVersion is the error about an executable of a Go version that is too old.
func unsupportedVersion(t *testing.T) error {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	old := "go1.17" + strings.Repeat(" ", len(runtime.Version())-len("go1.17"))
	_, err = gobin.New(bytes.NewReader(bytes.ReplaceAll(file, []byte(runtime.Version()), []byte(old))))
	return err
}

func TestExitCodes(t *testing.T) {
	broken := errors.New("disk full")
	tests := []struct {
		name string
		err  error
		code int
		text string
	}{
		{"nothing wrong", nil, exitFine, ""},
		{"bad input", broken, exitInput, "disk full"},
		{"not supported", record.ErrUnsupported, exitUnsupported, "not supported here\ngosched check says what this " +
			"kernel lacks."},
		{"not supported, and knows what to do", unsupportedVersion(t), exitUnsupported, "executable not supported: " +
			"go1.17 is older than go1.18\nBuild it with go1.18 or later."},
		{"the command's code", passOn(7, nil), 7, ""},
		{"the command's code and a broken trace", passOn(7, broken), 7, "disk full"},
		{"the command was fine but the trace is broken", passOn(0, broken), exitInput, "disk full"},
		{"all is fine", passOn(0, nil), exitFine, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if code := exitCode(test.err); code != test.code {
				t.Errorf("exit code %d; want %d", code, test.code)
			}
			if text := errorText(test.err); text != test.text {
				t.Errorf("text %q; want %q", text, test.text)
			}
		})
	}
}

// TestTheUsageOfFlagsIsTrue: the options are those of all systems, the numbers are not.
func TestTheUsageOfFlagsIsTrue(t *testing.T) {
	for flag, want := range map[string]string{
		"stack-depth": fmt.Sprintf("up to %d; 0: %d", record.MaxStackDepth, record.DefaultStackDepth),
		"cpu-samples": fmt.Sprintf("; default %d/s", record.DefaultSamplesPerSecond),
		"sample-cpu":  fmt.Sprintf("; default %g%%", 100*record.DefaultSamplingCPUs),
	} {
		if have := newRecordCommand().Flag(flag).Usage; !strings.HasSuffix(have, want) {
			t.Errorf("--%s: it is %q; want one with %q", flag, have, want)
		}
	}
}
