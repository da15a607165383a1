package image

// scanBytes is how much a scan reads at once: little enough to stay in a core's cache.
const scanBytes = 256 << 10

// Scan hands out the bytes [from, to), as far as there are any, piece by piece. take returns how
// many of them it is done with; it sees the others again with more behind them, until last says
// that there are no more. A scan passes by the page cache: it should not push out what is looked
// up.
func (w *Window) Scan(from, to uint64, take func(at uint64, b []byte, last bool) (done int)) {
	to = min(to, w.Size)
	buf := make([]byte, min(scanBytes, max(to, from)-from))
	for have := 0; from < to; {
		n := w.readAt(buf[have:min(uint64(len(buf)), to-from)], from+uint64(have))
		have += n
		last := n == 0 || from+uint64(have) == to
		done := take(from, buf[:have], last)
		if last {
			return
		}
		if done <= 0 { // more than a piece: go on behind it
			done = have
		}
		have = copy(buf, buf[done:have])
		from += uint64(done)
	}
}

// readAt reads from the file, as much as there is.
func (w *Window) readAt(b []byte, i uint64) int {
	n, _ := w.pages.r.ReadAt(b, int64(w.off+i))
	return n
}

// Stream reads a window mostly forwards. It is not safe for concurrent use.
type Stream struct {
	w   *Window
	buf []byte
	b   []byte // what is read of the window
	at  uint64 // from here on
}

// Stream returns a reader of the window.
func (w *Window) Stream() *Stream {
	return &Stream{w: w, buf: make([]byte, min(scanBytes, w.Size))}
}

// At returns n bytes, at most 256, from i on; fewer where there are no more. They are good until
// the next call.
func (s *Stream) At(i uint64, n int) []byte {
	if i < s.at { // going back is rare, and must not cost a whole piece
		b := s.w.At(i)
		return b[:min(n, len(b))]
	}
	if i-s.at+uint64(n) > uint64(len(s.b)) && i < s.w.Size {
		s.at = i
		s.b = s.buf[:s.w.readAt(s.buf[:min(uint64(len(s.buf)), s.w.Size-i)], i)]
	}
	from := min(i-s.at, uint64(len(s.b)))
	b := s.b[from:]
	return b[:min(n, len(b))]
}
