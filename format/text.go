package format

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The text twin says what a trace says, a line an event:
//
//	gosched text trace 1
//	metadata {"source":"ebpf","processes":[…],…}
//	covered all
//	base 1763856000000000000
//	# time, relative to base; what; then what is known
//	0 snapshot g1 _->waiting pid=42 reason="chan receive" stack="main.main /src/main.go:9"
//	1500 g7 runnable->running pid=42 tid=43 cpu=0 proc=1
//	1.2ms g7 running->waiting pid=42 tid=43 cpu=0 proc=1 reason="chan receive" stack="main.work /src/main.go:20"
//	2ms thread running->waiting tid=43 reason=sleeping
//	3ms gap end_ns=4ms reason="ring buffer full"
//
// An event is a goroutine's transition unless a kind is named. "g7" is goid 7, "a->b" the states,
// "_" a state that is null. Any other column is name=value, quoted as in Go where it must be; what
// is missing is null. Times and end_ns are nanoseconds or have a unit (ns, us, ms, s). Metadata and
// base may be missing. "covered all" stands for the coverage of all classes of transitions that the
// metadata does not mention.
const (
	textHeader  = "gosched text trace 1"
	coveredLine = "covered all"
)

// keyed are the columns that the text twin writes as name=value, in this order.
var keyed = []Column{ColPID, ColTID, ColCPU, ColProc, ColReason, ColStack, ColByGoID, ColByStack, ColObject,
	ColSince, ColWeight}

// WriteText writes what is selected of a trace as its text twin. ParseText reads it back, without
// loss.
func WriteText(ctx context.Context, w io.Writer, t Trace, sel Selection) error {
	out := bufio.NewWriterSize(w, 1<<16)
	meta, err := json.Marshal(t.Metadata())
	if err != nil {
		return fmt.Errorf("encode metadata: %w", err)
	}
	base, _ := t.Bounds()
	fmt.Fprintf(out, "%s\nmetadata %s\nbase %d\n", textHeader, meta, base)
	p := textPrinter{base: base, tables: tables{t.Reasons(), t.Stacks()}}
	for b, err := range t.Batches(ctx, sel) {
		if err != nil {
			return err
		}
		for i := range b.TimeNS {
			p.line = p.event(p.line[:0], b, i)
			if _, err := out.Write(p.line); err != nil {
				return fmt.Errorf("write text: %w", err)
			}
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write text: %w", err)
	}
	return nil
}

// textPrinter prints events.
type textPrinter struct {
	base   int64
	tables tables
	line   []byte
	value  []byte
}

// event appends event i of b as a line.
func (p *textPrinter) event(dst []byte, b *Batch, i int) []byte {
	dst = strconv.AppendInt(dst, b.TimeNS[i]-p.base, 10)
	if k := at(b.Kind, i, KindGoroutine); k != KindGoroutine {
		dst = append(append(dst, ' '), k.String()...)
	}
	if g := at(b.GoID, i, NoGoroutine); g != NoGoroutine {
		dst = strconv.AppendInt(append(dst, " g"...), int64(g), 10)
	}
	from, to := at(b.From, i, StateUnknown), at(b.To, i, StateUnknown)
	if from != StateUnknown || to != StateUnknown {
		dst = append(append(dst, ' '), stateText(from)...)
		dst = append(append(dst, "->"...), stateText(to)...)
	}
	if end := at(b.EndNS, i, 0); end != 0 {
		dst = strconv.AppendInt(append(dst, " end_ns="...), end-p.base, 10)
	}
	for _, c := range keyed {
		f := specs[c].field
		if f.null(b, i) {
			continue
		}
		dst = append(append(append(dst, ' '), specs[c].name...), '=')
		p.value = f.text(p.value[:0], b, i, p.tables.of(c))
		dst = appendQuoted(dst, p.value)
	}
	return append(dst, '\n')
}

func stateText(s State) string {
	if s == StateUnknown {
		return "_"
	}
	return s.String()
}

// appendQuoted appends s, in quotes where a reader could not tell where it ends.
func appendQuoted(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRune(s[i:])
		if r <= ' ' || r == '"' || r == '#' || r == utf8.RuneError || r > '~' {
			return strconv.AppendQuote(dst, string(s))
		}
		i += n
	}
	return append(dst, s...)
}

// maxLine is the longest line of a text trace.
const maxLine = 16 << 20

// ParseText reads a text trace.
func ParseText(r io.Reader) (*Memory, error) {
	p := &textParser{trace: NewMemory(Metadata{SchemaVersion: SchemaVersion}), last: minTime}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	n := 0
	for lines.Scan() {
		n++
		if err := p.parse(lines.Text(), n); err != nil {
			return nil, fmt.Errorf("text trace, line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("text trace, line %d: %w", n+1, err)
	}
	if n == 0 {
		return nil, fmt.Errorf("text trace: %w: empty", ErrNotTrace)
	}
	return p.trace, nil
}

// textParser makes a trace of lines.
type textParser struct {
	trace *Memory
	base  int64
	last  int64
}

// parse takes line n.
func (p *textParser) parse(line string, n int) error {
	line = strings.TrimSpace(line)
	first, rest, _ := strings.Cut(line, " ")
	switch {
	case n == 1:
		if line != textHeader {
			return fmt.Errorf("%w: it does not begin with %q", ErrNotTrace, textHeader)
		}
	case line == "" || line[0] == '#':
	case first == "metadata":
		return p.metadata(rest)
	case line == coveredLine:
		for i := range p.trace.Meta.Processes {
			p.trace.Meta.Processes[i].coverRest()
		}
	case first == "base":
		return p.setBase(rest)
	default:
		return p.event(first, rest)
	}
	return nil
}

func (p *textParser) metadata(s string) error {
	var meta Metadata
	if err := json.Unmarshal([]byte(s), &meta); err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	if meta.SchemaVersion > SchemaVersion {
		return fmt.Errorf("%w: schema version %d, this gosched reads up to %d", ErrNewer, meta.SchemaVersion,
			SchemaVersion)
	}
	p.trace.Meta = meta
	return nil
}

func (p *textParser) setBase(s string) error {
	base, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return fmt.Errorf("base %q is not a number", s)
	}
	p.base = base
	return nil
}

// event parses the event at a time with the words in rest.
func (p *textParser) event(when, rest string) error {
	t, err := parseTime(when)
	if err != nil {
		return err
	}
	e := NoEvent
	e.TimeNS = p.base + t
	if e.TimeNS < p.last {
		return fmt.Errorf("time goes back by %d ns", p.last-e.TimeNS)
	}
	p.trace.Append(e)
	p.last = e.TimeNS
	i := p.trace.Events.Len() - 1
	for rest != "" {
		var word string
		if word, rest, err = nextWord(rest); err != nil {
			return err
		}
		if word == "" {
			continue
		}
		if err := p.word(i, word); err != nil {
			return fmt.Errorf("%s: %w", word, err)
		}
	}
	return nil
}

// nextWord takes the first word of s, which ends at a space outside of quotes.
func nextWord(s string) (word, rest string, err error) {
	s = strings.TrimLeft(s, " \t")
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ', '\t':
			return s[:i], s[i:], nil
		case '"':
			quoted, err := strconv.QuotedPrefix(s[i:])
			if err != nil {
				return "", "", fmt.Errorf("quotes do not end: %s", s[i:])
			}
			i += len(quoted) - 1
		}
	}
	return s, "", nil
}

// word sets what a word says of event i.
func (p *textParser) word(i int, word string) error {
	b := &p.trace.Events
	if kind, ok := parseKind(word); ok {
		b.Kind[i] = kind
		return nil
	}
	if key, value, ok := strings.Cut(word, "="); ok {
		return p.set(i, key, value)
	}
	if from, to, ok := strings.Cut(word, "->"); ok {
		return setStates(b, i, from, to)
	}
	if id, ok := strings.CutPrefix(word, "g"); ok {
		return specs[ColGoID].field.parse(b, i, id, nil)
	}
	return fmt.Errorf("not a kind, g<goid>, from->to or column=value")
}

func setStates(b *Batch, i int, from, to string) error {
	for c, s := range map[Column]string{ColFrom: from, ColTo: to} {
		if s == "_" {
			continue
		}
		if err := specs[c].field.parse(b, i, s, nil); err != nil {
			return err
		}
	}
	return nil
}

// set sets the column of that name.
func (p *textParser) set(i int, key, value string) (err error) {
	if strings.HasPrefix(value, `"`) {
		if value, err = strconv.Unquote(value); err != nil {
			return fmt.Errorf("bad quotes")
		}
	}
	b := &p.trace.Events
	if key == specs[ColEnd].name {
		t, err := parseTime(value)
		if err == nil {
			b.EndNS[i] = p.base + t
		}
		return err
	}
	for _, c := range keyed {
		if specs[c].name == key {
			return specs[c].field.parse(b, i, value, p.trace.tables.of(c))
		}
	}
	return fmt.Errorf("no such column")
}

// timeUnits are the units of times, in nanoseconds.
var timeUnits = []struct {
	suffix string
	ns     float64
}{{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}}

// parseTime reads nanoseconds, or a number with a unit.
func parseTime(s string) (int64, error) {
	if t, err := strconv.ParseInt(s, 10, 64); err == nil {
		return t, nil
	}
	for _, u := range timeUnits {
		number, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(number, 64)
		if err == nil && v*u.ns >= -1e18 && v*u.ns <= 1e18 {
			return int64(v*u.ns + 0.5), nil
		}
	}
	return 0, fmt.Errorf("%q is not a time", s)
}
