package rounds

import (
	"cmp"
	"strings"

	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/replay/stack"
	"github.com/gosched/gosched/format"
)

// fact is what a place says of the goroutines there.
type fact struct {
	placeKey
	why, text string // the reason and the stack
	class     replay.Class
	entryName string
	createdBy string // the go statement's frame
	system    bool
	receives  bool // it may be a wait for work
	partial   bool // the goroutine moved while its stack was read
	depth     int  // frames that are not plumbing
	idle      bool
}

// origin is what goroutines have in common that do the same.
type origin struct {
	createdAt format.StringID
	entry     replay.EntryID
}

// part is what is known of goroutines that moved while their stacks were read.
type part struct {
	state  format.State
	reason format.StringID
	entry  replay.EntryID
}

func (f *fact) partly() part { return part{f.state, f.reason, f.entry} }

// facts are those of each place.
func (p *process) facts(names *replay.Names) []fact {
	out := make([]fact, len(p.places))
	shallowest := map[origin]int{}
	for i, key := range p.places {
		f := &out[i]
		*f = newFact(key, names)
		if f.state != format.StateWaiting || f.partial || i == beyond {
			continue
		}
		at := origin{f.createdAt, f.entry}
		if least, known := shallowest[at]; !known || f.depth < least {
			shallowest[at] = f.depth
		}
	}
	for i := range out {
		f := &out[i]
		top := f.partial || f.depth <= shallowest[origin{f.createdAt, f.entry}]
		f.idle = f.system || f.byDesign() || f.receives && top
	}
	return out
}

func newFact(key placeKey, names *replay.Names) fact {
	f := fact{placeKey: key, why: names.Reason(key.reason), text: names.Stack(key.stack),
		entryName: names.Entry(key.entry), createdBy: names.Stack(key.createdAt)}
	root := stack.Root(f.text)
	f.system = stack.IsSystem(root) || stack.IsSystem(f.entryName)
	f.partial = strings.HasSuffix(f.text, format.MarkRunning.String())
	if f.state != format.StateWaiting {
		return f
	}
	f.class = replay.ClassAt(f.why, f.text)
	f.system = f.system || f.class == replay.ClassSystem
	f.depth = stack.OwnFrames(f.text)
	writes := f.class == replay.ClassNetwork && stack.TransferOf(f.text).Writes()
	f.receives = !writes && f.class != replay.ClassMutex && replay.Receives(f.why) && !stack.Asks(f.text)
	return f
}

// signals is the entry function of the goroutine that waits for signals, in a system call's state.
const signals = "os/signal.loop"

// byDesign says whether who waits there does so until the program ends.
func (f *fact) byDesign() bool {
	main := f.entryName == "runtime.main" || f.entryName == "main.main"
	return f.entryName == signals || f.why == "select (no cases)" ||
		main && f.class == replay.ClassSync && strings.Contains(f.text, "sync.(*WaitGroup).Wait ")
}

// nilChannel says whether nothing can end the wait.
func (f *fact) nilChannel() bool {
	return f.class == replay.ClassForever && strings.HasSuffix(f.why, "(nil chan)")
}

// doing is what the goroutines there do, in a word or two.
func (f *fact) doing() string {
	if f.state == format.StateWaiting {
		return cmp.Or(f.why, f.state.String())
	}
	return f.state.String()
}

// frame is the code where they are. Of one that runs only the entry function is known.
func (f *fact) frame() string {
	if f.state == format.StateRunning || f.partial {
		return ""
	}
	return stack.Culprit(f.text)
}

// function is what people know the place by.
func (f *fact) function() string {
	return cmp.Or(stack.Function(f.frame()), f.entryName)
}

// className is the class of a wait; empty where they do not wait.
func (f *fact) className() string {
	if f.state != format.StateWaiting {
		return ""
	}
	return f.class.String()
}
