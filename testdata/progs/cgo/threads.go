//go:build go1.22

package main

// #include "calls.h"
import "C"

import (
	"sync/atomic"

	"gosched.test/progs/internal/bracket"
)

// threads has C start threads that call Go.
func threads(n, times int) error {
	atomic.StoreInt64(&called, 0)
	if failed := C.threads_call_back(C.int(n), C.int(times)); failed != 0 {
		return bracket.Check("threads that did not start", int64(failed), 0)
	}
	return bracket.Check("callbacks from C threads", atomic.LoadInt64(&called), int64(n*times))
}
