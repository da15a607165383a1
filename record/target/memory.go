//go:build linux

package target

import (
	"errors"
	"fmt"
	"io"
	"math"

	"golang.org/x/sys/unix"
)

// maxRanges is the kernel's UIO_MAXIOV, the most ranges that one call reads.
const maxRanges = 1024

// Range is a piece of a process's memory to read.
type Range struct {
	Addr uint64
	Buf  []byte // filled from Addr on, whole or not at all
	OK   bool   // set by ReadMany: Buf was filled
}

// ReadAt reads memory of the process at address off.
func (p *Process) ReadAt(buf []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("process %d: read memory at a negative address", p.pid)
	}
	n, err := p.readv([]Range{{Addr: uint64(off), Buf: buf}})
	switch {
	case n == len(buf):
		return n, nil
	case err == nil || errors.Is(err, unix.EFAULT):
		return n, fmt.Errorf("process %d: no memory at %#x: %w", p.pid, uint64(off)+uint64(n), io.ErrUnexpectedEOF)
	default:
		return n, err
	}
}

// ReadMany reads many ranges, up to 1024 by one system call. A range that is not
// mapped is left with OK false and is no error: the process runs on meanwhile and
// may have freed it. The error is of a process that is gone or may not be read.
func (p *Process) ReadMany(ranges []Range) error {
	for i := range ranges {
		ranges[i].OK = len(ranges[i].Buf) == 0
	}
	for len(ranges) > 0 {
		part := ranges[:min(maxRanges, len(ranges))]
		n, err := p.readv(part)
		if err != nil && !errors.Is(err, unix.EFAULT) {
			return err
		}
		ranges = ranges[markRead(part, n):]
	}
	return nil
}

// markRead sets OK of the ranges that n bytes filled and returns how many ranges
// are done with: those, and the one that reading stopped at.
func markRead(ranges []Range, n int) int {
	for i := range ranges {
		if n < len(ranges[i].Buf) {
			return i + 1
		}
		n -= len(ranges[i].Buf)
		ranges[i].OK = true
	}
	return len(ranges)
}

// readv reads ranges in order up to the first byte that cannot be read and
// returns how many bytes were.
func (p *Process) readv(ranges []Range) (int, error) {
	local := make([]unix.Iovec, 0, len(ranges))
	remote := make([]unix.RemoteIovec, 0, len(ranges))
	for _, r := range ranges {
		if len(r.Buf) == 0 {
			continue
		}
		if r.Addr > math.MaxInt64 { // the kernel's half: refused here, or the call would refuse all
			break
		}
		iov := unix.Iovec{Base: &r.Buf[0]}
		iov.SetLen(len(r.Buf))
		local = append(local, iov)
		remote = append(remote, unix.RemoteIovec{Base: uintptr(r.Addr), Len: len(r.Buf)})
	}
	if len(local) == 0 {
		return 0, nil
	}
	n, err := unix.ProcessVMReadv(p.pid, local, remote, 0)
	if err != nil {
		return 0, fmt.Errorf("process %d: read memory: %w", p.pid, gone(err))
	}
	return n, nil
}
