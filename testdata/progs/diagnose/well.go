package main

import (
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// The cases with nothing wrong: each has what a case with a cause has, in health.

var wellLocks = map[string]func() error{
	"lock-busy-but-fine":   lockBriefly,
	"once-quick":           onceQuick,
	"retry-without-lock":   retryWithoutLock,
	"rwmutex-read-mostly":  readMostly,
	"shards-even":          evenShards,
	"channel-lock-brief":   channelLockBriefly,
	"semaphore-never-full": func() error { return callsOfFew(12, 3) },
	"group-within-limit":   groupWithinLimit,
	"singleflight-quick":   singleflightQuick,
}

var wellQueues = map[string]func() error{
	"fan-in-kept-up":       fanInKeptUp,
	"partitions-even":      evenPartitions,
	"pipeline-balanced":    balancedPipeline,
	"workers-without-work": idleWorkers,
	"worker-pool-spare":    sparePool,
	"start-signal":         func() error { return crew(400 * time.Microsecond) },
	"pool-filled-once":     filledOnce,
}

var wellOutside = map[string]func() error{
	"connections-idle":  idleConnections,
	"http-conns-spare":  func() error { return httpFrom(8, 4, 10*time.Millisecond) },
	"sql-pool-spare":    spareOrders,
	"write-never-waits": func() error { return auditTo("child-sink", 3, 10*time.Millisecond) },
	"log-drained":       func() error { return logTo("child-sink", 3, 10*time.Millisecond) },
	"socket-kept-up":    socketKeptUp,
	"load-beside":       loadBeside,
	"service":           service,
	"idle-server":       idle,
	"syscalls-alone":    func() error { return crowd(1, always(lookup)) },
}

var wellMachine = map[string]func() error{
	"few-timers":       func() error { return crowd(4, always(func() { time.Sleep(20 * time.Millisecond) })) },
	"few-stops":        func() error { return crowd(1, always(scrapeNowAndThen)) },
	"gc-that-keeps-up": gcKeepsUp,
	"gc-once":          gcOnce,
	"long-runs-alone":  longRunsAlone,
	"background-spare": backgroundSpare,
	"cpu-busy":         countAlone,
	"batch":            batch,
}

func idle() error {
	time.Sleep(length)
	return nil
}

// lockBriefly takes a lock as often, for next to nothing.
func lockBriefly() error {
	var c cache
	return crowd(2, always(func() {
		for i := 0; i < 50; i++ {
			c.get(0)
		}
		time.Sleep(5 * time.Millisecond)
	}))
}

// onceQuick opens a tenant for each request, which takes nothing.
func onceQuick() error {
	return crowd(4, always(func() {
		var once sync.Once
		once.Do(thumbnail)
		time.Sleep(10 * time.Millisecond)
	}))
}

// retryWithoutLock waits between its attempts, and nobody waits for it.
func retryWithoutLock() error {
	return crowd(3, always(func() {
		var u uplink
		u.attempts = 1
		u.send()
		time.Sleep(10 * time.Millisecond)
	}))
}

func readMostly() error {
	t := new(table)
	defer beside(20*time.Millisecond, func() { t.reload(20 * time.Microsecond) })()
	return crowd(6, always(func() {
		for i := 0; i < 20; i++ {
			t.read()
		}
		time.Sleep(10 * time.Millisecond)
	}))
}

func evenShards() error {
	var s shards
	var turn turns
	return crowd(4, always(func() {
		for i := 0; i < 5; i++ {
			s.add(turn.next(), 20*time.Microsecond)
		}
		time.Sleep(10 * time.Millisecond)
	}))
}

func channelLockBriefly() error {
	p := printer{make(chan struct{}, 1)}
	return crowd(4, always(func() {
		for i := 0; i < 5; i++ {
			p.print(20 * time.Microsecond)
		}
		time.Sleep(10 * time.Millisecond)
	}))
}

func callsOfFew(slots, callers int) error {
	g := gateway{make(chan struct{}, slots)}
	return crowd(callers, always(func() { g.call(5 * time.Millisecond) }))
}

func groupWithinLimit() error {
	g := group{limit: make(chan struct{}, 16)}
	defer g.wg.Wait()
	return crowd(2, always(func() {
		g.start(fetchPart)
		time.Sleep(8 * time.Millisecond)
	}))
}

func singleflightQuick() error {
	f := new(flight)
	return crowd(4, func() error {
		time.Sleep(10 * time.Millisecond)
		return f.load(func() error {
			busy(20 * time.Microsecond)
			return nil
		})
	})
}

// fanInKeptUp has a crowd send less than the receiver can take.
func fanInKeptUp() error {
	return indexed(6, 0, func(in chan int) {
		for i := 0; i < 10; i++ {
			in <- 1
		}
		time.Sleep(20 * time.Millisecond)
	})
}

// evenPartitions has four consumers that have room for what comes.
func evenPartitions() error {
	var queues [4]chan int
	for i := range queues {
		queues[i] = make(chan int, 64)
		go aggregateQuickly(queues[i])
	}
	var turn turns
	err := crowd(4, always(func() {
		for i := 0; i < 5; i++ {
			n := turn.next()
			queues[n%len(queues)] <- n
		}
		time.Sleep(10 * time.Millisecond)
	}))
	for _, queue := range queues {
		close(queue)
	}
	return err
}

//go:noinline
func aggregateQuickly(in chan int) {
	for range in {
		busy(50 * time.Microsecond)
	}
}

// balancedPipeline has room between its stages, and less to do than they can.
func balancedPipeline() error {
	a, b, c := make(chan int, 64), make(chan int, 64), make(chan int, 64)
	stopped := make(chan struct{})
	go parse(a, b)
	go enrich(b, c)
	go deliver(c, stopped)
	err := crowd(2, always(func() {
		for i := 0; i < 5; i++ {
			a <- i
		}
		time.Sleep(10 * time.Millisecond)
	}))
	close(a)
	<-stopped
	return err
}

func idleWorkers() error {
	jobs := make(chan int)
	for i := 0; i < 100; i++ {
		go sweep(jobs)
	}
	defer close(jobs)
	return idle()
}

// sparePool has more workers than who asks.
func sparePool() error {
	p := newPool(12, thumbnail)
	defer close(p.jobs)
	return crowd(3, always(func() {
		p.submit()
		time.Sleep(8 * time.Millisecond)
	}))
}

func filledOnce() error {
	for i := 0; i < 1000; i++ {
		go time.Sleep(time.Minute)
	}
	return idle()
}

func spareOrders() error {
	o := openOrders(8, 3*time.Millisecond)
	defer o.db.Close()
	return crowd(3, func() error {
		err := o.find()
		time.Sleep(10 * time.Millisecond)
		return err
	})
}

// idleConnections are connections on which nothing comes.
func idleConnections() error {
	for i := 0; i < 50; i++ {
		near, far, err := loopback()
		if err != nil {
			return err
		}
		defer near.Close()
		go collect(far, 4096, 0)
		go collect(near, 4096, 0)
	}
	return idle()
}

// socketKeptUp writes less than the other side reads.
func socketKeptUp() error {
	near, far, err := loopback()
	if err != nil {
		return err
	}
	go collect(far, 64<<10, 0)
	page := make([]byte, 4096)
	err = crowd(2, func() error {
		err := export(near, page)
		time.Sleep(4 * time.Millisecond)
		return err
	})
	near.Close()
	return err
}

// serveHTTP has a server answer on a port.
func serveHTTP() (net.Listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			thumbnail()
			fmt.Fprintln(w, "1")
		}))
	}()
	return l, nil
}

// service is a server with two clients in the same process.
func service() error {
	l, err := serveHTTP()
	if err != nil {
		return err
	}
	defer l.Close()
	q := &quotes{http.DefaultClient, "http://" + l.Addr().String()}
	return crowd(2, q.get)
}

// loadBeside is a server with a load generator, called wrk, on the same machine, which asks it now
// and then.
func loadBeside() error {
	l, err := serveHTTP()
	if err != nil {
		return err
	}
	defer l.Close()
	path, remove, err := executable("wrk")
	if err != nil {
		return err
	}
	defer remove()
	for i := 0; i < 2; i++ {
		cmd := exec.Command(path, "-case", "child-load")
		in, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		if err := cmd.Start(); err != nil {
			return err
		}
		defer func() {
			in.Close()
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}()
		if _, err := fmt.Fprintln(in, l.Addr()); err != nil {
			return err
		}
	}
	return idle()
}

func scrapeNowAndThen() {
	scrape()
	time.Sleep(50 * time.Millisecond)
}

func gcKeepsUp() error {
	keep := grow(16)
	err := crowd(2, always(func() {
		grow(8)
		time.Sleep(5 * time.Millisecond)
	}))
	runtime.KeepAlive(keep)
	return err
}

// gcOnce collects once, at the beginning.
func gcOnce() error {
	tidy()
	return crowd(3, always(func() {
		thumbnail()
		time.Sleep(10 * time.Millisecond)
	}))
}

// longRunsAlone has a P free for everybody else.
func longRunsAlone() error {
	go score(time.Now().Add(length))
	return idle()
}

// backgroundSpare has one goroutine compute, and a P free for the requests.
func backgroundSpare() error {
	go compaction(time.Now().Add(length))
	return crowd(2, always(func() {
		thumbnail()
		time.Sleep(4 * time.Millisecond)
	}))
}

// batch has main wait for two who compute, as it should.
func batch() error {
	end := time.Now().Add(length)
	var wg sync.WaitGroup
	for i := 0; i < 2; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			score(end)
		}()
	}
	wg.Wait()
	return nil
}
