package snapshot

// Reading is a reading of all goroutines, some at a time, so that whoever reads can do other things
// in between and needs no room for all of them.
type Reading struct {
	BeganNS int64 // when it began, by the source's clock
	Found   int64 // how many goroutines have been found

	reader *Reader
	left   []uint64 // where those are that are still to be read
	then   []uint64 // and those after them
	all    int
}

// Begin begins to read all goroutines that there are now. The first skip of them are read last.
func (r *Reader) Begin(skip int) (*Reading, error) {
	began := r.now()
	r.tids = nil // others may have taken over numbers
	addrs, err := r.pointers()
	if err != nil {
		return nil, err
	}
	skip = min(skip, len(addrs))
	reading := &Reading{BeganNS: began, reader: r, left: addrs[skip:], then: addrs[:skip], all: len(addrs)}
	reading.turn()
	return reading, nil
}

// turn goes on with those that were skipped.
func (r *Reading) turn() {
	if len(r.left) == 0 {
		r.left, r.then = r.then, nil
	}
}

// Unread is how many places of goroutines are still to be read.
func (r *Reading) Unread() int { return len(r.left) + len(r.then) }

// Looked is how many have been.
func (r *Reading) Looked() int { return r.all - r.Unread() }

// Next reads more goroutines, valid until the reader reads others. When none is left it finds none.
func (r *Reading) Next() ([]Goroutine, error) {
	n := min(len(r.left), batchSize)
	gs, err := r.reader.batch(r.left[:n])
	if err != nil {
		return nil, err
	}
	r.left = r.left[n:]
	r.turn()
	r.Found += int64(len(gs))
	return gs, nil
}

// Each reads every goroutine and hands them on, some at a time. They are valid during the call
// only.
func (r *Reader) Each(take func([]Goroutine)) error {
	reading, err := r.Begin(0)
	for err == nil && reading.Unread() > 0 {
		var gs []Goroutine
		if gs, err = reading.Next(); err == nil {
			take(gs)
		}
	}
	return err
}
