package summary

import (
	"bytes"
	"errors"
	"reflect"

	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/format/buckets"
)

// maxMemory bounds what the recordings of one file take in memory, about: some hundred of an
// ordinary program. Small files may stand for much more.
const maxMemory = 256 << 20

// What parts of a recording take in memory. Lists that grow have up to as much free again.
var (
	groupBytes = 2 * size[Group]()
	pairBytes  = 2 * size[Pair]()
	infoBytes  = 2 * size[Info]()
	partBytes  = 2 * size[format.Process]() // of what lists in Info are made of, the largest
)

const octaveBytes = 2 << 10 // of a histogram, where one of an octave's buckets is not empty

func size[T any]() int { return int(reflect.TypeFor[T]().Size()) }

var errMemory = errors.New("the recordings take more memory than those of one summary may: put fewer into one file")

// budget adds up what the rows of a file take in memory, in the file's order.
type budget struct {
	bytes  int
	octave int // of the latest bucket in the group; -1: none yet
}

func (b *budget) spend(n int) error {
	if b.bytes += n; b.bytes > maxMemory {
		return errMemory
	}
	return nil
}

// info counts a recording by its Info in JSON, before that is decoded: few bytes may be a large
// part.
func (b *budget) info(text []byte) error {
	return b.spend(infoBytes + len(text) + partBytes*bytes.Count(text, []byte(",")))
}

func (b *budget) row(row *buckets.Row) error {
	texts := len(row.Name) + len(row.Stack) + len(row.Waker) + len(row.Frame) + len(row.WakerFrame) + len(row.Causes)
	switch {
	case row.GroupedBy == string(byPair):
		return b.spend(pairBytes + texts)
	case row.Bucket == buckets.Null:
		b.octave = -1
		return b.spend(groupBytes + texts)
	}
	if octave := stats.Octave(int(row.Bucket)); octave != b.octave {
		b.octave = octave
		return b.spend(octaveBytes)
	}
	return nil
}
