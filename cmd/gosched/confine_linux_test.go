package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/target"
)

// release has the tests of u run gosched as it is released: without cgo, which this test binary may
// have.
func (u *unprivileged) release(t *testing.T) {
	t.Helper()
	cmd := exec.Command("go", "build", "-trimpath", "-o", u.gosched, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		testenv.Lacking(t, "go is not here, to build gosched without cgo")
	}
	if err := errors.Join(err, os.Chmod(u.gosched, 0o755)); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestARecordingKeepsOnlyWhatItNeeds looks at every thread of gosched while it records: which
// capabilities are left, and that no socket is open but unix ones. The recording has to end well.
func TestARecordingKeepsOnlyWhatItNeeds(t *testing.T) {
	testenv.RequireBPF(t)
	u := newUnprivileged(t)
	u.release(t)
	s := startSubjects(t, u.dir)
	private := filepath.Join(u.dir, "private")
	if err := errors.Join(os.Mkdir(private, 0o700), os.Chown(private, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	sudo := []string{"SUDO_UID=65534", "SUDO_GID=65534"}
	attaching := []target.Capability{target.CapBPF, target.CapPerfmon}
	for _, test := range []struct {
		name  string
		caps  string // what it has, beside being a user; "root": everything
		env   []string
		args  []string
		keeps []target.Capability
	}{
		{"root, root's process", "root", nil, []string{"-p", s.roots}, []target.Capability{target.CapSysPtrace}},
		{"root, another's process", "root", nil, []string{"-p", s.strangers},
			[]target.Capability{target.CapDACReadSearch, target.CapSysPtrace}},
		{"root, called by sudo in a folder that is the caller's alone", "root", sudo,
			[]string{"-o", filepath.Join(private, "t.parquet"), "-p", s.yours}, []target.Capability{
				target.CapChown, target.CapDACOverride, target.CapDACReadSearch, target.CapSysPtrace}},
		{"root, a command as another user", "root", nil, []string{"--user", "daemon", "--", s.service},
			[]target.Capability{target.CapDACReadSearch, target.CapKill, target.CapSysPtrace}},
		{"nobody, its own process", "record, yours", nil, []string{"-p", s.yours}, nil},
		{"nobody, a command", "record, yours", nil, []string{"--", s.service}, nil},
		{"nobody, its own process by samples", "goroutines -p, yours", nil,
			[]string{"--sample", "50/s", "-p", s.yours}, nil},
		{"nobody, another's process by samples", "goroutines -p, another's", nil,
			[]string{"--sample", "50/s", "-p", s.strangers}, []target.Capability{target.CapSysPtrace}},
		{"nobody, another's process", "record -p, another's", nil, []string{"-p", s.strangers},
			[]target.Capability{target.CapSysPtrace}},
		{"nobody, another's process that is kept", "record -p, another's", nil,
			[]string{"--keep", "10s", "-o", filepath.Join(u.dir, "kept") + "/", "-p", s.strangers},
			[]target.Capability{target.CapSysPtrace}},
		{"nobody, its own process in windows", "record, yours", nil, []string{"--max-overhead", "1%", "-p", s.yours},
			attaching},
		{"nobody, another's process under a kill switch", "record -p, another's", nil,
			[]string{"--kill-switch", filepath.Join(u.dir, "off"), "-p", s.strangers},
			append(slices.Clone(attaching), target.CapSysPtrace)},
		{"nobody, processes as they come", "record -p, another's", nil, []string{"--exe", s.service},
			append(slices.Clone(attaching), target.CapSysPtrace)},
		{"nobody, what a command starts", "record, yours", nil, []string{"--follow", "--", s.service}, attaching},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := append([]string{"record", "-d", "500ms", "--json"}, u.output()...)
			cmd := exec.Command(u.gosched, append(args, test.args...)...)
			if test.caps != "root" {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
				if err := u.giveFile(takes(t, test.caps)); err != nil {
					t.Fatal(err)
				}
			}
			cmd.Dir, cmd.Env = u.dir, append(os.Environ(), test.env...)
			confined := recordConfined(t, cmd, test.keeps)
			want := make([]string, 0, len(test.keeps))
			for _, c := range test.keeps {
				want = append(want, c.String())
			}
			if slices.Sort(want); confined == nil || !slices.Equal(confined.Capabilities, want) || !confined.Filter {
				t.Errorf("the trace says %+v; want %v", confined, want)
			}
		})
	}
	for _, path := range []string{filepath.Join(private, "t.parquet")} {
		info, err := os.Stat(path)
		if err != nil || info.Sys().(*syscall.Stat_t).Uid != nobody || info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v, %v; want a file of nobody's alone", path, info, err)
		}
	}
}

// TestProbesAreAttachedAgainWithoutPrivileges switches a recording off and on again that was begun by
// nobody, and has given up what it had by then.
func TestProbesAreAttachedAgainWithoutPrivileges(t *testing.T) {
	testenv.RequireBPF(t)
	u := newUnprivileged(t)
	u.release(t)
	s := startSubjects(t, u.dir)
	if err := u.giveFile(takes(t, "record -p, another's")); err != nil {
		t.Fatal(err)
	}
	off := filepath.Join(u.dir, "off")
	for _, args := range [][]string{{"-p", s.strangers}, {"--exe", s.service}} {
		cmd := u.command(nil, append(append([]string{"record", "-d", "2s", "--json", "--kill-switch", off},
			u.output()...), args...)...)
		doc := recordMeanwhile(t, cmd, func() {
			if err := os.WriteFile(off, nil, 0o644); err != nil {
				t.Error(err)
			}
			time.Sleep(500 * time.Millisecond)
			if err := os.Remove(off); err != nil {
				t.Error(err)
			}
		})
		if g := doc.Governor; g == nil || g.Windows < 2 || len(g.Off) == 0 {
			t.Errorf("%v: it says %+v; want two windows", args, g)
		}
	}
}

// recordConfined runs a recording, looks at its threads and sockets once everything is watched, and
// gives what it says at its end of what it could still do.
func recordConfined(t *testing.T, cmd *exec.Cmd, keeps []target.Capability) *format.Confined {
	t.Helper()
	return recordMeanwhile(t, cmd, func() {
		checkThreads(t, cmd.Process.Pid, keeps)
		checkSockets(t, cmd.Process.Pid)
	}).Confined
}

// recordMeanwhile runs a recording, does something once everything is watched, and gives what the
// recording says at its end.
func recordMeanwhile(t *testing.T, cmd *exec.Cmd, meanwhile func()) recordDocument {
	t.Helper()
	stdout, err1 := cmd.StdoutPipe()
	stderr, err2 := cmd.StderrPipe()
	stdin, err3 := cmd.StdinPipe() // a command of the test ends with it
	if err := errors.Join(err1, err2, err3, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	notes := bufio.NewReader(stderr)
	line, err := notes.ReadString('\n')
	if !strings.HasPrefix(line, "recording since ") {
		rest, _ := io.ReadAll(notes)
		t.Fatalf("it does not begin: %s%s, %v", line, rest, err)
	}
	meanwhile()
	stdin.Close()
	go io.Copy(io.Discard, notes)
	var doc recordDocument
	err = json.NewDecoder(stdout).Decode(&doc)
	if err := errors.Join(err, cmd.Wait()); err != nil || doc.Lost > 0 || doc.Bytes == 0 {
		t.Fatalf("it ends with %v: %+v", err, doc)
	}
	return doc
}

func checkThreads(t *testing.T, pid int, keeps []target.Capability) {
	t.Helper()
	var bits uint64
	for _, c := range keeps {
		bits |= 1 << c
	}
	want := map[string]string{
		"CapInh:": "0000000000000000", "CapAmb:": "0000000000000000", "CapPrm:": fmt.Sprintf("%016x", bits),
		"CapEff:": fmt.Sprintf("%016x", bits), "NoNewPrivs:": "1", "Seccomp:": "2",
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if err != nil || len(threads) < 2 {
		t.Fatalf("threads %v, %v", threads, err)
	}
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // it has ended
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if want := want[fields[0]]; want != "" && fields[1] != want {
				t.Errorf("thread %s has %s; want %s", path, strings.Join(fields, " "), want)
			}
		}
	}
}

// checkSockets wants the process to have no socket that is in a table of the internet's protocols.
func checkSockets(t *testing.T, pid int) {
	t.Helper()
	open := map[string]bool{}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(fds) == 0 {
		t.Fatalf("descriptors %v, %v", fds, err)
	}
	for _, fd := range fds {
		if name, err := os.Readlink(fd); err == nil && strings.HasPrefix(name, "socket:[") {
			open[strings.TrimSuffix(strings.TrimPrefix(name, "socket:["), "]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6", "udplite", "raw", "raw6", "packet", "netlink"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue // the kernel has no such protocol
		}
		for field := range strings.FieldsSeq(string(text)) {
			if open[field] {
				t.Errorf("it has a socket of %s", table)
			}
		}
	}
}
