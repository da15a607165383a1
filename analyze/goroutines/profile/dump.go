package profile

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/gosched/gosched/format"
)

var (
	dumpGoroutine = regexp.MustCompile(`^goroutine (\d+) (?:gp=\S+ m=(?:nil|\d+ mp=\S+) )?\[(.*)\]:$`)
	// Since go1.27 labels stand behind the brackets.
	dumpLabelled = regexp.MustCompile(`^goroutine (\d+) (?:gp=\S+ m=(?:nil|\d+ mp=\S+) )?\[([^]]*)\] \{.*\}:$`)
	dumpPlace    = regexp.MustCompile(`^\t(.+:\d+)(?: \+0x[0-9a-f]+)?(?: fp=.*)?$`)
	dumpCreated  = regexp.MustCompile(`^created by (.+?)(?: in goroutine (\d+))?$`)
	dumpElided   = regexp.MustCompile(`^\.\.\.(?:\d+ frames|additional frames) elided\.\.\.$`)
	dumpMinutes  = regexp.MustCompile(`^(\d+) minutes$`)
)

const (
	// running is what the runtime says of a goroutine that it cannot look at.
	running = "goroutine running on other thread; stack unavailable"
	noStack = "stack unknown"
)

// dump is a profile with debug=2 while it is read.
type dump struct {
	profile *Profile
	of      map[format.GoID]int // where goroutines are in the profile
	open    bool                // within a goroutine
	again   int                 // where the goroutine in hand was met before, -1: it was not
	frames  []string            // of it, innermost first
	pending string              // the function whose place comes next
	created bool                // pending is the one that created it
}

func parseDump(data []byte) (*Profile, error) {
	d := &dump{profile: &Profile{Encoding: Dump}, of: map[format.GoID]int{}}
	if err := lines(data, d.line); err != nil {
		return nil, err
	}
	d.close()
	if len(d.profile.Groups) == 0 {
		return nil, errors.New("it looks like a goroutine dump, and no goroutine in it can be read")
	}
	return d.profile, nil
}

// line takes a line; what does not belong to a goroutine, such as a panic's message or registers,
// is passed over.
func (d *dump) line(_ int, line string) error {
	line = strings.TrimSuffix(line, "\r")
	if m := dumpGoroutine.FindStringSubmatch(line); m != nil {
		return d.begin(m[1], m[2])
	}
	if m := dumpLabelled.FindStringSubmatch(line); m != nil {
		return d.begin(m[1], m[2])
	}
	if !d.open {
		return nil
	}
	if strings.TrimSpace(line) == "" {
		d.close()
		return nil
	}
	return d.inside(line)
}

func (d *dump) inside(line string) error {
	g := d.last()
	if m := dumpPlace.FindStringSubmatch(line); m != nil && d.pending != "" {
		d.place(m[1])
		return nil
	}
	if text, ok := strings.CutPrefix(line, "\t"); ok {
		if strings.HasPrefix(text, "goroutine running on other thread") || strings.HasPrefix(text, "stack ") {
			g.Missing = text
		}
		return nil
	}
	if dumpElided.MatchString(line) {
		g.Elided = true
		return nil
	}
	if m := dumpCreated.FindStringSubmatch(line); m != nil {
		d.pending, d.created = m[1], true
		return d.creator(m[2])
	}
	if i := strings.LastIndexByte(line, '('); i > 0 && strings.HasSuffix(line, ")") {
		d.pending, d.created = line[:i], false
	}
	return nil
}

func (d *dump) place(place string) {
	frame := d.pending + " " + place
	if d.created {
		d.last().CreatedBy = frame
	} else {
		d.frames = append(d.frames, frame)
	}
	d.pending = ""
}

func (d *dump) creator(id string) error {
	if id == "" {
		return nil
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return fmt.Errorf("goroutine %s: %w", id, err)
	}
	d.last().Creator = format.GoID(n)
	return nil
}

func (d *dump) last() *Group { return &d.profile.Groups[len(d.profile.Groups)-1] }

func (d *dump) begin(id, status string) error {
	d.close()
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return fmt.Errorf("goroutine %s: %w", id, err)
	}
	if n == 0 {
		return nil // a thread's system stack, which is no goroutine
	}
	g := Group{Count: 1, GoID: format.GoID(n)}
	if err := g.status(status); err != nil {
		return err
	}
	d.profile.Groups = append(d.profile.Groups, g)
	d.open, d.again = true, -1
	if at, ok := d.of[g.GoID]; ok {
		d.again = at
	} else {
		d.of[g.GoID] = len(d.profile.Groups) - 1
	}
	return nil
}

func (d *dump) close() {
	if d.open {
		g := d.last()
		g.Stack = rootFirst(d.frames)
		if g.Stack == "" && g.Missing == "" {
			g.Missing = noStack
		}
		d.merge()
	}
	d.open, d.frames, d.pending = false, nil, ""
}

// merge drops a goroutine that was met before. A crash with GOTRACEBACK=crash shows each running
// goroutine twice: without its stack in the list of all, and by the thread that ran it.
func (d *dump) merge() {
	if d.again < 0 {
		return
	}
	last := len(d.profile.Groups) - 1
	if before := &d.profile.Groups[d.again]; before.Stack == "" {
		*before = d.profile.Groups[last]
	}
	d.profile.Groups = d.profile.Groups[:last]
}

// status takes apart what stands in a goroutine's brackets (go1.18 to go1.27
// src/runtime/traceback.go, goroutineheader).
func (g *Group) status(text string) (err error) {
	if before, labels, ok := strings.Cut(text, " labels:{"); ok {
		if g.Labels, err = parseLabels("{" + labels); err != nil {
			return err
		}
		text = before
	}
	parts := strings.Split(text, ", ")
	g.State = parts[0]
	for _, mark := range []struct {
		text string
		set  *bool
	}{{" (durable)", new(bool)}, {" (scan)", new(bool)}, {" (leaked)", &g.Leaked}} {
		if state, ok := strings.CutSuffix(g.State, mark.text); ok {
			g.State, *mark.set = state, true
		}
	}
	for _, p := range parts[1:] {
		if m := dumpMinutes.FindStringSubmatch(p); m != nil {
			if g.WaitMinutes, err = strconv.ParseInt(m[1], 10, 64); err != nil {
				return fmt.Errorf("wait of %s: %w", p, err)
			}
		}
		g.Locked = g.Locked || p == "locked to thread"
	}
	return nil
}
