// Package syscalls names system calls by the functions that make them.
package syscalls

import "strings"

// packages are those whose functions are named after the system calls that they make.
var packages = []string{"syscall.", "internal/syscall/unix.", "golang.org/x/sys/unix."}

// callers are functions elsewhere that make a system call themselves (go1.18 to go1.27
// src/internal/poll/fd_writev_unix.go).
var callers = map[string]string{"internal/poll.writev": "writev"}

// Name is the system call that a function is named after, empty where it is none.
func Name(function string) string {
	if name, ok := callers[function]; ok {
		return name
	}
	for _, p := range packages {
		if name, ok := strings.CutPrefix(function, p); ok && !strings.ContainsAny(name, ".()") {
			return strings.ToLower(name)
		}
	}
	return ""
}

// General says whether a function is a way into the kernel for any call: Syscall, Syscall6,
// RawSyscall, … of one of those packages.
func General(function string) bool {
	for _, p := range packages {
		if name, ok := strings.CutPrefix(function, p); ok {
			return strings.HasPrefix(strings.ToLower(strings.TrimPrefix(name, "raw")), "syscall") ||
				strings.HasPrefix(name, "Raw") || name == "runtime_entersyscall"
		}
	}
	return false
}
