package stack

import (
	"strings"
	"unicode/utf8"
)

// Local is a function's name behind the folders of its package: server.(*client).readLoop. A major
// version keeps the folder before it, which says what it is a version of.
func Local(function string) string {
	pkg := Package(function)
	slash := strings.LastIndexByte(pkg, '/')
	if slash > 0 && isMajor(pkg[slash+1:]) {
		slash = strings.LastIndexByte(pkg[:slash], '/')
	}
	return function[slash+1:]
}

// isMajor says whether an element of an import path is a major version: v2, v10.
func isMajor(element string) bool {
	digits, ok := strings.CutPrefix(element, "v")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// Elided stands for what Shorten leaves out of a name.
const Elided = "…"

// Shorten makes a function's name at most so many characters long. What tells functions apart goes
// last: first the folders of the package, then the package, then the receiver. Each goes as a
// whole, since half a word says nothing; only where that is not enough, the middle of the name
// goes.
func Shorten(function string, width int) string {
	local := Local(function)
	rest := local[len(Package(local)):]
	last := withoutReceiver(rest)
	bare := strings.TrimPrefix(last, ".")
	for _, name := range []string{function, Elided + "/" + local, local, Elided + rest, strings.TrimPrefix(rest, "."),
		Elided + last, bare} {
		if utf8.RuneCountInString(name) <= width {
			return name
		}
	}
	return middle(bare, width)
}

// withoutReceiver is a name behind its package, such as .(*client).readLoop.func1, without the type
// whose method it is; a function's is as it was.
func withoutReceiver(name string) string {
	if method, ok := strings.CutPrefix(name, ".("); ok {
		if i := strings.Index(method, ")."); i >= 0 {
			return method[i+1:]
		}
	}
	return name
}

// middle takes the middle out of a text, so that it is as long as there is room.
func middle(s string, room int) string {
	runes := []rune(s)
	if len(runes) <= room {
		return s
	}
	kept := max(0, room-1)
	return string(runes[:kept/3]) + Elided + string(runes[len(runes)-(kept-kept/3):])
}
