package governor

// Strain is what the machine, or the cgroup of a recorded process, is short of. Times and counts only
// grow.
type Strain struct {
	StalledNS int64   // tasks have waited for memory: of the machine or of the cgroup
	Memory    float64 // of the cgroup's memory limit what is in use
	Throttled int64   // how often the cgroup was stopped for its CPU quota
}

const (
	// stalledMost is for what part of the time tasks may wait for memory.
	stalledMost = 0.1
	// memoryMost is what part of a cgroup's limit may be in use, without what can be dropped at once.
	memoryMost = 0.95
)

// Watch finds out when the machine or a process is in need.
type Watch struct {
	last map[int]look // by whose it is
}

type look struct {
	Strain
	at int64
}

// Look compares what is known now of a process with what was at the last look at it, and says why
// everything should be off. It wants to be called about once a second.
func (w *Watch) Look(nowNS int64, who int, s Strain) Cause {
	last, known := w.last[who]
	if w.last == nil || len(w.last) > mostWatched {
		w.last = map[int]look{}
	}
	w.last[who] = look{s, nowNS}
	dt := float64(nowNS - last.at)
	switch {
	case s.Memory >= memoryMost, known && dt > 0 && float64(s.StalledNS-last.StalledNS) > stalledMost*dt:
		return CauseMemory
	case known && s.Throttled > last.Throttled:
		return CauseThrottled
	}
	return CauseNone
}

// mostWatched is of how many processes is remembered what was seen.
const mostWatched = 1000
