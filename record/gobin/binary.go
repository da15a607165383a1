// Package gobin understands a Go executable from its file: version, functions, the frames of a
// program counter, the runtime's struct offsets and wait reasons, and where to probe its scheduler.
// It works on stripped, position-independent and cgo executables for linux/amd64 and linux/arm64 of
// go1.18 and later, and executes nothing.
//
// # Size
//
// Versions, functions, offsets, wait reasons and probe points are all read from one file, and check
// each other; the parsers of its tables are in packages below, internal/...
package gobin

import (
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/gosched/gosched/record/gobin/internal/image"
	"github.com/gosched/gosched/record/gobin/internal/insn"
	"github.com/gosched/gosched/record/gobin/internal/offsets"
	"github.com/gosched/gosched/record/gobin/internal/pcln"
)

//go:generate go run ./internal/offsetgen

// Binary is a Go executable. Its methods may be called concurrently. Addresses are link-time
// addresses.
type Binary struct {
	GoVersion string  // "go1.26.8"
	Version   Version // the same, taken apart
	BuildID   string  // Go's build id; empty if the file has none
	Arch      string  // "amd64" or "arm64"
	PIE       bool    // position independent: loaded at a random bias

	img    *image.Image
	isa    insn.Arch
	table  *pcln.Table
	set    offsets.Set // of the version's table or of DWARF; what the executable's own DWARF says is in Layout
	source string
	md     moduledata
	closer io.Closer

	namesOnce    sync.Once
	names        map[string]pcln.Func // the runtime's functions and a few more
	watching     []pcln.Func          // those into which watched functions may have been inlined
	watchedNames map[uint32]string    // the watched functions' names, by their offsets in the table
	scanOnce     sync.Once
	copies       map[string][]inlinedCopy
	scanCut      bool     // the scan for copies was not finished
	decoded      sync.Map // string → code, of the runtime's functions that were looked at

	reasons    func() (waits, stops []string) // the tables of reasons
	gomaxprocs func() (uint64, error)         // the address of runtime.gomaxprocs
	layout     func() (Layout, error)
}

// Open reads the executable at path. Close it.
func Open(path string) (*Binary, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := New(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	b.closer = f
	return b, nil
}

// Close closes the file that Open opened.
func (b *Binary) Close() error {
	if b.closer == nil {
		return nil
	}
	return b.closer.Close()
}

// machines are the processors that this package knows.
var machines = map[elf.Machine]struct {
	name    string
	isa     insn.Arch
	quantum uint8
}{
	elf.EM_X86_64:  {"amd64", insn.AMD64, 1},
	elf.EM_AARCH64: {"arm64", insn.ARM64, 4},
}

// New reads an executable or a library. r must stay readable as long as the Binary is used.
func New(r io.ReaderAt) (*Binary, error) { return newBinary(r, readVersion) }

// NewPlugin reads a plugin of a program, which is built by the same version of Go: a program opens
// no other. Up to go1.20 plugins do not say it themselves (src/cmd/link/internal/ld/data.go,
// buildinfo).
func NewPlugin(r io.ReaderAt, program *Binary) (*Binary, error) {
	return newBinary(r, func(io.ReaderAt) (string, error) { return program.GoVersion, nil })
}

// readVersion reads the Go version of an executable.
func readVersion(r io.ReaderAt) (string, error) {
	info, err := buildinfo.Read(r)
	if err != nil {
		return "", fmt.Errorf("%w: no Go version in it", ErrNotGo)
	}
	version := strings.TrimSpace(info.GoVersion)
	if version == "unknown" || version == "" {
		return "", refuse(noObfuscator, "%w: its Go version was removed, as obfuscators do", ErrUnsupported)
	}
	return version, nil
}

func newBinary(r io.ReaderAt, versionOf func(io.ReaderAt) (string, error)) (*Binary, error) {
	var magic [4]byte
	if n, _ := r.ReadAt(magic[:], 0); n < 4 || string(magic[:]) != elf.ELFMAG {
		return nil, fmt.Errorf("%w: not an ELF file", ErrNotGo)
	}
	img, err := image.New(r)
	if err != nil {
		return nil, fmt.Errorf("%w: ELF headers: %w", ErrDamaged, err)
	}
	if err := supported(img); err != nil {
		return nil, err
	}
	version, err := versionOf(r)
	if err != nil {
		return nil, err
	}
	m := machines[img.File.Machine]
	b := &Binary{GoVersion: version, Arch: m.name, PIE: img.PIE, img: img, isa: m.isa, BuildID: img.GoBuildID()}
	if b.Version, err = parseVersion(version); err != nil {
		return nil, err
	}
	if err := b.Version.callable(); err != nil {
		return nil, err
	}
	if err := b.loadOffsets(); err != nil {
		return nil, err
	}
	if err := b.locate(m.quantum); err != nil {
		return nil, err
	}
	b.reasons, b.gomaxprocs = sync.OnceValues(b.findReasons), sync.OnceValues(b.findGOMAXPROCS)
	b.layout = sync.OnceValues(b.findLayout)
	return b, nil
}

// supported checks what kind of ELF file it is.
func supported(img *image.Image) error {
	f := img.File
	switch {
	case f.Class != elf.ELFCLASS64:
		return refuse(otherProcessor, "%w: a 32-bit program", ErrUnsupported)
	case f.Data != elf.ELFDATA2LSB || machines[f.Machine].name == "":
		return refuse(otherProcessor, "%w: built for %s; amd64 and arm64 are known", ErrUnsupported, f.Machine)
	case f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN:
		return fmt.Errorf("%w: an ELF file of type %s, not an executable", ErrUnsupported, f.Type)
	case f.OSABI != elf.ELFOSABI_NONE && f.OSABI != elf.ELFOSABI_LINUX:
		return fmt.Errorf("%w: built for %s, not for Linux", ErrUnsupported, f.OSABI)
	}
	return nil
}

// loadOffsets fills set from the table of versions, or for versions that it does not have from
// DWARF.
func (b *Binary) loadOffsets() error {
	set, rel, err := b.Version.tabled()
	if err == nil {
		b.set, b.source = set, b.tableSource(rel)
		for _, k := range offsets.Keys {
			if k.MayDrift && (b.newerPatch(rel) || b.Version.vendored() || b.Version.Experiments != "") {
				set[k.Name] = offsets.Drifts
			}
		}
		return nil
	}
	if b.Version.Minor < offsets.Oldest() {
		return err
	}
	own, derr := b.dwarf(offsets.Keys)
	if errors.Is(derr, offsets.ErrNoDWARF) {
		return err
	}
	if derr != nil {
		return fmt.Errorf("%w: go1.%d is not in the table of known versions: %w", ErrUnsupported, b.Version.Minor, derr)
	}
	b.set, b.source = own, "dwarf"
	return nil
}

// Tested says whether this package was made with the executable's minor version at hand. For newer
// ones, of which DWARF told the offsets, what the scheduler's functions mean may have changed.
func (b *Binary) Tested() bool { return b.Version.Minor <= offsets.Newest() }

// LoadBias returns what to add to a link-time address to get its address in a process whose
// executable mapping of this file (the line of /proc/PID/maps with an x) begins at mapStart and
// shows the file from mapFileOffset on.
func (b *Binary) LoadBias(mapStart, mapFileOffset uint64) (uint64, error) {
	bias, err := b.img.LoadBias(mapStart, mapFileOffset)
	if err == nil && !b.PIE && bias != 0 {
		return 0, fmt.Errorf("mapping at %#x does not belong to this executable, which is not position independent",
			mapStart)
	}
	return bias, err
}

// FileOffset returns where the byte at a link-time address is in the file; false if it is not in
// the file.
func (b *Binary) FileOffset(addr uint64) (uint64, bool) { return b.img.FileOffset(addr) }

// Cgo says whether C code was linked in, so that C threads may call Go.
func (b *Binary) Cgo() bool {
	_, ok := b.lookup("crosscall2")
	return ok
}
