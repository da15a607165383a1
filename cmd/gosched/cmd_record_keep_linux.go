package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gosched/gosched/cmd/gosched/internal/output"
	"github.com/gosched/gosched/cmd/gosched/internal/rules"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/flight"
	"github.com/gosched/gosched/record/flight/control"
	"github.com/gosched/gosched/record/flight/keep"
	"github.com/gosched/gosched/record/target"
)

// keepLast has a recording be kept in its last part, and take triggers. Call stop when it is over.
func (r *recorder) keepLast(opts *record.Options, procs []*target.Process) (stop func() error, err error) {
	f := &flying{out: r.notes, rules: r.opts.flight.rules.list}
	f.follow(opts, procs)
	config := keep.Config{Options: r.opts.flight.options(), Note: f.note, Owner: output.Caller}
	if f.keeper, err = keep.Open(r.opts.output, config); err != nil {
		return nil, err
	}
	opts.Keep = f.keeper
	if err := f.listen(r.opts.flight.control); err != nil {
		f.keeper.Abort()
		return nil, err
	}
	watch := rules.New(f.rules, f.keeper, func(c flight.Cause) { f.trigger(c) })
	opts.Sink = watch
	f.watchSignal()
	return f.stop, nil
}

// flying is a flight recorder while it records.
type flying struct {
	keeper *keep.Keeper
	rules  []flight.Rule
	server *control.Server // nil: there is no socket
	asked  chan os.Signal
	ended  sync.WaitGroup
	mu     sync.Mutex // held while a line is written
	out    io.Writer

	recorded sync.Mutex // held while pids are used
	pids     []int
}

// follow knows which processes are recorded, as they come and go.
func (f *flying) follow(opts *record.Options, procs []*target.Process) {
	for _, p := range procs {
		f.pids = append(f.pids, p.PID())
	}
	show := opts.Progress
	opts.Progress = func(p record.Progress) {
		f.recorded.Lock()
		f.pids = p.Processes
		f.recorded.Unlock()
		if show != nil {
			show(p)
		}
	}
}

func (f *flying) note(sentence string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Fprintln(f.out, sentence)
}

// trigger saves what is kept for a reason that nobody waits for.
func (f *flying) trigger(cause flight.Cause) {
	if _, err := f.keeper.Trigger(cause); err != nil {
		f.note(fmt.Sprintf("%s: %v", cause.Text(), err))
	}
}

// noControl is the value of --control for no socket.
const noControl = "none"

func (f *flying) listen(path string) (err error) {
	if path == noControl {
		return nil
	}
	if path == "" {
		path = filepath.Join(f.keeper.Dir(), control.SocketName)
	}
	var also []int
	if uid, _, ok := output.Caller(); ok {
		also = append(also, uid)
	}
	f.server, err = control.Listen(path, f, also...)
	return err
}

// watchSignal has SIGUSR2 be a trigger.
func (f *flying) watchSignal() {
	f.asked = make(chan os.Signal, 1)
	signal.Notify(f.asked, syscall.SIGUSR2)
	f.ended.Go(func() {
		for range f.asked {
			f.trigger(flight.Asked(flight.TriggerSignal, "", time.Now()))
		}
	})
}

func (f *flying) stop() (err error) {
	signal.Stop(f.asked)
	close(f.asked)
	if f.server != nil {
		err = f.server.Close()
	}
	f.ended.Wait()
	return err
}

// Status implements control.Recorder.
func (f *flying) Status() control.Status {
	f.recorded.Lock()
	pids := append([]int{}, f.pids...)
	f.recorded.Unlock()
	s := control.Status{PIDs: pids, Dir: f.keeper.Dir(), Rules: []string{}, Counts: f.keeper.Counts()}
	for _, r := range f.rules {
		s.Rules = append(s.Rules, r.String())
	}
	return s
}

// Trigger implements control.Recorder.
func (f *flying) Trigger(reason string) (string, error) {
	name, err := f.keeper.Trigger(flight.Asked(flight.TriggerRequest, strings.TrimSpace(reason), time.Now()))
	if err != nil {
		return "", err
	}
	dir, err := filepath.Abs(f.keeper.Dir())
	return filepath.Join(dir, name), err
}
