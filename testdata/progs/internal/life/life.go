// Package life runs one case of a program until the program is told to end.
package life

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync/atomic"
	"time"
)

// Main does in the main goroutine what the case named by -case is. It prints the count for each
// line of standard input and at the end, which is the end of the input or, with -for, of that time.
func Main(cases map[string]func() error, count *int64) {
	name := flag.String("case", "", "what to do: "+names(cases))
	length := flag.Duration("for", 0, "end after this time, whatever the input does")
	flag.Parse()
	work := cases[*name]
	if work == nil {
		fail(fmt.Errorf("there is no case %q; there are %s", *name, names(cases)))
	}
	if *length > 0 {
		time.AfterFunc(*length, func() { end(count) })
	}
	go answer(count, *length == 0)
	fail(work())
}

func names(cases map[string]func() error) string {
	var list []string
	for name := range cases {
		list = append(list, name)
	}
	sort.Strings(list)
	return strings.Join(list, ", ")
}

func answer(count *int64, untilEnd bool) {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println(atomic.LoadInt64(count))
	}
	if untilEnd {
		end(count)
	}
}

func end(count *int64) {
	fmt.Println(atomic.LoadInt64(count))
	os.Exit(0)
}

// fail ends the program: no case is ever done.
func fail(err error) {
	fmt.Fprintln(os.Stderr, "it ended:", err)
	os.Exit(1)
}

// Every does something again and again, pace apart, and adds to count what it returns, until there
// is an error.
func Every(pace time.Duration, count *int64, do func() (int64, error)) error {
	for range time.Tick(pace) {
		n, err := do()
		if err != nil {
			return err
		}
		atomic.AddInt64(count, n)
	}
	return nil
}
