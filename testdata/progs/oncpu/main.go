// Oncpu spends CPU time in ways that are known, on a goroutine and a thread for each: three functions
// that share it 6:3:1, system calls, allocations. It prints "name goid tid" for each of them, and an
// empty line. The first line that it reads begins a CPU profile of itself, the second ends it and
// has it written to -profile; it answers each with "ok". It ends with its standard input.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"syscall"
)

func main() {
	profile := flag.String("profile", "", "the `file` for the profile")
	flag.Parse()
	for _, worker := range []struct {
		name string
		work func()
	}{{"split", split}, {"calls", calls}, {"allocates", allocates}} {
		about := make(chan string)
		go func(name string, work func()) {
			runtime.LockOSThread()
			about <- fmt.Sprint(name, " ", goid(), " ", syscall.Gettid())
			for {
				work()
			}
		}(worker.name, worker.work)
		fmt.Println(<-about)
	}
	fmt.Println()
	in := bufio.NewScanner(os.Stdin)
	var out bytes.Buffer
	if in.Scan() {
		check(pprof.StartCPUProfile(&out))
		fmt.Println("ok")
	}
	if in.Scan() {
		pprof.StopCPUProfile()
		check(os.WriteFile(*profile, out.Bytes(), 0o644))
		fmt.Println("ok")
	}
	for in.Scan() {
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "oncpu:", err)
		os.Exit(1)
	}
}

// goid is this goroutine's number, as its stack's first line has it: "goroutine 7 [running]:".
func goid() int {
	line := bytes.Fields(debugStack())
	id, err := strconv.Atoi(string(line[1]))
	check(err)
	return id
}

func debugStack() []byte {
	buf := make([]byte, 64)
	return buf[:runtime.Stack(buf, false)]
}

var sum uint64

// turn is a loop without calls, in a function that has no frame.
//
//go:noinline
func turn(n uint64) uint64 {
	x := n
	for i := uint64(0); i < n; i++ {
		x = x*0x9e3779b97f4a7c15 + i
	}
	return x
}

//go:noinline
func heavy() { sum += turn(60000) }

//go:noinline
func middle() { sum += turn(30000) }

//go:noinline
func light() { sum += turn(10000) }

func split() {
	heavy()
	middle()
	light()
}

var zeros *os.File

func calls() {
	if zeros == nil {
		f, err := os.Open("/dev/zero")
		check(err)
		zeros = f
	}
	var buf [64 << 10]byte
	if _, err := zeros.ReadAt(buf[:], 0); err != nil {
		check(err)
	}
}

type node struct {
	next *node
	pad  [6]uint64
}

var kept [1 << 10]*node

//go:noinline
func allocates() {
	for i := range kept {
		kept[i] = &node{next: kept[(i+1)%len(kept)].cut()}
	}
}

// cut is a copy without what follows.
func (n *node) cut() *node {
	if n == nil {
		return nil
	}
	return &node{pad: n.pad}
}
