// Shares has goroutines that wait in four ways in turn, each for a random time, and keeps account of
// how long they did each. For each line of its standard input it prints the account so far, in
// nanoseconds.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// ways are the ways to wait, each of them longer than those before.
var ways = []struct {
	name string
	wait func(time.Duration)
}{{"nap", nap}, {"receive", receive}, {"call", call}, {"pick", pick}}

// account is what one goroutine did. It is read while it is written.
type account struct {
	done  [4]int64 // of what is over
	since int64    // what it does now began then; the way is in the lowest two bits
}

func main() {
	workers := flag.Int("workers", 16, "goroutines")
	idle := flag.Int("idle", 0, "goroutines that do nothing")
	then := flag.String("then", "", "become a shell that runs this when standard input ends")
	flag.Parse()
	for i := 0; i < *idle; i++ {
		go forever()
	}
	accounts := make([]account, *workers)
	for i := range accounts {
		go work(&accounts[i], rand.New(rand.NewSource(int64(i))))
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		text, err := json.Marshal(sum(accounts))
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
	if *then != "" {
		panic(syscall.Exec("/bin/sh", []string{"sh", "-c", *then}, os.Environ()))
	}
}

func sum(accounts []account) map[string]int64 {
	all := map[string]int64{}
	for i := range accounts {
		a := &accounts[i]
		for w := range ways {
			all[ways[w].name] += atomic.LoadInt64(&a.done[w])
		}
		since := atomic.LoadInt64(&a.since)
		all[ways[since&3].name] += now() - since
	}
	return all
}

var began = time.Now()

func now() int64 { return int64(time.Since(began)) + 4 }

func work(a *account, random *rand.Rand) {
	for way := random.Intn(len(ways)); ; way = (way + 1) % len(ways) {
		since := now()&^3 | int64(way)
		atomic.StoreInt64(&a.since, since)
		ways[way].wait(time.Duration((1 + random.ExpFloat64()*float64(2+2*way)) * float64(time.Millisecond)))
		atomic.AddInt64(&a.done[way], now()-since)
	}
}

//go:noinline
func forever() { select {} }

//go:noinline
func nap(d time.Duration) { time.Sleep(d) }

//go:noinline
func receive(d time.Duration) { <-time.After(d) }

//go:noinline
func call(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // the runtime's signals may end it early
}

//go:noinline
func pick(d time.Duration) {
	select {
	case <-time.After(d):
	case <-make(chan int):
	}
}
