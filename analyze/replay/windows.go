package replay

// Window is a time in which probes were attached, between two in which they were not so that
// recording kept within its budget. Windows are of all recorded processes together.
type Window struct {
	Begin, End int64
	WatchedNS  int64 // of its length, without what was lost or not watched in it for another reason
	BeforeNS   int64 // the time before it, since the window before, that was not watched for the budget
}

// StandsForNS is the time that the window stands for: itself and the time before it. How long that
// is was decided before the window began, so that what happened in it has no part in its weight.
func (w *Window) StandsForNS() int64 { return w.WatchedNS + w.BeforeNS }

// WindowPass is a Pass that is told of windows, of each when it has ended, after the spans that ended
// in it or with it. A recording without gaps for the budget has none.
type WindowPass interface {
	Pass
	Window(w Window)
}

// Windows is what a trace was watched for where its probes were attached in windows alone.
type Windows struct {
	Count     int64 // 0: it was not recorded in windows
	WatchedNS int64
	BudgetNS  int64 // the time without probes for the budget
	AfterNS   int64 // of BudgetNS, after the last window
	Read      int64 // windows in which goroutines were read from memory
	// the window that has not ended while a walk goes on: WindowPasses were not told of it
	Open *Window
}

// StandsForNS is the time that the windows stand for together.
func (w *Windows) StandsForNS() int64 { return w.WatchedNS + w.BudgetNS }

// Share is the share of the time that windows stand for in which probes were attached.
func (w *Windows) Share() float64 {
	if all := w.StandsForNS(); all > 0 {
		return float64(w.WatchedNS) / float64(all)
	}
	return 1
}

// windowing follows a trace's windows.
type windowing struct {
	totals  Windows
	seen    bool  // there was a gap for the budget
	begin   int64 // of the window that may be open
	before  int64 // time for the budget since the last window
	lost    int64 // of the time since begin, what was not watched
	lostEnd int64 // up to when that was counted
	read    bool  // goroutines were read in it
}

// gap takes a gap of all classes.
func (x *windowing) gap(w *Walk, t, end int64, budget bool) {
	if !budget {
		from := max(t, x.lostEnd, x.begin)
		x.lost += max(0, end-from)
		x.lostEnd = max(x.lostEnd, end)
		return
	}
	if !x.seen {
		x.begin = w.totals.BeginNS
	}
	if open, ok := x.open(t); ok {
		x.close(open)
		w.out.sendWindow(open)
	}
	x.seen = true
	x.before += max(0, end-max(t, x.begin))
	x.begin, x.lost, x.read = max(x.begin, end), max(0, x.lostEnd-max(x.begin, end)), false
}

// open is the window that would end at t; false where it was not watched at all.
func (x *windowing) open(t int64) (Window, bool) {
	watched := t - x.begin - x.lost
	return Window{Begin: x.begin, End: t, WatchedNS: watched, BeforeNS: x.before}, watched > 0
}

func (x *windowing) close(w Window) {
	x.totals.Count++
	x.totals.WatchedNS += w.WatchedNS
	x.totals.BudgetNS += x.before
	x.before = 0
	if x.read {
		x.totals.Read++
	}
}

// end ends the last window.
func (x *windowing) end(w *Walk) {
	if !x.seen {
		return
	}
	if open, ok := x.open(w.totals.EndNS); ok {
		x.close(open)
		w.out.sendWindow(open)
	}
	x.begin = w.totals.EndNS
}

// summary is what there is to say up to t.
func (x *windowing) summary(t int64, ended bool) Windows {
	if !x.seen {
		return Windows{}
	}
	sum := *x
	if open, ok := x.open(t); ok && !ended {
		sum.close(open)
		sum.totals.Open = &open
	}
	sum.totals.BudgetNS += sum.before
	sum.totals.AfterNS = sum.before
	return sum.totals
}
