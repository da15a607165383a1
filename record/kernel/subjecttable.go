package kernel

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf"

	"github.com/gosched/gosched/bpf"
)

// subjectTable is what the programs know of the subjects: memory that they share with the recorder.
// They write to it too, where a process replaces its program. So only what is to change is
// written, and never what was read before: a subject would be watched again that had just ceased
// to be.
type subjectTable struct {
	memory *ebpf.Memory
	at     int64 // where the first subject is
}

// openSubjects finds where a collection has its subjects.
func openSubjects(spec *ebpf.CollectionSpec, c *ebpf.Collection) (*subjectTable, error) {
	v := spec.Variables[bpf.GoschedVarSubjects]
	memory, err := c.Maps[v.SectionName].Memory()
	if err != nil {
		return nil, fmt.Errorf("map subjects into memory: %w", err)
	}
	return &subjectTable{memory, int64(v.Offset)}, nil
}

const (
	tgidOffset  = int64(unsafe.Offsetof(bpf.GoschedSubject{}.Tgid))
	epochOffset = int64(unsafe.Offsetof(bpf.GoschedSubject{}.Epoch))

	currentOffset = int64(unsafe.Offsetof(bpf.GoschedSubject{}.KnowCurrent))
	procOffset    = int64(unsafe.Offsetof(bpf.GoschedSubject{}.KnowProc))
	goidsOffset   = int64(unsafe.Offsetof(bpf.GoschedSubject{}.KnowGoids))
)

// offset is where a field of a subject is.
func (t *subjectTable) offset(subject int, field int64) int64 {
	return t.at + int64(subject)*int64(unsafe.Sizeof(bpf.GoschedSubject{})) + field
}

// set tells of a subject that is not watched yet.
func (t *subjectTable) set(number int, s *bpf.GoschedSubject) error {
	raw, err := binary.Append(nil, binary.NativeEndian, s)
	if err == nil {
		_, err = t.memory.WriteAt(raw, t.offset(number, 0))
	}
	return err
}

// tgid is the process that a subject is watched as; 0: it is not.
func (t *subjectTable) tgid(subject int) (uint32, error) {
	var raw [4]byte
	if _, err := t.memory.ReadAt(raw[:], t.offset(subject, tgidOffset)); err != nil {
		return 0, fmt.Errorf("read which process BPF programs watch: %w", err)
	}
	return binary.NativeEndian.Uint32(raw[:]), nil
}

// unwatch has a subject watched no more. All else stays: programs that are at work may need it.
func (t *subjectTable) unwatch(subject int) error { return t.setWord(subject, tgidOffset, 0) }

// setEpoch gives a subject another epoch.
func (t *subjectTable) setEpoch(subject int, epoch uint32) error {
	return t.setWord(subject, epochOffset, epoch)
}

// setBool changes a flag of a subject.
func (t *subjectTable) setBool(subject int, field int64, value bool) error {
	raw := []byte{0}
	if value {
		raw[0] = 1
	}
	return t.write(raw, t.offset(subject, field))
}

func (t *subjectTable) setWord(subject int, field int64, value uint32) error {
	return t.write(binary.NativeEndian.AppendUint32(nil, value), t.offset(subject, field))
}

func (t *subjectTable) write(raw []byte, at int64) error {
	if _, err := t.memory.WriteAt(raw, at); err != nil {
		return fmt.Errorf("change what BPF programs know of a process: %w", err)
	}
	return nil
}
