//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/gosched/gosched/internal/testenv"
)

// textOf is a page in the root of the repository.
func textOf(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheTourHasTheExitCodes(t *testing.T) {
	text := textOf(t, "TOUR.md")
	for _, e := range exitCodes {
		if row := fmt.Sprintf("| %d | %s |", e.code, e.meaning); !strings.Contains(text, row) {
			t.Errorf("the tour has no row %q", row)
		}
	}
}

func TestTheReadmeHasEveryCommand(t *testing.T) {
	text := textOf(t, "README.md")
	for _, cmd := range newRootCommand().Commands() {
		if cmd.Runnable() && cmd.Name() != "help" && !strings.Contains(text, "| `gosched "+cmd.Name()) {
			t.Errorf("the README's table has no command %s", cmd.Name())
		}
	}
}

func TestTheReadmeIsShort(t *testing.T) {
	if n := strings.Count(textOf(t, "README.md"), "\n"); n > 150 {
		t.Errorf("the README has %d lines; want 150 at most: the tour is the place for more", n)
	}
}

// TestTheToursCommandsCanBeTyped types the commands of the tour and of the README, in their order.
// The server that they record is a service of the test's.
func TestTheToursCommandsCanBeTyped(t *testing.T) {
	testenv.RequireBPF(t)
	var commands []string
	for _, block := range consoleBlock.FindAllStringSubmatch(textOf(t, "TOUR.md")+textOf(t, "README.md"), -1) {
		commands = append(commands, block[2])
	}
	if len(commands) < 10 {
		t.Fatalf("the pages show the commands %q; want at least ten", commands)
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "tour.txtar")
	if err := os.WriteFile(script, []byte(scriptOf(commands)), 0o600); err != nil {
		t.Fatal(err)
	}
	service := testenv.Build(t, testenv.Program{Name: "service", Mode: testenv.Stripped})
	testscript.Run(t, testscript.Params{
		Files: []string{script}, Cmds: scriptCommands, RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error { return errors.Join(copySummaries(env), startService(env, service)) },
	})
}

func copySummaries(env *testscript.Env) error {
	for _, name := range []string{"base.summary.parquet", "head.summary.parquet"} {
		data, err := os.ReadFile(tourFiles[name])
		if err == nil {
			err = os.WriteFile(filepath.Join(env.WorkDir, name), data, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
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
