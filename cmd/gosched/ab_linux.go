package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/gotrace"
	"github.com/gosched/gosched/record/target"
)

// probeRunner records commands with eBPF.
type probeRunner struct {
	opts     *recordABOptions
	as       *target.Credential
	programs record.Programs // loaded once for all recordings of a build
}

func (r *probeRunner) close() error { return r.programs.Close() }

// newProbeRunner checks the user, the kernel, the options and both commands' programs.
func newProbeRunner(opts *recordABOptions, commands map[side]*abCommand) (abRunner, error) {
	if err := target.CheckPrivileges(); err != nil {
		return nil, err
	}
	recording := opts.record("", 0)
	if err := recording.Check(); err != nil {
		return nil, err
	}
	as, err := credential(opts.user)
	if err != nil {
		return nil, err
	}
	paths, err := findBoth(commands)
	if err != nil {
		return nil, err
	}
	return &probeRunner{opts: opts, as: as}, checkPrograms(paths)
}

// checkPrograms says in an error what keeps the two programs from being recorded here, as gosched
// check does.
func checkPrograms(paths map[side]string) error {
	var machine checkDocument
	machine.machine()
	if err := problemsError(machine.Problems); err != nil {
		return err
	}
	for _, s := range []side{baseSide, headSide} {
		if s == headSide && paths[s] == paths[baseSide] {
			continue
		}
		var doc checkDocument
		err := doc.binary(paths[s], paths[s])
		if err == nil {
			err = problemsError(doc.Problems)
		}
		if err != nil {
			return fmt.Errorf("--%s: %w", s, err)
		}
	}
	return nil
}

// problemsError is an error that says what stands in the way, and what to do about it.
func problemsError(problems []problem) error {
	if len(problems) == 0 {
		return nil
	}
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.What)
		if p.Do != "" {
			lines = append(lines, "To do: "+p.Do)
		}
	}
	return &exitError{code: exitUnsupported, err: errors.New(strings.Join(lines, "\n"))}
}

func (r *probeRunner) run(ctx context.Context, job *abJob) (result abResult, err error) {
	child, err := target.Start(ctx, job.command.argv, target.StartOptions{
		Env: job.command.environ(), Stdout: job.log, Stderr: job.log, As: r.as, Group: true, Bound: true,
	})
	if err != nil {
		return result, err
	}
	defer child.Close()
	running := false
	resume := func() error {
		running = true
		return child.Resume()
	}
	if job.trace == "" {
		err = r.warmUp(ctx, child, resume)
	} else {
		result.lost, err = r.record(ctx, child, resume, job.trace)
	}
	if !running {
		return result, errors.Join(err, reap(child))
	}
	var ending error
	result.code, result.ended, ending = endChild(child)
	return result, errors.Join(err, ctx.Err(), ending)
}

// warmUp lets a command run as long as a recording would.
func (r *probeRunner) warmUp(ctx context.Context, child *target.Child, resume func() error) error {
	if err := resume(); err != nil {
		return err
	}
	if r.opts.duration > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, r.opts.duration)
		defer stop()
	}
	if err := child.Process.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func (r *probeRunner) record(ctx context.Context, child *target.Child, resume func() error, trace string) (lost int64,
	err error) {
	opts := r.opts.record(trace, r.opts.duration)
	opts.Ready, opts.Programs = resume, &r.programs
	summary, err := record.Record(ctx, child.Process, opts)
	if err != nil {
		return 0, err
	}
	if summary.EndReason == record.EndReplaced {
		return 0, errors.New("the command replaced its program by another one, which is not recorded: name that one")
	}
	return summary.Lost, nil
}

// endChild ends a command that goes on, and kills what it leaves in its process group. It says
// whether it went on, and else its exit code.
func endChild(child *target.Child) (code int, ended bool, err error) {
	if ended = child.Alive(); ended {
		err = child.SignalGroup(syscall.SIGTERM)
		timer := time.NewTimer(endGrace)
		defer timer.Stop()
		select {
		case <-child.Exited():
		case <-timer.C:
		}
	}
	err = errors.Join(err, child.SignalGroup(syscall.SIGKILL))
	code, waitErr := child.Wait()
	return code, ended, errors.Join(err, waitErr)
}

// whereWeAre describes the machine.
func whereWeAre() gotrace.Where {
	host, _ := target.ReadHost() // what it does not say stays empty
	return gotrace.Where{Host: host.Name, Kernel: host.Kernel, Arch: runtime.GOARCH, CPUModel: host.CPUModel,
		CPUs: host.CPUs}
}

// measureMachine measures what the machine does until the function is called that it returns, which
// is told how much of it was ours.
func measureMachine() func(own time.Duration) *format.MachineTime {
	before, err1 := target.ReadMachineTime()
	return func(own time.Duration) *format.MachineTime {
		after, err2 := target.ReadMachineTime()
		if errors.Join(err1, err2) != nil {
			return nil
		}
		spent := after.Since(before)
		return &format.MachineTime{BusyNS: int64(spent.Busy), StealNS: int64(spent.Steal), IdleNS: int64(spent.Idle),
			OwnNS: int64(own)}
	}
}

// bind has the kernel kill a command when we end, however we end.
func bind(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
