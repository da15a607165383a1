package main

import (
	"runtime"
	"runtime/debug"
	"time"
)

var memoryCases = map[string]func() error{
	"explicit-gc":    explicitGC,
	"gc-assist":      gcAssist,
	"gc-handler":     gcHandler,
	"stop-the-world": stopTheWorld,
}

type tree struct{ left, right *tree }

func grow(depth int) *tree {
	if depth == 0 {
		return new(tree)
	}
	return &tree{grow(depth - 1), grow(depth - 1)}
}

// gcAssist allocates so fast, with so little room, that the collector makes the allocating
// goroutines work for it.
func gcAssist() error {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	keep := grow(20)
	err := crowd(3, always(func() { grow(8) }))
	runtime.KeepAlive(keep)
	return err
}

// row is what a report is made of.
type row struct {
	name   string
	values []*int
	next   *row
}

// render makes a report of many small pieces.
//
//go:noinline
func render(rows int) (report *row) {
	for i := 0; i < rows; i++ {
		values := make([]*int, 12)
		for j := range values {
			n := i + j
			values[j] = &n
		}
		report = &row{name: string(make([]byte, 64)), values: values, next: report}
	}
	return report
}

// gcHandler has requests that each make much garbage, beside a heap that takes long to mark.
func gcHandler() error {
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	keep := grow(20)
	err := crowd(6, always(func() {
		render(400)
		time.Sleep(500 * time.Microsecond)
	}))
	runtime.KeepAlive(keep)
	return err
}

// handle is a request now and then.
//
//go:noinline
func handle() {
	busy(50 * time.Microsecond)
	time.Sleep(time.Millisecond)
}

// tidy collects garbage because somebody thought that helps.
//
//go:noinline
func tidy() { runtime.GC() }

func explicitGC() error {
	keep := grow(18)
	defer beside(2*time.Millisecond, tidy)()
	err := crowd(6, always(handle))
	runtime.KeepAlive(keep)
	return err
}

//go:noinline
func scrape() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
}

// stopTheWorld has metrics scraped without a pause.
func stopTheWorld() error { return crowd(2, always(scrape)) }
