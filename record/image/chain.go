package image

import (
	"encoding/binary"

	"github.com/gosched/gosched/record/gobin"
)

// maxModules bounds how many modules are followed. A program with more plugins is not known.
const maxModules = 1 << 12

// moduleChain follows the list of a runtime's modules. A plugin is appended when it is opened,
// before any of its code runs, and none ever goes (go1.18–1.27 src/runtime/symtab.go,
// moduledata.next; asm_*.s, runtime.addmoduledata).
type moduleChain struct {
	mem    func(addr uint64, buf []byte) error
	binary *gobin.Binary // whose runtime it is
	last   uint64        // the moduledata of the last module that is known
	count  int
}

// linked is a module in the list.
type linked struct {
	gobin.Module
	addr uint64
	err  error // its moduledata is not one
}

// more returns the modules that have come since the last call. It costs one read if there are none.
func (c *moduleChain) more() ([]linked, error) {
	size := c.binary.ModuledataSize()
	if size == 0 {
		return nil, nil
	}
	var out []linked
	for next := make([]byte, 8); c.count < maxModules; c.count++ {
		if err := c.mem(c.last+uint64(size)-8, next); err != nil {
			return out, err
		}
		addr := binary.LittleEndian.Uint64(next)
		if addr == 0 || addr == c.last {
			break
		}
		raw := make([]byte, size)
		if err := c.mem(addr, raw); err != nil {
			return out, err
		}
		m, err := c.binary.ParseModule(raw)
		out = append(out, linked{m, addr, err})
		c.last = addr
	}
	return out, nil
}
