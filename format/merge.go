package format

import (
	"cmp"
	"fmt"
	"slices"
)

// mergeMetadata is the metadata of a trace of several files, in order.
func mergeMetadata(inputs []*input) (meta Metadata) {
	for i := 0; i < len(inputs); {
		run := 1
		for i+run < len(inputs) && inputs[i+run].sameRecording(inputs[i]) {
			run++
		}
		of := ofSegments(inputs[i : i+run])
		if i > 0 {
			of = follow(meta, of)
		}
		meta, i = of, i+run
	}
	return meta
}

// ofSegments is the metadata of segments of one recording: a later one knows all that the earlier
// ones knew.
func ofSegments(segments []*input) Metadata {
	first, last := &segments[0].meta, &segments[len(segments)-1].meta
	meta := *last
	meta.StartNS = first.StartNS
	meta.Processes = slices.Clone(last.Processes)
	for _, in := range slices.Backward(segments) {
		meta.Processes = mergeProcesses(in.meta.Processes, meta.Processes)
	}
	if segments[0].segment != nil && segments[0].segment.Head {
		since(&meta, first)
	}
	return meta
}

// since has the metadata of a recording tell of what came after its head alone: what was counted
// before is in no row, and processes that had ended by then are not either.
func since(meta, head *Metadata) {
	meta.Lost -= head.Lost
	meta.LostStacks -= head.LostStacks
	meta.Machine = nil
	read := slices.DeleteFunc(slices.Clone(meta.Snapshots), func(s Snapshot) bool { return s.BeginNS < head.StartNS })
	meta.Snapshots = append(slices.Clone(head.Snapshots), read...)
	meta.Processes = slices.DeleteFunc(meta.Processes, func(p Process) bool {
		return p.EndNS != 0 && p.EndNS < head.StartNS
	})
	for i := range meta.Processes {
		p := &meta.Processes[i]
		p.ThrottledNS, p.Throttled = nil, nil
		for _, was := range head.Processes {
			if was.PID == p.PID {
				p.Lost, p.LostStacks, p.Gaps = p.Lost-was.Lost, p.LostStacks-was.LostStacks, p.Gaps-was.Gaps
				p.GOMAXPROCS, p.CPUQuota = was.GOMAXPROCS, was.CPUQuota
			}
		}
	}
}

// follow is the metadata of a recording and a later one.
func follow(a, b Metadata) Metadata {
	out := b
	out.StartNS = a.StartNS
	out.Machine = nil // each says it of its own time only
	out.Fallbacks = mergeFallbacks(a.Fallbacks, b.Fallbacks)
	out.Snapshots = append(slices.Clone(a.Snapshots), b.Snapshots...)
	out.Lost += a.Lost
	out.LostStacks += a.LostStacks
	if a.SamplePeriodNS != b.SamplePeriodNS && a.SamplePeriodNS != 0 {
		out.SamplesPerSecond, out.SamplePeriodNS = 0, 0 // each has its own
	}
	out.GoroutineSampling = bothSampled(a.GoroutineSampling, b.GoroutineSampling)
	out.Processes = mergeProcesses(a.Processes, b.Processes)
	for i := range out.Processes {
		out.Processes[i].ThrottledNS, out.Processes[i].Throttled = nil, nil // as of the machine
	}
	return out
}

// bothSampled says how goroutines were sampled in two recordings, as far as it is the same in both.
func bothSampled(a, b *GoroutineSampling) *GoroutineSampling {
	switch {
	case a == nil || b == nil:
		return cmp.Or(a, b)
	case *a == *b:
		return a
	}
	return new(GoroutineSampling)
}

// mergeFallbacks gives those of both, each once.
func mergeFallbacks(a, b []Fallback) []Fallback {
	out := slices.Clone(a)
	for _, f := range b {
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// mergeProcesses gives the processes of both; of a PID in both, what b says.
func mergeProcesses(a, b []Process) []Process {
	var out []Process
	has := make(map[int32]bool)
	for _, p := range b {
		has[p.PID] = true
	}
	for _, p := range a {
		if !has[p.PID] {
			out = append(out, p)
		}
	}
	return append(out, b...)
}

// gapBefore is the gap before input i: the time that no file of the trace
// covers since the one before, with the reason. There is none for neighbouring
// segments of a recording.
func (r *Reader) gapBefore(i int) (gap Event, reason string, ok bool) {
	in := r.inputs[i]
	if in.rows == 0 {
		return gap, "", false
	}
	gap = NoEvent
	gap.Kind, gap.EndNS = KindGap, in.first
	switch {
	case i == 0 && in.segment != nil && in.segment.First > 1:
		gap.TimeNS = in.meta.StartNS
		reason = fmt.Sprintf("segments up to %d of the recording are missing", in.segment.First-1)
	case i == 0:
		return gap, "", false
	case in.sameRecording(r.inputs[i-1]) && in.segment.First == r.inputs[i-1].segment.Last+1:
		return gap, "", false
	case in.sameRecording(r.inputs[i-1]):
		gap.TimeNS = r.inputs[i-1].end()
		reason = fmt.Sprintf("segments %d to %d of the recording are missing", r.inputs[i-1].segment.Last+1,
			in.segment.First-1)
	default:
		gap.TimeNS, gap.EndNS = r.inputs[i-1].end(), in.begin()
		reason = "between two recordings"
	}
	return gap, reason, gap.TimeNS > 0 && gap.TimeNS < gap.EndNS
}
