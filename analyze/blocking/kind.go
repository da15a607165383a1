package blocking

import "github.com/gosched/gosched/analyze/blocking/internal/cause"

// Kind says what a stretch of time was spent on.
type Kind = cause.Kind

// The kinds of causes. The package comment defines them.
const (
	KindUnknown = cause.Unknown
	KindRunning = cause.Running
	KindOffCPU  = cause.OffCPU
	KindAsleep  = cause.Asleep
	KindSyscall = cause.Syscall
	KindQueued  = cause.Queued
	KindWakeUp  = cause.WakeUp
	KindSTW     = cause.STW
	KindStopped = cause.Stopped
	KindNetwork = cause.Network
	KindTimer   = cause.Timer
	KindGC      = cause.GC
	KindRuntime = cause.Runtime
	KindHeld    = cause.Held
)
