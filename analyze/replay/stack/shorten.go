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
// last: first the folders of the package, then the middle of the package's own name, then the middle
// of the function's.
func Shorten(function string, width int) string {
	local := Local(function)
	for _, name := range []string{function, Elided + "/" + local, local} {
		if utf8.RuneCountInString(name) <= width {
			return name
		}
	}
	pkg := Package(local)
	rest := local[len(pkg):]
	if room := width - utf8.RuneCountInString(rest); room >= leastPackage {
		return middle(pkg, room) + rest
	}
	return middle(local, width)
}

// leastPackage is the fewest characters of a package's name that say more than none.
const leastPackage = 5

// middle takes the middle out of a text, so that it is as long as there is room.
func middle(s string, room int) string {
	runes := []rune(s)
	if len(runes) <= room {
		return s
	}
	kept := max(0, room-1)
	return string(runes[:kept/3]) + Elided + string(runes[len(runes)-(kept-kept/3):])
}
