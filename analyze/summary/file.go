package summary

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format/buckets"
)

// byPair is how the rows of pairs say that they are such.
const byPair By = "pair"

// Write writes recordings into one summary file.
func Write(w io.Writer, recordings []*Recording) error {
	heads := make([]buckets.Recording, len(recordings))
	names := map[string]bool{}
	var memory budget
	for i, r := range recordings {
		info, err := json.Marshal(r.Info)
		if err != nil {
			return fmt.Errorf("write summary: %w", err)
		}
		if err := memory.info(info); err != nil {
			return fmt.Errorf("write summary: %w", err)
		}
		heads[i] = buckets.Recording{Name: unusedName(names, r.Info.ID), Info: info}
	}
	return buckets.Write(w, heads, func(i int, add func(*buckets.Row) error) error {
		return recordings[i].rows(heads[i].Name, func(row *buckets.Row) error {
			if err := memory.row(row); err != nil {
				return err
			}
			return add(row)
		})
	})
}

// unusedName is the name of a recording in a file: its id, with a number where the file has it
// several times.
func unusedName(used map[string]bool, id string) string {
	name := id
	for n := 2; used[name]; n++ {
		name = fmt.Sprintf("%s#%d", id, n)
	}
	used[name] = true
	return name
}

// rows hands out the rows of a recording.
func (r *Recording) rows(name string, add func(*buckets.Row) error) error {
	for i := range r.Groups {
		if err := r.Groups[i].rows(name, add); err != nil {
			return err
		}
	}
	for i := range r.Pairs {
		p := &r.Pairs[i]
		row := buckets.EmptyRow
		row.Recording, row.Measure, row.GroupedBy, row.Name, row.Stack, row.Waker = name, string(MeasureWait),
			string(byPair),
			p.Reason, p.Stack, p.Waker
		row.Count, row.SumNS, row.WakerFrame = p.Count, p.NS, p.WakerFrame
		if err := add(&row); err != nil {
			return err
		}
	}
	return nil
}

// rows hands out the rows of a group: the exact figures, then the buckets.
func (g *Group) rows(name string, add func(*buckets.Row) error) error {
	head := buckets.EmptyRow
	head.Recording, head.Measure, head.GroupedBy, head.Name, head.Stack = name, string(g.Measure), string(g.By), g.Name,
		g.Stack
	exact, e := head, g.Hist.Exact()
	exact.SumNS, exact.CensoredSumNS, exact.MinNS, exact.MaxNS, exact.CensoredMaxNS = e.Sum, e.CensoredSum, e.Min,
		e.Max, e.CensoredMax
	exact.Broken, exact.IdleNS, exact.Frame = g.Broken, g.IdleNS, g.Frame
	if g.Causes != nil {
		text, err := json.Marshal(g.Causes)
		if err != nil {
			return err
		}
		exact.Causes = string(text)
	}
	if err := add(&exact); err != nil {
		return err
	}
	for _, b := range g.Hist.Rows() {
		row := head
		row.Bucket, row.LoNS, row.HiNS, row.Count, row.Censored = int64(b.Bucket), b.Lo, b.Hi, b.Count, b.Censored
		if b.Found > 0 {
			row.Found = b.Found
		}
		if err := add(&row); err != nil {
			return err
		}
	}
	return nil
}

// Read reads the recordings of a summary file of size bytes, in its order.
func Read(r io.ReaderAt, size int64) ([]*Recording, error) {
	file, err := buckets.Open(r, size)
	if err != nil {
		return nil, err
	}
	read := reading{recordings: map[string]*Recording{}, totals: totals{}}
	var out []*Recording
	for _, head := range file.Recordings() {
		if err := read.memory.info(head.Info); err != nil {
			return nil, err
		}
		run := new(Recording)
		if err := json.Unmarshal(head.Info, &run.Info); err != nil {
			return nil, fmt.Errorf("%w: recording %s: %w", buckets.ErrCorrupt, head.Name, err)
		}
		read.recordings[head.Name] = run
		out = append(out, run)
	}
	if err := file.Rows(read.row); err != nil {
		return nil, err
	}
	return out, read.end()
}

// reading puts rows together again.
type reading struct {
	recordings map[string]*Recording
	memory     budget
	totals     totals
	name       string // of the group in the making
	group      *Group // nil: none
	exact      stats.Exact
	rows       []stats.Row
}

var errOrder = errors.New("its rows are not in order")

func corrupt(err error) error { return fmt.Errorf("%w: %w", buckets.ErrCorrupt, err) }

// row takes the next row.
func (r *reading) row(row *buckets.Row) error {
	if err := r.memory.row(row); err != nil {
		return err
	}
	run := r.recordings[row.Recording]
	switch {
	case run == nil:
		return corrupt(fmt.Errorf("rows of a recording %q that it does not have", row.Recording))
	case row.GroupedBy == string(byPair):
		if err := r.end(); err != nil {
			return err
		}
		return r.pair(run, row)
	case row.Bucket == buckets.Null:
		if err := r.end(); err != nil {
			return err
		}
		return r.begin(run, row)
	}
	return r.bucket(row)
}

// begin begins a group.
func (r *reading) begin(run *Recording, row *buckets.Row) error {
	key := keyOf(row)
	if n := len(run.Groups); n > 0 && compareKeys(run.Groups[n-1].Key, key) >= 0 {
		return corrupt(errOrder)
	}
	if err := r.totals.group(run, row); err != nil {
		return corrupt(err)
	}
	run.Groups = append(run.Groups, Group{Key: key, Broken: row.Broken, IdleNS: row.IdleNS, Frame: row.Frame})
	r.name, r.group, r.rows = row.Recording, &run.Groups[len(run.Groups)-1], r.rows[:0]
	r.exact = stats.Exact{Sum: row.SumNS, CensoredSum: row.CensoredSumNS, Min: row.MinNS, Max: row.MaxNS,
		CensoredMax: row.CensoredMaxNS}
	if row.Causes == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(row.Causes), &r.group.Causes); err != nil {
		return corrupt(err)
	}
	if n := len(r.group.Causes); n > maxSiteCauses {
		return corrupt(fmt.Errorf("%d causes of a site, where there are at most %d", n, maxSiteCauses))
	}
	return nil
}

func keyOf(row *buckets.Row) Key {
	return Key{Measure: Measure(row.Measure), By: By(row.GroupedBy), Name: row.Name, Stack: row.Stack}
}

// bucket takes a bucket of the group in the making.
func (r *reading) bucket(row *buckets.Row) error {
	if r.group == nil || r.name != row.Recording || r.group.Key != keyOf(row) || row.Bucket < 0 ||
		row.Bucket >= stats.NumBuckets {
		return corrupt(errOrder)
	}
	next := stats.Row{Bucket: int(row.Bucket), Count: row.Count, Censored: row.Censored}
	if row.Found != buckets.Null {
		next.Found = row.Found
	}
	next.Lo, next.Hi = stats.Bounds(next.Bucket)
	if next.Lo != row.LoNS || next.Hi != row.HiNS {
		return corrupt(fmt.Errorf("bucket %d is from %d to %d", row.Bucket, row.LoNS, row.HiNS))
	}
	r.rows = append(r.rows, next)
	return nil
}

// end ends the group in the making.
func (r *reading) end() error {
	if r.group == nil {
		return nil
	}
	h, err := stats.Restore(r.rows, r.exact)
	if err != nil {
		return corrupt(err)
	}
	r.group.Hist, r.group = *h, nil
	return nil
}

func (r *reading) pair(run *Recording, row *buckets.Row) error {
	p := Pair{Reason: row.Name, Stack: row.Stack, Waker: row.Waker, WakerFrame: row.WakerFrame, Count: row.Count,
		NS: row.SumNS}
	if n := len(run.Pairs); n > 0 && comparePairs(&run.Pairs[n-1], &p) >= 0 {
		return corrupt(errOrder)
	}
	if err := r.totals.pair(run, row); err != nil {
		return corrupt(err)
	}
	run.Pairs = append(run.Pairs, p)
	return nil
}
