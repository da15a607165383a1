package profile

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/google/pprof/profile"

	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// WriteDump writes a profile as a Go program prints its goroutines when it crashes. Arguments are
// not known and are written "(...)", as the runtime does for calls that were inlined. A group is
// written as often as it counts.
func WriteDump(w io.Writer, p *Profile) error {
	b := bufio.NewWriter(w)
	first := true
	for i := range p.Groups {
		for range p.Groups[i].Count {
			if !first {
				b.WriteString("\n")
			}
			first = false
			b.WriteString(p.Groups[i].dumpText())
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write goroutines: %w", err)
	}
	return nil
}

func (g *Group) dumpText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "goroutine %d [%s", g.GoID, g.State)
	if g.Leaked {
		b.WriteString(" (leaked)")
	}
	if g.WaitMinutes >= 1 {
		fmt.Fprintf(&b, ", %d minutes", g.WaitMinutes)
	}
	if g.Locked {
		b.WriteString(", locked to thread")
	}
	appendLabels(&b, g.Labels)
	b.WriteString("]:\n")
	if g.Stack == "" {
		fmt.Fprintf(&b, "\t%s\n", g.Missing)
	}
	frames := shown(g.Stack)
	for i := len(frames) - 1; i >= 0; i-- {
		appendFrame(&b, frames[i], "(...)")
	}
	if g.Elided {
		b.WriteString("...additional frames elided...\n")
	}
	if g.CreatedBy != "" {
		b.WriteString("created by ")
		in := ""
		if g.Creator != format.NoGoroutine {
			in = fmt.Sprintf(" in goroutine %d", g.Creator)
		}
		appendFrame(&b, g.CreatedBy, in)
	}
	return b.String()
}

func appendFrame(b *strings.Builder, frame, after string) {
	function, place := stack.Split(frame)
	fmt.Fprintf(b, "%s%s\n\t%s\n", plainFunction(function), after, place)
}

// shown are the frames that a crash shows: not the runtime's own, but for its exported functions
// (go1.18 to go1.27 src/runtime/traceback.go, showframe), and all of a stack that has no others.
func shown(text string) []string {
	var out []string
	all := stack.Frames(text)
	for _, f := range all {
		function, _ := stack.Split(f)
		name, ofRuntime := strings.CutPrefix(function, "runtime.")
		if !ofRuntime || name != "" && name[0] >= 'A' && name[0] <= 'Z' {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return all
	}
	return out
}

// WriteProtobuf writes a profile, packed, as net/http/pprof does with debug=0, with the labels that
// it has. Groups that differ in nothing that it can say are one sample.
func WriteProtobuf(w io.Writer, p *Profile) error {
	name := "goroutine"
	if p.Leaked {
		name = "goroutineleak"
	}
	t := &profile.ValueType{Type: name, Unit: "count"}
	e := &encoder{
		out: &profile.Profile{SampleType: []*profile.ValueType{t}, PeriodType: t, Period: 1,
			DefaultSampleType: name},
		locations: map[string]*profile.Location{}, functions: map[string]*profile.Function{},
		samples: map[string]*profile.Sample{},
	}
	for i := range p.Groups {
		e.sample(&p.Groups[i])
	}
	if err := e.out.Write(w); err != nil {
		return fmt.Errorf("write profile: %w", err)
	}
	return nil
}

// encoder numbers what samples share.
type encoder struct {
	out       *profile.Profile
	locations map[string]*profile.Location // by frame
	functions map[string]*profile.Function // by function and file
	samples   map[string]*profile.Sample   // by stack and labels
}

func (e *encoder) sample(g *Group) {
	var labels strings.Builder
	appendLabels(&labels, g.Labels)
	key := g.Stack + "\n" + labels.String()
	if s := e.samples[key]; s != nil {
		s.Value[0] += g.Count
		return
	}
	s := &profile.Sample{Value: []int64{g.Count}, Label: map[string][]string{}}
	frames := stack.Frames(g.Stack)
	for i := len(frames) - 1; i >= 0; i-- {
		s.Location = append(s.Location, e.location(frames[i]))
	}
	for _, l := range g.Labels {
		s.Label[l.Key] = append(s.Label[l.Key], l.Value)
	}
	e.samples[key] = s
	e.out.Sample = append(e.out.Sample, s)
}

func (e *encoder) location(frame string) *profile.Location {
	if l := e.locations[frame]; l != nil {
		return l
	}
	function, place := stack.Split(frame)
	file, number := place, int64(0)
	if i := strings.LastIndexByte(place, ':'); i >= 0 {
		if n, err := strconv.ParseInt(place[i+1:], 10, 64); err == nil {
			file, number = place[:i], n
		}
	}
	l := &profile.Location{ID: uint64(len(e.out.Location) + 1),
		Line: []profile.Line{{Function: e.function(function, file), Line: number}}}
	e.locations[frame] = l
	e.out.Location = append(e.out.Location, l)
	return l
}

func (e *encoder) function(name, file string) *profile.Function {
	key := name + "\n" + file
	f := e.functions[key]
	if f == nil {
		f = &profile.Function{ID: uint64(len(e.out.Function) + 1), Name: name, SystemName: name, Filename: file}
		e.functions[key] = f
		e.out.Function = append(e.out.Function, f)
	}
	return f
}
