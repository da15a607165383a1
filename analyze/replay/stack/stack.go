// Package stack takes apart stacks as traces have them: frames "func file:line", root first, ";"
// between.
package stack

import (
	"strings"

	"github.com/gosched/gosched/format"
)

// plumbing are packages whose functions say how something was done and not what: the code that
// matters called them. Of the standard library these are all but those that call the program's
// code or stand for a part of it: net/http, net/rpc, database/sql, os/exec, testing and their
// like. A name that ends with a slash stands for all packages below it.
var plumbing = []string{
	"archive/", "bufio", "bytes", "compress/", "container/", "context", "crypto", "crypto/",
	"encoding", "encoding/", "errors", "fmt", "hash", "hash/", "html", "html/", "image", "image/",
	"internal/", "io", "io/", "iter", "log", "log/", "maps", "math", "math/", "mime", "mime/",
	"net", "net/internal/", "os", "path", "path/", "reflect", "regexp", "regexp/", "runtime",
	"runtime/", "slices", "sort", "strconv", "strings", "sync", "sync/", "syscall", "text/", "time",
	"unicode", "unicode/", "unique", "golang.org/x/sys/", "golang.org/x/sync/",
}

// Frames are the frames of a stack, root first.
func Frames(stack string) []string {
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

// Split is a frame's function and its position, "file:line".
func Split(frame string) (function, position string) {
	depth := 0
	for i := 0; i < len(frame); i++ {
		switch c := frame[i]; {
		case c == '[':
			depth++
		case c == ']' && depth > 0:
			depth--
		case c == ' ' && depth == 0:
			return frame[:i], frame[i+1:]
		}
	}
	return frame, ""
}

// Function is a frame's function.
func Function(frame string) string {
	function, _ := Split(frame)
	return function
}

// Package is the import path in a function's name: up to the first dot behind the last slash that
// is not within brackets or parentheses.
func Package(function string) string {
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

// isPlumbing says whether a function is one of those that say how something was done and not what.
func isPlumbing(function string) bool {
	pkg := Package(function)
	for _, p := range plumbing {
		if pkg == p || strings.HasSuffix(p, "/") && strings.HasPrefix(pkg, p) {
			return true
		}
	}
	return false
}

// Culprit is the frame that a person has to look at: the innermost one that is not plumbing, else
// the root.
func Culprit(stack string) string {
	list := Frames(stack)
	if i := culprit(list); i >= 0 {
		return list[i]
	}
	for _, f := range list {
		if f != truncated && Function(f) != "runtime.goexit" {
			return f
		}
	}
	return ""
}

// truncated is at the root of a stack of which frames are missing.
var truncated = format.MarkTruncated.String()

// culprit is where in a stack the innermost frame is that is not plumbing, -1 where all are.
func culprit(list []string) int {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i] != truncated && !isPlumbing(Function(list[i])) {
			return i
		}
	}
	return -1
}

// Named says whether a stack has a frame that is not plumbing.
func Named(stack string) bool { return culprit(Frames(stack)) >= 0 }

// CallerOfCulprit is the innermost frame that calls the culprit's function and is not plumbing, empty
// where there is none.
func CallerOfCulprit(stack string) string {
	list := Frames(stack)
	at := culprit(list)
	if at < 0 {
		return ""
	}
	function := Function(list[at])
	for at = culprit(list[:at]); at >= 0; at = culprit(list[:at]) {
		if Function(list[at]) != function {
			return list[at]
		}
	}
	return ""
}

// Caller is the innermost frame that is neither plumbing nor of a package: the code that calls it. It
// is the culprit where there is no such frame, or no package.
func Caller(stack, pkg string) string {
	list := Frames(stack)
	for i := len(list) - 1; i >= 0 && pkg != ""; i-- {
		if f := Function(list[i]); !isPlumbing(f) && Package(f) != pkg {
			return list[i]
		}
	}
	return Culprit(stack)
}

// OwnFrames is the number of frames that are not plumbing.
func OwnFrames(stack string) int {
	n := 0
	for _, f := range Frames(stack) {
		if !isPlumbing(Function(f)) {
			n++
		}
	}
	return n
}

// Root is the function at the root of a stack, runtime.goexit left out.
func Root(stack string) string {
	for _, f := range Frames(stack) {
		if name := Function(f); name != "runtime.goexit" {
			return name
		}
	}
	return ""
}

// IsSystem says whether goroutines with this entry function are the runtime's own. Two run the
// program's code: runtime.main that of main, and runtime.cgocallback what a thread of C calls.
func IsSystem(entry string) bool {
	return strings.HasPrefix(entry, "runtime.") && entry != "runtime.main" && entry != "runtime.cgocallback"
}

// Position is the file:line of a frame, without the folders.
func Position(frame string) string {
	_, position := Split(frame)
	return position[strings.LastIndexByte(position, '/')+1:]
}

// Short is a frame without the folders of its package and its file.
func Short(frame string) string {
	name := Function(frame)
	if name == "" {
		return "an unknown place"
	}
	return Local(name) + " " + Position(frame)
}
