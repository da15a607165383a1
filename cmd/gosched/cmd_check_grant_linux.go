package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/fallback"
	"github.com/gosched/gosched/record/target"
)

// grants are what check --grant takes: the uses that are to be possible, rows of the table of what
// each takes.
var grants = map[string][]string{
	"record": {"record -p, another's"},
	"sample": {"goroutines -p, another's"},
	"all":    {"record -p, another's", "record --user USER --", "an executable you may not read"},
}

// grantDocument is what check --grant prints: what to give gosched, in the words of those who give.
type grantDocument struct {
	Version         int      `json:"version"`
	Grant           string   `json:"grant"`
	Capabilities    []string `json:"capabilities"`
	Setcap          string   `json:"setcap"` // a command
	Unit            string   `json:"unit"`   // lines of a systemd unit
	SecurityContext string   `json:"security_context"`
}

// runGrant prints what to give gosched on a machine, for a use.
func runGrant(opts checkOptions, checked *record.Checked, out io.Writer) error {
	caps := granted(opts.grant, needsOneByOne(checked))
	doc := grantDocument{
		Version: documentVersion, Grant: opts.grant, Capabilities: texts(caps),
		Setcap: "sudo setcap " + setcap(caps) + " " + ownPath(), Unit: unitLines(caps),
		SecurityContext: securityContext(caps),
	}
	if opts.json {
		return report.WriteJSON(out, doc)
	}
	_, err := fmt.Fprintf(out, `Each of these gives gosched what it takes (%s), and nothing else.

For whoever may execute its file:

%s

A systemd unit of an ordinary user:

%s
A pod in Kubernetes:

%s`, strings.Join(doc.Capabilities, " "), doc.Setcap, doc.Unit, doc.SecurityContext)
	return err
}

// granted are the capabilities of the uses of a grant, each once.
func granted(name string, oneByOne bool) (caps []target.Capability) {
	for _, u := range uses {
		if slices.Contains(grants[name], u.what) {
			caps = append(caps, u.takes...)
		}
	}
	if oneByOne && slices.Contains(caps, target.CapBPF) {
		caps = append(caps, target.CapSysAdmin)
	}
	slices.Sort(caps)
	return slices.Compact(caps)
}

// needsOneByOne says whether the kernel takes probes one by one, which takes more privileges. Where
// that could not be tried its version says so.
func needsOneByOne(c *record.Checked) bool {
	if c.Kernel != nil {
		return slices.ContainsFunc(c.Kernel.Fallbacks, func(f fallback.Fallback) bool {
			return f.Name == fallback.PerfUprobes
		})
	}
	major, rest, _ := strings.Cut(c.Release, ".")
	minor, _, _ := strings.Cut(rest, ".")
	m, err1 := strconv.Atoi(major)
	n, err2 := strconv.Atoi(minor)
	return err1 == nil && err2 == nil && (m < 6 || m == 6 && n < 10)
}

// unitLines writes capabilities as units take them.
func unitLines(caps []target.Capability) string {
	list := strings.Join(texts(caps), " ")
	return "AmbientCapabilities=" + list + "\nCapabilityBoundingSet=" + list + "\n"
}

// securityContext is the part of a pod that lets gosched do what takes these capabilities, as YAML.
// Kubernetes gives capabilities to root of a container alone, who has no others then. It refuses
// CAP_SYS_ADMIN together with allowPrivilegeEscalation: false.
func securityContext(caps []target.Capability) string {
	var b strings.Builder
	b.WriteString(`spec:
  hostPID: true # or shareProcessNamespace: true, to see the pod's own containers alone
  containers:
    - name: gosched
      securityContext:
        runAsUser: 0 # with the capabilities below and no others
        privileged: false
        readOnlyRootFilesystem: true
`)
	if !slices.Contains(caps, target.CapSysAdmin) {
		b.WriteString("        allowPrivilegeEscalation: false\n")
	}
	b.WriteString("        capabilities:\n          drop: [ALL]\n          add: [")
	for i, c := range caps {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strings.TrimPrefix(c.String(), "CAP_"))
	}
	b.WriteString(`]
        seccompProfile: {type: RuntimeDefault}
        appArmorProfile: {type: Unconfined} # the default one refuses to read other containers' processes
`)
	return b.String()
}
