//go:build go1.25

// Synctest runs tests in bubbles, whose root goroutines the runtime makes in a way of its own.
package main

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gosched.test/progs/internal/bracket"
)

// main has package testing run one test, which alone can open bubbles; the flags are for the
// bracket in it.
func main() {
	args := os.Args
	os.Args = args[:1]
	everything := func(string, string) (bool, error) { return true, nil }
	testing.Main(everything, []testing.InternalTest{{Name: "Bubbles", F: func(t *testing.T) {
		os.Args = args
		bracket.Main(func() error { return bracket.First(bubbles(t, 50, 20), atOnce(t, 10)) })
	}}}, nil, nil)
}

// bubbles opens bubbles whose goroutines sleep for hours and minutes of the bubble's time.
func bubbles(t *testing.T, n, sleepers int64) error {
	var slept time.Duration
	for i := int64(0); i < n; i++ {
		synctest.Test(t, func(*testing.T) {
			c := make(chan int)
			go func() {
				time.Sleep(time.Hour)
				c <- 1
			}()
			var wg sync.WaitGroup
			for i := int64(0); i < sleepers; i++ {
				wg.Add(1)
				go func() {
					defer wg.Done()
					time.Sleep(time.Duration(i) * time.Minute)
				}()
			}
			start := time.Now()
			<-c
			slept += time.Since(start)
			wg.Wait()
			synctest.Wait()
		})
	}
	return bracket.Check("seconds slept", int64(slept/time.Second), n*3600)
}

// atOnce has goroutines each open a bubble, at the same time.
func atOnce(t *testing.T, n int64) error {
	results := make(chan int64, n)
	for i := int64(0); i < n; i++ {
		go func() {
			var value int64
			synctest.Test(t, func(*testing.T) {
				go func() { value = i }()
				synctest.Wait()
			})
			results <- value
		}()
	}
	var sum int64
	for i := int64(0); i < n; i++ {
		sum += <-results
	}
	if t.Failed() {
		return fmt.Errorf("a bubble failed")
	}
	return bracket.Check("bubbles at once", sum, n*(n-1)/2)
}
