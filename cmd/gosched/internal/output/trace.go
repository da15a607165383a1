// Package output writes the files that commands make of a trace: a part of it as Parquet or as
// lines of JSON, the summary of recordings, a goroutine profile. Whether a file may be overwritten
// is asked before, by the command.
package output

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gosched/gosched/format"
)

// Trace writes what is selected of a trace to a new one at path.
func Trace(ctx context.Context, path string, trace format.Trace, sel format.Selection) error {
	out, err := format.Create(path, trace.Metadata(), format.RecordingOptions{})
	if err != nil {
		return err
	}
	if err := copyEvents(ctx, out, trace, sel); err != nil {
		out.Abort()
		return err
	}
	return out.Close(trace.Metadata())
}

func copyEvents(ctx context.Context, out *format.Recording, trace format.Trace, sel format.Selection) error {
	reasons := renumbering{from: trace.Reasons(), to: out.Reasons()}
	stacks := renumbering{from: trace.Stacks(), to: out.Stacks()}
	for batch, err := range trace.Batches(ctx, sel) {
		if err != nil {
			return err
		}
		reasons.apply(batch.Reason)
		stacks.apply(batch.Stack)
		stacks.apply(batch.ByStack)
		if err := out.Write(batch); err != nil {
			return err
		}
	}
	return nil
}

// renumbering gives the strings of one table their numbers in another.
type renumbering struct {
	from, to *format.Strings
	known    []format.StringID // 0: not looked up yet, or null
}

func (r *renumbering) apply(ids []format.StringID) {
	for i, id := range ids {
		if id == format.NullString {
			continue
		}
		if int(id) >= len(r.known) {
			r.known = append(r.known, make([]format.StringID, int(id)+1-len(r.known))...)
		}
		if r.known[id] == format.NullString {
			r.known[id] = r.to.Intern(r.from.Lookup(id))
		}
		ids[i] = r.known[id]
	}
}

// part is a trace with the metadata of the part that a selection leaves.
type part struct {
	format.Trace
	meta format.Metadata
}

// Metadata implements format.Trace.
func (p *part) Metadata() format.Metadata { return p.meta }

// Part says in a trace's metadata what a selection leaves of it: the time that was
// looked at, and of which processes and goroutines.
func Part(trace format.Trace, sel format.Selection) format.Trace {
	if sel.FromNS == 0 && sel.UntilNS == 0 && sel.Goroutines == nil && sel.PIDs == nil {
		return trace
	}
	meta := trace.Metadata()
	meta.StartNS = max(meta.StartNS, sel.FromNS)
	if sel.UntilNS != 0 && (meta.EndNS == 0 || sel.UntilNS < meta.EndNS) {
		meta.EndNS = sel.UntilNS
	}
	if sel.FromNS != 0 || sel.UntilNS != 0 {
		meta.Machine = nil // that is of the whole recording
	}
	if sel.PIDs != nil {
		others := func(pid int32) bool { return !slices.Contains(sel.PIDs, pid) }
		meta.Processes = slices.DeleteFunc(slices.Clone(meta.Processes),
			func(p format.Process) bool { return others(p.PID) })
		meta.Snapshots = slices.DeleteFunc(slices.Clone(meta.Snapshots),
			func(s format.Snapshot) bool { return s.PID != 0 && others(s.PID) })
	}
	if sel.Goroutines != nil {
		names := make([]string, len(sel.Goroutines))
		for i, id := range sel.Goroutines {
			names[i] = fmt.Sprint(id)
		}
		meta.Recorder += "; of it only goroutines " + strings.Join(names, ", ")
	}
	return &part{Trace: trace, meta: meta}
}
