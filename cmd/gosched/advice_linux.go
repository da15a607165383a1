package main

import (
	"errors"
	"os"
	"strings"
	"unicode"

	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/gobin"
	"github.com/gosched/gosched/record/image"
	"github.com/gosched/gosched/record/target"
)

// unsupported says whether the exit code of an error is exitUnsupported.
func unsupported(err error) bool { return record.Unsupported(err) }

// hints say what to do about an error, the first that fits.
var hints = []struct {
	err  error
	hint func(err error) string
}{
	{target.ErrPrivileges, func(err error) string { return "To do: " + privilegeAdvice(err) }},
	{target.ErrForeignProc, always("To do: " + mountAdvice + ".")},
	{record.ErrOpenFiles, always("Raise the limit: ulimit -n 4096, as root or up to the hard limit; of a service, " +
		"LimitNOFILE=.")},
	{gobin.ErrNotGo, always("gosched records Go programs, and Go libraries that a program has loaded. " +
		"If this one starts the Go program, record that one with -p.")},
	{gobin.ErrUnsupported, always("gosched check BINARY says what it knows of it; a newer gosched may know more.")},
	{record.ErrUnsupported, always("gosched check says what this kernel lacks.")},
}

// mountAdvice is for a /proc of another PID namespace.
const mountAdvice = "mount this PID namespace's own (mount -t proc proc /proc), or start gosched in the one " +
	"that /proc shows"

func always(hint string) func(error) string { return func(error) string { return hint } }

// privilegeAdvice says how to get the privileges that an error says are missing. What would not
// help here is not advised: a file's capabilities where nothing gives any, or capabilities that
// a container keeps from all its processes.
func privilegeAdvice(err error) string {
	e, ok := errors.AsType[*target.PrivilegeError](err)
	switch {
	case !ok || len(e.Missing) == 0:
		return "run gosched as root of the machine, outside of the container"
	case len(e.Unreachable()) > 0:
		return "have the container or service given what it lacks: docker run" + each(e.Unreachable(), " --cap-add=") +
			", securityContext.capabilities of a pod, CapabilityBoundingSet= of a unit"
	case e.Caller.NoNewPrivs:
		return "run gosched as root, or with ambient capabilities: no_new_privs is set, so that neither sudo nor " +
			"setcap gives any"
	}
	return "run it with sudo, or give the program what it lacks: sudo setcap " + setcap(e.Wanted()) + " " + ownPath()
}

// ownPath is the file of this program as a shell takes it.
func ownPath() string {
	path, err := os.Executable() // on Linux the file itself and no link to it, which setcap(8) would not take
	if err != nil {
		return "$(command -v gosched)"
	}
	return shellQuote(path)
}

// shellQuote writes a word for a shell.
func shellQuote(word string) string {
	if word != "" && !strings.ContainsFunc(word, special) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

func special(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+:@%", r)
}

// each writes capabilities as tools take them, lower case and without CAP_, each after prefix.
func each(caps []target.Capability, prefix string) string {
	var b strings.Builder
	for _, c := range caps {
		b.WriteString(prefix + strings.ToLower(strings.TrimPrefix(c.String(), "CAP_")))
	}
	return b.String()
}

// setcap writes capabilities as setcap(8) takes them.
func setcap(caps []target.Capability) string {
	return strings.TrimPrefix(each(caps, ",cap_"), ",") + "+ep"
}

// stepAdvice is what to do about obstacles of a step of the check, whatever the error is.
var stepAdvice = map[record.Step]string{
	record.StepHost:     "",
	record.StepCaller:   "",
	record.StepClock:    "run gosched in the machine's time namespace",
	record.StepReplaced: "run it as root",
	record.StepArch:     "record it on a machine of that kind",
	record.StepPlugin:   "check the program that opens it",
	record.StepPrograms: "report it with the kernel's version: it refuses the programs",
}

// obstacleAdvice says what to do about an obstacle; empty where nothing is known.
func obstacleAdvice(o record.Obstacle) string {
	advice, ok := stepAdvice[o.Step]
	switch {
	case ok:
		return advice
	case o.Step == record.StepPrivileges:
		return "what the kernel can do was not tried without them; " + adviceFor(o.Err)
	case o.Step == record.StepKernel && errors.Is(o.Err, record.ErrUnsupported) && adviceOf(o.Err) == "":
		return "use a kernel that can; distributions' kernels from 5.10 on do"
	case o.Step == record.StepKernel && !errors.Is(o.Err, target.ErrPrivileges) && adviceOf(o.Err) == "":
		return ""
	}
	return adviceFor(o.Err)
}

// adviceFor says what to do about a process or a binary that cannot be recorded.
func adviceFor(err error) string {
	advice := adviceOf(err)
	switch {
	case advice != "":
		return strings.ToLower(advice[:1]) + strings.TrimSuffix(advice[1:], ".")
	case errors.Is(err, target.ErrPrivileges):
		return privilegeAdvice(err)
	case errors.Is(err, target.ErrForeignProc):
		return mountAdvice
	case errors.Is(err, image.ErrSeveralRuntimes):
		return "record a process that has one of them"
	case errors.Is(err, gobin.ErrNotGo):
		return "record the Go program itself: if this one starts it, by -p"
	case errors.Is(err, gobin.ErrDamaged):
		return "build it without an obfuscator or packer"
	default:
		return "build it with a Go version from 1.18 to the newest that this gosched knows, or use a newer gosched"
	}
}
