package record

import (
	"github.com/gosched/gosched/record/image"
	"github.com/gosched/gosched/record/snapshot"
	"github.com/gosched/gosched/record/target"
)

// CheckedSampling says whether the goroutines of a process can be sampled: that takes no eBPF, so that
// it may be possible where recording is not.
type CheckedSampling struct {
	Why    error // not; nil: it is possible
	Places int   // of goroutines that the process has, each in use or free; 0: it is only being started
}

// sampling tries whether a process can be sampled.
func sampling(proc *target.Process, found *image.Image) *CheckedSampling {
	reader, err := snapshot.NewReader(snapshot.Source{
		Memory: proc, Binary: found.Binary, Bias: found.Bias, Code: found.Binary, Now: now,
	})
	if err != nil {
		return &CheckedSampling{Why: err}
	}
	places, err := reader.Rounds().Places()
	return &CheckedSampling{Why: err, Places: places}
}
