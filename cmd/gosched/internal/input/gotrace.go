package input

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/gosched/gosched/analyze/report"
	"github.com/gosched/gosched/cmd/gosched/internal/status"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gotrace"
)

// OpenGoTrace opens a file that must be a Go execution trace: gotrace.ErrNotTrace if it is not.
func OpenGoTrace(path string) (*os.File, error) {
	file, beginning := openRegular(path)
	if file == nil {
		return nil, fmt.Errorf("open %s: %w", path, fs.ErrNotExist)
	}
	if !gotrace.IsTrace([]byte(beginning)) {
		file.Close()
		return nil, gotrace.ErrNotTrace
	}
	return file, nil
}

// Import writes a Go trace to a new trace at path, and notes where it ends early. An interrupt
// leaves nothing behind.
func (o *Opener) Import(ctx context.Context, in *os.File, path string, opts gotrace.Options) (*gotrace.Summary,
	error) {
	ctx, stop := signal.NotifyContext(ctx, Endings...)
	defer stop()
	line := status.New(o.Notes)
	opts.Recorder = o.Recorder
	opts.Progress = importProgress(line, in)
	summary, err := writeImport(ctx, in, path, opts)
	line.Clear()
	if err == nil && summary.Truncated != nil {
		fmt.Fprintf(o.Notes, "gosched: the Go trace ends early, what comes before is whole: %v\n", summary.Truncated)
	}
	return summary, err
}

func writeImport(ctx context.Context, in io.Reader, path string, opts gotrace.Options) (*gotrace.Summary, error) {
	rec, err := format.Create(path, format.Metadata{SchemaVersion: format.SchemaVersion, Source: format.SourceGoTrace},
		format.RecordingOptions{})
	if err != nil {
		return nil, err
	}
	summary, err := gotrace.Import(ctx, in, rec, opts)
	if err != nil {
		rec.Abort()
		return nil, err
	}
	return summary, rec.Close(summary.Metadata)
}

// importProgress draws how far an import is.
func importProgress(line *status.Line, in *os.File) (progress func(done int64)) {
	size := int64(0)
	if info, err := in.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	return func(done int64) {
		text := "importing: " + report.FormatBytes(done)
		if size > 0 {
			text += fmt.Sprintf(" of %s, %s", report.FormatBytes(size), report.FormatShare(float64(done)/float64(size)))
		}
		line.Draw(text)
	}
}

// importTemporary imports a Go trace into a folder of its own, which is there only if there is no
// error.
func (o *Opener) importTemporary(ctx context.Context, in *os.File) (trace format.Trace, dir string, err error) {
	dir, err = temporary.fill(o.Exit, func(dir string) error {
		path := filepath.Join(dir, "trace.parquet")
		if _, err := o.Import(ctx, in, path, gotrace.Options{}); err != nil {
			return err
		}
		var err error
		trace, err = openParquet(path)
		return err
	})
	return trace, dir, err
}
