package referee

import (
	"fmt"
	"io"
	"strings"

	"github.com/gosched/gosched/internal/testenv"
)

// Cell is one program built in one way and run with some numbers of Ps.
type Cell struct {
	Program testenv.Program
	Procs   []int // a run for each; the values of GOMAXPROCS
}

func (c Cell) String() string {
	parts := append([]string{c.Program.Toolchain, string(c.Program.Mode), c.Program.Name}, c.Program.Env...)
	return strings.Join(parts, "/")
}

// build is how the cell's program was built.
func (c Cell) build() string {
	return strings.Join(append([]string{string(c.Program.Mode)}, c.Program.Env...), " ")
}

// V1 reports whether the cell's traces are of the format before Go 1.22, which is compared by
// counts.
func (c Cell) V1() bool { return !testenv.AtLeast(c.Program.Toolchain, "go1.22") }

// What a cell must reach.
const (
	wantAgreement = 0.9999
	wantStacks    = 0.99
	fewYields     = 2 // stacks of yields may differ in any case: some programs are preempted a few times only
)

// Complaints says what is wrong with a report; none: nothing. Traces of Go 1.21 and earlier are
// judged by the counts of moves of each kind.
func (c Cell) Complaints(r *Report) []string {
	var wrong []string
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	check(r.Lost == 0, "the recorder lost %d events", r.Lost)
	check(len(r.Gaps) == 0, "there are gaps: %v", r.Gaps)
	check(r.Total.Matched > 0, "no move was compared")
	check(r.Broken == 0, "%d moves begin in another state than the goroutine's last one ended in", r.Broken)
	check(len(r.Strangers) == 0, "wait reasons that the runtime does not know: %v", r.Strangers)
	if c.V1() {
		check(r.CountAgreement() >= wantAgreement, "counts of moves agree in %s", percent(r.CountAgreement()))
		return wrong
	}
	check(r.Agreement() >= wantAgreement, "moves agree in %s: %d missing, %d extra", percent(r.Agreement()),
		r.Total.Missing, r.Total.Extra)
	check(r.Reasons.Share() >= wantAgreement, "reasons agree in %s", r.Reasons)
	check(r.Wakers.Share() >= wantAgreement, "wakers agree in %s", r.Wakers)
	check(r.Creators.Share() >= wantAgreement, "creators agree in %s", r.Creators)
	check(r.ParkStacks.Share() >= wantStacks, "stacks of parks agree in %s", r.ParkStacks)
	check(r.YieldStacks.Share() >= wantStacks || r.YieldStacks.Compared-r.YieldStacks.Equal <= fewYields,
		"stacks of yields agree in %s", r.YieldStacks)
	check(r.CreateStacks.Share() >= wantStacks, "entry functions agree in %s", r.CreateStacks)
	check(r.CreatorStacks.Share() >= wantStacks, "stacks of creators agree in %s", r.CreatorStacks)
	check(r.Ranges.Share() == 1, "GC cycles and stops of the world agree in %s", r.Ranges)
	// Go 1.22's tracer cuts the stacks of system calls below a callback from C short.
	check(r.SyscallStacks.Share() >= wantStacks || !testenv.AtLeast(c.Program.Toolchain, "go1.23"),
		"stacks of system calls agree in %s", r.SyscallStacks)
	return wrong
}

// CountAgreement is the share of moves that remains if only their numbers by kind are compared, not
// their order.
func (r *Report) CountAgreement() float64 {
	var both, most int
	for _, c := range r.Kinds {
		tracer, ours := c.Matched+c.Missing, c.Matched+c.Extra
		both += min(tracer, ours)
		most += max(tracer, ours)
	}
	if most == 0 {
		return 0
	}
	return float64(both) / float64(most)
}

// Add adds the counts of another run of the same cell.
func (r *Report) Add(o *Report) {
	for k, c := range o.Kinds {
		sum := r.kind(k)
		sum.Matched += c.Matched
		sum.Missing += c.Missing
		sum.Extra += c.Extra
	}
	r.Total.Matched += o.Total.Matched
	r.Total.Missing += o.Total.Missing
	r.Total.Extra += o.Total.Extra
	for _, t := range []struct{ sum, other *Tally }{
		{&r.Reasons, &o.Reasons}, {&r.Wakers, &o.Wakers}, {&r.Creators, &o.Creators},
		{&r.ParkStacks, &o.ParkStacks}, {&r.SyscallStacks, &o.SyscallStacks}, {&r.YieldStacks, &o.YieldStacks},
		{&r.CreateStacks, &o.CreateStacks}, {&r.CreatorStacks, &o.CreatorStacks}, {&r.Ranges, &o.Ranges},
	} {
		t.sum.merge(*t.other)
	}
	for s, n := range o.Met {
		r.Met[s] += n
	}
	for s, n := range o.Strangers {
		r.Strangers[s] += n
	}
	for d, n := range o.Differences {
		r.Differences[d] += n
	}
	r.Gaps = append(r.Gaps, o.Gaps...)
	r.Broken += o.Broken
	r.Lost += o.Lost
	r.SkewP50, r.SkewP99, r.SkewMax = max(r.SkewP50, o.SkewP50), max(r.SkewP99, o.SkewP99), max(r.SkewMax, o.SkewMax)
}

// Result is a cell and the sum of its runs' reports.
type Result struct {
	Cell
	Report     *Report
	Complaints []string
}

// WriteMatrix writes results as Markdown: a table of cells, and the table of differences with how
// often each was met.
func WriteMatrix(w io.Writer, results []*Result) error {
	var b strings.Builder
	bad := 0
	sum := newReport()
	for _, r := range results {
		if len(r.Complaints) > 0 {
			bad++
		}
		sum.Add(r.Report)
	}
	fmt.Fprintf(&b, "# gosched against Go's own tracer\n\n%d cells, %d of them not as they should be; %d moves in "+
		"both recordings, %d missing, %d extra, %d events lost.\n\n",
		len(results), bad, sum.Total.Matched, sum.Total.Missing, sum.Total.Extra, sum.Lost)
	b.WriteString("| Go | build | program | moves | agreement | missing | extra | reasons | wakers | creators | GC " +
		"and stops | park stacks | system call stacks | yield stacks | entry functions | times apart: half, 99% | " +
		"remarks |\n|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n")
	for _, r := range results {
		writeRow(&b, r)
	}
	b.WriteString("\n## Differences that are the tracer's own\n\n| what | versions | Go's tracer says | gosched " +
		"says | why | met |\n|---|---|---|---|---|--:|\n")
	for _, d := range Differences {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %d |\n", d.ID, d.Versions, d.Tracer, d.Ours, d.Why,
			sum.Differences[d.ID])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeRow(b *strings.Builder, r *Result) {
	rep := r.Report
	agreement, by := rep.Agreement(), ""
	if r.V1() {
		agreement, by = rep.CountAgreement(), " by counts"
	}
	fmt.Fprintf(b, "| %s | %s | %s | %d | %s%s | %d | %d | %s | %s | %s | %s | %s | %s | %s | %s | %.1f µs, %.1f "+
		"µs | %s |\n",
		r.Program.Toolchain, r.build(), r.Program.Name, rep.Total.Matched, percent(agreement), by,
		rep.Total.Missing, rep.Total.Extra, rep.Reasons, rep.Wakers, rep.Creators, rep.Ranges, rep.ParkStacks,
		rep.SyscallStacks, rep.YieldStacks, rep.CreateStacks,
		float64(rep.SkewP50)/1e3, float64(rep.SkewP99)/1e3, strings.Join(r.Complaints, "; "))
}
