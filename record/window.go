package record

import "math"

// window is the time whose events count, where probes come and go: from its beginning, when everything
// was attached, to its end, when the first probe was about to come off. Whatever the rings hold and
// whenever it comes out of them, what the trace has as a gap stays without events. The zero window has
// begun and does not end.
type window struct {
	beginNS int64 // since when everything is watched that is to be
	offNS   int64 // since when nothing is; 0: something is
	toldNS  int64 // up to when the trace knows what is not watched
}

// end ends the window, before anything is taken off.
func (w *window) end(at int64) { w.offNS = at }

// prepare has nothing count while probes are being attached.
func (w *window) prepare() { w.beginNS, w.offNS = math.MaxInt64, 0 }

// begin begins a window once everything is attached, and not within a gap that has been told.
func (w *window) begin(at int64) { w.beginNS = max(at, w.toldNS) }

// early says whether an event is from before the window.
func (w *window) early(at int64) bool { return at < w.beginNS }

// off says whether an event is from while things were being taken off, or from after it.
func (w *window) off(at int64) bool { return w.offNS != 0 && at > w.offNS }

// resting says whether nothing is attached.
func (w *window) resting() bool { return w.offNS != 0 }
