package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gosched/gosched/format"
)

// refuseToOverwrite is an error where a file is there already, or a symbolic link that leads
// nowhere, and force is not given.
func refuseToOverwrite(path string, force bool) error {
	info, err := os.Stat(path)
	_, linkErr := os.Lstat(path)
	switch {
	case force:
		return nil
	case errors.Is(err, fs.ErrNotExist) && linkErr == nil:
		const text = "%s is a symbolic link to what is not there: name another file with -o, or replace the link " +
			"with --force"
		return fmt.Errorf(text, path)
	case err != nil || info.IsDir():
		return nil
	}
	return fmt.Errorf("%s is there already: name another file with -o, or overwrite it with --force", path)
}

// writeParquet writes what is selected of a trace to a new one at path.
func writeParquet(ctx context.Context, path string, trace format.Trace, sel format.Selection) error {
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
