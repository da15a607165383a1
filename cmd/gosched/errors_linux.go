package main

import (
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/target"
)

// unsupportedErrors are the errors whose exit code is exitUnsupported.
var unsupportedErrors = []error{
	record.ErrUnsupported,
	record.ErrOpenFiles,
	gobin.ErrNotGo,
	gobin.ErrUnsupported,
	gobin.ErrDamaged,
	target.ErrNestedPIDNamespace,
	target.ErrPrivileges,
}

// hints say what to do about an error, the first that fits.
var hints = []struct {
	err  error
	hint string
}{
	{target.ErrPrivileges, "Run it with sudo, or give the program the capabilities: sudo setcap cap_bpf,cap_perfmon,cap_sys_ptrace+ep $(command -v gosched)"},
	{record.ErrOpenFiles, "Raise the limit: ulimit -n 4096, as root or up to the hard limit; of a service, LimitNOFILE=."},
	{gobin.ErrNotGo, "gosched records Go programs. If this one starts the Go program, record that one with -p."},
	{gobin.ErrUnsupported, "gosched check BINARY says what it knows of it; a newer gosched may know more."},
	{record.ErrUnsupported, "gosched check says what this kernel lacks."},
}
