package safety

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/gosched/gosched/bpf"
)

// kernelState is what the kernel had before a trial.
type kernelState struct {
	program ebpf.ProgramID // the highest number
	maps    ebpf.MapID
	uprobes string
}

func seeKernel(t *testing.T) (s kernelState) {
	t.Helper()
	for id, err := ebpf.ProgramGetNextID(0); err == nil; id, err = ebpf.ProgramGetNextID(id) {
		s.program = id
	}
	for id, err := ebpf.MapGetNextID(0); err == nil; id, err = ebpf.MapGetNextID(id) {
		s.maps = id
	}
	s.uprobes = uprobeEvents(t)
	return s
}

func uprobeEvents(t *testing.T) string {
	t.Helper()
	for _, dir := range []string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		text, err := os.ReadFile(filepath.Join(dir, "uprobe_events"))
		if err == nil {
			return string(text)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return ""
}

// nothingLeft checks that the kernel has nothing of a recording's any more. What another recorder
// on this machine holds open is that one's.
func (tr *trial) nothingLeft(before kernelState) {
	tr.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		left := tr.leftBehind(before)
		if len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			tr.harm("the kernel still has %s", strings.Join(left, ", "))
			break
		}
	}
	if now := uprobeEvents(tr.T); now != before.uprobes {
		tr.harm("uprobe_events has become %q", now)
	}
}

// leftBehind are programs and maps of ours that came after before, and that no process has open.
func (tr *trial) leftBehind(before kernelState) []string {
	tr.Helper()
	left := tr.sinceThen(before)
	if len(left) == 0 {
		return nil
	}
	held := heldOpen()
	return slices.DeleteFunc(left, func(s string) bool { return held[strings.Fields(s)[0]] })
}

// sinceThen are programs and maps of ours that came after before.
func (tr *trial) sinceThen(before kernelState) (found []string) {
	tr.Helper()
	programs, maps := ourNames(tr.T)
	for id, err := ebpf.ProgramGetNextID(before.program); err == nil; id, err = ebpf.ProgramGetNextID(id) {
		if name := programName(id); slices.Contains(programs, name) {
			found = append(found, fmt.Sprintf("prog_id:%d (%s)", id, name))
		}
	}
	for id, err := ebpf.MapGetNextID(before.maps); err == nil; id, err = ebpf.MapGetNextID(id) {
		if name := mapName(id); slices.Contains(maps, name) {
			found = append(found, fmt.Sprintf("map_id:%d (%s)", id, name))
		}
	}
	return found
}

// othersRecord says whether a process, none of which is this trial's any more, has our programs open:
// one that records all Go programs records the trial's too.
func (tr *trial) othersRecord() bool {
	tr.Helper()
	held := heldOpen()
	return slices.ContainsFunc(tr.sinceThen(kernelState{}), func(s string) bool {
		return strings.HasPrefix(s, "prog_id") && held[strings.Fields(s)[0]]
	})
}

// ourNames are the names that the kernel keeps of our programs and maps.
func ourNames(t *testing.T) (programs, maps []string) {
	t.Helper()
	for _, load := range []func() (*ebpf.CollectionSpec, error){bpf.LoadGosched, bpf.LoadGoschedLegacy} {
		spec, err := load()
		if err != nil {
			t.Fatal(err)
		}
		for name := range spec.Programs {
			programs = append(programs, kernelName(name))
		}
		for name := range spec.Maps {
			maps = append(maps, kernelName(name))
		}
	}
	return programs, maps
}

// kernelName is what the kernel keeps of a name: BPF_OBJ_NAME_LEN is 16, with a zero at its end.
func kernelName(name string) string { return name[:min(len(name), 15)] }

func programName(id ebpf.ProgramID) string {
	p, err := ebpf.NewProgramFromID(id)
	if err != nil {
		return ""
	}
	defer p.Close()
	info, err := p.Info()
	if err != nil {
		return ""
	}
	return kernelName(info.Name)
}

func mapName(id ebpf.MapID) string {
	m, err := ebpf.NewMapFromID(id)
	if err != nil {
		return ""
	}
	defer m.Close()
	info, err := m.Info()
	if err != nil {
		return ""
	}
	return kernelName(info.Name)
}

var numbered = regexp.MustCompile(`(?m)^(prog_id|map_id):\s*(\d+)$`)

// heldOpen are the programs and maps that processes have open, as "prog_id:7" and "map_id:9".
func heldOpen() map[string]bool {
	held := map[string]bool{}
	own := "/proc/" + strconv.Itoa(os.Getpid()) + "/"
	names, _ := filepath.Glob("/proc/[0-9]*/fdinfo/*")
	for _, name := range names {
		if strings.HasPrefix(name, own) {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		for _, m := range numbered.FindAllStringSubmatch(string(text), -1) {
			held[m[1]+":"+m[2]] = true
		}
	}
	return held
}
