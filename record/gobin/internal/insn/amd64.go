package insn

import (
	"golang.org/x/arch/x86/x86asm"
)

type text string

func (t text) String() string { return string(t) }

type x86text struct {
	i  x86asm.Inst
	pc uint64
}

func (t x86text) String() string { return x86asm.GoSyntax(t.i, t.pc, nil) }

// decodeAMD64 decodes the first instruction of code.
func decodeAMD64(code []byte, addr uint64) Insn {
	x, err := x86asm.Decode(code, 64)
	if err != nil || x.Len == 0 || x.Len > len(code) {
		if n := vexLen(code); n > 0 {
			return Insn{Addr: addr, Len: n, Writes: All &^ (SP | FP), Step: true, text: text("VEX")}
		}
		return Insn{Addr: addr, Len: 1, Kind: Unknown, Writes: All, SPLost: true}
	}
	i := Insn{Addr: addr, Len: x.Len, text: x86text{x, addr}}
	i.Kind, i.Target = x86Kind(x, addr)
	i.Emulated = x86Emulated(code[:x.Len])
	i.Step = !x86Prefixed(code[0])
	i.Locked = code[0] == 0xf0
	x86Effects(&i, x)
	x86Memory(&i, x, addr)
	return i
}

// x86Emulated says whether the kernel emulates the instruction (arch/x86/kernel/uprobes.c,
// branch_setup_xol_ops and push_setup_xol_ops, since Linux 4.x): push of a 64-bit register,
// one-byte nop, jmp, jcc, call with a relative target and without prefixes. Longer nops only since
// 6.18, so they do not count.
func x86Emulated(b []byte) bool {
	switch c := b[0]; {
	case c >= 0x50 && c <= 0x57:
		return c != 0x54 // push rsp
	case c == 0x41:
		return len(b) == 2 && b[1] >= 0x50 && b[1] <= 0x57
	case c == 0x90, c == 0xeb, c == 0xe9, c == 0xe8, c >= 0x70 && c <= 0x7f:
		return true
	case c == 0x0f:
		return len(b) == 6 && b[1] >= 0x80 && b[1] <= 0x8f
	}
	return false
}

// x86Prefixed says whether the instruction has a prefix with which uprobes refuse it (lock,
// segments) or that we rather avoid.
func x86Prefixed(c byte) bool {
	switch c {
	case 0xf0, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x67, 0xcc:
		return true
	}
	return false
}

var x86Jcc = map[x86asm.Op]bool{
	x86asm.JA: true, x86asm.JAE: true, x86asm.JB: true, x86asm.JBE: true, x86asm.JE: true, x86asm.JG: true,
	x86asm.JGE: true, x86asm.JL: true, x86asm.JLE: true, x86asm.JNE: true, x86asm.JNO: true, x86asm.JNP: true,
	x86asm.JNS: true, x86asm.JO: true, x86asm.JP: true, x86asm.JS: true, x86asm.JCXZ: true, x86asm.JECXZ: true,
	x86asm.JRCXZ: true,
}

// x86Kind tells the flow of control.
func x86Kind(x x86asm.Inst, addr uint64) (Kind, uint64) {
	rel, direct := x.Args[0].(x86asm.Rel)
	target := addr + uint64(x.Len) + uint64(int64(rel))
	switch {
	case x.Op == x86asm.PUSH:
		return Push, 0
	case x.Op == x86asm.NOP:
		return Nop, 0
	case x86Jcc[x.Op]:
		return CondJump, target
	case x.Op == x86asm.JMP && direct:
		return Jump, target
	case x.Op == x86asm.CALL && direct:
		return Call, target
	case x.Op == x86asm.CALL:
		return CallReg, 0
	case x.Op == x86asm.JMP, x.Op == x86asm.RET, x.Op == x86asm.INT, x.Op == x86asm.UD2, x.Op == x86asm.UD1,
		x.Op == x86asm.HLT:
		return End, 0
	}
	return Other, 0
}

// x86Reg names the registers that matter, in all their widths.
func x86Reg(a x86asm.Arg) Regs {
	switch a {
	case x86asm.AL, x86asm.AH, x86asm.AX, x86asm.EAX, x86asm.RAX:
		return Reg0
	case x86asm.BL, x86asm.BH, x86asm.BX, x86asm.EBX, x86asm.RBX:
		return Reg1
	case x86asm.R14B, x86asm.R14W, x86asm.R14L, x86asm.R14:
		return G
	case x86asm.DL, x86asm.DH, x86asm.DX, x86asm.EDX, x86asm.RDX:
		return Closure
	case x86asm.SPB, x86asm.SP, x86asm.ESP, x86asm.RSP:
		return SP
	case x86asm.BPB, x86asm.BP, x86asm.EBP, x86asm.RBP:
		return FP
	}
	return 0
}

// x86Reads are instructions that only read their operands, x86Simple those that change nothing but
// the first.
var (
	x86Reads = map[x86asm.Op]bool{
		x86asm.CMP: true, x86asm.TEST: true, x86asm.NOP: true, x86asm.BT: true, x86asm.PREFETCHT0: true,
		x86asm.PREFETCHNTA: true, x86asm.JMP: true,
	}
	x86Simple = map[x86asm.Op]bool{
		x86asm.MOV: true, x86asm.MOVZX: true, x86asm.MOVSX: true, x86asm.MOVSXD: true, x86asm.LEA: true,
		x86asm.ADD: true, x86asm.SUB: true,
		x86asm.XOR: true, x86asm.AND: true, x86asm.OR: true, x86asm.SHL: true, x86asm.SHR: true, x86asm.SAR: true,
		x86asm.INC: true,
		x86asm.DEC: true, x86asm.NEG: true, x86asm.NOT: true, x86asm.BTS: true, x86asm.BTR: true, x86asm.MOVUPS: true,
		x86asm.MOVAPS: true,
		x86asm.MOVUPD: true, x86asm.XORPS: true, x86asm.PXOR: true, x86asm.MOVQ: true, x86asm.MOVSD_XMM: true,
		x86asm.SBB: true, x86asm.ADC: true,
		x86asm.MOVDQU: true, x86asm.POP: true, x86asm.SETE: true, x86asm.SETNE: true, x86asm.CMOVE: true,
		x86asm.CMOVNE: true,
	}
)

// x86Effects fills in what the instruction changes.
func x86Effects(i *Insn, x x86asm.Inst) {
	dst := x86Reg(x.Args[0])
	switch {
	case i.Kind == CondJump || i.Kind == Jump || i.Kind == Nop || x86Reads[x.Op]:
	case i.Kind == Push:
		i.Writes, i.SPMove = SP, 8
	case i.Kind == Call || i.Kind == CallReg || i.Kind == End:
		i.Writes = All &^ SP
	case x86Simple[x.Op]:
		i.Writes = dst
	default:
		i.Writes, i.SPLost = All, dst == SP
		return
	}
	switch imm, _ := x.Args[1].(x86asm.Imm); {
	case x.Op == x86asm.POP:
		i.SPMove = -8
		i.Writes |= SP
		i.SPLost = dst == SP
	case dst != SP || i.Writes&SP == 0 || i.Kind == Push:
	case x.Op == x86asm.SUB && x.Args[1] == x86asm.Arg(imm):
		i.SPMove = int64(imm)
	case x.Op == x86asm.ADD && x.Args[1] == x86asm.Arg(imm):
		i.SPMove = -int64(imm)
	default:
		i.SPLost = true
	}
	if dst == FP && i.Writes&FP != 0 {
		mem, isMem := x.Args[1].(x86asm.Mem)
		i.Frame = x.Op == x86asm.MOV && x86Reg(x.Args[1]) == SP || x.Op == x86asm.LEA && isMem && x86Reg(mem.Base) == SP
	}
}

// x86Memory fills in which memory is accessed.
func x86Memory(i *Insn, x x86asm.Inst, addr uint64) {
	if imm, ok := x.Args[1].(x86asm.Imm); ok && x.Op == x86asm.ADD {
		i.Mem, i.Base, i.Disp = true, x86Reg(x.Args[0]), int64(imm)
	}
	for n, a := range x.Args {
		m, ok := a.(x86asm.Mem)
		if !ok || m.Index != 0 && m.Scale != 0 {
			continue
		}
		if m.Base == x86asm.RIP {
			i.RIP = addr + uint64(x.Len) + uint64(m.Disp)
		}
		i.Mem, i.Base, i.Disp = true, x86Reg(m.Base), m.Disp
		i.Store = n == 0 && !x86Reads[x.Op] && i.Kind == Other
		i.Load = !i.Store && x.Op != x86asm.LEA && i.Kind == Other
	}
}

// vexLen returns the length of an AVX or BMI instruction, which x86asm does not know; 0 if it is
// none.
func vexLen(b []byte) int {
	var n, m int // length of the prefix, opcode map
	switch {
	case len(b) >= 4 && b[0] == 0xc5:
		n, m = 2, 1
	case len(b) >= 5 && b[0] == 0xc4:
		n, m = 3, int(b[1]&0x1f)
	default:
		return 0
	}
	op, modrm := b[n], b[n+1]
	if op == 0x77 && m == 1 { // vzeroupper
		return n + 1
	}
	n += 2
	mod, rm := modrm>>6, modrm&7
	if mod != 3 && rm == 4 {
		if len(b) > n && b[n]&7 == 5 && mod == 0 {
			n += 4
		}
		n++
	}
	switch {
	case mod == 1:
		n++
	case mod == 2, mod == 0 && rm == 5:
		n += 4
	}
	if m == 3 || m == 1 && (op >= 0x70 && op <= 0x73 || op == 0xc2 || op >= 0xc4 && op <= 0xc6) {
		n++
	}
	if n > len(b) {
		return 0
	}
	return n
}
