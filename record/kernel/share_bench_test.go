package kernel

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// BenchmarkProbesOfOneFile is what a hit costs a process when others that run the same file have
// probes too: the kernel asks each of them whether it is meant.
func BenchmarkProbesOfOneFile(b *testing.B) {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "hit", Type: ebpf.Kprobe, AttachType: ebpf.AttachTraceUprobeMulti, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
	if err != nil {
		b.Skip(err)
	}
	defer prog.Close()
	exe, err := link.OpenExecutable("/proc/self/exe")
	if err != nil {
		b.Fatal(err)
	}
	for _, processes := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(processes), func(b *testing.B) {
			pids := []int{os.Getpid()}
			for range processes - 1 {
				cmd := exec.Command("sleep", "1000")
				if err := cmd.Start(); err != nil {
					b.Fatal(err)
				}
				defer func() {
					_ = cmd.Process.Kill()
					_ = cmd.Wait()
				}()
				pids = append(pids, cmd.Process.Pid)
			}
			for _, pid := range pids {
				opts := &link.UprobeMultiOptions{Addresses: []uint64{pushOffset(b)}, PID: uint32(pid)}
				l, err := exe.UprobeMulti(nil, prog, opts)
				if err != nil {
					b.Fatal(err)
				}
				defer l.Close()
			}
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			before := threadTime(b)
			for b.Loop() {
				pushes()
			}
			b.ReportMetric(float64(threadTime(b)-before)/float64(b.N), "cpu-ns/hit")
		})
	}
}

// pushes has a frame: it pushes the frame pointer, which the kernel emulates.
//
//go:noinline
func pushes() { probed() }

// pushOffset is where in the file it does.
func pushOffset(b *testing.B) uint64 {
	if runtime.GOARCH != "amd64" {
		b.Skip("the instruction is amd64's")
	}
	offset, err := fileOffset(reflect.ValueOf(pushes).Pointer())
	if err != nil {
		b.Fatal(err)
	}
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		b.Fatal(err)
	}
	defer exe.Close()
	code := make([]byte, 32)
	if _, err := exe.ReadAt(code, int64(offset)); err != nil {
		b.Fatal(err)
	}
	const push = 0x55 // of BP
	offset += uint64(bytes.IndexByte(code, push))
	return offset
}

func threadTime(b *testing.B) int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		b.Fatal(err)
	}
	return ts.Nano()
}
