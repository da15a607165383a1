package referee

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	recorder "github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/choose"
	"github.com/gosched/gosched/record/target"
)

// TestContainersAndAHostProcessMoveForMove records two containers of one image, one of which is
// there and one comes during the recording, and a process of the host. Each has its own tracer on.
func TestContainersAndAHostProcessMoveForMove(t *testing.T) {
	testenv.RequireBPF(t)
	program := testenv.Program{Name: "channels"}
	image, group := makeImage(t, testenv.Build(t, program)), makeCgroup(t)
	first := startContainer(t, image, group, 0)
	host := startWaiting(t, testenv.Build(t, testenv.Program{Name: "channels", Mode: testenv.PIE}))

	proc, err := target.Open(host.PID())
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var recorded atomic.Pointer[[]int]
	opts := recorder.Options{
		Output: filepath.Join(t.TempDir(), "ours.parquet"), Recorder: "test",
		Choose:   &choose.Rules{Cgroups: []string{group.path}, Exes: []string{"program"}},
		Progress: func(p recorder.Progress) { recorded.Store(&p.Processes) },
	}
	type result struct {
		sum *recorder.Summary
		err error
	}
	done := make(chan result, 1)
	go func() {
		sum, err := recorder.Record(ctx, opts, proc)
		done <- result{sum, err}
	}()
	isRecorded := func(pid int) func() bool {
		return func() bool {
			pids := recorded.Load()
			return pids != nil && slices.Contains(*pids, pid)
		}
	}
	await(t, "the first container", isRecorded(first.PID()))
	second := startContainer(t, image, group, syscall.CLONE_NEWUSER)
	await(t, "the second container", isRecorded(second.PID()))
	for _, p := range []*waiting{first, second, host} {
		if err := p.End(); err != nil {
			t.Error(err)
		}
	}
	await(t, "their ends", func() bool { return len(*recorded.Load()) == 0 })
	stop()
	r := <-done
	if r.err != nil {
		t.Fatal(r.err)
	}
	if n := len(r.sum.Metadata.Processes); n != 3 {
		t.Fatalf("%d processes; not recorded: %+v", n, r.sum.Missed)
	}
	for _, p := range r.sum.Metadata.Processes {
		at := slices.IndexFunc([]*waiting{first, second, host}, func(w *waiting) bool { return w.PID() == int(p.PID) })
		if at < 0 {
			t.Fatalf("process %d is none of them", p.PID)
		}
		w := []*waiting{first, second, host}[at]
		if id := containerOf(&p); id != w.container {
			t.Errorf("process %d is in container %q; want %q", p.PID, id, w.container)
		}
		if came := p.BeginNS > r.sum.Metadata.StartNS; came != (w == second) {
			t.Errorf("process %d came at %d, the recording began at %d", p.PID, p.BeginNS, r.sum.Metadata.StartNS)
		}
		judgeOne(t, opts.Output, w.trace, Cell{program, []int{2}}, &p)
	}
}

func containerOf(p *format.Process) string {
	if p.Container == nil {
		return ""
	}
	return p.Container.ID
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// waiting is a program that does its work when its input ends.
type waiting struct {
	*testenv.Running
	trace     string // its own tracer's
	container string
}

func startWaiting(t *testing.T, exe string) *waiting {
	trace := filepath.Join(t.TempDir(), "go.trace")
	return &waiting{testenv.Start(t, exec.Command(exe, "-wait", "-trace", trace)), trace, ""}
}

// makeImage makes a root folder with a program in it.
func makeImage(t *testing.T, exe string) string {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{"proc", "out", "old"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "program"), raw, 0o755); err != nil {
		t.Fatal(err)
	}
	return root
}

// cgroup is one of version 2, for the containers of a test.
type cgroup struct {
	folder string
	path   string // as /proc has it
	made   int
}

func makeCgroup(t *testing.T) *cgroup {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		left, right, _ := strings.Cut(line, " - ")
		if fields := strings.Fields(left); strings.HasPrefix(right, "cgroup2 ") && len(fields) > 4 {
			g := &cgroup{folder: filepath.Join(fields[4], fmt.Sprintf("gosched-test-%d", os.Getpid()))}
			if err := os.Mkdir(g.folder, 0o755); err != nil {
				testenv.Lacking(t, err.Error())
			}
			t.Cleanup(func() { _ = os.Remove(g.folder) })
			g.path = choose.CgroupPath(g.folder, string(mounts))
			return g
		}
	}
	testenv.Lacking(t, "no cgroups of version 2 are mounted")
	return nil
}

// startContainer starts the image's program as a container's only process: in namespaces and a
// cgroup of its own, on an overlay of the image.
func startContainer(t *testing.T, image string, group *cgroup, flags uintptr) *waiting {
	t.Helper()
	group.made++
	id := strings.Repeat(fmt.Sprint(group.made), 64)
	folder := filepath.Join(group.folder, "docker-"+id+".scope")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	dir, out := t.TempDir(), t.TempDir()
	cmd := exec.Command("sh", "-ec", `
		echo $$ > "$1"/cgroup.procs
		mount --make-rprivate / && mount -t tmpfs tmpfs "$3" && mkdir "$3"/upper "$3"/work "$3"/root
		mount -t overlay overlay -o lowerdir="$2",upperdir="$3"/upper,workdir="$3"/work "$3"/root
		mount --bind "$4" "$3"/root/out && mount -t proc proc "$3"/root/proc
		cd "$3"/root && pivot_root . old && exec /program -wait -trace /out/go.trace`,
		"sh", folder, image, dir, out)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | flags}
	if flags&syscall.CLONE_NEWUSER != 0 {
		root := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = root, root
		// $$ is the process's number in there, which the cgroup's file takes from its writer
	}
	w := &waiting{testenv.Start(t, cmd), filepath.Join(out, "go.trace"), id}
	t.Cleanup(func() {
		_ = w.End()
		_ = os.Remove(folder)
	})
	await(t, "the container's program", func() bool {
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", w.PID()))
		if err != nil {
			t.Fatal(err)
		}
		return string(comm) == "program\n"
	})
	return w
}
