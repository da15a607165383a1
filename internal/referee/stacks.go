package referee

import (
	"slices"
	"strings"

	"github.com/gosched/gosched/format"
)

// maxSkip is how many innermost frames the tracer may leave out: gopark and the traceskip arguments
// of its callers (at most 4 + skipframes, go1.26 src/runtime/sema.go semacquire1), or entersyscall
// and what calls it.
const maxSkip = 8

// traceDepth is how many frames the tracer keeps (go1.26 src/internal/trace/tracev2/spec.go
// MaxFramesPerStack).
const traceDepth = 128

// stackRules say how far two stacks may differ because of the tracer.
type stackRules struct {
	depth        int  // ours have at most so many frames; 0: no limit
	oldSafePoint bool // the tracer loses frames of goroutines that were stopped where a function begins
}

// agree reports whether our stack of a move is the tracer's stack, but for frames that the tracer
// leaves out or tells differently, and by which row of Differences, if any.
func (r stackRules) agree(k kind, ours, theirs Stack) (agree bool, by DifferenceID) {
	mine, their := trimRoot(ours), trimLeaf(theirs)
	if !r.truncated(ours) && len(theirs) < traceDepth {
		agree, by = r.agreeFromRoot(k, mine, their)
		if agree && by == "" && len(ours) != len(theirs) {
			by = SkippedFrames
		}
		return agree, by
	}
	// One or both lack frames at the root. As many of our innermost ones as the tracer may have
	// left out are taken for left out; from there outwards all frames that both have must agree.
	for skip := 0; skip <= maxSkip && skip < len(mine); skip++ {
		n := min(len(mine)-skip, len(their))
		if n == 0 {
			break
		}
		if agree, _ = r.agreeFromRoot(k, mine[len(mine)-skip-n:], their[len(their)-n:]); agree {
			return true, SkippedFrames
		}
	}
	return false, ""
}

// agreeFromRoot compares stacks that begin with the same function.
func (r stackRules) agreeFromRoot(k kind, ours, theirs Stack) (agree bool, by DifferenceID) {
	switch {
	case isPrefix(theirs, ours) && len(ours)-len(theirs) <= maxSkip && skippableOnly(ours[len(theirs):]):
		return true, ""
	case k == yield && interruptedAlike(ours, theirs):
		return true, InterruptedLine
	case k == yield && r.oldSafePoint && lostAtSafePoint(ours, theirs):
		return true, SafePointFrame
	}
	return false, ""
}

// truncated reports whether our stack may lack frames at the root.
func (r stackRules) truncated(s Stack) bool {
	return len(s) > 0 && (s[0].Func == format.MarkTruncated.String() || r.depth > 0 && len(s) >= r.depth &&
		!rootFuncs[s[0].Func])
}

var rootFuncs = map[string]bool{"runtime.goexit": true, "runtime.main": true}

// trimRoot takes away the frames that the tracer drops from every stack, and what stands for frames
// not seen.
func trimRoot(s Stack) Stack {
	for len(s) > 0 && (rootFuncs[s[0].Func] || s[0].Func == format.MarkTruncated.String()) {
		s = s[1:]
	}
	return s
}

// trimLeaf takes runtime.gopark away, which gosched leaves out of every stack and the tracer out of
// most, and the frame without a name that stands for a stack of which the tracer left nothing.
func trimLeaf(s Stack) Stack {
	if n := len(s); n > 0 && s[n-1].Func == "runtime.gopark" {
		return s[:n-1]
	}
	if len(s) == 1 && s[0] == (Frame{}) {
		return nil
	}
	return s
}

func isPrefix(prefix, s Stack) bool {
	return len(prefix) <= len(s) && slices.Equal(prefix, s[:len(prefix)])
}

// interruptedAlike reports whether two stacks of a goroutine that a signal interrupted differ in
// the interrupted function alone. gosched gives the line of the instruction that comes next, the
// tracer that of the one before it, as if it had been a call; where other functions are inlined
// there, the two may belong to different ones of them.
func interruptedAlike(ours, theirs Stack) bool {
	const inlined = 4 // functions in one, at most
	i := slices.IndexFunc(ours, isAsyncPreempt)
	j := slices.IndexFunc(theirs, isAsyncPreempt)
	if i < 0 || j < 0 || !isPrefix(theirs[j:], ours[i:]) {
		return false
	}
	same := 0
	for same < min(i, j) && ours[same] == theirs[same] {
		same++
	}
	return i-same <= inlined && j-same <= inlined && min(i, j)-same <= 1
}

func isAsyncPreempt(f Frame) bool { return f.Func == "runtime.asyncPreempt" }

// lostAtSafePoint reports whether the tracer lacks the function that was to begin, which it skips,
// and that one's caller, which has no frame yet. With functions inlined into the caller these are a
// few frames.
func lostAtSafePoint(ours, theirs Stack) bool {
	lost := len(ours) - len(theirs)
	return !slices.ContainsFunc(ours, isAsyncPreempt) && isPrefix(theirs, ours) && lost >= 1 && lost <= maxSkip
}

// skippable are the packages whose functions the tracer leaves out at the leaf: its skip counts are
// numbers of frames, which take away the runtime's functions and those of the packages that call
// it.
var skippable = []string{
	"runtime.", "internal/runtime/", "sync.", "internal/sync.", "internal/poll.", "syscall.", "internal/syscall/",
	"internal/synctest.",
	"time.Sleep", "runtime/trace.runtime_",
}

func skippableOnly(s Stack) bool {
	for _, f := range s {
		if !slices.ContainsFunc(skippable, func(p string) bool { return strings.HasPrefix(f.Func, p) }) {
			return false
		}
	}
	return true
}
