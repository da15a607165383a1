package output

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/gosched/gosched/format"
)

// linesHeader is the first line of dump --json.
type linesHeader struct {
	Version  int             `json:"version"`
	Metadata format.Metadata `json:"metadata"`
}

// eventLine is an event of dump --json, in the trace's own columns.
type eventLine struct {
	TimeNS  int64  `json:"time_ns"`
	Kind    string `json:"kind"`
	PID     *int32 `json:"pid,omitempty"`
	TID     *int32 `json:"tid,omitempty"`
	CPU     *int32 `json:"cpu,omitempty"`
	Proc    *int32 `json:"proc,omitempty"`
	GoID    int64  `json:"goid,omitempty"`
	From    string `json:"from_state,omitempty"`
	To      string `json:"to_state,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Stack   string `json:"stack,omitempty"`
	ByGoID  int64  `json:"by_goid,omitempty"`
	ByStack string `json:"by_stack,omitempty"`
	EndNS   int64  `json:"end_ns,omitempty"`
	Object  int64  `json:"object,omitempty"`
	SinceNS int64  `json:"since_ns,omitempty"`
	Weight  int32  `json:"weight,omitempty"`
}

// Lines writes what is selected of a trace as JSON: a line with the metadata and the version of
// this form, then a line an event.
func Lines(ctx context.Context, w io.Writer, version int, trace format.Trace, sel format.Selection) error {
	out := bufio.NewWriterSize(w, 1<<16)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(linesHeader{Version: version, Metadata: trace.Metadata()}); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	for batch, err := range trace.Batches(ctx, sel) {
		if err != nil {
			return err
		}
		for i := range batch.Len() {
			if err := encoder.Encode(newEventLine(trace, batch.At(i))); err != nil {
				return fmt.Errorf("write events: %w", err)
			}
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write events: %w", err)
	}
	return nil
}

func newEventLine(trace format.Trace, e format.Event) eventLine {
	return eventLine{
		TimeNS: e.TimeNS,
		Kind:   e.Kind.String(),
		PID:    known(&e.PID), TID: known(&e.TID), CPU: known(&e.CPU), Proc: known(&e.Proc),
		GoID: int64(e.GoID),
		From: stateName(e.From), To: stateName(e.To),
		Reason: trace.Reasons().Lookup(e.Reason),
		Stack:  trace.Stacks().Lookup(e.Stack),
		ByGoID: int64(e.ByGoID), ByStack: trace.Stacks().Lookup(e.ByStack),
		EndNS: e.EndNS, Object: e.Object, SinceNS: e.SinceNS, Weight: e.Weight,
	}
}

// known is nil for an unknown number.
func known(n *int32) *int32 {
	if *n == format.Unknown {
		return nil
	}
	return n
}

func stateName(s format.State) string {
	if s == format.StateUnknown {
		return ""
	}
	return s.String()
}
