package findings

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/analyze/blocking"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// From where on who reads at the right times is the reader at the other end, and what is said of it.
const (
	minEnded     = 10   // blocked writes: fewer may do so by chance
	minEndedBy   = 0.6  // of the blocked writes ended right after its reads
	timesChance  = 2    // as many as would at any times
	maxEmpty     = 0.1  // of its reads have to wait for data: to who reads slowly it is there
	minDoing     = 1000 // nanoseconds a read: less is not worth a word
	minWaitingOn = 0.2  // of what is explained is waits of others, to be worth a word
)

// blockedWrite is writes by one code that their descriptor does not take.
type blockedWrite struct {
	code
	leaf     *blocking.Leaf // the heaviest
	writer   *writer        // nil: no such write was seen from its beginning
	explains explained
	reader   *reader // nil: not known to be in the process
	joined   string  // how that is known
}

// blockedWrites are those of a process, in the order of their heaviest chains.
func (l *look) blockedWrites() (out []*blockedWrite) {
	by := map[code]*blockedWrite{}
	for i := range l.account.chains {
		c := &l.account.chains[i]
		if !l.isBlocked(c) {
			continue
		}
		at := frame(c.Cause.Frame)
		if by[at] == nil {
			by[at] = &blockedWrite{code: at, leaf: c.Cause, writer: l.transfers.writers[at]}
			out = append(out, by[at])
		}
		by[at].explains.chains = append(by[at].explains.chains, i)
	}
	out = slices.DeleteFunc(out, func(w *blockedWrite) bool {
		return l.average(l.account.ns(w.explains)) < minWaiting
	})
	for _, w := range out {
		w.reader, w.joined = l.readerOf(w)
	}
	return out
}

// isBlocked says whether a chain ends in a blocked write, and leads to it through no lock: what waits
// for a lock is a serial section, which says for what its holder waits.
func (l *look) isBlocked(c *blocking.Chain) bool {
	switch {
	case c.Cause.Kind == blocking.KindNetwork && isBlockedWrite("", c.Cause.Stack):
	case c.Cause.Kind == blocking.KindSyscall && isBlockedWrite(c.Cause.Syscall, c.Cause.Stack) &&
		l.transfers.writers[frame(c.Cause.Frame)].lasts():
	default:
		return false
	}
	return !slices.ContainsFunc(c.Waits, func(w *blocking.Place) bool {
		at := l.sectionAt(w)
		return at != nil && at.isSerial() && !stack.TransferOf(w.Stack).Writes()
	})
}

// writtenTo are the descriptors that were seen at a blocked write.
func (l *look) writtenTo(w *blockedWrite) []format.Descriptor {
	list, _, _ := l.ranked(w.leaf.Stack)
	return slices.DeleteFunc(list, func(d format.Descriptor) bool { return !d.Write })
}

// readerOf is the code that reads the other end, and how that is known.
func (l *look) readerOf(w *blockedWrite) (*reader, string) {
	to := l.writtenTo(w)
	if r, text := l.readerSeen(to); r != nil {
		return r, text
	}
	if w.writer == nil || len(to) > 0 && !slices.ContainsFunc(to, format.Descriptor.MayMeet) {
		return nil, ""
	}
	var best *reader
	for r, n := range w.writer.after {
		if l.isSlow(r) && l.endsBy(w.writer, r) && (best == nil || n > w.writer.after[best] ||
			n == w.writer.after[best] && before(r.code, best.code)) {
			best = r
		}
	}
	if best == nil {
		return nil, ""
	}
	return best, fmt.Sprintf("%s of %s ended within %s of a read in %s, which had to wait for data in %s of %s.",
		report.FormatCount(w.writer.after[best]), report.FormatNumber(w.writer.ended, "blocked write"),
		report.FormatDuration(nearReadNS), named(best.code), report.FormatCount(best.empty),
		report.FormatNumber(best.reads, "read"))
}

func before(a, b code) bool {
	return cmp.Or(cmp.Compare(a.function, b.function), cmp.Compare(a.at, b.at)) < 0
}

// isSlow says whether what it reads is there when it comes for it.
func (l *look) isSlow(r *reader) bool {
	return r.reads > 0 && float64(r.empty) <= maxEmpty*float64(r.reads)
}

// endsBy says whether blocked writes end right after reads, and not by chance.
func (l *look) endsBy(w *writer, r *reader) bool {
	chance := l.average(r.readNS + r.reads*nearReadNS)
	share := float64(w.after[r]) / float64(max(1, w.ended))
	return w.after[r] >= minEnded && share >= max(minEndedBy, timesChance*chance)
}

// readerSeen is who was seen at the other end of one of some descriptors.
func (l *look) readerSeen(to []format.Descriptor) (*reader, string) {
	var best *reader
	var text string
	for id, at := range l.descriptors.at {
		r := l.transfers.readers[l.code(id)]
		if r == nil || !l.isSlow(r) || best != nil && !before(r.code, best.code) {
			continue
		}
		for what := range at {
			if !what.Write && slices.ContainsFunc(to, what.Meets) {
				best, text = r, named(r.code)+" was seen at the other end."
			}
		}
	}
	return best, text
}

func blockedWrites(l *look) (hits []hit) {
	for _, w := range l.blockedWrites() {
		if w.reader == nil {
			hits = append(hits, l.writeHit(w))
		}
	}
	return hits
}

func slowReaders(l *look) (hits []hit) {
	for _, w := range l.blockedWrites() {
		if w.reader == nil {
			continue
		}
		h, does := l.writeHit(w), l.readerDoes(w.reader)
		h.clause += ": its reader " + named(w.reader.code) + " " + does[0]
		h.behind = named(w.reader.code) + " " + does[0]
		h.evidence = append(h.evidence, w.joined, "Its reader "+strings.Join(does, ", ")+".")
		hits = append(hits, h)
	}
	return hits
}

func (l *look) writeHit(w *blockedWrite) hit {
	h := hit{code: w.code, explains: w.explains, behind: "write to " + l.target(w)}
	h.clause = named(w.code) + " is blocked in writes to " + l.target(w)
	if w.writer != nil && w.writer.blocked.count > 0 {
		b := &w.writer.blocked
		h.clause += fmt.Sprintf(" (%s×, %s each)", report.FormatCount(b.count), report.FormatDuration(b.sumNS/b.count))
		h.evidence = append(h.evidence, fmt.Sprintf("%s of %s in all, %s at most.",
			report.FormatNumber(b.count, "blocked write"), report.FormatDuration(b.sumNS),
			report.FormatDuration(b.maxNS)))
	}
	if who, share := l.waitsForWrite(w); share >= minWaitingOn {
		h.clause += fmt.Sprintf(", %s of it %s waiting for who writes", percent(share), named(who))
	}
	h.evidence = append(h.evidence, l.seenAt(w.leaf.Stack)...)
	if len(h.evidence) == 0 {
		h.evidence = []string{fmt.Sprintf("%s of blocked time.", report.FormatDuration(l.account.ns(w.explains)))}
	}
	return h
}

// waitsForWrite is the code that waits most for goroutines that write, and the share of all such waits.
func (l *look) waitsForWrite(w *blockedWrite) (who code, share float64) {
	var others int64
	by := map[code]int64{}
	for _, i := range w.explains.chains {
		c := &l.account.chains[i]
		if len(c.Waits) == 0 || stack.TransferOf(c.Waits[0].Stack).Writes() {
			continue
		}
		others += c.NS
		at := codeOf(c.Waits[0].Stack)
		if by[at] += c.NS; by[at] > by[who] || by[at] == by[who] && before(at, who) {
			who = at
		}
	}
	return who, float64(others) / float64(max(1, l.account.all(w.explains)))
}

// target names what is written to: as it was seen, and else what the stack tells.
func (l *look) target(w *blockedWrite) string {
	to := l.writtenTo(w)
	if text := l.mostAt(w.leaf.Stack); text != "" {
		return text
	}
	if len(to) > 0 {
		return report.FormatNumber(int64(len(to)), "descriptor") + ", such as " + to[0].Text()
	}
	switch t := stack.TransferOf(w.leaf.Stack); {
	case t.File:
		return "a pipe, a terminal or a file"
	case t.Network:
		return "a connection"
	}
	return "a descriptor"
}

// readerDoes is what a reader does beside reading, for each read, the most first.
func (l *look) readerDoes(r *reader) (out []string) {
	byText := map[string]int64{}
	for d, ns := range r.doings {
		if !l.isRead(d) {
			byText[l.doingText(d)] += ns
		}
	}
	for text, ns := range byText {
		if ns >= minDoing*r.reads {
			out = append(out, text)
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		return cmp.Or(cmp.Compare(byText[b], byText[a]), cmp.Compare(a, b))
	})
	out = out[:min(len(out), insideNamed)]
	for i, text := range out {
		out[i] = text + " for " + report.FormatDuration(byText[text]/r.reads) + " a read"
	}
	if len(out) == 0 {
		out = []string{fmt.Sprintf("reads for %s a time", report.FormatDuration(r.readNS/r.reads))}
	}
	return out
}

// isRead says whether it is a read.
func (l *look) isRead(d doing) bool {
	t := stack.TransferOf(l.names.Stack(d.stack))
	return t.Transfers() && !t.Writes()
}

// doingText says what it is in words that go on after the reader's name.
func (l *look) doingText(d doing) string {
	reason, text := l.names.Reason(d.reason), l.names.Stack(d.stack)
	switch d.state {
	case format.StateRunning:
		return "runs"
	case format.StateRunnable:
		return "could run and waits for a P"
	case format.StateSyscall:
		return "is in system call " + cmp.Or(reason, "unknown") + " in " + named(codeOf(text))
	}
	if replay.ClassAt(reason, text) == replay.ClassTimer {
		return "sleeps"
	}
	return "waits (" + cmp.Or(reason, "unknown") + ") in " + named(codeOf(text))
}
