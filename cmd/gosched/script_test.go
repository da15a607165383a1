package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	if err := runIfBounded(); err != nil {
		panic(err)
	}
	if os.Getenv(asNobody) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"gosched": main, "subject": subject})
}

// asNobody in the environment makes this test binary gosched itself: for a user who
// cannot reach the folder that testscript puts it into.
const asNobody = "GOSCHED_TEST_AS_NOBODY"

// TestScripts runs the scripts that need no privileges: commands on traces, mistakes,
// what is refused.
func TestScripts(t *testing.T) {
	goTrace, err := filepath.Abs("../../record/gotrace/testdata/go1.25.4.trace")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", Cmds: scriptCommands, RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GOTRACE", goTrace)
			old := append([]byte("go 1.11 trace\x00\x00\x00"), make([]byte, 100)...)
			return os.WriteFile(filepath.Join(env.WorkDir, "old.trace"), old, 0o600)
		},
	})
}

// scriptCommands are the commands that scripts have beside testscript's own.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"exits": exits,
	"await": await,
	"mode":  mode,
	"flip":  flip,
}

// exits CODE COMMAND ARG… runs a command that must exit with that very code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command [argument...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		got = failed.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%v exits with %d; want %d", args[1:], got, want)
	}
}

// await FILE waits until a file or folder is there.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await file")
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s does not appear", args[0])
		}
	}
}

// mode MODE FILE checks a file's permissions, in octal.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode mode file")
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := strconv.FormatInt(int64(info.Mode().Perm()), 8); got != args[0] {
		ts.Fatalf("%s has mode %s; want %s", args[1], got, args[0])
	}
}

// flip FILE OFFSET NEW writes a copy of a file with one byte changed; a negative
// offset counts from the end.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: flip file offset new")
	}
	content, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	offset, err := strconv.Atoi(args[1])
	ts.Check(err)
	if offset < 0 {
		offset += len(content)
	}
	content[offset] ^= 0x55
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), content, 0o600))
}
