package kernel

import (
	"testing"

	"github.com/cilium/ebpf"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/internal/testenv"
)

// TestLossesAreTakenOncePerSubject writes losses where the programs count them, on the first and on
// the last CPU, and takes them: summed over CPUs, each once, those of each subject apart.
func TestLossesAreTakenOncePerSubject(t *testing.T) {
	testenv.RequireBPF(t)
	p, err := Load(ProgramConfig{StackDepth: 64})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	lose := func(cpu, subject int, events, stacks uint64) {
		t.Helper()
		err := p.collection.Maps[bpf.GoschedMapLost].Put(uint32(cpu*MaxSubjects+subject),
			bpf.GoschedLosses{Events: events, Stacks: stacks})
		if err != nil {
			t.Fatal(err)
		}
	}
	take := func(subjects int) map[int][2]int64 {
		t.Helper()
		told := map[int][2]int64{}
		if err := p.TakeLosses(subjects, func(subject int, events, stacks int64) {
			told[subject] = [2]int64{events, stacks}
		}); err != nil {
			t.Fatal(err)
		}
		return told
	}
	last := ebpf.MustPossibleCPU() - 1
	lose(0, 0, 3, 1)
	lose(last, 1, 5, 2)
	if told := take(2); len(told) != 2 || told[0] != [2]int64{3, 1} || told[1] != [2]int64{5, 2} {
		t.Errorf("lost: %v", told)
	}
	if told := take(2); len(told) != 0 {
		t.Errorf("lost twice: %v", told)
	}
	lose(0, 1, 7, 0)
	lose(last, MaxSubjects-1, 9, 9)
	if told := take(MaxSubjects); len(told) != 2 || told[1] != [2]int64{7, 0} || told[MaxSubjects-1] != [2]int64{9, 9} {
		t.Errorf("lost since: %v", told)
	}
}
