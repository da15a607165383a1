package referee

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/gosched/gosched/format"
)

// ReadOurs reads the goroutines' moves out of a trace of gosched, of one process, with times set
// back to CLOCK_MONOTONIC.
func ReadOurs(ctx context.Context, path string) (*Recording, error) {
	t, err := format.Open(path)
	if err != nil {
		return nil, err
	}
	meta := t.Metadata()
	if n := len(meta.Processes); n != 1 {
		return nil, fmt.Errorf("read trace: it is of %d processes", n)
	}
	return readProcess(ctx, t, meta.Processes[0].PID, meta.Lost)
}

// ReadProcess is ReadOurs of one process of a trace that may have several.
func ReadProcess(ctx context.Context, path string, pid int32) (*Recording, error) {
	t, err := format.Open(path)
	if err != nil {
		return nil, err
	}
	meta := t.Metadata()
	for _, p := range meta.Processes {
		if p.PID == pid {
			return readProcess(ctx, t, pid, p.Lost)
		}
	}
	return nil, fmt.Errorf("read trace: process %d is not in it", pid)
}

func readProcess(ctx context.Context, t format.Trace, pid int32, lost int64) (*Recording, error) {
	meta := t.Metadata()
	o := ourTrace{rec: newRecording(), trace: t, offset: meta.ClockOffsetNS, stacks: map[format.StringID]Stack{}}
	o.rec.Depth = meta.MaxStackDepth
	o.rec.Lost = lost
	for b, err := range t.Batches(ctx, format.Selection{}) {
		if err != nil {
			return nil, fmt.Errorf("read trace: %w", err)
		}
		for i := range b.Len() {
			if b.PID[i] != pid {
				continue
			}
			if err := o.event(b, i); err != nil {
				return nil, fmt.Errorf("read trace: %w", err)
			}
		}
	}
	for goid, moves := range o.rec.Moves {
		o.rec.Moves[goid] = o.normalize(moves)
	}
	return o.rec, nil
}

type ourTrace struct {
	rec    *Recording
	trace  format.Trace
	offset int64
	stacks map[format.StringID]Stack
}

func (o *ourTrace) event(b *format.Batch, i int) error {
	switch b.Kind[i] {
	case format.KindGap:
		o.rec.Gaps = append(o.rec.Gaps, Gap{b.TimeNS[i] - o.offset, b.EndNS[i] - o.offset,
			o.trace.Reasons().Lookup(b.Reason[i])})
		return nil
	case format.KindRange:
		o.piece(b, i)
		return nil
	case format.KindGoroutine:
		return o.move(b, i)
	}
	return nil
}

// piece adds a piece of a range, or makes one that goes on longer.
func (o *ourTrace) piece(b *format.Batch, i int) {
	name := o.trace.Reasons().Lookup(b.Reason[i])
	from, to := b.TimeNS[i]-o.offset, b.EndNS[i]-o.offset
	if b.From[i] == format.StateRunning {
		for j := len(o.rec.Ranges) - 1; j >= 0; j-- {
			if r := &o.rec.Ranges[j]; r.Name == name {
				r.To = to
				return
			}
		}
	}
	o.rec.Ranges = append(o.rec.Ranges, Range{Name: name, From: from, To: to})
}

func (o *ourTrace) move(b *format.Batch, i int) (err error) {
	m := Move{
		TimeNS: b.TimeNS[i] - o.offset,
		From:   b.From[i],
		To:     b.To[i],
		By:     b.ByGoID[i],
		thread: int64(b.TID[i]),
		proc:   int64(b.Proc[i]),
	}
	if hasReason(m.kind()) {
		m.Reason = o.trace.Reasons().Lookup(b.Reason[i])
	}
	if m.Stack, err = o.stack(b.Stack[i]); err != nil {
		return err
	}
	if m.ByStack, err = o.stack(b.ByStack[i]); err != nil {
		return err
	}
	o.rec.Moves[b.GoID[i]] = append(o.rec.Moves[b.GoID[i]], m)
	return nil
}

func (o *ourTrace) stack(id format.StringID) (Stack, error) {
	if id == format.NullString {
		return nil, nil
	}
	if s, ok := o.stacks[id]; ok {
		return s, nil
	}
	s, err := parseStack(o.trace.Stacks().Lookup(id))
	o.stacks[id] = s
	return s, err
}

// parseStack reads "func file:line;func file:line". A function's name may hold a semicolon, in the
// type arguments of a generic one, and then it is not after a line number.
func parseStack(text string) (Stack, error) {
	var s Stack
	for start, i := 0, 0; i <= len(text); i++ {
		if i < len(text) && text[i] != ';' {
			continue
		}
		f, ok := parseFrame(text[start:i])
		if !ok {
			if i == len(text) {
				return nil, fmt.Errorf("stack %q has a frame that is not \"func file:line\"", text)
			}
			continue
		}
		s = append(s, f)
		start = i + 1
	}
	return s, nil
}

// parseFrame reads "func file:line", or "func" alone where the recorder knew no line.
func parseFrame(text string) (Frame, bool) {
	if text != "" && !strings.ContainsAny(text, " :") {
		return Frame{Func: text}, true
	}
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 {
		return Frame{}, false
	}
	line, err := strconv.Atoi(text[colon+1:])
	space := strings.IndexByte(text, ' ')
	if err != nil || space < 0 || space > colon {
		return Frame{}, false
	}
	return Frame{Func: text[:space], Line: line}, true
}

// normalize translates what can be seen in the moves of one goroutine.
func (o *ourTrace) normalize(moves []Move) []Move {
	out := moves[:0]
	for i := 0; i < len(moves); i++ {
		m := moves[i]
		if i+1 < len(moves) && m.kind() == syscallOut && moves[i+1].kind() == yield &&
			moves[i+1].Reason == format.ReasonSyscallExit.String() {
			o.rec.Differences[ExitInTwoSteps]++
			m.To = format.StateRunnable
			i++
		}
		out = append(out, m)
	}
	return out
}
