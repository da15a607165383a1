package input

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/gosched/gosched/analyze/goroutines/profile"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/gotrace"
)

// kinds are what files can be that are not read as a part of a trace, and what to do with them.
var kinds = []struct {
	is   func(file *os.File, beginning string) bool
	name string
	do   string
}{
	{func(_ *os.File, b string) bool { return gotrace.IsTrace([]byte(b)) }, "a Go execution trace",
		"it is read alone, or gosched import makes a trace of it"},
	{func(_ *os.File, b string) bool { return strings.HasPrefix(b, textBeginning) }, "a trace as text",
		"it is read alone, or gosched dump -o makes a Parquet trace of it"},
	{isProfile, "a goroutine profile", "gosched goroutines --profile reads it beside a trace"},
}

func isProfile(file *os.File, _ string) bool {
	_, err := profile.Parse(file)
	return err == nil
}

// parquetMagic is how a Parquet file begins.
const parquetMagic = "PAR1"

// explain says of what is no part of a trace what it is, where that is known, and else what err
// says.
func explain(paths []string, err error) error {
	if !errors.Is(err, format.ErrCorrupt) && !errors.Is(err, format.ErrNotTrace) {
		return err
	}
	for _, path := range paths {
		file, beginning := openRegular(path)
		if file == nil {
			continue
		}
		defer file.Close()
		for _, k := range kinds {
			if k.is(file, beginning) {
				return fmt.Errorf("open trace: %s is %s: %s", path, k.name, k.do)
			}
		}
		if beginning != "" && !strings.HasPrefix(beginning, parquetMagic) {
			return fmt.Errorf("open trace: %s is not a trace: neither Parquet, nor the text of gosched dump, nor a Go "+
				"execution trace", path)
		}
	}
	return err
}
