package kernel

import (
	"testing"

	"github.com/gosched/gosched/bpf"
	"github.com/gosched/gosched/internal/testenv"
)

// TestChangingOneSubjectLeavesTheOthersAlone reads what the programs see by the loader's own means.
func TestChangingOneSubjectLeavesTheOthersAlone(t *testing.T) {
	testenv.RequireBPF(t)
	p, err := Load(ProgramConfig{StackDepth: 64})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const last = MaxSubjects - 1
	first := bpf.GoschedSubject{Tgid: 7, Epoch: 1, Newprocs: 8}
	other := bpf.GoschedSubject{Tgid: 9, Epoch: 2, Newprocs: 5}
	for i, s := range map[int]*bpf.GoschedSubject{0: &first, last: &other} {
		if err := p.subjects.set(i, s); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.subjects.unwatch(0); err != nil {
		t.Fatal(err)
	}
	if err := p.subjects.setEpoch(last, 4); err != nil {
		t.Fatal(err)
	}
	first.Tgid, other.Epoch = 0, 4
	var seen [MaxSubjects]bpf.GoschedSubject
	if err := p.collection.Variables[bpf.GoschedVarSubjects].Get(&seen); err != nil {
		t.Fatal(err)
	}
	if seen[0] != first || seen[last] != other || seen[1] != (bpf.GoschedSubject{}) {
		t.Errorf("the programs see %+v, %+v and %+v", seen[0], seen[1], seen[last])
	}
	if tgid, err := p.subjects.tgid(last); err != nil || tgid != 9 {
		t.Errorf("the last is watched as %d: %v", tgid, err)
	}
}
