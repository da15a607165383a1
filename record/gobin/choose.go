package gobin

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gosched/gosched/record/gobin/internal/insn"
)

// needs are the registers that must be untouched at a probe.
var needs = map[Arg]insn.Regs{ArgCurrentG: insn.G, ArgReg0: insn.Reg0, ArgReg1: insn.Reg1, ArgClosure8: insn.Closure}

// loads says whether the code loads from a register + disp.
func (c code) loads(base insn.Regs, disp int64) bool {
	for _, i := range c.insns {
		if i.Mem && i.Base == base && (i.Disp == disp || i.Pair != 0 && i.Disp+i.Pair == disp) && !i.Store {
			return true
		}
		if i.Writes&base != 0 {
			return false
		}
	}
	return false
}

// after chooses a probe point right after a call, where its result is still in the register of arg:
// the first instruction that the kernel emulates, else the very next. No branch may lead there
// around the call.
func (c code) after(call insn.Insn, arg Arg) (insn.Insn, bool) {
	n := c.at(call.Addr + uint64(call.Len))
	if n < 0 || c.loopsInto(call.Addr, c.insns[n].Addr) {
		return insn.Insn{}, false
	}
	for _, i := range c.insns[n:] {
		if i.Emulated && !c.loopsInto(call.Addr, i.Addr) {
			return i, true
		}
		if i.Kind != insn.Other && i.Kind != insn.Nop || i.Writes&needs[arg] != 0 {
			break
		}
	}
	return c.insns[n], true
}

// dead are the instructions that load _Gdead, 6 in go1.18 to go1.27 (src/runtime/runtime2.go), into
// the second argument register.
var dead = map[string]bool{"MOVL $0x6, BX": true, "ORR $6, ZR, R1": true, "MOVD $6, R1": true}

// births returns the calls of casgstatus that change a goroutine from dead to something.
func (c code) births(casgstatus uint64) []insn.Insn {
	var out []insn.Insn
	var second insn.Insn // what was last put into the register
	for _, i := range c.insns {
		if i.Kind == insn.Call && i.Target == casgstatus && dead[second.String()] {
			out = append(out, i)
		}
		if i.Writes&insn.Reg1 != 0 {
			second = i
		}
	}
	return out
}

// loopsInto says whether a branch goes into (from, to]: then code there may run more than once a
// call.
func (c code) loopsInto(from, to uint64) bool {
	for _, i := range c.insns {
		if (i.Kind == insn.Jump || i.Kind == insn.CondJump) && i.Target > from && i.Target <= to {
			return true
		}
	}
	return false
}

// entryProbe chooses the probe point at the beginning of a function, on the path that every call
// takes, where the registers with the arguments are still whole. In order of preference: an
// instruction that the kernel emulates, after the stack check (which may restart the function, so
// that a probe before it would fire twice); the stack check's branch, in functions that run on the
// scheduler's stack, which never restarts them; the first instruction after the stack check.
func (b *Binary) entryProbe(c code, op Op, arg Arg, onG0 bool) (Probe, error) {
	check, first := -1, 0
	for n, i := range c.insns {
		if i.Kind == insn.CondJump && b.growsStack(c, i.Target) {
			check, first = n, n+1
			continue
		}
		if i.Kind == insn.Unknown {
			break
		}
		if i.Emulated && i.Kind != insn.End && !c.loopsInto(c.fn.Entry, i.Addr) {
			return b.probeAt(c, i, op, arg)
		}
		if i.Kind != insn.Other && i.Kind != insn.Push && i.Kind != insn.Nop || i.Writes&needs[arg] != 0 {
			break
		}
	}
	if check >= 0 && onG0 {
		return b.probeAt(c, c.insns[check], op, arg)
	}
	if first < len(c.insns) && !c.loopsInto(c.fn.Entry, c.insns[first].Addr) {
		return b.probeAt(c, c.insns[first], op, arg)
	}
	return Probe{}, errors.New("its beginning has no instruction that runs exactly once")
}

// growsStack says whether the code at addr calls runtime.morestack, before anything else happens
// that branches.
func (b *Binary) growsStack(c code, addr uint64) bool {
	n := c.at(addr)
	if n < 0 {
		return false
	}
	for _, i := range c.insns[n:] {
		switch i.Kind {
		case insn.Call:
			f, ok := b.FuncAt(i.Target)
			return ok && strings.HasPrefix(f.Name, "runtime.morestack")
		case insn.Other, insn.Nop, insn.Push:
		default:
			return false
		}
	}
	return false
}

// probeAt makes the probe of one instruction, of which it follows the straight path from the
// function's beginning to tell whether the frame is built.
func (b *Binary) probeAt(c code, at insn.Insn, op Op, arg Arg) (Probe, error) {
	if !at.Emulated && (!at.Step || at.Locked || at.Kind == insn.Unknown) {
		return Probe{}, fmt.Errorf("instruction %s can not be probed", at)
	}
	off, ok := b.img.FileOffset(at.Addr)
	if !ok {
		return Probe{}, errors.New("its code is not in the file")
	}
	raw, err := b.img.Read(at.Addr, uint64(at.Len))
	if err != nil {
		return Probe{}, err
	}
	delta, ok := b.table.SPDelta(c.fn, at.Addr)
	if !ok {
		return Probe{}, errors.New("its stack depth is not in the function table")
	}
	framed, depth, known := c.walkTo(at.Addr)
	if known && depth != int64(delta) {
		return Probe{}, fmt.Errorf("its stack is %d bytes deep by the code and %d by the function table", depth, delta)
	}
	return Probe{
		Op: op, Func: c.name, FuncOffset: at.Addr - c.fn.Entry, Addr: at.Addr, FileOffset: off, Bytes: raw,
		Insn:     at.String(),
		Emulated: at.Emulated, Arg: arg, Framed: framed, SPDelta: uint32(delta),
	}, nil
}

// walkTo follows the instructions from the function's beginning to addr in the order of their
// addresses, over branches: whether the frame pointer was set up, how deep the stack is, and
// whether that depth is certain.
func (c code) walkTo(addr uint64) (framed bool, depth int64, known bool) {
	known = true
	for _, i := range c.insns {
		if i.Addr >= addr {
			break
		}
		depth += i.SPMove
		framed = framed || i.Frame
		if i.SPLost || i.Kind == insn.End {
			known = false
		}
	}
	return framed, depth, known
}
