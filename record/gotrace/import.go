package gotrace

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/exp/trace"

	"github.com/gosched/gosched/format"
)

// ErrNotTrace says that something is no Go execution trace.
var ErrNotTrace = errors.New("not a Go execution trace")

// ErrOld says that a trace is of a Go version whose traces are not read.
var ErrOld = errors.New("traces of Go 1.21 and earlier are not read")

// Writer takes the events. *format.Writer and *format.Recording are such.
type Writer interface {
	Reasons() *format.Strings
	Stacks() *format.Strings
	Write(*format.Batch) error
}

// Options tune an import. The zero value works.
type Options struct {
	Recorder string            // program and version, for the metadata
	Progress func(bytes int64) // called now and then with how much was read; nil: nobody asks
	Began    time.Time         // when the trace began, for one that does not say (before Go 1.25); zero: not known
	Where    Where
}

// Where says of a trace what only who made it knows. What is zero is not known.
type Where struct {
	Command  string // that wrote the trace
	Host     string
	Kernel   string
	Arch     string
	CPUModel string
	CPUs     int
	Machine  *format.MachineTime
}

// Summary says what was imported.
type Summary struct {
	Events    int64 // written
	Metadata  format.Metadata
	Truncated error // why the trace could not be read to its end; nil: it was
}

// The header of a Go execution trace is "go 1.26 trace" and zeros up to 16 bytes.
const (
	headerBytes  = 16
	headerPrefix = "go 1."
	headerSuffix = " trace"
	firstMinor   = 22
)

// IsTrace says whether a file that begins like this is a Go execution trace, of whatever version.
func IsTrace(beginning []byte) bool {
	_, err := minorVersion(beginning)
	return err == nil
}

// HeaderBytes is how much of a file IsTrace wants to see.
const HeaderBytes = headerBytes

func minorVersion(beginning []byte) (int, error) {
	if len(beginning) < headerBytes {
		return 0, ErrNotTrace
	}
	version, ok := strings.CutPrefix(strings.TrimRight(string(beginning[:headerBytes]), "\x00"), headerPrefix)
	digits, isTrace := strings.CutSuffix(version, headerSuffix)
	minor, err := strconv.Atoi(digits)
	if !ok || !isTrace || err != nil || minor < 5 {
		return 0, ErrNotTrace
	}
	return minor, nil
}

// Import reads a Go execution trace and writes its events. What can be read of a cut one is
// written, and the summary says where it ended; of a trace without any event nothing is.
func Import(ctx context.Context, r io.Reader, out Writer, opts Options) (*Summary, error) {
	counted := &counter{r: r}
	buffered := bufio.NewReaderSize(counted, 1<<16)
	header, err := buffered.Peek(headerBytes)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("import Go trace: %w", err)
	}
	minor, err := minorVersion(header)
	if err != nil {
		return nil, fmt.Errorf("import Go trace: %w", err)
	}
	if minor < firstMinor {
		return nil, fmt.Errorf("import Go trace: it is of Go 1.%d: %w", minor, ErrOld)
	}
	reader, err := trace.NewReader(buffered)
	if err != nil {
		return nil, fmt.Errorf("import Go trace: %w", err)
	}
	i := newImporter(out, minor)
	i.told = opts.Began
	truncated, err := i.readAll(ctx, reader, counted, opts.Progress)
	if err != nil {
		return nil, fmt.Errorf("import Go trace: %w", err)
	}
	if i.written == 0 {
		if truncated == nil {
			truncated = errors.New("it has no event of a goroutine")
		}
		return nil, fmt.Errorf("import Go trace: %w", truncated)
	}
	return &Summary{Events: i.written, Metadata: i.metadata(&opts, truncated), Truncated: truncated}, nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// often is how many events are read between looks at the context and progress.
const often = 1 << 13

// readAll reads events until the trace ends, is found broken, or writing fails.
func (i *importer) readAll(ctx context.Context, reader *trace.Reader, counted *counter,
	progress func(int64)) (truncated, err error) {
	for n := 0; ; n++ {
		if n%often == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if progress != nil {
				progress(counted.n)
			}
		}
		truncated = i.next(reader)
		if truncated != nil {
			break
		}
		if i.err != nil {
			return nil, i.err
		}
	}
	i.finish()
	if truncated == io.EOF {
		truncated = nil
	}
	return truncated, i.err
}

// next takes one event. The reader is not made for hostile input everywhere: where it panics the
// trace is broken there.
func (i *importer) next(reader *trace.Reader) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the trace is broken: %v", p)
		}
	}()
	ev, err := reader.ReadEvent()
	if err == nil {
		i.event(&ev)
	}
	return err
}
