//go:build linux

package confine

import (
	"golang.org/x/sys/unix"

	"github.com/gosched/gosched/record/target"
)

// Needs are what a recording does after everything is watched, beside reading the memory of its
// processes and what the programs in the kernel have to say, and writing files of its own. The
// zero value is that alone.
type Needs struct {
	Attach   bool // more is attached: plugins, processes that come, windows
	Come     bool // processes come, whoever they belong to, and their executables are read
	Signals  bool // signals are passed on to a command of another user
	HandOver bool // the trace is given to another user
	Network  bool // somebody is served over the network
	Programs bool // programs are started

	Folder string // where files are made and removed; it may be another user's, whom root writes for. "": nowhere
}

// keeps are the capabilities that a need takes, where the recorder has them.
var keeps = []struct {
	need  func(Needs) bool
	takes []target.Capability
}{
	{func(n Needs) bool { return n.Attach }, []target.Capability{
		target.CapBPF, target.CapPerfmon, target.CapSysPtrace, target.CapDACReadSearch, target.CapSysAdmin,
	}},
	{func(n Needs) bool { return n.Come }, []target.Capability{target.CapSysPtrace, target.CapDACReadSearch}},
	{func(n Needs) bool { return n.Signals }, []target.Capability{target.CapKill}},
	{func(n Needs) bool { return n.HandOver }, []target.Capability{target.CapChown}},
}

func (n Needs) bits() (bits uint64) {
	for _, row := range keeps {
		if !row.need(n) {
			continue
		}
		for _, c := range row.takes {
			bits |= 1 << c
		}
	}
	return bits
}

// trials are what of the needs is tried.
func (n Needs) trials() []Trial {
	if n.Folder == "" {
		return nil
	}
	return []Trial{{Takes: target.CapDACOverride, Try: func() error {
		return unix.Faccessat(unix.AT_FDCWD, n.Folder, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	}}}
}
