package info

import (
	"cmp"
	"strings"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/format"
)

// shortID is how much of a container's id is shown, as the runtimes' own commands do.
const shortID = 12

// containerCell names a container: by namespace, pod and name where the runtime has said them.
func containerCell(c *format.Container) report.Cell {
	if c == nil {
		return report.Text("none")
	}
	var parts []string
	for _, part := range []string{c.Namespace, c.Pod, cmp.Or(c.Name, c.ID[:min(len(c.ID), shortID)])} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	text := strings.Join(parts, "/")
	if c.Image != "" {
		text += " (" + c.Image + ")"
	}
	return report.Text(text)
}

// cameLater says whether a process came after the recording had begun.
func (r *Result) cameLater(p format.Process) bool { return p.BeginNS > r.Metadata.StartNS }

func (r *Result) beginCell(p *format.Process) report.Cell {
	if !r.cameLater(*p) {
		return report.Text("")
	}
	return report.Duration(p.BeginNS - r.Metadata.StartNS)
}
