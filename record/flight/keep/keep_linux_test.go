package keep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/internal/testenv"
	"github.com/gosched/gosched/record/flight"
)

// made is a keeper on a made-up clock, and beside it everything that it was fed.
type made struct {
	*Keeper
	t       *testing.T
	now     time.Time
	all     *format.Memory // the twin that forgets nothing
	rng     *rand.Rand
	state   map[format.GoID]format.State
	since   map[format.GoID]int64
	notes   []string
	reasons []format.StringID
	stack   format.StringID
}

const testPID = 42

var began = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func newMade(t *testing.T, dir string, opts flight.Options) *made {
	t.Helper()
	m := &made{t: t, now: began, rng: rand.New(rand.NewPCG(1, 2)), state: map[format.GoID]format.State{},
		since: map[format.GoID]int64{}}
	k, err := Open(dir, Config{Options: opts, Now: func() time.Time { return m.now },
		Note: func(s string) { m.notes = append(m.notes, s) }})
	if err != nil {
		t.Fatal(err)
	}
	m.Keeper = k
	if err := k.Start(format.WriterOptions{}); err != nil {
		t.Fatal(err)
	}
	meta := format.Metadata{
		SchemaVersion: format.SchemaVersion, Source: format.SourceEBPF, Recorder: "test", Clock: "made up",
		StartNS: began.UnixNano(), Host: "host", MaxStackDepth: 8,
		Processes: []format.Process{{PID: testPID, GOMAXPROCS: 4, Coverage: format.FullCoverage()}},
	}
	if err := k.Begin(meta, k.Reasons(), k.Stacks()); err != nil {
		t.Fatal(err)
	}
	m.all = format.NewMemory(meta)
	m.reasons = []format.StringID{k.Reasons().Intern("chan receive"), k.Reasons().Intern("select")}
	m.stack = k.Stacks().Intern("main.main f.go:1;main.work f.go:2")
	return m
}

// moves are what a made-up goroutine does next.
var moves = map[format.State][]format.State{
	format.StateUnknown:  {format.StateRunnable},
	format.StateRunnable: {format.StateRunning},
	format.StateRunning: {format.StateWaiting, format.StateRunnable, format.StateSyscall, format.StateWaiting,
		format.StateNotExist},
	format.StateWaiting: {format.StateRunnable},
	format.StateSyscall: {format.StateRunning},
}

// step feeds a tenth of a second with n moves, as the recording does.
func (m *made) step(n int) {
	m.t.Helper()
	m.now = m.now.Add(100 * time.Millisecond)
	var b format.Batch
	for i := range n {
		id := format.GoID(1 + m.rng.IntN(50))
		if id == 1 && m.state[1] == format.StateWaiting {
			continue // it waits for ever
		}
		from := m.state[id]
		to := moves[from][m.rng.IntN(len(moves[from]))]
		e := format.Event{TimeNS: m.now.UnixNano() - 1e8 + int64(i)*1e8/int64(n), Kind: format.KindGoroutine,
			PID: testPID, TID: 7, CPU: 0, Proc: 0, GoID: id, From: from, To: to}
		switch {
		case from == format.StateUnknown:
			e.From, e.Stack = format.StateNotExist, m.Stacks().Intern("main.work f.go:1")
		case to == format.StateWaiting:
			e.Reason, e.Stack = m.reasons[m.rng.IntN(2)], m.stack
		case from == format.StateRunning && to != format.StateNotExist:
			e.Stack = m.stack
		}
		m.state[id], m.since[id] = to, e.TimeNS
		if to == format.StateNotExist {
			delete(m.state, id)
		}
		b.Append(e)
		m.all.Append(e)
	}
	if err := m.Feed(&b); err != nil {
		m.t.Fatal(err)
	}
	m.Describe(m.meta, m.now.UnixNano())
}

func (m *made) run(lasts time.Duration, n int) {
	m.t.Helper()
	for range int(lasts / (100 * time.Millisecond)) {
		m.step(n)
	}
}

func (m *made) end() {
	m.t.Helper()
	meta := m.meta
	meta.EndNS, meta.EndReason = m.now.UnixNano(), "test over"
	if err := m.End(meta); err != nil {
		m.t.Fatal(err)
	}
}

// savedTraces are the folders of saved traces.
func savedTraces(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "saved-*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// names are the strings that rows mean.
type names interface {
	Reasons() *format.Strings
	Stacks() *format.Strings
}

// rowsOf are the rows of a trace as text, without what only says how things stood at its beginning.
func rowsOf(t *testing.T, trace format.Trace, names names, from, to int64) (rows []string, head int) {
	t.Helper()
	for b, err := range trace.Batches(context.Background(), format.Selection{}) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			e := b.At(i)
			if e.Kind == format.KindSnapshot {
				head++
			} else if e.TimeNS >= from && e.TimeNS <= to {
				rows = append(rows, fmt.Sprint(e.TimeNS, e.GoID, e.From, e.To, names.Reasons().Lookup(e.Reason),
					names.Stacks().Lookup(e.Stack)))
			}
		}
	}
	return rows, head
}

func open(t *testing.T, path string) *format.Reader {
	t.Helper()
	r, err := format.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	problems, err := format.Validate(context.Background(), r, 5)
	if err != nil || len(problems) > 0 {
		t.Errorf("%s: %v, %v", path, problems, err)
	}
	return r
}

func TestASavedTraceHasTheRowsOfItsTimeAndTheStatesAtItsBeginning(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	m := newMade(t, dir, flight.Options{Keep: 3 * time.Second, After: time.Second, Distance: -1})
	m.run(10*time.Second, 200)
	name, err := m.Trigger(flight.Cause{Trigger: "p99-delay>1ms", Name: "p99-delay", Evidence: "it was 2ms", At: m.now})
	if err != nil {
		t.Fatal(err)
	}
	triggered := m.now.UnixNano()
	m.run(4*time.Second, 200)
	m.end()

	r := open(t, filepath.Join(dir, name))
	meta := r.Metadata()
	before, after := triggered-meta.StartNS, meta.EndNS-triggered
	if before < 3e9 || before > 4.2e9 || after < 1e9 || after > 1.7e9 {
		t.Errorf("it has %d ms before the trigger and %d after", before/1e6, after/1e6)
	}
	want := format.Saved{Trigger: "p99-delay>1ms", Evidence: "it was 2ms", TriggeredNS: triggered,
		RecordingNS: began.UnixNano()}
	if meta.Saved == nil || fmt.Sprint(*meta.Saved) != fmt.Sprint(want) {
		t.Errorf("saved %+v, want %+v", meta.Saved, want)
	}
	got, head := rowsOf(t, r, r, meta.StartNS+1, meta.EndNS)
	twin, _ := rowsOf(t, m.all, m, meta.StartNS+1, meta.EndNS)
	if !slices.Equal(got, twin) || len(got) == 0 {
		t.Errorf("%d rows, want the %d of the recording", len(got), len(twin))
	}
	m.checkHead(r, meta.StartNS, head)
}

// checkHead compares the first rows of a trace with what the twin's rows say.
func (m *made) checkHead(r *format.Reader, startNS int64, rows int) {
	m.t.Helper()
	states, since := map[format.GoID]format.State{}, map[format.GoID]int64{}
	for i := range m.all.Events.Len() {
		if e := m.all.Events.At(i); e.TimeNS <= startNS {
			states[e.GoID], since[e.GoID] = e.To, e.TimeNS
			if e.To == format.StateNotExist {
				delete(states, e.GoID)
			}
		}
	}
	if rows != len(states) || rows == 0 {
		m.t.Errorf("%d goroutines at the beginning, want %d", rows, len(states))
	}
	for b, err := range r.Batches(context.Background(), format.Selection{}) {
		if err != nil {
			m.t.Fatal(err)
		}
		for i := range b.Len() {
			e := b.At(i)
			if e.Kind != format.KindSnapshot {
				continue
			}
			if e.To != states[e.GoID] || e.SinceNS != since[e.GoID] || e.TimeNS != startNS {
				m.t.Errorf("goroutine %d is %v since %d, want %v since %d", e.GoID, e.To, e.SinceNS,
					states[e.GoID], since[e.GoID])
			}
			stack := r.Stacks().Lookup(e.Stack)
			if e.To == format.StateRunning && stack != "main.work f.go:1;[running]" &&
				stack != "main.main f.go:1;[running]" {
				m.t.Errorf("the stack of one that runs is %q", stack)
			}
		}
	}
}

func TestWhatIsKeptIsBoundedAndReadableAtEveryMoment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	m := newMade(t, dir, flight.Options{Keep: 2 * time.Second})
	most := 0
	for i := range 30 {
		m.run(time.Second, 300)
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, len(entries))
		if i%10 == 5 {
			r := open(t, dir) // as after a kill
			meta := r.Metadata()
			if first, _ := r.Bounds(); i > 4 && (first != meta.StartNS || meta.EndNS != 0) {
				t.Errorf("it begins at %d and says %d, ended %d", first, meta.StartNS, meta.EndNS)
			}
			if kept := m.now.UnixNano() - meta.StartNS; kept < 2e9 || kept > 4e9 {
				t.Errorf("%d ms are kept", kept/1e6)
			}
		}
	}
	if most > 20 {
		t.Errorf("%d files at once", most)
	}
	if c := m.Counts(); c.Dropped < 40 || c.KeptNS < 2e9 || c.KeptBytes == 0 || c.Unwritten != 0 {
		t.Errorf("%+v", c)
	}
	m.end()
	if r := open(t, dir); r.Metadata().EndReason != "test over" {
		t.Errorf("it ended with %q", r.Metadata().EndReason)
	}
}

func TestBytesBoundWhatIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	m := newMade(t, dir, flight.Options{Keep: time.Hour, KeepBytes: 1 << 20})
	for range 20 {
		m.run(time.Second, 30_000)
		var bytes int64
		for _, path := range must(filepath.Glob(filepath.Join(dir, "gosched-*"))) {
			if info, err := os.Stat(path); err == nil {
				bytes += info.Size()
			}
		}
		if bytes > 5<<20/4 {
			t.Fatalf("%d bytes are kept of 1 MiB", bytes)
		}
	}
	m.end()
	open(t, dir)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestTriggersThatComeTooOftenSaveNothingAndAreTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	m := newMade(t, dir, flight.Options{Keep: time.Second, After: time.Second, Limit: &flight.Limit{Count: 2,
		Per: time.Minute}, Distance: -1})
	m.run(2*time.Second, 10)
	ask := func() error {
		_, err := m.Trigger(flight.Asked(flight.TriggerRequest, "", m.now))
		return err
	}
	for range 4 { // the last three while the first is being saved
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	m.run(3*time.Second, 10)
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	m.run(3*time.Second, 10)
	if err := ask(); err == nil || !strings.Contains(err.Error(), "2/1m0s have been saved") {
		t.Errorf("error %v", err)
	}
	m.run(time.Minute, 10)
	if err := ask(); err != nil {
		t.Error(err)
	}
	m.end()
	if c := m.Counts(); c.Triggers != 7 || c.Saved != 3 || c.Suppressed != 4 {
		t.Errorf("%+v", c)
	}
	saved := savedTraces(t, dir)
	if len(saved) != 3 {
		t.Fatalf("%d saved", len(saved))
	}
	if s := open(t, saved[0]).Metadata().Saved; len(s.Others) != 3 || s.Suppressed != 0 {
		t.Errorf("%+v", s)
	}
	if s := open(t, saved[2]).Metadata().Saved; s.Suppressed != 4 {
		t.Errorf("%+v", s)
	}
}

func TestOldSavedTracesGoAndWhatIsNotOursStays(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	m := newMade(t, dir, flight.Options{Keep: time.Second, After: time.Second, Limit: &flight.Limit{}, Distance: -1,
		Retain: &flight.Retention{Count: 2}})
	foreign := filepath.Join(dir, "saved-of-somebody")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		m.run(2*time.Second, 10)
		if _, err := m.Trigger(flight.Asked(flight.TriggerSignal, "", m.now)); err != nil {
			t.Fatal(err)
		}
		m.run(2*time.Second, 10)
		m.savedAll.Wait()
		if i == 0 { // somebody puts a note into the first
			if err := os.WriteFile(filepath.Join(savedTraces(t, dir)[0], "note.txt"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	m.end()
	saved := savedTraces(t, dir)
	if len(saved) != 4 { // the first, the two latest, and the foreign one
		t.Errorf("%v stay", saved)
	}
	if c := m.Counts(); c.Removed != 2 {
		t.Errorf("%+v", c)
	}
	if !slices.ContainsFunc(m.notes, func(s string) bool { return strings.Contains(s, "note.txt") }) {
		t.Errorf("nobody is told: %q", m.notes)
	}
}

func TestARecorderSavesWhatOneBeforeItLeft(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	m := newMade(t, dir, flight.Options{Keep: time.Second, After: time.Hour, Distance: -1})
	m.run(5*time.Second, 100)
	name := must(m.Trigger(flight.Asked(flight.TriggerSignal, "", m.now)))
	m.run(2*time.Second, 100)
	if _, err := Open(dir, Config{}); err == nil || !strings.Contains(err.Error(), "another recorder") {
		t.Errorf("error %v, want two recorders not to share a folder", err)
	}
	m.folder.close() // it is killed
	m2 := newMade(t, dir, flight.Options{Keep: time.Second})
	saved := savedTraces(t, dir)
	if len(saved) != 2 || filepath.Base(saved[0]) != name && filepath.Base(saved[1]) != name {
		t.Fatalf("saved %v, want %s and what was kept", saved, name)
	}
	for _, path := range saved {
		if r := open(t, path); r.Rows() == 0 || r.Metadata().EndNS != 0 {
			t.Errorf("%s has %d rows and ended at %d", path, r.Rows(), r.Metadata().EndNS)
		}
	}
	if left := must(filepath.Glob(filepath.Join(dir, "*.head"))); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
	m2.run(2*time.Second, 10)
	m2.end()
	open(t, dir)
}

func TestFoldersThatAreNotForThisAreRefused(t *testing.T) {
	base := t.TempDir()
	whole := filepath.Join(base, "whole")
	rec, err := format.Create(whole+"/", format.Metadata{StartNS: 1}, format.RecordingOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.Close(format.Metadata{StartNS: 1}); err != nil {
		t.Fatal(err)
	}
	other, file, link, shared := filepath.Join(base, "other"), filepath.Join(base, "file"), filepath.Join(base, "link"),
		filepath.Join(base, "shared")
	for _, err := range []error{
		os.Mkdir(other, 0o700), os.WriteFile(filepath.Join(other, "x.parquet"), nil, 0o600),
		os.WriteFile(file, nil, 0o600), os.Symlink(other, link), os.Mkdir(shared, 0o700), os.Chmod(shared, 0o777),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ path, want string }{
		{whole, "a recording that is whole"}, {other, "other Parquet files"}, {file, "no folder"},
		{link, "a link to one"},
		{shared, "everybody may write"}, {filepath.Join(base, "no", "such"), "make the folder"},
	} {
		if _, err := Open(c.path, Config{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.path, err, c.want)
		}
	}
}

func TestFilesAreTheirOwnersAloneAndNoLinkIsFollowed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	m := newMade(t, dir, flight.Options{Keep: time.Second})
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.Symlink(outside, filepath.Join(dir, "gosched-000002.parquet.tmp")); err != nil {
		t.Fatal(err)
	}
	m.run(3*time.Second, 100)
	m.end()
	if _, err := os.Stat(outside); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the link was followed: %v", err)
	}
	if c := m.Counts(); c.Unwritten != 1 {
		t.Errorf("%+v, want the segment behind the link to be missing", c)
	}
	for _, e := range must(os.ReadDir(dir)) {
		if info := must(e.Info()); info.Mode().IsRegular() && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
}

func TestAFullDiskLosesSegmentsAndIsToldOnce(t *testing.T) {
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m")
	if errors.Is(err, fs.ErrPermission) {
		testenv.Lacking(t, "mounting a small disk needs CAP_SYS_ADMIN")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	m := newMade(t, filepath.Join(dir, "kept"), flight.Options{Keep: time.Hour})
	m.run(20*time.Second, 30_000)
	c := m.Counts()
	if c.Unwritten == 0 || c.KeptSegments == 0 {
		t.Errorf("%+v", c)
	}
	if len(m.notes) != 1 || !strings.Contains(m.notes[0], "no space left on device") ||
		strings.Contains(m.notes[0], "\n") {
		t.Errorf("told: %q", m.notes)
	}
	m.end()
	open(t, filepath.Join(dir, "kept"))
}

func TestAGapForgetsWhatIsNotKnownAnyMore(t *testing.T) {
	s := newStates(format.NewStrings(), format.NewStrings())
	var b format.Batch
	move := func(at int64, id format.GoID, to format.State) {
		b.Append(format.Event{TimeNS: at, Kind: format.KindGoroutine, PID: 1, GoID: id, From: format.StateRunning,
			To: to})
	}
	gap := func(at int64, why format.Reason) {
		e := format.NoEvent
		e.TimeNS, e.EndNS, e.Kind, e.PID, e.Reason = at, at+5, format.KindGap, 1, s.reasons.Intern(why.String())
		b.Append(e)
	}
	move(1, 1, format.StateWaiting)
	move(2, 2, format.StateSyscall)
	gap(3, format.ReasonSyscallsUnwatched)
	s.take(&b)
	if rows, told := s.rows(); rows.Len() != 2 || rows.Kind[0] != format.KindGap || rows.GoID[1] != 1 ||
		told[0].Goroutines != 1 {
		t.Errorf("%+v, want the gap that lasts, and the goroutine that waits", rows)
	}
	b.Reset()
	gap(20, format.ReasonRingFull)
	s.take(&b)
	if rows, _ := s.rows(); rows.Len() != 1 || s.known != 0 {
		t.Errorf("%+v, want nothing but the gap", rows)
	}
}

func TestGoroutinesOfRoundsAreCounted(t *testing.T) {
	reasons := format.NewStrings()
	s := newStates(reasons, format.NewStrings())
	var b format.Batch
	round := func(at int64, weights ...int32) {
		e := format.NoEvent
		e.TimeNS, e.EndNS, e.Kind, e.PID = at, at+10, format.KindRound, testPID
		b.Append(e)
		for i, w := range weights {
			e := format.NoEvent
			e.TimeNS, e.Kind, e.PID, e.GoID, e.To, e.Weight = at+1, format.KindSnapshot, testPID, format.GoID(i+1),
				format.StateWaiting, w
			b.Append(e)
		}
	}
	round(100, 0, 0, 0)
	round(200, 4, 4)
	s.take(&b)
	if s.alive() != 3 {
		t.Errorf("%d are alive after a round of 3", s.alive())
	}
	b.Reset()
	round(300)
	s.take(&b)
	if s.alive() != 8 || s.known != 0 {
		t.Errorf("%d are alive, %d known, after a round that stands for 8", s.alive(), s.known)
	}
}
