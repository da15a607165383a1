package simsched

import (
	"bufio"
	"io"
	"testing"

	"github.com/gosched/gosched/format"
)

// Write simulates and writes the trace as a Parquet file.
func Write(out io.Writer, cfg Config) error {
	buffered := bufio.NewWriterSize(out, 1<<20)
	w, err := format.NewWriter(buffered, format.WriterOptions{})
	if err != nil {
		return err
	}
	if err := Stream(cfg, w.Reasons(), w.Stacks(), w.Write); err != nil {
		return err
	}
	if err := w.Close(Metadata(cfg)); err != nil {
		return err
	}
	return buffered.Flush()
}

// ReportRate adds to a benchmark how many events a second it went through.
func ReportRate(b *testing.B, events int) {
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
}
