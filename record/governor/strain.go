package governor

import "cmp"

// Strain is what the machine, or the cgroup of a recorded process, is short of. Times and counts only
// grow.
type Strain struct {
	StalledNS int64   // tasks have waited for memory: of the machine or of the cgroup
	Memory    float64 // of the cgroup's memory limit what is in use
	Throttled int64   // how often the cgroup was stopped for its CPU quota
}

// Need is how much of a strain is one. The zero Need is the usual one.
type Need struct {
	Stalled     float64 // for what part of the time tasks may wait for memory; 0: UsualStalled
	Memory      float64 // of a cgroup's limit what may be in use; 0: UsualMemory
	NoThrottled bool    // to be stopped for a CPU quota is none
}

const (
	// UsualStalled is for what part of the time tasks may wait for memory.
	UsualStalled = 0.1
	// UsualMemory is what part of a cgroup's limit may be in use, without what can be dropped at once.
	UsualMemory = 0.95
)

// Watch finds out when the machine or a process is in need.
type Watch struct {
	Need Need
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
	stalled, memory := cmp.Or(w.Need.Stalled, UsualStalled), cmp.Or(w.Need.Memory, UsualMemory)
	switch {
	case s.Memory >= memory, known && dt > 0 && float64(s.StalledNS-last.StalledNS) > stalled*dt:
		return CauseMemory
	case known && !w.Need.NoThrottled && s.Throttled > last.Throttled:
		return CauseThrottled
	}
	return CauseNone
}

// mostWatched is of how many processes is remembered what was seen.
const mostWatched = 1000
