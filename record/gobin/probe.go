package gobin

import "github.com/gosched/gosched/format"

// Op names what a probe point observes. The recorder's BPF program switches on it.
type Op uint8

// The observations. Arg in a Probe says which register holds the goroutine (or list, or number).
const (
	OpNone       Op = iota
	OpCreate        // a new goroutine is about to be queued; Arg: the new g
	OpCreateCoro    // a coroutine's goroutine was created parked; Arg: the new g
	OpPark          // park_m; Arg: gp
	OpReady         // ready; Arg: gp
	OpInject        // injectglist; Arg: *gList (head at 0, linked by g.schedlink)
	OpRun           // execute; Arg: gp
	// goschedImpl and what it was inlined into; Arg: gp. The yielding function tells Gosched from
	// preemption
	OpYield
	OpGoyield      // goyield_m; Arg: gp
	OpPreemptPark  // preemptPark; Arg: gp
	OpExit         // goexit0; Arg: gp
	OpCoroSwitch   // coroswitch_m; Arg: gp, the goroutine that leaves
	OpSyscallEnter // reentersyscall or entersyscall; the current g
	OpSyscallBlock // entersyscallblock; the current g
	OpSyscallExit  // exitsyscall; the current g
	OpSyscallNoP   // exitsyscall0 (≤1.25), exitsyscallNoP (≥1.26); Arg: gp
	OpNeedM        // a C thread enters Go: the CALL of casgstatus in needm; Arg: gp
	OpDropM        // and leaves: the CALL of casgstatus in dropm; Arg: gp
	OpGCStart      // a GC cycle's mark phase begins
	OpGCEnd        // and ends
	OpSTWBegin     // stopTheWorldWithSema; Arg: the reason's number (≥1.21), see Binary.STWReasons
	OpSTWEnd       // startTheWorldWithSema

	NumOps = iota
)

// Arg says where a probe finds its argument.
type Arg uint8

// The places of an argument.
const (
	ArgNone     Arg = iota
	ArgCurrentG     // R14 (amd64), R28 (arm64)
	ArgReg0         // AX, R0: first integer argument or result
	ArgReg1         // BX, R1
	ArgClosure8     // the word at closure context + 8: *(DX+8), *(R26+8)
)

// Probe is one instruction to attach to.
type Probe struct {
	Op         Op
	Transition format.Transition // the class that it observes
	Func       string            // the function that the instruction is in
	FuncOffset uint64            // the instruction's distance from the function's entry
	Addr       uint64            // link-time address of the instruction
	FileOffset uint64            // its offset in the file, which is what the kernel wants
	Bytes      []byte            // the instruction as it is in the file
	Insn       string            // the instruction disassembled
	Emulated   bool              // every kernel emulates it instead of single-stepping
	Arg        Arg
	Framed     bool // the function's frame is built: the frame pointer is its own, not its caller's
	// by how much SP is below its value at entry. amd64: the return address is at SP + SPDelta;
	// arm64: in LR, or if Framed at SP
	SPDelta uint32
}
