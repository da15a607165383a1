package goroutines

import (
	"strings"

	"github.com/gosched/gosched/analyze/goroutines/profile"
)

// plumbing are packages whose functions say how something was done and not what. A name that ends with a slash stands for all packages below it.
var plumbing = []string{"bufio", "context", "internal/", "io", "net", "os", "reflect", "runtime", "runtime/", "sync", "sync/", "syscall", "time", "golang.org/x/sys/", "golang.org/x/sync/"}

func function(frame string) string {
	name, _ := profile.Split(frame)
	return name
}

// codeOf is the frame that a person has to look at: the innermost one that is not plumbing, else the root.
func codeOf(stack string) string {
	frames := profile.Frames(stack)
	for i := len(frames) - 1; i >= 0; i-- {
		if !isPlumbing(function(frames[i])) {
			return frames[i]
		}
	}
	if len(frames) > 0 {
		return frames[0]
	}
	return ""
}

func isPlumbing(function string) bool {
	for _, p := range plumbing {
		if strings.HasSuffix(p, "/") && strings.HasPrefix(function, p) || strings.HasPrefix(function, p+".") {
			return true
		}
	}
	return false
}

// short is a frame as people read it: function and line.
func short(frame string) string {
	name, place := profile.Split(frame)
	if i := strings.LastIndexByte(place, ':'); i >= 0 {
		return name + place[i:]
	}
	return name
}
