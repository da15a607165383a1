package image

import (
	"encoding/binary"
	"io"
	"os"
	"sync/atomic"
)

const (
	pageBits = 16
	pageSize = 1 << pageBits
	overlap  = 256 // every page carries this much of the next, so that small reads never cross
	maxPages = 512 // kept at once: 32 MiB, about the pclntab of a 100 MB executable
)

// pages keeps the parts of a file that were looked at.
type pages struct {
	r    io.ReaderAt
	size uint64
	page []atomic.Pointer[[]byte]
	kept atomic.Int64
}

func newPages(r io.ReaderAt) *pages {
	size := sizeOf(r)
	return &pages{r: r, size: size, page: make([]atomic.Pointer[[]byte], (size+pageSize-1)>>pageBits)}
}

// sizeOf finds the length of what r reads.
func sizeOf(r io.ReaderAt) uint64 {
	switch r := r.(type) {
	case interface{ Size() int64 }:
		return uint64(max(0, r.Size()))
	case interface{ Stat() (os.FileInfo, error) }:
		if fi, err := r.Stat(); err == nil && fi.Mode().IsRegular() {
			return uint64(fi.Size())
		}
	}
	lo, hi := int64(0), int64(1)
	for hi < 1<<40 && readable(r, hi-1) {
		lo, hi = hi, hi*2
	}
	for lo < hi-1 {
		if mid := lo + (hi-lo)/2; readable(r, mid-1) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return uint64(lo)
}

func readable(r io.ReaderAt, off int64) bool {
	n, _ := r.ReadAt(make([]byte, 1), off)
	return n == 1
}

// at returns the bytes from file offset off to the end of its page and a bit more.
func (p *pages) at(off uint64) []byte {
	if off >= p.size {
		return nil
	}
	i := off >> pageBits
	b := p.page[i].Load()
	if b == nil {
		b = p.load(i)
	}
	if in := off & (pageSize - 1); in < uint64(len(*b)) {
		return (*b)[in:]
	}
	return nil
}

// load reads page i. When too many are kept, all are dropped: simple, and no reader holds more than
// one.
func (p *pages) load(i uint64) *[]byte {
	n := min(pageSize+overlap, p.size-i<<pageBits)
	buf := make([]byte, n)
	got, _ := p.r.ReadAt(buf, int64(i<<pageBits))
	buf = buf[:got]
	if p.kept.Add(1) > maxPages {
		p.kept.Store(1)
		for j := range p.page {
			p.page[j].Store(nil)
		}
	}
	p.page[i].Store(&buf)
	return &buf
}

// Window is a stretch of a file, addressed from its beginning. Reads past its end give zeros and
// false.
type Window struct {
	pages      *pages
	off        uint64
	Addr, Size uint64
}

// At returns the bytes from i on, at least min(256, what is left); nil past the end.
func (w *Window) At(i uint64) []byte {
	if i >= w.Size {
		return nil
	}
	b := w.pages.at(w.off + i)
	if left := w.Size - i; uint64(len(b)) > left {
		b = b[:left]
	}
	return b
}

// U32 reads a 32-bit word.
func (w *Window) U32(i uint64) (uint32, bool) {
	b := w.At(i)
	if len(b) < 4 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(b), true
}

// U64 reads a 64-bit word.
func (w *Window) U64(i uint64) (uint64, bool) {
	b := w.At(i)
	if len(b) < 8 {
		return 0, false
	}
	return binary.LittleEndian.Uint64(b), true
}

// String reads a zero-terminated string of at most 64 KiB.
func (w *Window) String(i uint64) (string, bool) {
	var out []byte
	for len(out) <= 1<<16 {
		b := w.At(i)
		if len(b) == 0 {
			return "", false
		}
		for j, c := range b {
			if c == 0 {
				if out == nil {
					return string(b[:j]), true
				}
				return string(append(out, b[:j]...)), true
			}
		}
		out = append(out, b...)
		i += uint64(len(b))
	}
	return "", false
}
