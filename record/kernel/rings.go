package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/gosched/gosched/bpf"
)

const (
	// ringBytes is the memory of all ring buffers together.
	ringBytes    = 64 << 20
	minRingBytes = 256 << 10
	maxRingBytes = 16 << 20
)

// ringSize is the largest power of two that keeps all rings together within bounds.
func ringSize(cpus int) uint32 {
	size := maxRingBytes
	for size*cpus > ringBytes && size > minRingBytes {
		size /= 2
	}
	return uint32(size)
}

func (p *Probes) openRings(inner *ebpf.MapSpec, cpus int) error {
	for cpu := range cpus {
		m, err := ebpf.NewMap(inner)
		if err != nil {
			return fmt.Errorf("create ring buffer: %w", explain(err))
		}
		err = p.collection.Maps[bpf.GoschedMapRings].Put(uint32(cpu), m)
		if err == nil {
			var r *ringbuf.Reader
			if r, err = ringbuf.NewReader(m); err == nil {
				p.rings = append(p.rings, r)
			}
		}
		if err := errors.Join(err, m.Close()); err != nil { // the kernel's array keeps the ring
			return fmt.Errorf("open ring buffer of CPU %d: %w", cpu, err)
		}
	}
	return nil
}

// Rings is how many rings there are: one for each CPU.
func (p *Probes) Rings() int { return len(p.rings) }

// ringHeader is what the kernel puts before each record in a ring.
const ringHeader = 8

// Drain hands every record that is in a ring now to take, ring by ring. What comes meanwhile is for
// the next time.
func (p *Probes) Drain(take func(ring int, raw []byte) error) error {
	past := time.Unix(1, 0)
	for i, r := range p.rings {
		left := r.AvailableBytes()
		r.SetDeadline(past)
		for ; left > 0; left -= len(p.records.RawSample) + ringHeader {
			err := r.ReadInto(&p.records)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				return fmt.Errorf("read ring buffer of CPU %d: %w", i, err)
			}
			if err := take(i, p.records.RawSample); err != nil {
				return err
			}
		}
	}
	return nil
}

// openLosses maps the losses into memory: see lost in state.h for why they are not asked for.
func (p *Probes) openLosses() error {
	m, err := p.collection.Maps[bpf.GoschedMapLost].Memory()
	if err != nil {
		return fmt.Errorf("map losses into memory: %w", err)
	}
	p.losses = m
	return nil
}

// TakeLosses tells for each of so many subjects how much has not fitted into the rings since the
// last call, if something has not.
func (p *Probes) TakeLosses(subjects int, tell func(subject int, events, stacks int64)) error {
	sums := make([]bpf.GoschedLosses, subjects)
	ofCPU := make([]byte, subjects*lossesBytes) // the subjects that there are come first
	for at := 0; at < int(p.losses.Size()); at += MaxSubjects * lossesBytes {
		if _, err := p.losses.ReadAt(ofCPU, int64(at)); err != nil {
			return fmt.Errorf("read losses: %w", err)
		}
		for i := range sums {
			sums[i].Events += binary.NativeEndian.Uint64(ofCPU[i*lossesBytes:])
			sums[i].Stacks += binary.NativeEndian.Uint64(ofCPU[i*lossesBytes+8:])
		}
	}
	for i, sum := range sums {
		before := p.lost[i]
		p.lost[i] = sum
		if sum != before {
			tell(i, int64(sum.Events-before.Events), int64(sum.Stacks-before.Stacks))
		}
	}
	return nil
}

// lossesBytes is the size of the losses of one subject on one CPU: events, then stacks.
const lossesBytes = int(unsafe.Sizeof(bpf.GoschedLosses{}))
