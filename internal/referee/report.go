package referee

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"

	"github.com/gosched/gosched/format"
)

// Tally counts comparisons.
type Tally struct{ Compared, Equal int }

// Share is the part that was equal; 1 if nothing was compared.
func (t Tally) Share() float64 {
	if t.Compared == 0 {
		return 1
	}
	return float64(t.Equal) / float64(t.Compared)
}

func (t Tally) String() string {
	if t.Compared == 0 {
		return "–"
	}
	return percent(t.Share())
}

func (t *Tally) merge(o Tally) {
	t.Compared += o.Compared
	t.Equal += o.Equal
}

// Counts are the moves of one kind.
type Counts struct{ Matched, Missing, Extra int }

// Report is the outcome of a comparison.
type Report struct {
	Kinds map[kind]*Counts
	Total Counts

	Reasons       Tally // of parks and yields
	Wakers        Tally // who made a waiting goroutine runnable
	Creators      Tally
	ParkStacks    Tally
	SyscallStacks Tally
	YieldStacks   Tally
	CreateStacks  Tally // the new goroutine's entry function
	CreatorStacks Tally
	Ranges        Tally // GC cycles and stops of the world

	Met         map[string]int // how often each kind of move was in both, with our reason
	Strangers   map[string]int // our wait reasons that are not the runtime's strings
	Broken      int            // moves of ours that do not begin where the goroutine's last one ended
	Lost        int64          // events that our recorder lost
	Gaps        []string       // why our recorder did not look all the time
	Differences map[DifferenceID]int

	Shown  []string // the first differences in moves, readable
	Notes  []string // the first differences in reasons, causes and ranges
	Stacks []string // the first differences in stacks

	SkewP50, SkewP99, SkewMax int64 // how far apart the two times of one move are, in ns
	skews                     []int64
}

func newReport() *Report {
	return &Report{Kinds: map[kind]*Counts{}, Met: map[string]int{}, Strangers: map[string]int{},
		Differences: map[DifferenceID]int{}}
}

// Agreement is the share of moves, of those of the recording that has more, that both recordings
// have in the same order.
func (r *Report) Agreement() float64 {
	most := r.Total.Matched + max(r.Total.Missing, r.Total.Extra)
	if most == 0 {
		return 0
	}
	return float64(r.Total.Matched) / float64(most)
}

func (r *Report) kind(k kind) *Counts {
	c := r.Kinds[k]
	if c == nil {
		c = &Counts{}
		r.Kinds[k] = c
	}
	return c
}

func (r *Report) missing(m *Move) { r.kind(m.kind()).Missing++ }
func (r *Report) extra(m *Move)   { r.kind(m.kind()).Extra++ }

func (r *Report) show(s string) {
	if len(r.Shown) < maxShown {
		r.Shown = append(r.Shown, s)
	}
}

func (r *Report) showStack(s string) {
	if len(r.Stacks) < maxShown && !slices.Contains(r.Stacks, s) {
		r.Stacks = append(r.Stacks, s)
	}
}

func (r *Report) check(t *Tally, equal bool, goid format.GoID, what string, theirs, ours *Move) {
	t.Compared++
	if equal {
		t.Equal++
		return
	}
	r.note("g%d %s\n  tracer: %s\n  ours:   %s", goid, what, theirs, ours)
}

func (r *Report) note(format string, args ...any) {
	if len(r.Notes) < maxShown {
		r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
	}
}

func (r *Report) skew(ns int64) { r.skews = append(r.skews, max(ns, -ns)) }

func (r *Report) finish() {
	for _, c := range r.Kinds {
		r.Total.Matched += c.Matched
		r.Total.Missing += c.Missing
		r.Total.Extra += c.Extra
	}
	if n := len(r.skews); n > 0 {
		slices.Sort(r.skews)
		r.SkewP50, r.SkewP99, r.SkewMax = r.skews[(n-1)/2], r.skews[(n-1)*99/100], r.skews[n-1]
		r.skews = nil
	}
}

// around is how many moves before and after a difference are shown.
const around = 3

// describe draws the alignment of one goroutine around a difference.
func describe(goid format.GoID, theirs, ours []Move, pairs []pair, at int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "g%d, move %d of %d by the tracer and %d by us (-: only the tracer, +: only ours):\n", goid, at,
		len(theirs), len(ours))
	for _, p := range pairs[max(0, at-around):min(len(pairs), at+around+1)] {
		switch {
		case p.b < 0:
			fmt.Fprintf(&b, "  - %s\n", &theirs[p.a])
		case p.a < 0:
			fmt.Fprintf(&b, "  + %s\n", &ours[p.b])
		default:
			fmt.Fprintf(&b, "    %s\n", &ours[p.b])
		}
	}
	return b.String()
}

func percent(share float64) string {
	if share == 1 {
		return "100%"
	}
	return fmt.Sprintf("%.3f%%", share*100)
}

// WriteTo writes the report as text.
func (r *Report) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "agreement %s: %d moves in both, %d missing, %d extra, %d events lost, %d broken sequences\n",
		percent(r.Agreement()), r.Total.Matched, r.Total.Missing, r.Total.Extra, r.Lost, r.Broken)
	for _, k := range sortedKinds(r.Kinds) {
		c := r.Kinds[k]
		fmt.Fprintf(&b, "  %-20s %8d in both %6d missing %6d extra\n", k, c.Matched, c.Missing, c.Extra)
	}
	fmt.Fprintf(&b, "reasons %s, wakers %s, creators %s, ranges %s\n", r.Reasons, r.Wakers, r.Creators, r.Ranges)
	fmt.Fprintf(&b, "stacks: park %s, system call %s, yield %s, entry %s, creator %s\n",
		r.ParkStacks, r.SyscallStacks, r.YieldStacks, r.CreateStacks, r.CreatorStacks)
	fmt.Fprintf(&b, "times apart: half within %d ns, 99%% within %d ns, all within %d ns\n", r.SkewP50, r.SkewP99,
		r.SkewMax)
	for _, s := range sortedKeys(r.Strangers) {
		fmt.Fprintf(&b, "not a wait reason of the runtime: %q, %d times\n", s, r.Strangers[s])
	}
	for _, why := range r.Gaps {
		fmt.Fprintf(&b, "gap: %s\n", why)
	}
	for _, d := range Differences {
		if n := r.Differences[d.ID]; n > 0 {
			fmt.Fprintf(&b, "allowed for: %s, %d times\n", d.ID, n)
		}
	}
	for _, list := range [][]string{r.Shown, r.Notes, r.Stacks} {
		for _, s := range list {
			fmt.Fprintf(&b, "%s\n", strings.TrimRight(s, "\n"))
		}
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

func (r *Report) String() string {
	var b strings.Builder
	r.WriteTo(&b)
	return b.String()
}

func sortedKinds(m map[kind]*Counts) []kind {
	var ks []kind
	for k := range m {
		ks = append(ks, k)
	}
	sort.Slice(ks, func(i, j int) bool {
		return ks[i].from < ks[j].from || ks[i].from == ks[j].from && ks[i].to < ks[j].to
	})
	return ks
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
