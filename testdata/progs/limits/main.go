// Limits sets GOMAXPROCS to what each line of its standard input says, and works in between. For
// each line it prints the time before the change, the time after it, and GOMAXPROCS; before the
// first, what it was at its start.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

func main() {
	now := time.Now().UnixNano()
	fmt.Println(now, now, runtime.GOMAXPROCS(0))
	for i := 0; i < 4; i++ {
		go work()
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		before := time.Now().UnixNano()
		runtime.GOMAXPROCS(n)
		fmt.Println(before, time.Now().UnixNano(), runtime.GOMAXPROCS(0))
	}
}

func work() {
	for s := 0; ; time.Sleep(time.Millisecond) {
		for i := 0; i < 100000; i++ {
			s += i
		}
	}
}
