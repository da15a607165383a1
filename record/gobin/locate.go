package gobin

import (
	"debug/elf"
	"fmt"

	"github.com/gosched/gosched/record/gobin/internal/image"
	"github.com/gosched/gosched/record/gobin/internal/pcln"
)

// moduledata is what is needed of runtime.firstmoduledata.
type moduledata struct {
	addr, minpc, maxpc, text, gofunc, textsections uint64
}

// pclnSections are the names of the function table's section: of most executables, and of
// internally linked PIEs up to go1.25.
var pclnSections = []string{".gopclntab", ".data.rel.ro.gopclntab"}

// locate finds the function table and the module data and checks one against the other.
func (b *Binary) locate(quantum uint8) error {
	for _, addr := range b.tableCandidates(quantum) {
		w, err := b.img.Window(addr, 1<<40)
		if err != nil {
			continue
		}
		h, err := pcln.ReadHeader(w, quantum)
		if err != nil {
			continue
		}
		if b.attach(w, h) {
			return nil
		}
	}
	return fmt.Errorf("%w: no function table (.gopclntab) of %s that its module data confirms", ErrDamaged, b.GoVersion)
}

// attach looks for the module data that belongs to the table in w.
func (b *Binary) attach(w *image.Window, h pcln.Header) bool {
	for _, addr := range b.img.FindWord(w.Addr) {
		md := b.readModuledata(addr)
		if b.img.Words(addr+8, 1)[0] != h.NamesAddr(w.Addr) || md.textsections > 1 {
			continue
		}
		gofunc, err := b.img.Window(md.gofunc, 1<<40)
		if err != nil {
			continue
		}
		t := pcln.New(w, gofunc, h, md.text, pclnFormat(b.set))
		first, ok1 := t.At(0)
		last, ok2 := t.At(int(h.Funcs) - 1)
		if ok1 && ok2 && first.Entry == md.minpc && last.End == md.maxpc && b.img.Contains(md.text) {
			b.table, b.md = t, md
			return true
		}
	}
	return false
}

// readModuledata reads the module data at addr.
func (b *Binary) readModuledata(addr uint64) moduledata {
	words := b.img.Words(addr, 80)
	at := func(key string, plus int64) uint64 {
		if i := (b.set[key] + plus) / 8; i >= 0 && i < int64(len(words)) {
			return words[i]
		}
		return 0
	}
	return moduledata{
		addr: addr, minpc: at("moduledata.minpc", 0), maxpc: at("moduledata.maxpc", 0), text: at("moduledata.text", 0),
		gofunc: at("moduledata.gofunc", 0), textsections: at("moduledata.textsectmap", 8),
	}
}

// tableCandidates returns where the function table may be: its section, else places that look like
// its header.
func (b *Binary) tableCandidates(quantum uint8) []uint64 {
	for _, name := range pclnSections {
		if s := b.img.File.Section(name); s != nil && s.Type == elf.SHT_PROGBITS {
			return []uint64{s.Addr}
		}
	}
	var out []uint64
	b.img.ScanAll(func(addr, word uint64) bool {
		if word>>32 == uint64(quantum)<<16|8<<24 && (word&0xffffffff == 0xfffffff1 || word&0xffffffff == 0xfffffff0) {
			out = append(out, addr)
		}
		return len(out) < 16
	})
	return out
}

// pclnFormat picks the function table's format out of a version's numbers.
func pclnFormat(s map[string]int64) pcln.Format {
	return pcln.Format{
		FuncSize: s["_func.sizeof"], NameOff: s["_func.nameOff"], PCSP: s["_func.pcsp"], PCFile: s["_func.pcfile"],
		PCLn:    s["_func.pcln"],
		NPCData: s["_func.npcdata"], CUOffset: s["_func.cuOffset"], FuncID: s["_func.funcID"],
		NFuncData: s["_func.nfuncdata"],
		InlSize:   s["inlinedCall.sizeof"], InlFuncID: s["inlinedCall.funcID"], InlName: s["inlinedCall.nameOff"],
		InlParentPC: s["inlinedCall.parentPc"],
		IDWrapper:   s["id.wrapper"], IDGopanic: s["id.gopanic"], IDSigpanic: s["id.sigpanic"],
		IDPanicwrap: s["id.panicwrap"],
	}
}
