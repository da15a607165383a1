package referee

import (
	"slices"
	"strings"
)

// maxSkip is how many innermost frames the tracer may leave out: gopark and the traceskip arguments of its callers
// (at most 4 + skipframes, go1.26 src/runtime/sema.go semacquire1), or entersyscall and what calls it.
const maxSkip = 8

// traceDepth is how many frames the tracer keeps (go1.26 src/internal/trace/tracev2/spec.go MaxFramesPerStack).
const traceDepth = 128

// stackRules say how far two stacks may differ because of the tracer.
type stackRules struct {
	depth        int  // ours have at most so many frames; 0: no limit
	oldSafePoint bool // the tracer loses frames of goroutines that were stopped where a function begins
}

// agree reports whether our stack of a move is the tracer's stack, but for frames that the tracer leaves out or tells
// differently, and by which row of Differences, if any.
func (r stackRules) agree(k kind, ours, theirs Stack) (agree bool, by DifferenceID) {
	mine, their := trimRoot(ours), trimLeaf(theirs)
	if truncated(ours, r.depth) || truncated(theirs, traceDepth) {
		return agreeAtLeaf(mine, their), SkippedFrames
	}
	if isPrefix(their, mine) && len(mine)-len(their) <= maxSkip && skippableOnly(mine[len(their):]) {
		if len(ours) != len(theirs) {
			by = SkippedFrames
		}
		return true, by
	}
	switch {
	case k == yield && interruptedAlike(mine, their):
		return true, InterruptedLine
	case k == yield && r.oldSafePoint && lostAtSafePoint(mine, their):
		return true, SafePointFrame
	}
	return false, ""
}

// truncated reports whether a stack may lack frames at the root.
func truncated(s Stack, depth int) bool {
	return depth > 0 && len(s) >= depth && !rootFuncs[s[0].Func]
}

var rootFuncs = map[string]bool{"runtime.goexit": true, "runtime.main": true}

// trimRoot takes away the frames that the tracer drops from every stack.
func trimRoot(s Stack) Stack {
	for len(s) > 0 && rootFuncs[s[0].Func] {
		s = s[1:]
	}
	return s
}

// trimLeaf takes runtime.gopark away, which gosched leaves out of every stack and the tracer out of most, and the frame
// without a name that stands for a stack of which the tracer left nothing.
func trimLeaf(s Stack) Stack {
	if n := len(s); n > 0 && s[n-1].Func == "runtime.gopark" {
		return s[:n-1]
	}
	if len(s) == 1 && s[0] == (Frame{}) {
		return nil
	}
	return s
}

// agreeAtLeaf compares stacks of which one or both lack frames at the root: some number of our innermost frames is
// skipped, and from there outwards all frames that both have must be equal.
func agreeAtLeaf(ours, theirs Stack) bool {
	for skip := 0; skip <= maxSkip && skip <= len(ours); skip++ {
		if !skippableOnly(ours[len(ours)-skip:]) {
			return false
		}
		rest := ours[:len(ours)-skip]
		n := min(len(rest), len(theirs))
		if n > 0 && slices.Equal(rest[len(rest)-n:], theirs[len(theirs)-n:]) {
			return true
		}
	}
	return false
}

func isPrefix(prefix, s Stack) bool {
	return len(prefix) <= len(s) && slices.Equal(prefix, s[:len(prefix)])
}

// interruptedAlike reports whether two stacks of a goroutine that a signal interrupted differ in the interrupted
// function's line alone. gosched gives the line of the instruction that comes next, the tracer that of the one before
// it, as if it had been a call.
func interruptedAlike(ours, theirs Stack) bool {
	i := slices.IndexFunc(ours, isAsyncPreempt)
	j := slices.IndexFunc(theirs, isAsyncPreempt)
	if i < 1 || i != j {
		return false
	}
	return slices.Equal(ours[:i-1], theirs[:i-1]) && ours[i-1].Func == theirs[i-1].Func &&
		isPrefix(theirs[i:], ours[i:])
}

func isAsyncPreempt(f Frame) bool { return f.Func == "runtime.asyncPreempt" }

// lostAtSafePoint reports whether the tracer lacks the function that was to begin, which it skips, and that one's
// caller, which has no frame yet. With functions inlined into the caller these are a few frames.
func lostAtSafePoint(ours, theirs Stack) bool {
	lost := len(ours) - len(theirs)
	return !slices.ContainsFunc(ours, isAsyncPreempt) && isPrefix(theirs, ours) && lost >= 1 && lost <= maxSkip
}

// skippable are the packages whose functions the tracer leaves out at the leaf: its skip counts are numbers of frames,
// which take away the runtime's functions and those of the packages that call it.
var skippable = []string{
	"runtime.", "internal/runtime/", "sync.", "internal/sync.", "internal/poll.", "syscall.", "internal/syscall/",
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
