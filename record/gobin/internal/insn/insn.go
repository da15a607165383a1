// Package insn decodes machine code as far as choosing a probe point needs: what an instruction is,
// whether the kernel emulates it, which registers it may change and what it does to the stack
// pointer.
package insn

import "fmt"

// Arch is a processor.
type Arch uint8

// The processors.
const (
	AMD64 Arch = iota + 1
	ARM64
)

// Kind is what an instruction does to the flow of control.
type Kind uint8

// The kinds. Push and Nop are told apart because the kernel emulates them on amd64.
const (
	Other Kind = iota
	Push
	Nop
	Jump     // unconditional, Target known
	CondJump // Target known
	Call     // Target known
	CallReg  // through a register or memory
	End      // return, indirect jump, trap: nothing of this path follows
	Unknown  // not decoded; its length is a guess on amd64
)

// Regs is a set of registers that matter here.
type Regs uint8

// The registers.
const (
	Reg0    Regs = 1 << iota // AX, R0
	Reg1                     // BX, R1
	G                        // R14, R28
	Closure                  // DX, R26
	SP
	FP       // BP, R29
	All Regs = 1<<iota - 1
)

// Insn is one instruction.
type Insn struct {
	Addr     uint64
	Len      int
	Kind     Kind
	Target   uint64 // of Jump, CondJump, Call
	Emulated bool   // by every kernel this program supports, never single-stepped
	Step     bool   // may be single-stepped out of line
	Writes   Regs
	SPMove   int64 // by how much SP goes down
	SPLost   bool  // SP gets a value that this package does not follow
	Frame    bool  // the frame pointer is made to point to this function's frame
	Locked   bool  // an atomic read-modify-write of memory
	Mem      bool  // Base and Disp say which memory is accessed (or, ADD with a constant, which address is made)
	Store    bool  // the memory is written,
	Load     bool  // or read; neither if only its address is made
	Base     Regs  // 0 for registers that are not in Regs
	Disp     int64
	Pair     int64 // distance of a second access, 0 if there is none (arm64: stp, ldp)
	// address of the memory, if it is given relative to the instruction (amd64) or by ADRP and a
	// low part (see Addresses)
	RIP uint64

	text fmt.Stringer
	low  func() addressing // arm64: for Addresses
}

// String disassembles the instruction.
func (i Insn) String() string {
	if i.text == nil {
		return "?"
	}
	return i.text.String()
}

// Decode decodes the instructions of code, which is at addr. It always gets to the end of code.
func Decode(arch Arch, code []byte, addr uint64) []Insn {
	out := make([]Insn, 0, len(code)/4)
	for len(code) > 0 {
		var i Insn
		if arch == AMD64 {
			i = decodeAMD64(code, addr)
		} else {
			i = decodeARM64(code, addr)
		}
		out = append(out, i)
		code, addr = code[i.Len:], addr+uint64(i.Len)
	}
	return out
}
