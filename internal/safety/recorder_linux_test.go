package safety

import (
	"bytes"
	"context"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gosched/gosched/internal/testenv"
)

// trial is one run of a scenario.
type trial struct {
	*testing.T
	toolchain string // of the program; "": the newest
	rng       *rand.Rand
	dir       string
	sum       *tally
	why       string // it was skipped
	files     int
	killed    bool // a recorder was
}

// harm says what a recording did to a process, or left behind.
func (tr *trial) harm(format string, args ...any) {
	tr.Helper()
	text := fmt.Sprintf(format, args...)
	tr.sum.harm = append(tr.sum.harm, tr.Name()+": "+text)
	tr.Error(text)
}

func (tr *trial) skip(format string, args ...any) {
	tr.Helper()
	tr.why = fmt.Sprintf(format, args...)
	tr.Skip(tr.why)
}

// between is a random time.
func (tr *trial) between(least, most time.Duration) time.Duration {
	return least + time.Duration(tr.rng.Int63n(int64(most-least)))
}

// recorder is a running gosched.
type recorder struct {
	*exec.Cmd
	trial *trial
	notes notes
	since chan struct{} // closed once it records
	ended chan error
}

// notes takes what gosched says.
type notes struct {
	mu    sync.Mutex
	text  bytes.Buffer
	begun func()
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text.Write(p)
	if n.begun != nil && strings.Contains(n.text.String(), "recording since") {
		n.begun()
		n.begun = nil
	}
	return len(p), nil
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.TrimSpace(n.text.String())
}

// output is a trace's file that is not there yet.
func (tr *trial) output() string {
	tr.files++
	return filepath.Join(tr.dir, fmt.Sprintf("trace%d.parquet", tr.files))
}

// record starts gosched record -p for a program.
func (tr *trial) record(x *target, args ...string) *recorder {
	tr.Helper()
	return tr.gosched(exec.Command(testenv.Gosched(tr),
		append([]string{"record", "-p", x.pid(), "-o", tr.output()}, args...)...))
}

// shell starts gosched record -p by a shell that does something before.
func (tr *trial) shell(x *target, before, output string) *recorder {
	tr.Helper()
	cmd := exec.Command("sh", "-c", before+` && exec "$0" "$@"`, testenv.Gosched(tr),
		"record", "-p", x.pid(), "-d", "1s", "-o", output)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	return tr.gosched(cmd)
}

func (tr *trial) gosched(cmd *exec.Cmd) *recorder {
	tr.Helper()
	r := &recorder{Cmd: cmd, trial: tr, since: make(chan struct{}), ended: make(chan error, 1)}
	r.notes.begun = func() { close(r.since) }
	r.Stdout, r.Stderr = &r.notes, &r.notes
	if err := r.Start(); err != nil {
		tr.Fatal(err)
	}
	tr.sum.recordings++
	go func() { r.ended <- r.Wait() }()
	tr.Cleanup(func() { _ = r.Process.Kill() })
	return r
}

// attached waits until gosched records, or has ended.
func (r *recorder) attached() bool {
	r.trial.Helper()
	select {
	case <-r.since:
		return true
	case err := <-r.ended:
		r.ended <- err
		return false
	case <-time.After(patience):
		r.trial.harm("gosched does not begin within %v: %s", patience, &r.notes)
		return false
	}
}

// end waits for gosched's exit code; -1: a signal ended it.
func (r *recorder) end() int {
	r.trial.Helper()
	select {
	case <-r.ended:
		return r.ProcessState.ExitCode()
	case <-time.After(2 * patience):
		_ = r.Process.Kill()
		r.trial.harm("gosched does not end: %s", &r.notes)
		return -1
	}
}

// ends checks gosched's exit code.
func (r *recorder) ends(codes ...int) {
	r.trial.Helper()
	got := r.end()
	for _, code := range codes {
		if got == code {
			return
		}
	}
	r.trial.harm("gosched ended with %d, not %v: %s", got, codes, &r.notes)
}

// refuses checks that gosched says in one clear sentence why it does not record, or ends well
// without having been kept from it.
func (r *recorder) refuses(codes ...int) {
	r.trial.Helper()
	r.ends(codes...)
	said := r.notes.String()
	if strings.Contains(said, "panic:") || strings.Contains(said, "goroutine 1 [") {
		r.trial.harm("gosched crashed: %s", said)
	}
	if r.ProcessState.ExitCode() != 0 && said == "" {
		r.trial.harm("gosched ended with %d and does not say why", r.ProcessState.ExitCode())
	}
	r.trial.Logf("exit code %d: %s", r.ProcessState.ExitCode(), said)
}

// kill ends gosched without a warning.
func (r *recorder) kill() {
	r.trial.Helper()
	_ = r.Process.Kill()
	r.end()
	r.trial.sum.killed++
	r.trial.killed = true
}

// haveFlag says whether gosched record has a flag.
func (tr *trial) haveFlag(flag string) bool {
	tr.Helper()
	help, err := exec.CommandContext(context.Background(), testenv.Gosched(tr), "record", "--help").Output()
	if err != nil {
		tr.Fatal(err)
	}
	return bytes.Contains(help, []byte("--"+flag+" "))
}

func write(name, text string) error { return os.WriteFile(name, []byte(text), 0o644) }
