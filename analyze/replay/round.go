package replay

import "github.com/gosched/gosched/format"

// Round is one reading of all goroutines of a process from its memory, at a random instant.
type Round struct {
	BeginNS, EndNS int64
	PID            int32
	Goroutines     []RoundGoroutine // in the order in which they were read
	LeftOut        int64            // more goroutines than maxRound: they are not among them
}

// RoundGoroutine is a goroutine as a round found it.
type RoundGoroutine struct {
	TimeNS    int64
	GoID      format.GoID
	ByGoID    format.GoID // who created it
	Weight    int64       // how many goroutines it stands for, itself among them
	Reason    format.StringID
	Stack     format.StringID
	CreatedAt format.StringID // the go statement's frame alone
	Entry     EntryID
	State     format.State
}

// Alive estimates how many goroutines there were.
func (r *Round) Alive() (n int64) {
	for i := range r.Goroutines {
		n += r.Goroutines[i].Weight
	}
	return n
}

// maxRound bounds the goroutines that are remembered of a round.
const maxRound = 1 << 20

// maxWeight bounds what a row of a round can stand for.
const maxWeight = 1 << 30

// RoundPass is a Pass that takes rounds too. Those of each process come in order of time, each by
// the time that the next begins or the process's rows end. A round says nothing of the moves of
// goroutines: its snapshots are not those of a SnapshotPass, and change no span.
type RoundPass interface {
	Pass
	// Round takes the next round. Its goroutines are valid during the call only.
	Round(r *Round)
}

// reading is the round of a process that is being read.
type reading struct {
	Round
	open bool
}

// round begins a round, and with it hands out the one before.
func (w *Walk) round(p *process, b *format.Batch, i int, t int64) {
	w.endRound(p)
	r := &p.round
	r.Round = Round{BeginNS: t, EndNS: max(t, b.EndNS[i]), PID: p.pid, Goroutines: r.Goroutines[:0]}
	r.open = true
	w.totals.Rounds++
	p.rounds++
	if t < p.gapEnd && !p.gapHasRounds {
		p.gapHasRounds = true
		p.roundsNS += p.gapEnd - p.gapFrom
	}
}

// inRound takes a goroutine of a round. It says false where the row is in none.
func (w *Walk) inRound(p *process, b *format.Batch, i int, t int64) bool {
	r := &p.round
	if !r.open || t > r.EndNS {
		return false
	}
	if b.GoID[i] <= format.NoGoroutine || b.To[i] <= format.StateNotExist {
		w.totals.problem(w.problemAt(ProblemRow, nil, b, i, t))
		return true
	}
	if len(w.out.rounds) == 0 {
		return true
	}
	if len(r.Goroutines) == maxRound {
		r.LeftOut++
		return true
	}
	r.Goroutines = append(r.Goroutines, RoundGoroutine{
		TimeNS: t, GoID: b.GoID[i], ByGoID: b.ByGoID[i], Weight: min(maxWeight, max(1, int64(b.Weight[i]))),
		Reason: b.Reason[i], Stack: b.Stack[i], CreatedAt: b.ByStack[i], State: b.To[i],
		Entry: w.names.entryOf(b.Stack[i], p.maxStack),
	})
	return true
}

// endRound hands out the round that is being read.
func (w *Walk) endRound(p *process) {
	if !p.round.open {
		return
	}
	p.round.open = false
	w.out.sendRound(&p.round.Round)
}

func (o *outlet) sendRound(r *Round) {
	if len(o.rounds) == 0 {
		return
	}
	o.flush()
	for _, p := range o.rounds {
		p.Round(r)
	}
}

// gapForRounds notes where a gap is, which may have rounds in it.
func (p *process) gapForRounds(t, end int64) {
	switch {
	case t > p.gapEnd:
		p.gapFrom, p.gapHasRounds = t, false
	case p.gapHasRounds:
		p.roundsNS += max(0, end-p.gapEnd)
	}
}

// sampled says in how much of a process's time there could be rounds: in the gaps that have some,
// where its moves were recorded too, else in all but the gaps.
func (p *process) sampled(observed int64) int64 {
	if p.watched {
		return p.roundsNS
	}
	return max(0, observed-p.gapNS)
}

// Sampled is what rounds there were of a process.
type Sampled struct {
	PID    int32
	Rounds int64
	NS     int64 // the time in which they were at random instants
}
