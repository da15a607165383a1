package main

import (
	"syscall"
	"time"
	"unsafe"
)

// clockThreadCPU is CLOCK_THREAD_CPUTIME_ID of linux/time.h.
const clockThreadCPU = 3

// threadCPU is how much CPU time the thread has had.
func threadCPU() time.Duration {
	var ts syscall.Timespec
	_, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockThreadCPU, uintptr(unsafe.Pointer(&ts)), 0)
	if errno != 0 {
		fail(errno)
	}
	return time.Duration(ts.Nano())
}

// burn works: it needs so much of a CPU's time, and therefore longer where others have the CPU
// meanwhile.
func burn(d time.Duration) {
	begun, last := time.Now(), threadCPU()
	for worked := time.Duration(0); worked < d; {
		for i := 0; i < spins; i++ {
			sink += i
		}
		now := threadCPU()
		// More than has gone by, or less than nothing, is the clock of another thread.
		if step := now - last; step >= 0 && worked+step <= time.Since(begun) {
			worked += step
		}
		last = now
	}
}

const spins = 200 // between two looks at the clock

var sink int
