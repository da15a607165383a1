// Clibrary is a Go library for a C program (-buildmode=c-shared): caller/main.c, whose threads call
// it.
package main

import "C"

import (
	"os"
	"runtime/trace"
	"sync"
	"sync/atomic"
)

var calls int64

// LibraryTrace turns Go's tracer on, writing to a file, or with an empty name off. It returns 0 if
// that went well.
//
//export LibraryTrace
func LibraryTrace(name *C.char) C.int {
	file := C.GoString(name)
	if file == "" {
		trace.Stop()
		return 0
	}
	f, err := os.Create(file)
	if err == nil {
		err = trace.Start(f)
	}
	if err != nil {
		return 1
	}
	return 0
}

// LibraryCall hands n to a goroutine and gets it back.
//
//export LibraryCall
func LibraryCall(n C.int) C.int {
	atomic.AddInt64(&calls, 1)
	there, back := make(chan C.int), make(chan C.int)
	go serve(there, back)
	there <- n
	return <-back
}

func serve(there, back chan C.int) { back <- <-there }

// LibraryWork has goroutines of its own contend for a lock, and returns how often LibraryCall was
// called.
//
//export LibraryWork
func LibraryWork() C.long {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := 0; i < 4; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := 0; j < 100; j++ {
				mu.Lock()
				there, back := make(chan C.int, 1), make(chan C.int)
				there <- 1
				go serve(there, back)
				<-back
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	return C.long(atomic.LoadInt64(&calls))
}

func main() {}
