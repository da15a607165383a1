//go:build linux

package target

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrPrivileges is the error of a caller who may not do what was asked for. An error that
// is it is a *PrivilegeError too.
var ErrPrivileges = errors.New("not permitted")

// Capability is one of the kernel's capabilities (include/uapi/linux/capability.h).
type Capability uint

// The capabilities that recording can take.
const (
	CapDACReadSearch Capability = unix.CAP_DAC_READ_SEARCH
	CapKill          Capability = unix.CAP_KILL
	CapSetGID        Capability = unix.CAP_SETGID
	CapSetUID        Capability = unix.CAP_SETUID
	CapSysPtrace     Capability = unix.CAP_SYS_PTRACE
	CapSysAdmin      Capability = unix.CAP_SYS_ADMIN
	CapPerfmon       Capability = unix.CAP_PERFMON
	CapBPF           Capability = unix.CAP_BPF
)

// The capabilities that root uses while it records. No use of gosched takes them: another user
// writes to folders of its own, and hands nothing over.
const (
	CapChown       Capability = unix.CAP_CHOWN
	CapDACOverride Capability = unix.CAP_DAC_OVERRIDE
)

var capabilityNames = map[Capability]string{
	CapDACReadSearch: "CAP_DAC_READ_SEARCH",
	CapKill:          "CAP_KILL",
	CapSetGID:        "CAP_SETGID",
	CapSetUID:        "CAP_SETUID",
	CapSysPtrace:     "CAP_SYS_PTRACE",
	CapSysAdmin:      "CAP_SYS_ADMIN",
	CapPerfmon:       "CAP_PERFMON",
	CapBPF:           "CAP_BPF",
}

func (c Capability) String() string {
	if name, ok := capabilityNames[c]; ok {
		return name
	}
	switch c {
	case CapChown:
		return "CAP_CHOWN"
	case CapDACOverride:
		return "CAP_DAC_OVERRIDE"
	}
	return "capability " + strconv.Itoa(int(c))
}

// instead are the capabilities that stand for others: CAP_SYS_ADMIN for the two that were
// cut out of it (Linux v5.8 on, include/linux/capability.h: bpf_capable, perfmon_capable),
// and CAP_DAC_OVERRIDE for what reads files only.
var instead = map[Capability]uint{
	CapBPF:           unix.CAP_SYS_ADMIN,
	CapPerfmon:       unix.CAP_SYS_ADMIN,
	CapDACReadSearch: unix.CAP_DAC_OVERRIDE,
}

// Privileges are what the caller may do.
type Privileges struct {
	UID        int
	Effective  uint64 // the set of capabilities that count
	Bounding   uint64 // those of the named ones that a program can get at all
	NoNewPrivs bool   // neither sudo nor a file's capabilities give any
	Nested     bool   // the capabilities are those of a user namespace, not of the machine
}

// initUserNamespace is PROC_USER_INIT_INO, the inode of the first user namespace
// (Linux v3.8 on, include/linux/proc_ns.h).
const initUserNamespace = "user:[4026531837]"

// OwnPrivileges are those of the calling thread. They are asked of the kernel and not read
// from /proc, which may be another namespace's.
func OwnPrivileges() (Privileges, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData // 32 capabilities each
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return Privileges{}, fmt.Errorf("read own privileges: %w", err)
	}
	p := Privileges{
		UID:       os.Geteuid(),
		Effective: uint64(sets[0].Effective) | uint64(sets[1].Effective)<<32,
	}
	for c := range capabilityNames {
		if n, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(c), 0, 0, 0); err == nil && n == 1 {
			p.Bounding |= 1 << c
		}
	}
	n, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	p.NoNewPrivs = err == nil && n == 1
	ns, err := os.Readlink("/proc/self/ns/user")
	p.Nested = err == nil && ns != initUserNamespace // without user namespaces there is no such file
	return p, nil
}

// Lacks are those of the capabilities that the caller does not have.
func (p *Privileges) Lacks(needs ...Capability) []Capability {
	var missing []Capability
	for _, need := range needs {
		other, ok := instead[need]
		if p.Effective>>need&1 == 0 && !(ok && p.Effective>>other&1 == 1) {
			missing = append(missing, need)
		}
	}
	return missing
}

// PrivilegeError says what a caller lacks for what was asked for.
type PrivilegeError struct {
	Subject string       // the process that it was asked for, with its user; empty: it was of no process
	Action  string       // what was asked for: "recording"
	Needs   []Capability // what it takes
	Missing []Capability // which of them the caller lacks; none: Reason stands in the way
	Reason  string
	Caller  Privileges
}

func (e *PrivilegeError) Error() string {
	takes := fmt.Sprintf("%s takes %s", e.Action, names(e.Needs))
	if e.Subject != "" {
		takes = e.Subject + ": " + takes
	}
	if len(e.Missing) == 0 {
		return fmt.Sprintf("%s, which user %d has, %s", takes, e.Caller.UID, e.Reason)
	}
	return fmt.Sprintf("%s: user %d lacks %s", takes, e.Caller.UID, names(e.Missing))
}

// Is says that the error is ErrPrivileges.
func (e *PrivilegeError) Is(other error) bool { return other == ErrPrivileges }

// names lists capabilities: "CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE".
func names(caps []Capability) string {
	texts := make([]string, len(caps))
	for i, c := range caps {
		texts[i] = c.String()
	}
	if len(texts) < 2 {
		return strings.Join(texts, "")
	}
	last := len(texts) - 1
	return strings.Join(texts[:last], ", ") + " and " + texts[last]
}

// recordingNeeds is what every recording takes, whoever the process belongs to: to load
// the programs, and to attach them.
var recordingNeeds = []Capability{CapBPF, CapPerfmon}

// CheckPrivileges returns a *PrivilegeError where the caller may not record. What a process or a
// user takes beyond that, Open and CheckBecoming find: where their errors, which may be nil, say
// that the caller lacks something, this one says all that is lacking.
func CheckPrivileges(also ...error) error {
	own, err := OwnPrivileges()
	if err != nil {
		return err
	}
	return own.checkRecording(also...)
}

func (p *Privileges) checkRecording(also ...error) error {
	e := &PrivilegeError{
		Action: "recording", Needs: slices.Clone(recordingNeeds), Missing: p.Lacks(recordingNeeds...), Caller: *p,
	}
	if p.Nested {
		e.Reason = "but in a user namespace, and the kernel asks for them outside of it"
	}
	var of []string
	for _, err := range also {
		if other, ok := errors.AsType[*PrivilegeError](err); ok {
			of = append(of, e.add(other))
		}
	}
	switch {
	case len(of) > 0:
		e.Action = strings.Join(of, ", and ")
	case len(e.Missing) == 0 && e.Reason == "":
		return nil
	}
	return e
}

// add adds what another error says is needed to record, and returns what of.
func (e *PrivilegeError) add(other *PrivilegeError) string {
	for _, need := range other.Needs {
		if !slices.Contains(e.Needs, need) {
			e.Needs = append(e.Needs, need)
		}
	}
	for _, missing := range other.Missing {
		if !slices.Contains(e.Missing, missing) {
			e.Missing = append(e.Missing, missing)
		}
	}
	if e.Reason == "" {
		e.Reason = other.Reason
	}
	if other.Subject == "" {
		return other.Action
	}
	return "recording " + other.Subject
}

// CheckBecoming returns a *PrivilegeError where the caller may not start commands as the
// user uid and record them: it has to become that user, to read and to end the command.
func CheckBecoming(uid int) error {
	own, err := OwnPrivileges()
	if err != nil || uid == own.UID {
		return err
	}
	needs := []Capability{CapSetUID, CapSetGID, CapKill, CapSysPtrace}
	if missing := own.Lacks(needs...); len(missing) > 0 {
		return &PrivilegeError{
			Action: fmt.Sprintf("recording a command as user %d", uid), Needs: needs, Missing: missing, Caller: own,
		}
	}
	return nil
}

// Refused makes a *PrivilegeError of a refusal, which says what an action takes and what of it
// the caller lacks.
func Refused(action string, refusal error, needs ...Capability) error {
	own, err := OwnPrivileges()
	if err != nil {
		return errors.Join(refusal, err)
	}
	e := &PrivilegeError{Action: action, Needs: needs, Missing: own.Lacks(needs...), Caller: own}
	if len(e.Missing) == 0 {
		e.Reason = "but the system refuses (" + rootCause(refusal).Error() + "): its lockdown, a security module, " +
			"a container's seccomp profile or a user namespace"
	}
	return e
}

// denied is Refused for something that the caller does with a process. An error that is no
// refusal stays.
func (p *Process) denied(action string, need Capability, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	subject := fmt.Sprintf("process %d", p.pid)
	if uid, _, ok := strings.Cut(statusField(p.path("status"), "Uid"), "\t"); ok {
		subject += " of user " + uid
	}
	err = Refused(action, err, need)
	if e, ok := errors.AsType[*PrivilegeError](err); ok {
		e.Subject = subject
	}
	return err
}

// rootCause is the innermost error.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// Wanted are the capabilities that the caller's program should be given: those it lacks
// here, and those that it has.
func (e *PrivilegeError) Wanted() []Capability {
	wanted := slices.Clone(e.Missing)
	for c := range capabilityNames {
		if e.Caller.Effective>>c&1 == 1 {
			wanted = append(wanted, c)
		}
	}
	slices.Sort(wanted)
	return slices.Compact(wanted)
}

// Unreachable are those of the missing capabilities that no program can get here, whatever
// its file says: a container or a service keeps them from all its processes.
func (e *PrivilegeError) Unreachable() []Capability {
	return slices.DeleteFunc(slices.Clone(e.Missing), func(c Capability) bool {
		return e.Caller.Bounding>>c&1 == 1
	})
}
