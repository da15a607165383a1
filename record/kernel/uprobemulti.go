package kernel

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// haveUprobeMulti says whether uprobe_multi is there and filters by process. Before Linux 6.10 it
// filtered by thread (46ba0e49b642), and probes did not fire on all threads but one.
var haveUprobeMulti = sync.OnceValue(func() bool {
	if features.HaveBPFLinkUprobeMulti() != nil {
		return false
	}
	n, err := hitsOfOtherThread()
	return err == nil && n == 1
})

// trials are links that were made to try the kernel. Closing one takes as long as every CPU needs
// to pass a grace period, which is not waited for until programs are closed.
var trials sync.WaitGroup

// hitsOfOtherThread probes a function of this program, by its process, and says how often the probe
// fired while a thread other than the first called the function once.
func hitsOfOtherThread() (uint64, error) {
	hits, err := ebpf.NewMap(&ebpf.MapSpec{Name: "hits", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	if err != nil {
		return 0, err
	}
	defer hits.Close()
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "hit", Type: ebpf.Kprobe, AttachType: ebpf.AttachTraceUprobeMulti, License: "Dual BSD/GPL",
		Instructions: asm.Instructions{
			asm.LoadMapValue(asm.R1, hits.FD(), 0),
			asm.Mov.Imm(asm.R2, 1),
			asm.StoreXAdd(asm.R1, asm.R2, asm.DWord),
			asm.Mov.Imm(asm.R0, 0),
			asm.Return(),
		},
	})
	if err != nil {
		return 0, err
	}
	defer prog.Close()
	offset, err := fileOffset(reflect.ValueOf(probed).Pointer())
	if err != nil {
		return 0, err
	}
	exe, err := link.OpenExecutable("/proc/self/exe")
	if err != nil {
		return 0, err
	}
	opts := &link.UprobeMultiOptions{Addresses: []uint64{offset}, PID: uint32(os.Getpid())}
	l, err := exe.UprobeMulti(nil, prog, opts)
	if err != nil {
		return 0, err
	}
	onOtherThread(probed)
	trials.Go(func() { _ = l.Close() })
	var n uint64
	return n, hits.Lookup(uint32(0), &n)
}

// probed is called for the probe on it.
//
//go:noinline
func probed() { runtime.KeepAlive(binary.LittleEndian) }

// onOtherThread calls f on a thread that is not the process's first.
func onOtherThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if unix.Gettid() != os.Getpid() {
			f()
			return
		}
		onOtherThread(f) // this goroutine keeps the first thread meanwhile
	}()
	<-done
}

// fileOffset is where the code at an address of this process is in its file.
func fileOffset(pc uintptr) (uint64, error) {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return 0, err
	}
	defer maps.Close()
	for s := bufio.NewScanner(maps); s.Scan(); {
		var begin, end, offset uint64
		var mode string
		if _, err := fmt.Sscanf(s.Text(), "%x-%x %s %x", &begin, &end, &mode, &offset); err != nil {
			return 0, fmt.Errorf("read /proc/self/maps: %w", err)
		}
		if uint64(pc) >= begin && uint64(pc) < end {
			return uint64(pc) - begin + offset, nil
		}
	}
	return 0, fmt.Errorf("no mapping of /proc/self/maps has %#x", pc)
}
