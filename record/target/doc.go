// Package target is a process to be recorded, as /proc and the kernel's process
// calls show it: its executable, namespaces, cgroup, threads, memory and end. It
// knows nothing of Go binaries, probes or traces.
//
// Everything but this comment is for Linux alone.
//
// # Size
//
// A process is shown by many files of /proc and calls of the kernel, which have little in common
// but the process.
package target
