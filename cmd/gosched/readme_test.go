//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gosched/gosched/internal/testenv"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheReadmeHasTheExitCodes(t *testing.T) {
	text := readme(t)
	for _, e := range exitCodes {
		if row := fmt.Sprintf("| %d | %s |", e.code, e.meaning); !strings.Contains(text, row) {
			t.Errorf("the README has no row %q", row)
		}
	}
}

func TestTheReadmeHasEveryCommand(t *testing.T) {
	text := readme(t)
	for _, cmd := range newRootCommand().Commands() {
		if cmd.Runnable() && cmd.Name() != "help" && !strings.Contains(text, "| `gosched "+cmd.Name()) {
			t.Errorf("the README's table has no command %s", cmd.Name())
		}
	}
}

// readmeCommands are the lines of the README's console blocks that begin with "$ ".
func readmeCommands(text string) (commands []string) {
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				commands = append(commands, strings.TrimSpace(command))
			}
		}
	}
	return commands
}

// TestTheReadmesCommandsWork types the commands of the README, in its order. The
// server that they record is a service of the test's.
func TestTheReadmesCommandsWork(t *testing.T) {
	testenv.RequireBPF(t)
	commands := readmeCommands(readme(t))
	if len(commands) < 4 {
		t.Fatalf("the README shows the commands %q; want at least four", commands)
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "readme.txtar")
	if err := os.WriteFile(script, []byte(scriptOf(commands)), 0o600); err != nil {
		t.Fatal(err)
	}
	service := testenv.Build(t, testenv.Program{Name: "service", Mode: testenv.Stripped})
	testscript.Run(t, testscript.Params{
		Files: []string{script}, Cmds: scriptCommands, RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error { return errors.Join(copySummaries(env), startService(env, service)) },
	})
}

// summaries are those that the README compares: of a service and of one that holds a lock for twice
// as long (testdata/progs/builds, without and with -regress lock), six recordings each by gosched
// record-ab, of version 1.
var summaries = []string{"base.summary.parquet", "head.summary.parquet"}

func copySummaries(env *testscript.Env) error {
	for _, name := range summaries {
		data, err := os.ReadFile(filepath.Join("testdata/summaries", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(env.WorkDir, name), data, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// TestTheReadmeShowsWhatCompareSays compares real summaries, which give the same bytes everywhere,
// with what the README shows of it.
func TestTheReadmeShowsWhatCompareSays(t *testing.T) {
	var out, notes strings.Builder
	code := run(t.Context(), []string{"compare", "--base", filepath.Join("testdata/summaries", summaries[0]), "--head",
		filepath.Join("testdata/summaries", summaries[1])}, &out, &notes)
	if code != exitGate || notes.Len() > 0 {
		t.Fatalf("exits with %d and says %q; want %d and nothing", code, notes.String(), exitGate)
	}
	_, shown, _ := strings.Cut(readme(t), "$ gosched compare --base base.summary.parquet")
	_, shown, _ = strings.Cut(shown, "\n")
	shown, _, _ = strings.Cut(shown, "```")
	if len(shown) < 1000 || !strings.HasPrefix(out.String(), shown) {
		t.Errorf("the README shows\n%s\ngosched compare prints\n%s", shown, out.String())
	}
}

// scriptOf makes a script of shell commands. Where they run there are a sudo and a
// pidof of the test's own.
func scriptOf(commands []string) string {
	const path = "chmod 755 bin/sudo\nchmod 755 bin/pidof\nenv PATH=$WORK/bin:$PATH\n"
	const files = "-- bin/sudo --\n#!/bin/sh\nexec \"$@\"\n-- bin/pidof --\n#!/bin/sh\necho $PID\n"
	var steps, shells strings.Builder
	for i, command := range commands {
		fmt.Fprintf(&steps, "exec sh command%d.sh\n", i)
		fmt.Fprintf(&shells, "-- command%d.sh --\n%s\n", i, command)
	}
	return path + steps.String() + files + shells.String()
}
