package blocking

import "strings"

// plumbing are packages whose functions say how something was done and not what: the code that matters called them. A name that ends with a
// slash stands for all packages below it.
var plumbing = []string{
	"bufio", "context", "internal/", "io", "net", "net/internal/", "os", "reflect", "runtime", "runtime/", "sync", "sync/", "syscall", "time", "golang.org/x/sys/", "golang.org/x/sync/",
}

// frames of a stack, root first.
func frames(stack string) []string {
	if stack == "" {
		return nil
	}
	var out []string
	depth, from := 0, 0
	for i := 0; i < len(stack); i++ { // type arguments hold semicolons
		switch c := stack[i]; {
		case c == '[':
			depth++
		case c == ']' && depth > 0:
			depth--
		case c == ';' && depth == 0:
			out = append(out, stack[from:i])
			from = i + 1
		}
	}
	return append(out, stack[from:])
}

// function is the function of a frame "func file:line".
func function(frame string) string {
	depth := 0
	for i := 0; i < len(frame); i++ {
		switch c := frame[i]; {
		case c == '[':
			depth++
		case c == ']' && depth > 0:
			depth--
		case c == ' ' && depth == 0:
			return frame[:i]
		}
	}
	return frame
}

// packageOf is the import path in a function's name: up to the first dot behind the last slash that is not within brackets or parentheses.
func packageOf(function string) string {
	end := len(function)
	if i := strings.IndexAny(function, "[("); i >= 0 {
		end = i
	}
	slash := strings.LastIndexByte(function[:end], '/') + 1
	if dot := strings.IndexByte(function[slash:], '.'); dot >= 0 {
		return function[:slash+dot]
	}
	return function
}

func isPlumbing(function string) bool {
	pkg := packageOf(function)
	for _, p := range plumbing {
		if pkg == p || strings.HasSuffix(p, "/") && strings.HasPrefix(pkg, p) {
			return true
		}
	}
	return false
}

// culprit is the frame that a person has to look at: the innermost one that is not plumbing, else the root.
func culprit(stack string) string {
	list := frames(stack)
	for i := len(list) - 1; i >= 0; i-- {
		if !isPlumbing(function(list[i])) {
			return list[i]
		}
	}
	for _, f := range list {
		if function(f) != "runtime.goexit" {
			return f
		}
	}
	return ""
}

// ownFrames is the number of frames that are not plumbing.
func ownFrames(stack string) int {
	n := 0
	for _, f := range frames(stack) {
		if !isPlumbing(function(f)) {
			n++
		}
	}
	return n
}

// rootFunction is the function at the root of a stack, runtime.goexit left out.
func rootFunction(stack string) string {
	for _, f := range frames(stack) {
		if name := function(f); name != "runtime.goexit" {
			return name
		}
	}
	return ""
}

// systemKind says whether goroutines with this entry function are the runtime's own. That of main is runtime.main.
func systemKind(entry string) bool {
	return strings.HasPrefix(entry, "runtime.") && entry != "runtime.main"
}
