package kernel

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/bpf"
)

// Programs keeps the programs that one recording has loaded into the kernel for the next with the
// same options: checking them takes the kernel most of the time and CPU of a recording's beginning.
// The zero value is ready. It is safe for concurrent use; recordings at the same time have programs
// of their own.
type Programs struct {
	mu     sync.Mutex
	idle   []*Probes // attached nowhere, the one that was used last at the end
	closed bool
	loads  int // how often programs were loaded
}

// Stats says how often programs were loaded, and how many are kept now.
func (p *Programs) Stats() (loads, idle int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.loads, len(p.idle)
}

// maxIdle is how many loaded programs are kept: each has ring buffers of some ten megabytes.
const maxIdle = 2

// Close takes the programs out of the kernel. Recordings that still go on take theirs out when they
// end.
func (p *Programs) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var err error
	for _, idle := range p.idle {
		err = errors.Join(err, idle.Close())
	}
	p.idle = nil
	return err
}

// Load gives programs that know of no process yet. With a nil p they are for this recording only.
func (p *Programs) Load(cfg ProgramConfig) (*Probes, error) {
	if p == nil {
		return Load(cfg)
	}
	if kept := p.take(cfg); kept != nil {
		if err := kept.clear(); err != nil {
			return nil, errors.Join(err, kept.Close())
		}
		return kept, nil
	}
	p.mu.Lock()
	p.loads++
	p.mu.Unlock()
	return Load(cfg)
}

// take finds programs that would be loaded just so.
func (p *Programs) take(cfg ProgramConfig) *Probes {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.idle, func(q *Probes) bool { return q.config.equal(cfg) })
	if i < 0 {
		return nil
	}
	kept := p.idle[i]
	p.idle = slices.Delete(p.idle, i, i+1)
	return kept
}

// Release detaches, and keeps the programs or closes them.
func (p *Programs) Release(q *Probes) error {
	if err := q.detach(); err != nil || p == nil {
		return errors.Join(err, q.Close())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return q.Close()
	}
	p.idle = append(p.idle, q)
	if len(p.idle) <= maxIdle {
		return nil
	}
	oldest := p.idle[0]
	p.idle = slices.Delete(p.idle, 0, 1)
	return oldest.Close()
}

// equal says whether programs loaded for one recording are as those for the other.
func (c ProgramConfig) equal(d ProgramConfig) bool {
	return c.StackDepth == d.StackDepth && c.Kernel == d.Kernel && c.Samples == d.Samples &&
		slices.Equal(c.Fallbacks, d.Fallbacks)
}

// clear empties what a recording has left: records that nobody took, and the hashes. What is in the
// arrays is forgotten with the next process to watch. The programs must be silent.
func (p *Probes) clear() error {
	err := p.Drain(func(int, []byte) error { return nil })
	if err == nil {
		err = p.collection.Variables[bpf.GoschedVarSeveral].Set(false)
	}
	if err == nil {
		err = p.TellStarted(false)
	}
	if err != nil {
		return err
	}
	hashes := []string{bpf.GoschedMapSubjectNumbers}
	if p.legacy {
		hashes = append(hashes, bpf.GoschedLegacyMapThreads, bpf.GoschedLegacyMapPoints)
	}
	for _, name := range hashes {
		if err := empty(p.collection.Maps[name]); err != nil {
			return fmt.Errorf("clear BPF map %s: %w", name, err)
		}
	}
	return nil
}

// empty deletes every entry of a hash.
func empty(m *ebpf.Map) error {
	var keys [][]byte
	var key, value []byte
	entries := m.Iterate()
	for entries.Next(&key, &value) {
		keys = append(keys, slices.Clone(key))
	}
	err := entries.Err()
	if errors.Is(err, ebpf.ErrIterationAborted) { // entries came and went; those that came are new
		err = nil
	}
	for _, k := range keys {
		err = errors.Join(err, drop(m, k))
	}
	return err
}

// drop deletes an entry of a hash, if it is there.
func drop(m *ebpf.Map, key any) error {
	if err := m.Delete(key); !errors.Is(err, ebpf.ErrKeyNotExist) {
		return err
	}
	return nil
}

// Silence has the programs watch no process any more. When it returns none of them is at work, and
// what they had to say is in the rings.
func (p *Probes) Silence() error {
	var err error
	for i := range MaxSubjects {
		err = errors.Join(err, p.subjects.unwatch(i))
	}
	if err == nil {
		waitForPrograms()
	}
	return err
}

// Leave has the programs watch one process no more. Its probes stay until Detach.
func (p *Probes) Leave(subject int) error { return p.subjects.unwatch(subject) }

// Vacate makes the number of a subject that was left free for another process: when it returns no
// program is at work for the one that had it, and what there was to say of it is in the rings.
func (p *Probes) Vacate(subject, tgid int) error {
	err := p.subjects.unwatch(subject)
	if err == nil {
		err = drop(p.collection.Maps[bpf.GoschedMapSubjectNumbers], uint32(tgid))
	}
	if err == nil {
		waitForPrograms()
	}
	return err
}

// MaxLate is how late an event may come out of its ring and still take its place in time.
const MaxLate = 50 * time.Millisecond

// waitForPrograms returns when every BPF program that runs now has ended: they are readers of RCU,
// for whom membarrier(MEMBARRIER_CMD_GLOBAL) waits (Linux 5.10-6.18 kernel/sched/membarrier.c). It
// is refused where CPUs run without a tick; then it is as long as events may be late.
func waitForPrograms() {
	const global = 1 // MEMBARRIER_CMD_GLOBAL, include/uapi/linux/membarrier.h
	if _, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, global, 0, 0); errno != 0 {
		time.Sleep(MaxLate)
	}
}
