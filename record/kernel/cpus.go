package kernel

import (
	"fmt"
	"slices"

	"github.com/cilium/ebpf"

	"github.com/gosched/gosched/bpf"
)

// resetCPUs has the programs know nothing of what the CPUs run, but that those which are offline are
// not idle.
func (p *Probes) resetCPUs() error {
	online, err := onlineCPUs()
	if err != nil {
		return err
	}
	cpus := p.collection.Maps[bpf.GoschedMapCpus]
	for cpu := range ebpf.MustPossibleCPU() {
		state := bpf.GoschedCpuStateCPU_BUSY
		if slices.Contains(online, cpu) {
			state = bpf.GoschedCpuStateCPU_UNKNOWN
		}
		if err := cpus.Put(uint32(cpu), &bpf.GoschedCpu{State: uint64(state)}); err != nil {
			return fmt.Errorf("tell BPF programs of CPU %d: %w", cpu, err)
		}
	}
	return nil
}
