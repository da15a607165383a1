package keep

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/flight"
)

// The times of what is kept.
const (
	// segmentDuration is how much a killed recorder may lose, with what the recording's order needs.
	segmentDuration = 500 * time.Millisecond
	segmentRows     = 1 << 20
	// A head is made this often: a part of what is kept, within bounds.
	headPart     = 8
	maxHeadEvery = 10 * time.Second
	noteEvery    = time.Minute // the same trouble is told this often
)

// Config is what a Keeper needs to be told.
type Config struct {
	flight.Options
	Note  func(sentence string)          // takes what people should know; nil: nobody wants to
	Owner func() (uid, gid int, ok bool) // whose the files are to be; nil: ours
	Saved func(path string, err error)   // called when a trace has been saved, or has not been
	Now   func() time.Time               // nil: time.Now
	now   func() time.Time               // the clock in use
}

// Keeper is where a flight recorder's recording is written: it keeps the last part, and saves it
// when asked. It is a recording's sink, on the recording's writing goroutine; Trigger and Counts may
// be called by any.
type Keeper struct {
	config Config
	folder *folder
	segs   *format.Segments
	states *states
	meta   format.Metadata // as the recording has it now
	ended  map[int32]bool  // processes whose end has been told

	file   *os.File
	buf    *bufio.Writer
	number int       // of the segment in the making
	began  time.Time // it
	upTo   int64     // every row up to here has been written, on the clock of rows
	first  int64     // time of the first row of the segment in the making

	kept     []segment
	head     *head   // of what is kept; nil: it begins with the recording
	heads    []*head // for later, in order
	headed   time.Time
	moved    bool      // rows since the last head
	headless bool      // the disk is too small for a window of the usual length: heads are made more often
	troubled time.Time // when that was last told
	looked   time.Time // when the saved traces were last looked at

	mu      sync.Mutex // what follows is for any goroutine
	gate    flight.Gate
	counts  flight.Counts
	request *save // accepted, not begun
	saving  *save // begun
	over    bool

	savedAll sync.WaitGroup
	retained sync.Mutex // held while saved traces are removed
}

// segment is a file that is kept.
type segment struct {
	number      int
	first, last int64 // times of rows
	bytes       int64
}

// head is a file that says how things stood after a segment.
type head struct {
	number int
	atNS   int64
	bytes  int64
}

// Open takes a folder for what is kept. What a recorder before left there becomes a saved trace.
func Open(dir string, config Config) (*Keeper, error) {
	if err := config.Check(); err != nil {
		return nil, err
	}
	config.Options = config.WithDefaults()
	config.now = config.Now
	if config.now == nil {
		config.now = time.Now
	}
	if config.Note == nil {
		config.Note = func(string) {}
	}
	if config.Saved == nil {
		config.Saved = func(string, error) {}
	}
	f, err := openFolder(dir, config.Owner)
	if err != nil {
		return nil, err
	}
	k := &Keeper{config: config, folder: f, number: 1, ended: map[int32]bool{}}
	k.gate = flight.Gate{Limit: *config.Limit, Distance: config.Distance}
	if err := k.takeOver(); err != nil {
		return nil, errors.Join(err, f.close())
	}
	k.retain()
	return k, nil
}

// Start begins a recording's first segment: a folder that cannot be written is found now.
func (k *Keeper) Start(opts format.WriterOptions) error {
	segs, err := format.NewSegments(opts)
	if err != nil {
		return err
	}
	k.segs, k.states = segs, newStates(segs.Reasons(), segs.Stacks())
	return k.beginSegment()
}

// Dir is the folder.
func (k *Keeper) Dir() string { return k.folder.path }

// Reasons is the table that numbers the reasons of the events written.
func (k *Keeper) Reasons() *format.Strings { return k.segs.Reasons() }

// Stacks is the table that numbers the stacks of the events written.
func (k *Keeper) Stacks() *format.Strings { return k.segs.Stacks() }

// Bytes is the number of bytes that are kept.
func (k *Keeper) Bytes() int64 { return k.Counts().KeptBytes }

// Standing is how things stand after the rows fed last, as the first rows of a trace that begins
// then. It is for sinks of the same recording.
func (k *Keeper) Standing() (rows *format.Batch, told []format.Snapshot, atNS int64) {
	rows, told = k.states.rows()
	return rows, told, k.states.last
}

// Known is how many goroutines are alive, as far as is known. It is for sinks of the same recording.
func (k *Keeper) Known() int { return k.states.alive() }

// Counts are what the keeper did so far.
func (k *Keeper) Counts() flight.Counts {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.counts
	c.Suppressed = k.gate.Suppressed()
	return c
}

// count changes the counts.
func (k *Keeper) count(change func(*flight.Counts)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(&k.counts)
}

// Begin says what is known of the recording.
func (k *Keeper) Begin(meta format.Metadata, _, _ *format.Strings) error {
	k.meta, k.upTo = meta, meta.StartNS
	k.began, k.headed = k.config.now(), k.config.now()
	return nil
}

// SetMetadata says what is known of the recording from here on, as processes come and go.
func (k *Keeper) SetMetadata(meta format.Metadata) { k.Describe(meta, k.upTo) }

// Describe says what is known of the recording now, and up to when all of its rows are written. A
// process that has ended since is a cause for the rules about that.
func (k *Keeper) Describe(meta format.Metadata, upToNS int64) {
	k.meta, k.upTo = meta, max(k.upTo, upToNS)
	for i := range meta.Processes {
		if p := &meta.Processes[i]; p.EndNS != 0 && !k.ended[p.PID] {
			k.ended[p.PID] = true
			k.exited(fmt.Sprintf("process %d: %s", p.PID, p.EndReason))
		}
	}
	for pid := range k.ended { // a number may be given out again
		if !hasEnded(&meta, pid) {
			delete(k.ended, pid)
		}
	}
}

func hasEnded(meta *format.Metadata, pid int32) bool {
	for i := range meta.Processes {
		if p := &meta.Processes[i]; p.PID == pid && p.EndNS != 0 {
			return true
		}
	}
	return false
}

func (k *Keeper) exited(evidence string) {
	for _, r := range k.config.Rules {
		if r.Metric == flight.MetricExit {
			cause := flight.Cause{
				Trigger: r.String(), Name: r.Name(), Evidence: evidence, At: k.config.now(), Always: true,
			}
			if _, err := k.Trigger(cause); err != nil {
				k.config.Note(fmt.Sprintf("%s: %v", cause.Text(), err))
			}
			return
		}
	}
}

// Feed keeps the events of b, or lets time pass. What cannot be written is counted and told, and
// keeping goes on.
func (k *Keeper) Feed(b *format.Batch) error {
	now := k.config.now()
	k.beginSaving()
	if b.Len() > 0 {
		if err := k.write(b); err != nil {
			k.lose(err)
		}
		k.states.take(b)
		k.upTo, k.moved = max(k.upTo, k.states.last), true
	}
	if k.segs.Rows() >= segmentRows || now.Sub(k.began) >= segmentDuration || k.saveEnds() {
		k.cut(now)
	}
	return nil
}

func (k *Keeper) write(b *format.Batch) error {
	if k.file == nil { // it could not be made before
		if err := k.beginSegment(); err != nil {
			return err
		}
	}
	if k.segs.Rows() == 0 {
		k.first = b.TimeNS[0]
	}
	return k.segs.Write(b)
}

// cut ends the segment in the making, drops what is too old, and ends a save that is over.
func (k *Keeper) cut(now time.Time) {
	k.began = now
	if k.file != nil && k.segs.Rows() > 0 {
		if err := k.endSegment(k.meta, false); err != nil {
			k.lose(err)
		} else if err := k.beginSegment(); err != nil {
			k.lose(err)
		}
	}
	if k.saveEnds() {
		k.endSaving(k.meta, max(k.upTo, k.states.last))
	}
	k.makeHead(now)
	k.drop()
	k.tell()
	k.retainDue(now)
	k.states.drop(func(pid int32) bool { return k.ended[pid] })
}

func (k *Keeper) beginSegment() error {
	f, err := k.folder.create(format.SegmentName(k.number) + tempEnd)
	if err != nil {
		return fmt.Errorf("create segment: %w", err)
	}
	k.file, k.buf = f, bufio.NewWriterSize(f, 1<<16)
	return k.segs.Begin(k.buf)
}

// endSegment makes the segment in the making a whole file. Where that fails nothing of it is left.
func (k *Keeper) endSegment(meta format.Metadata, last bool) error {
	bytes, err := k.segs.End(meta, k.number, last)
	name := format.SegmentName(k.number)
	if err = k.finishFile(err, name); err != nil {
		return err
	}
	k.kept = append(k.kept, segment{k.number, k.first, k.states.last, bytes})
	k.number++
	k.addToSave(name)
	return nil
}

// finishFile closes a file in the making and gives it its name.
func (k *Keeper) finishFile(err error, name string) error {
	f := k.file
	k.file = nil
	if err == nil {
		err = k.buf.Flush()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = k.folder.root.Rename(name+tempEnd, name)
	}
	if err != nil {
		k.folder.root.Remove(name + tempEnd)
		return fmt.Errorf("write segment: %w", err)
	}
	return nil
}

// lose counts a segment that could not be written, and makes room by dropping the oldest part of
// what is kept. A reader of the trace finds the segment missing.
func (k *Keeper) lose(err error) {
	if k.file != nil {
		k.file.Close()
		k.folder.root.Remove(format.SegmentName(k.number) + tempEnd)
		k.file = nil
	}
	k.number++
	k.count(func(c *flight.Counts) { c.Unwritten++ })
	if now := k.config.now(); now.Sub(k.troubled) >= noteEvery {
		k.troubled = now
		k.config.Note(fmt.Sprintf("half a second is missing of what is kept: %v", err))
	}
	k.makeRoom()
}

// End ends the recording. What is kept stays, and traces that are being saved end with it.
func (k *Keeper) End(meta format.Metadata) error {
	k.Describe(meta, meta.EndNS)
	k.beginSaving()
	var err error
	if k.file != nil {
		err = k.endSegment(meta, true)
	}
	k.endSaving(meta, meta.EndNS)
	k.mu.Lock()
	k.over = true
	k.mu.Unlock()
	k.savedAll.Wait()
	for _, h := range k.heads {
		k.folder.root.Remove(headName(h.number))
	}
	k.retain()
	return errors.Join(err, k.folder.close())
}

// Abort ends a recording that did not begin, and leaves what was there before.
func (k *Keeper) Abort() {
	if k.file != nil {
		k.file.Close()
		k.folder.root.Remove(format.SegmentName(k.number) + tempEnd)
	}
	k.folder.close()
}
