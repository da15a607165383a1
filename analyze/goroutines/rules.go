package goroutines

import (
	"fmt"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
)

// The verdicts.
const (
	Bottleneck = "bottleneck"
	Queued     = "queued"
	Leaked     = "leaked"
	Stuck      = "stuck"
	Slow       = "slow"
	Busy       = "busy"
	Idle       = "idle"
)

// suspect is a group with what rules look at.
type suspect struct {
	*Group
	pass             *Pass
	now              present
	sum              *replay.Summary
	all, bottlenecks account // of all its goroutines, and of those for which others wait
}

func (p *Pass) suspects(groups []*Group, now present, sum *replay.Summary) (out []*suspect) {
	for _, g := range groups {
		out = append(out, &suspect{Group: g, pass: p, now: now, sum: sum})
	}
	return out
}

// rule is a way to come to a verdict.
type rule struct {
	verdict  string
	evidence func(*suspect) string // empty where the rule does not hold
}

// leaks are the rules that come first: who waits for something that does not come waits for nobody
// who is there, and nobody for what waits by design.
var leaks = []rule{
	{Leaked, reportedLeaked},
	{Idle, ofRuntime},
	{Idle, knownIdle},
	{Leaked, onlyCome},
	{Leaked, stayBehind},
	{Leaked, onNilChannel},
}

// rules are tried in order; the first that gives evidence decides.
var rules = []rule{
	{Stuck, behindWaiting},
	{Bottleneck, keepsOthers},
	{Queued, queuedBehind},
	{Idle, unlessAwaited(waitsByDesign)},
	{Stuck, lockedOut},
	{Stuck, cannotWrite},
	{Busy, mostlyRuns},
	{Slow, longWaits},
	{Slow, slowReader},
	{Idle, unlessAwaited(waitsForNetwork)},
	{Idle, unlessAwaited(waitsForTime)},
	{Idle, unlessAwaited(getsWork)},
}

// unlessAwaited is evidence of a rule for goroutines that nobody waits for.
func unlessAwaited(evidence func(*suspect) string) func(*suspect) string {
	return func(s *suspect) string {
		if s.isAwaited() {
			return ""
		}
		return evidence(s)
	}
}

// judge gives a group that has no verdict the first that holds.
func (s *suspect) judge(table []rule) {
	if s.Verdict != "" {
		return
	}
	for _, r := range table {
		if s.Evidence = r.evidence(s); s.Evidence != "" {
			s.Verdict = r.verdict
			return
		}
	}
	s.Evidence = unsure(s)
}

func reportedLeaked(s *suspect) string {
	if s.Profile == nil || s.Profile.Leaked == 0 {
		return ""
	}
	return fmt.Sprintf("the garbage collector found that nothing can wake %d of them (%s)", s.Profile.Leaked,
		s.Profile.How)
}

func ofRuntime(s *suspect) string {
	if s.System {
		return "the runtime's own"
	}
	return ""
}

// knownIdle are waits of well-known code that last as long as nothing happens.
func knownIdle(s *suspect) string {
	for _, k := range idlers {
		if s.State == "waiting" && s.Entry == k.entry && (k.class == replay.ClassOther || k.class == s.class) {
			return k.why
		}
	}
	return ""
}

var idlers = []struct {
	entry string
	class replay.Class // ClassOther: any
	why   string
}{
	{"runtime.main", replay.ClassForever, "main waits forever, which keeps the program running"},
	{"main.main", replay.ClassForever, "main waits forever, which keeps the program running"},
	{"os/signal.loop", replay.ClassOther, "waits for signals"},
	{"os/signal.NotifyContext.func1", replay.ClassSelect, "waits for signals"},
	{"net/http.(*persistConn).writeLoop", replay.ClassSelect, "the writing half of an HTTP client's connection " +
		"waits for a request; its readLoop says how the connection is"},
	{"database/sql.(*DB).connectionOpener", replay.ClassSelect, "waits until the pool needs a connection"},
}

// attended are entry functions of goroutines that stay while a peer on the network does.
var attended = []string{"net/http.(*conn).serve", "net/http.(*Server).Serve.gowrap",
	"golang.org/x/net/http2.(*serverConn).runHandler", "net/http.(*http2serverConn).runHandler"}

// canLeak says whether a wait may be one that nobody ends.
func (s *suspect) canLeak() bool {
	switch s.class {
	case replay.ClassChannel, replay.ClassSelect, replay.ClassMutex, replay.ClassSync, replay.ClassForever:
	default:
		return false
	}
	for _, prefix := range attended {
		if strings.HasPrefix(s.Entry, prefix) {
			return false
		}
	}
	// some may just come or go
	return s.Entry != "runtime.main" && s.Entry != "main.main" && (s.class == replay.ClassForever ||
		10*s.attendants < 9*s.Count)
}

// attend counts for each group the goroutines that wait for the network and come from the same
// function: where there is one for each of the group, it may be what ends it when a peer goes, as
// of a connection's reader and writer.
func attend(groups []*Group) {
	type creator struct {
		pid      int32
		function string
	}
	n := map[creator]int64{}
	for _, g := range groups {
		if g.class == replay.ClassNetwork {
			n[creator{g.PID, stack.Function(g.CreatedBy)}] += g.Count
		}
	}
	for _, g := range groups {
		g.attendants = n[creator{g.PID, stack.Function(g.CreatedBy)}]
	}
}

func steady(thirds [3]int64) bool { return thirds[0] > 0 && thirds[1] > 0 && thirds[2] > 0 }

// leastNS is the observed time below which goroutines that come may be a program that begins.
const leastNS = 500_000_000

// leakMoves are the transitions without which the trace does not show that goroutines do not leave.
var leakMoves = []format.Transition{format.TransitionCreate, format.TransitionExit, format.TransitionReady}

// shows says whether the trace can show that goroutines do not leave, where it has the leakMoves.
func (p *Pass) shows(sum *replay.Summary, durationNS int64) bool {
	return durationNS >= leastNS && sum.Gaps == 0 && p.origins.beyond == 0
}

// LeaksJudged says after the walk whether the trace could have shown a leak in each of its
// processes: if not, that none was found says nothing.
func (p *Pass) LeaksJudged(sum *replay.Summary) bool {
	return p.shows(sum, sum.DurationNS()) && p.covers(sum.Metadata(), leakMoves...)
}

// durationNS is how long the goroutines' process was observed.
func (s *suspect) durationNS() int64 { return s.sum.DurationOf(s.PID) }

func (s *suspect) trusted() bool {
	return s.pass.shows(s.sum, s.durationNS()) && covered(s.sum.Metadata(), s.PID, leakMoves...)
}

func onlyCome(s *suspect) string {
	if !s.canLeak() || !s.trusted() || s.Ended > 0 || !steady(s.thirds) {
		return ""
	}
	text := fmt.Sprintf("%d were created in the %s that were recorded, and none like them ended", s.Created,
		report.FormatDuration(s.durationNS()))
	switch {
	case s.class == replay.ClassForever:
		return text + "; nothing can end this wait"
	case s.site != nil && s.site.ended == 0:
		return text + "; nobody was ever woken here"
	case s.site != nil && s.site.byTimer == s.site.ended:
		return text + "; only timers wake them"
	case !steady(s.lasting):
		return ""
	}
	return text + fmt.Sprintf("; no wait here that ended took longer than %s", report.FormatDuration(s.site.longestNS))
}

func stayBehind(s *suspect) string {
	n := s.lasting[0] + s.lasting[1] + s.lasting[2]
	if !s.canLeak() || !s.trusted() || !steady(s.lasting) {
		return ""
	}
	text := fmt.Sprintf("%d were created in the %s that were recorded and have waited since, while %d like them ended",
		n,
		report.FormatDuration(s.durationNS()), s.Ended)
	if s.site.ended == 0 {
		return text + "; nobody was ever woken here"
	}
	return text + fmt.Sprintf("; no wait here that ended took longer than %s", report.FormatDuration(s.site.longestNS))
}

// onNilChannel holds whatever the trace has seen: no channel is there that anybody could use.
func onNilChannel(s *suspect) string {
	if s.class != replay.ClassForever || !strings.HasSuffix(s.Reason, "(nil chan)") {
		return ""
	}
	return "waits for a nil channel, which nothing can end"
}

// waitsByDesign holds for a select without cases, which is written to wait forever.
func waitsByDesign(s *suspect) string {
	if s.Reason != "select (no cases)" {
		return ""
	}
	return "waits in select {}, which is written to never end"
}

// unwanted says whether the wait is one that nobody wants to be long.
func (s *suspect) unwanted() bool {
	return strings.Contains(s.Reason, "Mutex") || strings.HasPrefix(s.Reason, "chan send")
}

func behindWaiting(s *suspect) string {
	if !s.unwanted() || s.site == nil || s.YoungestNS <= growthFactor*s.site.longestNS {
		return ""
	}
	w := s.now.find(s.site.lastWaker)
	if w == nil || w.end < s.sum.EndOf(s.PID) || w.state != format.StateWaiting && w.state != format.StateSyscall ||
		w.begin > s.sum.EndOf(s.PID)-s.YoungestNS {
		return ""
	}
	s.Behind = w.GoID
	what := s.pass.names.Reason(w.reason)
	if what == "" {
		what = stateNames[w.state]
	}
	return fmt.Sprintf("waits behind goroutine %d (%s), which ended the earlier waits here and has itself been in "+
		"%s for %s",
		w.GoID, s.pass.names.Entry(w.entry), what, report.FormatDuration(s.sum.EndOf(s.PID)-w.begin))
}

func lockedOut(s *suspect) string {
	if !strings.Contains(s.Reason, "Mutex") || s.YoungestNS*10 < s.durationNS()*9 || s.durationNS() == 0 {
		return ""
	}
	return fmt.Sprintf("waits for a lock for the whole recording (%s); the trace does not show who holds it",
		report.FormatDuration(s.durationNS()))
}

// busyPart is the part of the observed time that a goroutine must have lived to be called busy: who
// was just created has done nothing but run.
const busyPart = 10

func mostlyRuns(s *suspect) string {
	life := s.WaitingNS + s.RunningNS + s.RunnableNS + s.SyscallNS
	if life <= 0 || 2*s.RunningNS < life || life*busyPart < s.durationNS()*s.Count {
		return ""
	}
	return fmt.Sprintf("ran for %s of the time", report.FormatShare(float64(s.RunningNS)/float64(life)))
}

const (
	slowNS    = 50_000_000 // a median wait that is long for a lock or a send
	slowWaits = 10         // fewer say nothing
)

func longWaits(s *suspect) string {
	if !s.unwanted() || s.site == nil || s.site.ended < slowWaits {
		return ""
	}
	median, known := s.site.lengths.Quantile(stats.P50)
	if !known || median < slowNS {
		return ""
	}
	return fmt.Sprintf("woken here %s; half of the waits took at least %s", report.FormatNumber(s.site.ended, "time"),
		report.FormatDuration(median))
}

// waitsForNetwork holds for who waits until somebody sends something, or connects.
func waitsForNetwork(s *suspect) string {
	if s.class != replay.ClassNetwork {
		return ""
	}
	switch t := stack.TransferOf(s.Stack); {
	case t.Direction == stack.DirectionWrite:
		return ""
	case t.Connects:
		return "waits for peers to connect"
	case t.File:
		return "waits to read from a pipe, a terminal or a file until something is written to it"
	case t.Network:
		return "waits for the network until the peer sends something"
	}
	return "waits for a descriptor: the network, a pipe or a terminal"
}

func waitsForTime(s *suspect) string {
	switch {
	case s.class == replay.ClassTimer:
		return "sleeps, which ends by itself"
	case s.site != nil && s.site.ended >= 2 && s.site.byTimer*2 > s.site.ended:
		return fmt.Sprintf("waits for a timer, which woke it here %s", report.FormatNumber(s.site.byTimer, "time"))
	}
	return ""
}

// getsWork holds for receivers that do receive.
func getsWork(s *suspect) string {
	receives := s.class == replay.ClassSelect || strings.HasPrefix(s.Reason, "chan receive") ||
		strings.Contains(s.Reason, "Cond")
	if !receives || s.site == nil || s.site.ended == 0 || s.Woken == 0 {
		return ""
	}
	return fmt.Sprintf("waits for work and gets it: woken %s", report.FormatNumber(s.Woken, "time"))
}

// unsure says why there is no verdict.
func unsure(s *suspect) string {
	switch {
	case s.State == stateNames[format.StateUnknown]:
		return "not seen since a time that was not watched, or in which events were lost"
	case s.isAwaited():
		return fmt.Sprintf("others waited for them during %s of their time", report.FormatShare(share(s.all.awaited,
			s.all.life)))
	case s.State != stateNames[format.StateWaiting]:
		return ""
	case s.class == replay.ClassForever: // of Go's own traces, whose reason is "forever" for all of these
		return "nothing can end this wait, and the trace does not say whether it is select {} or a nil channel"
	case s.Woken == 0 && s.Created == 0:
		return "blocked for the whole recording, not enough evidence for a leak"
	case s.Woken == 0:
		return "blocked since the wait began, not enough evidence for a leak"
	}
	return ""
}

// covered says whether the recording could see these transitions of a process.
func covered(meta *format.Metadata, pid int32, transitions ...format.Transition) bool {
	for i := range meta.Processes {
		for _, t := range transitions {
			if _, missing := meta.Processes[i].Missing(t); missing && meta.Processes[i].PID == pid {
				return false
			}
		}
	}
	return true
}
