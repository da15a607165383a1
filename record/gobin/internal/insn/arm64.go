package insn

import (
	"encoding/binary"

	"golang.org/x/arch/arm64/arm64asm"
)

type armText struct {
	i  arm64asm.Inst
	pc uint64
}

func (t armText) String() string { return arm64asm.GoSyntax(t.i, t.pc, nil, nil) }

// decodeARM64 decodes the first instruction of code, by its bits where that is simpler than by
// x/arch, whose operands are opaque.
func decodeARM64(code []byte, addr uint64) Insn {
	if len(code) < 4 {
		return Insn{Addr: addr, Len: len(code), Kind: Unknown, Writes: All, SPLost: true}
	}
	w := binary.LittleEndian.Uint32(code)
	i := Insn{Addr: addr, Len: 4, Step: true, Writes: All, SPLost: true}
	if x, err := arm64asm.Decode(code); err == nil {
		i.text = armText{x, addr}
	}
	switch {
	case armBranch(&i, w):
	case armAddSub(&i, w):
	case armLoadStore(&i, w):
	case armPair(&i, w):
	case armAdr(&i, w):
	case armAtomic(&i, w):
	case armExtended(w):
		i.Writes = armRegSP(w)
		i.SPLost = i.Writes == SP
	case armPlain(w):
		i.Writes, i.SPLost = armReg(w), false
	case i.text == nil:
		i.Kind = Unknown
	}
	return i
}

// armReg names a register field (bits 0-4) that matters; 31 is none here.
func armReg(r uint32) Regs {
	switch r & 31 {
	case 0:
		return Reg0
	case 1:
		return Reg1
	case 28:
		return G
	case 26:
		return Closure
	case 29:
		return FP
	}
	return 0
}

// armRegSP is armReg where 31 means SP.
func armRegSP(r uint32) Regs {
	if r&31 == 31 {
		return SP
	}
	return armReg(r)
}

// sext reads n bits of w from bit lo on as a signed number.
func sext(w uint32, lo, n uint) int64 { return int64(int32(w<<(32-lo-n))) >> (32 - n) }

// armBranch recognises what changes the flow of control. The kernel simulates all of these, and
// adr, adrp (arch/arm64/kernel/probes/decode-insn.c); nop only since 6.13, so it does not count.
func armBranch(i *Insn, w uint32) bool {
	at := func(off int64) uint64 { return i.Addr + uint64(off*4) }
	i2 := *i
	i2.Writes, i2.SPLost, i2.Emulated = 0, false, true
	switch {
	case w>>26 == 0b000101:
		i2.Kind, i2.Target = Jump, at(sext(w, 0, 26))
	case w>>26 == 0b100101:
		i2.Kind, i2.Target, i2.Writes = Call, at(sext(w, 0, 26)), All&^SP
	case w>>24 == 0x54 && w&16 == 0, w>>25&0x3f == 0b011010: // b.cond, cbz, cbnz
		i2.Kind, i2.Target = CondJump, at(sext(w, 5, 19))
	case w>>25&0x3f == 0b011011: // tbz, tbnz
		i2.Kind, i2.Target = CondJump, at(sext(w, 5, 14))
	case w&0xfffffc1f == 0xd63f0000: // blr
		i2.Kind, i2.Writes = CallReg, All&^SP
	case w&0xff9ffc1f == 0xd61f0000: // br, ret
		i2.Kind = End
	case w&0xffe0001f == 0xd4200000, w == 0: // brk, udf
		i2.Kind, i2.Emulated, i2.Step = End, false, false
	case w == 0xd503201f:
		i2.Kind, i2.Emulated = Nop, false
	default:
		return false
	}
	*i = i2
	return true
}

// armAddSub recognises add and sub of a constant, cmp and cmn among them.
func armAddSub(i *Insn, w uint32) bool {
	if w>>23&0x3f != 0b100010 {
		return false
	}
	imm := int64(w >> 10 & 0xfff)
	if w>>22&1 == 1 {
		imm <<= 12
	}
	if w>>30&1 == 1 {
		imm = -imm
	}
	flags := w>>29&1 == 1
	dst, src := armRegSP(w), armRegSP(w>>5)
	if flags {
		dst = armReg(w)
	}
	i.Writes, i.SPLost = dst, dst == SP && src != SP
	if dst == SP && src == SP {
		i.SPMove = -imm
	}
	i.Frame = dst == FP && src == SP
	i.Mem, i.Base, i.Disp = !flags, src, imm
	i.low = func() addressing { return addressing{base: int(w >> 5 & 31), dst: int(w & 31), disp: imm, sum: true} }
	return true
}

// armLoadStore recognises loads and stores of one general register with a constant offset, also
// those that move the base.
func armLoadStore(i *Insn, w uint32) bool {
	if w>>27&7 != 0b111 || w>>24&1 == 0 && w>>21&1 == 1 {
		return false
	}
	simd := w>>26&1 == 1
	size, opc := w>>30, w>>22&3
	store := opc == 0 || simd && opc == 2
	i.Writes, i.SPLost = 0, false
	if !store && !simd {
		i.Writes = armReg(w)
	}
	base := armRegSP(w >> 5)
	i.Mem, i.Base, i.Store, i.Load = true, base, store, !store
	if w>>24&1 == 1 {
		i.Disp = int64(w>>10&0xfff) << size
		disp, dst := i.Disp, -1
		if !store && !simd {
			dst = int(w & 31)
		}
		i.low = func() addressing { return addressing{base: int(w >> 5 & 31), dst: dst, disp: disp} }
		return true
	}
	move := sext(w, 12, 9)
	switch w >> 10 & 3 {
	case 0: // unscaled
		i.Disp = move
	case 3: // pre-index
		i.Disp = move
		i.moveBase(base, move)
	case 1: // post-index
		i.moveBase(base, move)
	default:
		return false
	}
	return true
}

// moveBase notes that the base register was moved by n.
func (i *Insn) moveBase(base Regs, n int64) {
	i.Writes |= base
	if base == SP {
		i.SPMove = -n
	}
}

// armPair recognises stp and ldp of general registers.
func armPair(i *Insn, w uint32) bool {
	if w>>27&7 != 0b101 || w>>25&1 != 0 {
		return false
	}
	i.Writes, i.SPLost = 0, false
	load, simd := w>>22&1 == 1, w>>26&1 == 1
	if load && !simd {
		i.Writes = armReg(w) | armReg(w>>10)
	}
	scale := uint(2)
	if w>>31 == 1 {
		scale = 3
	}
	if simd {
		scale = 2 + uint(w>>30)
	}
	off, base := sext(w, 15, 7)<<scale, armRegSP(w>>5)
	i.Mem, i.Base, i.Disp, i.Store, i.Load, i.Pair = true, base, off, !load, load, 1<<scale
	if w>>23&1 == 1 { // pre- or post-index
		i.moveBase(base, off)
	}
	return true
}

// armAdr recognises adr and adrp.
func armAdr(i *Insn, w uint32) bool {
	if w>>24&0x1f != 0b10000 {
		return false
	}
	imm := sext(w, 5, 19)<<2 | int64(w>>29&3)
	target := i.Addr + uint64(imm)
	if w>>31 == 1 {
		target = i.Addr&^4095 + uint64(imm)<<12
	}
	i.Emulated, i.Writes, i.SPLost = true, armReg(w), false
	i.low = func() addressing { return addressing{base: -1, dst: int(w & 31), page: target} }
	return true
}

// armAtomic recognises load-exclusive and the atomic instructions. Between ldxr and stxr no probe
// may sit: they are not steppable.
func armAtomic(i *Insn, w uint32) bool {
	if w>>24&0x3f != 0b001000 && (w>>24&0x3f != 0b111000 || w>>21&1 != 1 || w>>10&3 != 0) {
		return false
	}
	i.Writes, i.SPLost, i.Step, i.Locked = armReg(w)|armReg(w>>16), false, false, true
	i.Mem, i.Base = true, armRegSP(w>>5)
	return true
}

// armExtended recognises add and sub of an extended register that set no flags: these may write SP.
func armExtended(w uint32) bool { return w>>24&0x1f == 0b01011 && w>>21&1 == 1 && w>>29&1 == 0 }

// armPlain recognises data processing that writes the register in bits 0-4, which is never SP.
func armPlain(w uint32) bool {
	op := w >> 25 & 15
	if op == 0b0101 || op == 0b1101 { // register forms
		return true
	}
	if op == 0b1000 || op == 0b1001 { // constants: movz, movk, logical, bit fields; and/orr may write SP
		return w>>23&7 != 0b100 || w&31 != 31 || w>>29&3 == 3
	}
	return op == 0b0111 || op == 0b1111 // floating point: may write a general register
}

// addressing is an instruction's part in making an address on arm64: dst = page (ADRP), or an
// access to or the address of base + disp. dst is the register that gets a new value, -1 if none
// does.
type addressing struct {
	base, dst int
	disp      int64
	page      uint64
	sum       bool // dst = base + disp
}

// Addresses returns the memory addresses that the instructions name: relative to the instruction on
// amd64, by ADRP and the low part that follows on arm64. With onlyLoads, only those that are read
// from.
func Addresses(code []Insn, onlyLoads bool) map[uint64]bool {
	out := map[uint64]bool{}
	pages := map[int]uint64{}
	for _, i := range code {
		want := i.Load || !onlyLoads
		if i.RIP != 0 && want {
			out[i.RIP] = true
		}
		if i.Kind == Call || i.Kind == CallReg {
			clear(pages)
		}
		if i.low == nil {
			continue
		}
		a := i.low()
		base, ok := pages[a.base]
		if ok && want {
			out[base+uint64(a.disp)] = true
		}
		if delete(pages, a.dst); a.page != 0 {
			pages[a.dst] = a.page
		} else if ok && a.sum {
			pages[a.dst] = base + uint64(a.disp)
		}
	}
	return out
}
