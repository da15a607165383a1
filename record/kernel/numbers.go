package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/record/target"
)

// Numbers asks the kernel how it numbers a process and its threads in the root PID namespace,
// as events have them, where the recorder is in another one.
type Numbers struct {
	pid        int // in the recorder's PID namespace
	collection *ebpf.Collection
	iter       *link.Iter
}

// ProbeNumbers says whether a recorder in this PID namespace can be told the root's numbers.
func ProbeNumbers() error {
	root, err := target.InRootPIDNamespace()
	if err != nil || root {
		return err
	}
	n, err := OpenNumbers(os.Getpid())
	if err != nil {
		return err
	}
	_, _, err = n.Read()
	return errors.Join(err, n.Close())
}

// OpenNumbers is for the process that the recorder's PID namespace numbers pid.
func OpenNumbers(pid int) (*Numbers, error) {
	if err := prepareLibrary(); err != nil {
		return nil, err
	}
	spec, err := bpf.LoadTasks()
	if err != nil {
		return nil, fmt.Errorf("read BPF object: %w", err)
	}
	if err := spec.Variables[bpf.TasksVarWanted].Set(int32(pid)); err != nil {
		return nil, fmt.Errorf("set %s in BPF object: %w", bpf.TasksVarWanted, err)
	}
	c, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("load the iterator over tasks, which a PID namespace takes: %w", explain(err))
	}
	n := &Numbers{pid: pid, collection: c}
	n.iter, err = link.AttachIter(link.IterOptions{Program: c.Programs[bpf.TasksProgNumberThreads]})
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("attach the iterator over tasks: %w", explain(err))
	}
	return n, nil
}

// Close does nothing with a nil n.
func (n *Numbers) Close() error {
	if n == nil {
		return nil
	}
	err := n.iter.Close()
	n.collection.Close()
	return err
}

// Read gives the process's number in the root PID namespace, and its threads' numbers there by
// those that they have themselves.
func (n *Numbers) Read() (tgid int32, tids map[int32]int32, err error) {
	file, err := n.iter.Open()
	if err != nil {
		return 0, nil, fmt.Errorf("iterate over tasks: %w", explain(err))
	}
	raw, err := io.ReadAll(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return 0, nil, fmt.Errorf("iterate over tasks: %w", err)
	}
	tgid, tids, err = decodeNumbers(raw)
	if err == nil && tgid == 0 {
		err = fmt.Errorf("process %d: %w", n.pid, target.ErrNoProcess)
	}
	return tgid, tids, err
}

// numbersBytes is the size of struct thread_numbers in tasks.c.
const numbersBytes = 12

// decodeNumbers reads what the iterator wrote. A tgid of 0: nothing.
func decodeNumbers(raw []byte) (tgid int32, tids map[int32]int32, err error) {
	if len(raw)%numbersBytes != 0 {
		return 0, nil, fmt.Errorf("the iterator over tasks wrote %d bytes, not threads of %d each", len(raw),
			numbersBytes)
	}
	tids = make(map[int32]int32, len(raw)/numbersBytes)
	for ; len(raw) > 0; raw = raw[numbersBytes:] {
		tgid = int32(binary.NativeEndian.Uint32(raw))
		tids[int32(binary.NativeEndian.Uint32(raw[8:]))] = int32(binary.NativeEndian.Uint32(raw[4:]))
	}
	return tgid, tids, nil
}
