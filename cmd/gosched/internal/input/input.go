// Package input opens whatever commands read: traces (Parquet files, folders of segments, globs,
// text twins, Go execution traces), recordings to compare (any of these, or summaries), goroutine
// profiles and policies. What a file is, its first bytes say, not its name.
package input

import (
	"io"
	"os"
	"syscall"
)

// Endings are the signals at which nothing temporary may be left behind.
var Endings = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}

// Opener opens inputs. It is safe for concurrent use if Notes is.
type Opener struct {
	Stdin    io.Reader // what "-" means
	Notes    io.Writer // how far reading is, and what there is to say of an input that could be read
	Recorder string    // what the metadata of an imported Go trace names as its recorder
	Exit     func()    // ends the program when one of Endings comes while temporary files are there
}
