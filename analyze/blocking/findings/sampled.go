package findings

import (
	"fmt"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// minSamples is from how many samples on they say where goroutines ran.
const minSamples = 10

// Samples implements replay.SamplePass.
func (p *Pass) Samples(samples []replay.Sample) {
	for i := range samples {
		s := &samples[i]
		g := p.goroutines.Find(s.PID, s.GoID)
		if g == nil || s.Stack == format.NullString {
			continue
		}
		p.current = p.process(s.PID)
		k := p.current.entries.At(uint32(g.entry))
		if k.sampled == nil {
			k.sampled = map[format.StringID]int64{}
		}
		if _, known := k.sampled[s.Stack]; known || len(k.sampled) < maxUntil {
			k.sampled[s.Stack]++
		}
		p.called(s.Stack, s.PeriodNS, false)
		if p.stackFacts(s.Stack).allocates {
			add(p.current.gc.sampled, s.Stack, 1)
		}
	}
}

func sum(m map[format.StringID]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

// jobName names a job and the code that it ran: as samples say, and where there are too few of them,
// where its runs ended.
func (l *look) jobName(j job) string {
	name, at := stack.Local(j.entry), l.jobCode(j)
	switch n := sum(j.sampled); {
	case n >= minSamples:
		var in int64
		for id, k := range j.sampled {
			if l.code(id).function == at.function {
				in += k
			}
		}
		return fmt.Sprintf("%s, %s of %d samples in %s", name, part(in, n), n, named(at))
	case at.local() == name:
		return named(at)
	}
	return name + ", running until " + named(at)
}

// jobCode is where goroutines of a job ran.
func (l *look) jobCode(j job) code {
	from := j.sampled
	if sum(from) < minSamples {
		from = map[format.StringID]int64{}
		for id, ns := range j.until {
			from[id] = *ns
		}
	}
	if at := l.heaviest(from); at.function != "" {
		return at
	}
	return code{function: j.entry}
}
