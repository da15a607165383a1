package safety

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gosched/gosched/internal/testenv"
)

// target is a running program that checks its own answers.
type target struct {
	*exec.Cmd
	trial  *trial
	path   string
	in     io.WriteCloser
	out    *bufio.Reader
	errors bytes.Buffer
	before process
	done   bool
}

// start starts the program endure, built without C.
func (tr *trial) start(args ...string) *target {
	tr.Helper()
	return tr.startBuilt(testenv.Program{Name: "endure", Toolchain: tr.toolchain}, args...)
}

func (tr *trial) startBuilt(p testenv.Program, args ...string) *target {
	tr.Helper()
	return tr.startCommand(testenv.Build(tr, p), args...)
}

func (tr *trial) startCommand(path string, args ...string) *target {
	tr.Helper()
	x := &target{Cmd: exec.Command(path, args...), trial: tr, path: path}
	x.Stderr = &x.errors
	in, inErr := x.StdinPipe()
	out, outErr := x.StdoutPipe()
	if err := errors.Join(inErr, outErr, x.Start()); err != nil {
		tr.Fatal(err)
	}
	x.in, x.out = in, bufio.NewReader(out)
	tr.Cleanup(func() {
		if !x.done {
			_ = x.Process.Kill()
			_ = x.Wait()
		}
	})
	return x
}

// ready waits until the program has given answers, and remembers what it looks like.
func (x *target) ready() *target {
	x.trial.Helper()
	x.goesOn()
	x.before = x.trial.seeProcess(x.Process.Pid)
	return x
}

func (x *target) pid() string { return strconv.Itoa(x.Process.Pid) }

// ask sends a line and gives what is answered.
func (x *target) ask(line string) (string, error) {
	if _, err := io.WriteString(x.in, line+"\n"); err != nil {
		return "", err
	}
	type read struct {
		text string
		err  error
	}
	got := make(chan read, 1)
	go func() {
		text, err := x.out.ReadString('\n')
		got <- read{strings.TrimSpace(text), err}
	}()
	select {
	case r := <-got:
		return r.text, r.err
	case <-time.After(patience):
		return "", fmt.Errorf("no answer within %v", patience)
	}
}

// patience is how long a program may take for what it does at once on an idle machine.
const patience = 30 * time.Second

// goesOn checks that the program gives more right answers than before, and how many by now.
func (x *target) goesOn() int64 {
	x.trial.Helper()
	first := x.answers()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if n := x.answers(); n > first || x.trial.Failed() {
			return n
		}
		if time.Now().After(deadline) {
			x.trial.harm("the program gives no more answers than %d", first)
			return first
		}
	}
}

func (x *target) answers() int64 {
	x.trial.Helper()
	text, err := x.ask("")
	n, parseErr := strconv.ParseInt(text, 10, 64)
	if err := errors.Join(err, parseErr); err != nil {
		x.trial.harm("the program does not say how many answers were right: %v%s", err, x.said())
	}
	return n
}

func (x *target) said() string {
	if text := strings.TrimSpace(x.errors.String()); text != "" && x.done {
		return ": " + strings.SplitN(text, "\n", 2)[0]
	}
	return ""
}

// unharmed checks that the program works on, has nothing of a recorder in it, and ends well.
func (x *target) unharmed() {
	x.trial.Helper()
	x.goesOn()
	x.clean()
	x.trial.sum.answers += x.answers()
	_ = x.in.Close()
	if err := x.Wait(); err != nil {
		x.trial.harm("the program ended with %v%s", err, x.said())
	}
	x.done = true
}

// ends waits for an end that was asked for.
func (x *target) ends(want string) {
	x.trial.Helper()
	kill := time.AfterFunc(patience, func() { _ = x.Process.Kill() })
	defer kill.Stop()
	got := "exit status 0"
	if err := x.Wait(); err != nil {
		got = err.Error()
	}
	x.done = true
	if got != want {
		x.trial.harm("the program ended with %s, not %s%s", got, want, x.said())
	}
}

// process is what is seen of one that a recorder could change.
type process struct {
	maps    map[string]bool // of files, and the kernel's own, with their permissions
	threads map[string]bool // names
}

func (tr *trial) seeProcess(pid int) process {
	tr.Helper()
	p := process{maps: map[string]bool{}, threads: map[string]bool{}}
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	text, err := os.ReadFile(filepath.Join(dir, "maps"))
	if err != nil {
		tr.harm("the program's memory map: %v", err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if f := strings.Fields(line); len(f) > 5 && !strings.HasPrefix(f[5], "[anon") && f[5] != "[heap]" &&
			f[5] != "[stack]" {
			p.maps[f[1]+" "+f[5]] = true
		}
	}
	threads, _ := filepath.Glob(filepath.Join(dir, "task", "*", "comm"))
	for _, name := range threads {
		if comm, err := os.ReadFile(name); err == nil {
			p.threads[strings.TrimSpace(string(comm))] = true
		}
	}
	return p
}

// clean checks that nothing of a recorder is in the process any more: its text is that of its file,
// but for breakpoints of a recorder that was killed just while it attached or detached: the kernel
// takes none off for a thread that is about to be killed (Linux v6.18 mm/gup.c, __get_user_pages;
// kernel/events/uprobes.c, uprobe_unregister_nosync, "leaking uprobe"). They have no program, and go
// with the next recording that ends. Its memory map and its threads' names are as before, nobody
// traces it, it has no files of BPF.
func (x *target) clean() {
	x.trial.Helper()
	pid := x.Process.Pid
	if n := x.bytesLeft(); n > 0 && x.trial.killed {
		x.trial.sum.leaked++
		x.trial.Logf("%d breakpoints were left by a recorder that was killed; another takes them off", n)
		x.trial.record(x, "-d", "50ms").ends(0)
	}
	if n := x.bytesLeft(); n > 0 && x.trial.othersRecord() {
		x.trial.Logf("%d bytes of text have changed, and others record on this machine: they may be theirs", n)
	} else if n > 0 {
		x.trial.harm("%d bytes of the program's text are not those of its file", n)
	}
	after := x.trial.seeProcess(pid)
	for m := range after.maps {
		if !x.before.maps[m] && !strings.HasSuffix(m, "[uprobes]") { // the kernel keeps it until the end
			x.trial.harm("its memory map has got %s", m)
		}
	}
	for name := range after.threads {
		if !x.before.threads[name] {
			x.trial.harm("it has got a thread called %s", name)
		}
	}
	status, err := os.ReadFile(filepath.Join("/proc", x.pid(), "status"))
	if err != nil || !bytes.Contains(status, []byte("TracerPid:\t0\n")) || bytes.Contains(status, []byte("State:\tT")) {
		x.trial.harm("it is stopped or traced (%v)", err)
	}
	for _, link := range links(pid) {
		if strings.Contains(link, "bpf") || strings.Contains(link, "perf_event") {
			x.trial.harm("it has got a file %s", link)
		}
	}
}

// bytesLeft is how many bytes of text are still changed when there was time to restore them.
func (x *target) bytesLeft() (n int) {
	x.trial.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if n = x.changedBytes(); n == 0 {
			break
		}
	}
	return n
}

func links(pid int) (found []string) {
	names, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "fd", "*"))
	for _, name := range names {
		if link, err := os.Readlink(name); err == nil {
			found = append(found, link)
		}
	}
	return found
}

// changedBytes is how many bytes of the text of the executable and its libraries differ in memory
// from the files.
func (x *target) changedBytes() (changed int) {
	x.trial.Helper()
	memory, memErr := os.Open(filepath.Join("/proc", x.pid(), "mem"))
	maps, mapsErr := os.ReadFile(filepath.Join("/proc", x.pid(), "maps"))
	if err := errors.Join(memErr, mapsErr); err != nil {
		x.trial.harm("the program's text cannot be read: %v", err)
		return 0
	}
	defer memory.Close()
	ranges := 0
	for _, line := range strings.Split(string(maps), "\n") {
		f := strings.Fields(line)
		if len(f) < 6 || !strings.HasPrefix(f[5], "/") || f[1] != "r-xp" {
			continue
		}
		var from, to, offset int64
		if _, err := fmt.Sscanf(f[0]+" "+f[2], "%x-%x %x", &from, &to, &offset); err != nil {
			x.trial.Fatal(err)
		}
		file, err := os.Open(f[5])
		if err != nil {
			x.trial.Fatal(err)
		}
		changed += x.differ(memory, file, from, offset, to-from)
		file.Close()
		ranges++
	}
	if ranges == 0 {
		x.trial.harm("the program's memory map has no text")
	}
	return changed
}

func (x *target) differ(memory, file *os.File, from, offset, size int64) (n int) {
	x.trial.Helper()
	there, want := make([]byte, size), make([]byte, size)
	if _, err := memory.ReadAt(there, from); err != nil {
		x.trial.harm("the program's text: %v", err)
		return 0
	}
	got, err := file.ReadAt(want, offset)
	if err != nil && err != io.EOF {
		x.trial.Fatal(err)
	}
	for i := range got {
		if there[i] != want[i] {
			n++
		}
	}
	return n
}
