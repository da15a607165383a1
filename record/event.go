package record

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/kernel"
	"github.com/gosched/gosched/record/stacks"
)

// op is what an event is about: a gobin.Op for what the probe points see, a
// bpf.GoschedOp for the kernel's side, and a few that the recorder makes itself.
type op uint8

const (
	opNone        = op(gobin.OpNone)
	opThreadOn    = op(bpf.GoschedOpOP_THREAD_ON)
	opThreadOff   = op(bpf.GoschedOpOP_THREAD_OFF)
	opThreadWake  = op(bpf.GoschedOpOP_THREAD_WAKE)
	opExec        = op(bpf.GoschedOpOP_EXEC)
	opStarted     = op(bpf.GoschedOpOP_STARTED)
	opStack       = op(bpf.GoschedOpOP_STACK)
	opSample      = op(bpf.GoschedOpOP_SAMPLE)
	opGap         = op(128) // events were lost from time to until
	opSnapshot    = op(129) // a goroutine as it was found in memory
	opSyscallSlow = op(130) // a system call ended and no P was free
	opLimit       = op(131) // a limit of the process holds from now on
	opReadBegin   = op(132) // the recorder begins to read goroutines from memory
	opReadEnd     = op(133) // and has read all that it will
	opRound       = op(135) // the goroutines were read in a round
	opRoundFound  = op(136) // a goroutine as it was found in a round
	opDescriptor  = op(134) // a goroutine waits for a file descriptor, or is in a system call on it
	opEnded       = op(137) // the process's part of the recording ends
	opUnwatched   = op(150) // one class was not watched from time to until
)

// The kernel side switches on gobin's numbers: these do not compile when they differ.
var (
	_ = [1]struct{}{}[int(bpf.GoschedOpOP_CREATE)-int(gobin.OpCreate)]
	_ = [1]struct{}{}[int(bpf.GoschedOpOP_RUN)-int(gobin.OpRun)]
	_ = [1]struct{}{}[int(bpf.GoschedOpOP_SYSCALL_NOP)-int(gobin.OpSyscallNoP)]
	_ = [1]struct{}{}[int(bpf.GoschedOpOP_STW_END)-int(gobin.OpSTWEnd)]
	_ = [1]struct{}{}[int(bpf.GoschedArgARG_CLOSURE8)-int(gobin.ArgClosure8)]
)

// event is a record from the kernel, decoded. Which fields mean something depends on op.
type event struct {
	time    int64 // CLOCK_MONOTONIC
	goid    int64
	byGoid  int64
	stack   uint64 // hash; for a creation the new goroutine's first pc; for a sample the stack's id
	object  int64  // what a goroutine that parks waits for, 0: not known
	byStack uint64 // hash
	tid     int32
	proc    int32
	other   int32  // the waking thread
	text    uint32 // in the reasons table: the comm or state of a thread, where a sample found it
	cpu     uint16
	flags   uint16
	subject uint16 // the number of the process it is about
	op      op
	reason  uint8
}

var errRecord = errors.New("record from the kernel is not one of ours")

// The sizes of the records, as event.h has them.
const (
	baseBytes   = 32
	stackBytes  = 40
	waitBytes   = 48
	byBytes     = 56
	threadBytes = 56
	sampleBytes = 40 // and a stack's definition
	defBytes    = 16 // and 8 a frame
	maxFrames   = 128
)

// decode reads one record from the ring into e.
func decode(raw []byte, e *event) error {
	if len(raw) < baseBytes {
		return fmt.Errorf("%w: %d bytes", errRecord, len(raw))
	}
	if o := op(raw[0]); o >= op(gobin.NumOps) && (o < opThreadOn || o > opStarted) && o != opSample {
		return fmt.Errorf("%w: operation %d", errRecord, raw[0])
	}
	le := binary.LittleEndian
	if s := le.Uint16(raw[30:]); s >= uint16(kernel.MaxSubjects) {
		return fmt.Errorf("%w: of process number %d", errRecord, s)
	}
	*e = event{
		subject: le.Uint16(raw[30:]),
		op:      op(raw[0]),
		reason:  raw[1],
		cpu:     le.Uint16(raw[2:]),
		tid:     int32(le.Uint32(raw[4:])),
		time:    int64(le.Uint64(raw[8:])),
		goid:    int64(le.Uint64(raw[16:])),
		proc:    int32(le.Uint32(raw[24:])),
		flags:   le.Uint16(raw[28:]),
	}
	switch {
	case e.op == opSample: // decodeSample reads the rest
	case e.op >= opThreadOn && e.op <= opExec:
		if len(raw) < threadBytes {
			return fmt.Errorf("%w: %d bytes for a thread", errRecord, len(raw))
		}
		e.other = int32(le.Uint32(raw[32:]))
		return nil
	case len(raw) >= byBytes:
		e.byGoid = int64(le.Uint64(raw[40:]))
		e.byStack = le.Uint64(raw[48:])
		e.stack = le.Uint64(raw[32:])
	case len(raw) >= waitBytes:
		e.object = int64(le.Uint64(raw[40:]))
		fallthrough
	case len(raw) >= stackBytes:
		e.stack = le.Uint64(raw[32:])
	}
	return nil
}

// threadText is the state and the name of the successor or predecessor in a thread's record.
func threadText(raw []byte) (state uint32, comm []byte) {
	comm = raw[40:threadBytes]
	for i, c := range comm {
		if c == 0 {
			comm = comm[:i]
			break
		}
	}
	return binary.LittleEndian.Uint32(raw[36:]), comm
}

// decodeSample reads where a sample's thread was. The flags are those of the event that it begins
// with.
func decodeSample(raw []byte, flags uint16) (s stacks.Sample, err error) {
	if len(raw) < sampleBytes {
		return s, fmt.Errorf("%w: %d bytes for a sample", errRecord, len(raw))
	}
	def, err := decodeStack(raw[sampleBytes:])
	return stacks.Sample{
		Stack: def.Stack, Caller: binary.LittleEndian.Uint64(raw[baseBytes:]),
		Kernel: flags&flagInKernel != 0, System: flags&flagSystemStack != 0,
	}, err
}

// stackDef is a stack to which the kernel side has given a name, and the number of its process.
type stackDef struct {
	stacks.Stack
	hash    uint64
	subject uint16
}

// decodeStack reads a stack's definition.
func decodeStack(raw []byte) (def stackDef, err error) {
	if len(raw) < defBytes {
		return stackDef{}, fmt.Errorf("%w: %d bytes for a stack", errRecord, len(raw))
	}
	n := int(binary.LittleEndian.Uint16(raw[2:]))
	if n > maxFrames || len(raw) < defBytes+8*n {
		return stackDef{}, fmt.Errorf("%w: %d bytes for a stack of %d frames", errRecord, len(raw), n)
	}
	subject := binary.LittleEndian.Uint32(raw[4:])
	if subject >= uint32(kernel.MaxSubjects) {
		return stackDef{}, fmt.Errorf("%w: a stack of process number %d", errRecord, subject)
	}
	def = stackDef{subject: uint16(subject), hash: binary.LittleEndian.Uint64(raw[8:])}
	def.PCs, def.Whole = make([]uint64, n), bpf.GoschedStackKind(raw[1]) == bpf.GoschedStackKindSTACK_WHOLE
	for i := range def.PCs {
		def.PCs[i] = binary.LittleEndian.Uint64(raw[16+8*i:])
	}
	return def, nil
}
