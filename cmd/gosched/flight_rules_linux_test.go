package main

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
)

// savedFor is the metadata of the trace that was saved for a rule.
func (f *flightRecorder) savedFor(rule string) format.Metadata {
	f.t.Helper()
	meta := f.trace(f.saved()).Metadata()
	if meta.Saved == nil || meta.Saved.Trigger != rule {
		f.t.Fatalf("saved for %+v, want %s", meta.Saved, rule)
	}
	return meta
}

// stop ends the recorder, which has to end well.
func (f *flightRecorder) stop() {
	f.t.Helper()
	f.cmd.Process.Signal(syscall.SIGINT)
	select {
	case err := <-f.ended:
		if err != nil {
			f.t.Errorf("the recorder ended with %v: %s", err, f.stderr.String())
		}
	case <-time.After(20 * time.Second):
		f.t.Error("the recorder does not end")
	}
}

// asked has the recorder save as soon as it answers.
func (f *flightRecorder) asked() {
	f.t.Helper()
	var text string
	for range 100 {
		var code int
		if code, text = finish(self("trigger", f.dir)); code == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	f.t.Fatalf("nothing is saved: %s, %s", text, f.stderr.String())
}

func TestTheEndOfAProcessIsSaved(t *testing.T) {
	f := startFlight(t, "1h", "--trigger", "exit")
	f.asked() // it records
	f.saved()
	f = startFlight(t, "1h", "--trigger", "exit")
	for range 100 {
		if code, text := finish(self("trigger", f.dir, "--status")); code == 0 && strings.Contains(text, "exit") {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(time.Second)
	f.target.Kill()
	want := "process " + strconv.Itoa(f.pid()) + ": target exited"
	if s := f.savedFor("exit").Saved; !strings.Contains(s.Evidence, want) {
		t.Errorf("evidence %q", s.Evidence)
	}
}

func TestAFindingIsSaved(t *testing.T) {
	const rule = "finding:sleep-under-lock>=1%"
	f := startFlightOf(t, []string{"-first", "1h", "-contend", "8"}, "--trigger", rule)
	if s := f.savedFor(rule).Saved; !strings.Contains(s.Evidence, "finding:sleep-under-lock was ") {
		t.Errorf("evidence %q", s.Evidence)
	}
	f.stop()
}

func TestWhatIsSampledIsKeptToo(t *testing.T) {
	f := startFlight(t, "1h", "--sample", "20/s", "--trigger", "goroutines>20")
	meta := f.savedFor("goroutines>20")
	if meta.GoroutineSampling == nil || !strings.Contains(meta.Saved.Evidence, "goroutines was ") {
		t.Errorf("sampling %+v, evidence %q", meta.GoroutineSampling, meta.Saved.Evidence)
	}
	f.stop()
}

func TestWindowsAreKeptToo(t *testing.T) {
	f := startFlightOf(t, []string{"-first", "1h", "-pace", "100us"}, "--max-overhead", "0.2%")
	time.Sleep(8 * time.Second)
	f.asked()
	meta := f.savedFor("request")
	if meta.Governor == nil {
		t.Errorf("nothing says what it cost")
	}
	if code, text := finish(self("latency", f.saved())); code != 0 && code != exitGate && code != exitInconclusive {
		t.Errorf("latency: %d, %s", code, text)
	}
	f.stop()
}
