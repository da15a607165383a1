// Pgo keeps the scheduler busy in every way at once. Its own CPU profile, given back to the
// compiler, makes the compiler inline the runtime's scheduler functions: what the tests of
// profile-guided builds need.
//
//	go run . cpu.pprof   writes the profile of five seconds
package main

import (
	"io"
	"iter"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		f, err := os.Create(os.Args[1])
		if err != nil {
			panic(err)
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			panic(err)
		}
		defer pprof.StopCPUProfile()
	}
	for _, work := range []func(){channels, buffered, mutexes, yields, spawns, files, network, timers, coroutines,
		selects, collections} {
		go func() {
			for {
				work()
			}
		}()
	}
	time.Sleep(5 * time.Second)
}

func channels() {
	a, b := make(chan int), make(chan int)
	go func() {
		for v := range a {
			b <- v
		}
		close(b)
	}()
	for i := 0; i < 1000; i++ {
		a <- i
		<-b
	}
	close(a)
}

func buffered() {
	c := make(chan int, 16)
	go func() {
		for i := 0; i < 1000; i++ {
			c <- i
		}
		close(c)
	}()
	for range c {
	}
}

func mutexes() {
	var mu sync.Mutex
	var rw sync.RWMutex
	var wg sync.WaitGroup
	for i := 0; i < 8; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := 0; j < 200; j++ {
				mu.Lock()
				runtime.Gosched()
				mu.Unlock()
				rw.RLock()
				rw.RUnlock()
				rw.Lock()
				rw.Unlock()
			}
		}()
	}
	wg.Wait()
}

func yields() {
	for i := 0; i < 1000; i++ {
		runtime.Gosched()
	}
}

func spawns() {
	var wg sync.WaitGroup
	for i := 0; i < 200; i++ {
		wg.Add(1)
		go wg.Done()
	}
	wg.Wait()
}

func files() {
	f, err := os.Open("/dev/zero")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	var buf [64]byte
	for i := 0; i < 1000; i++ {
		if _, err := f.Read(buf[:]); err != nil {
			panic(err)
		}
	}
}

func network() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err == nil {
			io.Copy(c, c)
			c.Close()
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	defer c.Close()
	var buf [16]byte
	for i := 0; i < 500; i++ {
		c.Write(buf[:])
		io.ReadFull(c, buf[:])
	}
}

func timers() {
	time.Sleep(100 * time.Microsecond)
	done := make(chan bool)
	time.AfterFunc(50*time.Microsecond, func() { done <- true })
	<-done
}

func coroutines() {
	next, stop := iter.Pull(func(yield func(int) bool) {
		for i := 0; yield(i); i++ {
		}
	})
	for i := 0; i < 1000; i++ {
		next()
	}
	stop()
}

func selects() {
	a, b, quit := make(chan int), make(chan int), make(chan bool)
	go func() {
		for i := 0; i < 500; i++ {
			select {
			case a <- i:
			case b <- i:
			}
		}
		close(quit)
	}()
	for {
		select {
		case <-a:
		case <-b:
		case <-quit:
			return
		}
	}
}

var sink []byte

func collections() {
	for i := 0; i < 100; i++ {
		sink = make([]byte, 64<<10)
	}
	time.Sleep(time.Millisecond)
}
