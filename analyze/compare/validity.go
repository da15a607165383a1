package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/compare/policy"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/summary"
	"github.com/gosched/gosched/format"
)

// Difference is why recordings cannot be compared.
type Difference struct {
	Name    policy.Difference `json:"name"`
	Text    string            `json:"text"`
	Allowed bool              `json:"allowed"`
}

// differences are all that make the recordings incomparable, in the order of the policy's table.
func (t *trial) differences() []Difference {
	looks := map[policy.Difference]func() string{
		policy.DiffGOMAXPROCS: func() string { return t.properties(gomaxprocs, quota) },
		policy.DiffCPU:        func() string { return t.properties(cpu) },
		policy.DiffGo:         func() string { return t.properties(goVersion) },
		policy.DiffRecorder:   func() string { return t.properties(recorder, coverage) },
		policy.DiffLoad:       t.load,
		policy.DiffDuration:   t.duration,
		policy.DiffLoss:       t.loss,
		policy.DiffDuplicate:  t.duplicates,
	}
	out := []Difference{}
	for _, d := range policy.Differences {
		if text := looks[d.Name](); text != "" {
			out = append(out, Difference{d.Name, text, t.policy.Allows(d.Name)})
		}
	}
	return out
}

func (t *trial) recordings() []*summary.Recording {
	return append(slices.Clone(t.base.recordings), t.head.recordings...)
}

// property is what all recordings must have in common. Where a recording does not say, it is empty,
// which is not the same as what another one says.
type property struct {
	name string
	of   func(*summary.Info) string
}

var (
	gomaxprocs = property{"GOMAXPROCS", func(i *summary.Info) string {
		return ofProcesses(func(p *format.Process) string {
			switch values := valuesHeld(i, p.PID, format.LimitProcs); {
			case values != "":
				return values
			case p.GOMAXPROCS == 0:
				return ""
			}
			return fmt.Sprint(p.GOMAXPROCS)
		})(&i.Meta)
	}}
	quota = property{"CPU quota", func(i *summary.Info) string {
		return ofProcesses(func(p *format.Process) string {
			switch values := valuesHeld(i, p.PID, format.LimitQuota); {
			case values != "":
				return values
			case p.CPUQuota > 0:
				return cpus(p.CPUQuota)
			case i.Meta.Source == format.SourceGoTrace:
				return ""
			}
			return noQuota
		})(&i.Meta)
	}}
	goVersion = property{"Go version", ofMeta(ofProcesses(func(p *format.Process) string { return p.GoVersion }))}
	cpu       = property{"CPU", ofMeta(func(m *format.Metadata) string {
		if m.CPUModel == "" && m.CPUs == 0 {
			return ""
		}
		return fmt.Sprintf("%d × %s (%s)", m.CPUs, cmp.Or(m.CPUModel, "unknown model"),
			cmp.Or(m.Arch, "unknown architecture"))
	})}
	recorder = property{"recorder", ofMeta(func(m *format.Metadata) string {
		return fmt.Sprintf("%s, %s", m.Recorder, m.Source)
	})}
	coverage = property{"recorded transitions", ofMeta(func(m *format.Metadata) string {
		return fmt.Sprintf("stacks of %d frames, %s", m.MaxStackDepth, ofProcesses(covered)(m))
	})}
)

// noQuota is the quota of who may use all CPUs.
const noQuota = "none"

func cpus(n float64) string { return fmt.Sprintf("%g CPUs", n) }

// ofMeta asks the metadata alone.
func ofMeta(of func(*format.Metadata) string) func(*summary.Info) string {
	return func(i *summary.Info) string { return of(&i.Meta) }
}

// valuesHeld are the values of a limit that held for a good part of a recording, in their order;
// empty where the summary has none.
func valuesHeld(i *summary.Info, pid int32, name string) string {
	var out []string
	for _, l := range i.Limits {
		if l.PID != pid || l.Name != name {
			continue
		}
		for _, v := range l.Values {
			switch {
			case name == format.LimitProcs:
				out = append(out, fmt.Sprint(v))
			case v == format.NoLimit:
				out = append(out, noQuota)
			default:
				out = append(out, cpus(v))
			}
		}
	}
	return strings.Join(out, ", then ")
}

// covered are the classes that a recording has, of those that a comparison draws on: on-CPU samples
// and descriptors are not, and traces of earlier versions have none.
func covered(p *format.Process) string {
	var names []string
	for _, t := range format.Transitions() {
		if _, missing := p.Missing(t); !missing && t != format.TransitionSamples && t != format.TransitionDescriptors {
			names = append(names, t.String())
		}
	}
	return strings.Join(names, " ")
}

// ofProcesses is what the processes of a recording have, each different one once.
func ofProcesses(of func(*format.Process) string) func(*format.Metadata) string {
	return func(m *format.Metadata) string {
		var list []string
		for i := range m.Processes {
			if v := of(&m.Processes[i]); v != "" && !slices.Contains(list, v) {
				list = append(list, v)
			}
		}
		slices.Sort(list)
		return strings.Join(list, ", ")
	}
}

// properties says in which of these recordings differ, also within a side.
func (t *trial) properties(list ...property) string {
	var out []string
	for _, p := range list {
		base, head := valuesOf(p, t.base.recordings), valuesOf(p, t.head.recordings)
		all := slices.Compact(slices.Sorted(slices.Values(slices.Concat(base, head))))
		if len(all) > 1 {
			out = append(out, fmt.Sprintf("%s: base %s, head %s", p.name, either(base), either(head)))
		}
	}
	return strings.Join(out, "; ")
}

func valuesOf(p property, recordings []*summary.Recording) []string {
	var out []string
	for _, r := range recordings {
		if v := cmp.Or(p.of(&r.Info), notSaid); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// notSaid is what a recording says of what it does not know.
const notSaid = "unknown"

func either(list []string) string { return strings.Join(list, " or ") }

// unsaid are the properties that no recording says.
func (t *trial) unsaid() []string {
	var out []string
	for _, p := range []property{gomaxprocs, cpu, goVersion} {
		if all := valuesOf(p, t.recordings()); len(all) == 1 && all[0] == notSaid {
			out = append(out, p.name)
		}
	}
	return out
}

const (
	maxDurationRatio = 1.5
	maxLoadRatio     = 2
	minLoad          = 100   // waits ended by the network a second, below which load is not judged by them
	maxLoss          = 0.001 // of events or of the time
)

// medianOf is the median over the recordings of a side: one that did nothing is not what the side
// did.
func medianOf(recordings []*summary.Recording, of func(*summary.Info) float64) float64 {
	values := make([]float64, len(recordings))
	for i, r := range recordings {
		values[i] = of(&r.Info)
	}
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

func seconds(i *summary.Info) float64 { return float64(i.RateNS()) / 1e9 }

func (t *trial) duration() string {
	lasted := func(i *summary.Info) float64 { return float64(i.DurationNS) / 1e9 } // windows or not
	base, head := medianOf(t.base.recordings, lasted), medianOf(t.head.recordings, lasted)
	if max(base, head) <= maxDurationRatio*min(base, head) {
		return ""
	}
	return fmt.Sprintf("recordings last %s on base, %s on head", nanoseconds(base*1e9), nanoseconds(head*1e9))
}

func nanoseconds(v float64) string { return report.FormatDuration(int64(math.Round(v))) }

func (t *trial) load() string {
	rate := func(i *summary.Info) float64 { return float64(i.NetworkWakes) / max(seconds(i), 1e-9) }
	base, head := medianOf(t.base.recordings, rate), medianOf(t.head.recordings, rate)
	if max(base, head) < minLoad || max(base, head) <= maxLoadRatio*min(base, head) {
		return ""
	}
	return fmt.Sprintf("the network ended %.0f waits a second on base, %.0f on head: another load, or a build that "+
		"serves less of it", base, head)
}

func (t *trial) loss() string {
	n, worst := 0, 0.0
	for _, r := range t.recordings() {
		i := &r.Info
		share := max(i.GapShare-i.BudgetShare, float64(i.Meta.Lost)/float64(max(1, i.Events+i.Meta.Lost)))
		if share > maxLoss {
			n++
		}
		worst = max(worst, share)
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s lost more than %s of the events or the time, up to %s", report.FormatNumber(int64(n),
		"recording"), report.FormatShare(maxLoss), report.FormatShare(worst))
}

func (t *trial) duplicates() string {
	seen, n := map[string]bool{}, int64(0)
	for _, r := range t.recordings() {
		if seen[r.Info.ID] {
			n++
		}
		seen[r.Info.ID] = true
	}
	if n == 0 {
		return ""
	}
	return report.FormatNumber(n, "recording") + " given more than once: a recording says nothing twice"
}
