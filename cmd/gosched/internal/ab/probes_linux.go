package ab

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/gosched/gosched/record"
	"github.com/gosched/gosched/record/target"
)

// probeRunner records commands with eBPF.
type probeRunner struct {
	opts     record.Options
	as       *target.Credential
	programs record.Programs // loaded once for all recordings of a build
}

// Probes is a Runner that records commands with eBPF, each as the options say but into a trace of
// its own, and runs them as a user; nil: as ours.
func Probes(opts record.Options, as *target.Credential) Runner {
	return &probeRunner{opts: opts, as: as}
}

func (r *probeRunner) close() error { return r.programs.Close() }

func (r *probeRunner) run(ctx context.Context, j *job) (res result, err error) {
	child, err := target.Start(ctx, j.command.argv, target.StartOptions{
		Env: j.command.environ(), Stdout: j.log, Stderr: j.log, As: r.as, Group: true, Bound: true,
	})
	if err != nil {
		return res, err
	}
	defer child.Close()
	running := false
	resume := func() error {
		running = true
		return child.Resume()
	}
	if j.trace == "" {
		err = r.warmUp(ctx, child, resume)
	} else {
		res.lost, err = r.record(ctx, child, resume, j.trace)
	}
	if !running {
		return res, errors.Join(err, child.Reap())
	}
	var ending error
	res.code, res.ended, ending = endChild(child)
	return res, errors.Join(err, ctx.Err(), ending)
}

// warmUp lets a command run as long as a recording would.
func (r *probeRunner) warmUp(ctx context.Context, child *target.Child, resume func() error) error {
	if err := resume(); err != nil {
		return err
	}
	if r.opts.Duration > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, r.opts.Duration)
		defer stop()
	}
	if err := child.Process.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

func (r *probeRunner) record(ctx context.Context, child *target.Child, resume func() error, trace string) (lost int64,
	err error) {
	opts := r.opts
	opts.Output, opts.Ready, opts.Programs = trace, resume, &r.programs
	summary, err := record.Record(ctx, opts, child.Process)
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
