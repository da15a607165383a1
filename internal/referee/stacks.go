package referee

import "strings"

// maxSkip is how many innermost frames the tracer may leave out: gopark and the traceskip arguments of its callers
// (at most 4 + skipframes, go1.26 src/runtime/sema.go semacquire1), or entersyscall and what calls it.
const maxSkip = 8

// stacksAgree reports whether our stack is the tracer's stack but for frames that the tracer leaves out: at the root
// runtime.goexit, and runtime.main for goroutine 1; at the leaf a few functions of the runtime.
func stacksAgree(ours, theirs Stack, depth int) (agree, skipped bool) {
	trimmed, theirs := trimRoot(ours), trimLeaf(theirs)
	rest := len(trimmed) - len(theirs)
	if truncated(ours, depth) || truncated(theirs, traceDepth) {
		return agreeAtLeaf(trimmed, theirs), true
	}
	if rest < 0 || rest > maxSkip || !runtimeOnly(trimmed[len(theirs):]) {
		return false, false
	}
	return equalFrames(trimmed[:len(theirs)], theirs), len(ours) != len(theirs)
}

// traceDepth is how many frames the tracer keeps (go1.26 src/internal/trace/tracev2/spec.go MaxFramesPerStack).
const traceDepth = 128

// truncated reports whether a stack may lack frames at the root.
func truncated(s Stack, depth int) bool { return depth > 0 && len(s) >= depth && !fromRoot(s) }

func fromRoot(s Stack) bool { return len(s) > 0 && rootFuncs[s[0].Func] }

var rootFuncs = map[string]bool{"runtime.goexit": true, "runtime.main": true}

func trimRoot(s Stack) Stack {
	for len(s) > 0 && rootFuncs[s[0].Func] {
		s = s[1:]
	}
	return s
}

// trimLeaf takes runtime.gopark away, which gosched leaves out of every stack and the tracer out of most.
func trimLeaf(s Stack) Stack {
	if n := len(s); n > 0 && s[n-1].Func == "runtime.gopark" {
		return s[:n-1]
	}
	return s
}

// agreeAtLeaf compares stacks of which one or both lack frames at the root: some number of our innermost frames is
// skipped, and from there outwards all frames that both have must be equal.
func agreeAtLeaf(ours, theirs Stack) bool {
	for skip := 0; skip <= maxSkip && skip <= len(ours); skip++ {
		if !runtimeOnly(ours[len(ours)-skip:]) {
			return false
		}
		rest := ours[:len(ours)-skip]
		n := min(len(rest), len(theirs))
		if n > 0 && equalFrames(rest[len(rest)-n:], theirs[len(theirs)-n:]) {
			return true
		}
	}
	return false
}

func equalFrames(a, b Stack) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// skippable are the packages whose functions the tracer leaves out at the leaf: its skip counts are numbers of frames,
// which take away the runtime's functions and those of the packages that call it.
var skippable = []string{"runtime.", "internal/runtime/", "sync.", "internal/sync.", "internal/poll.", "syscall.", "internal/syscall/", "time.Sleep", "runtime/trace.runtime_"}

func runtimeOnly(s Stack) bool {
	for _, f := range s {
		if !hasAnyPrefix(f.Func, skippable) {
			return false
		}
	}
	return true
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
