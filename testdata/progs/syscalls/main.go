// Syscalls stays in system calls, short and long enough for the runtime to take the P away.
package main

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		return bracket.First(short(4, 1000), naps(6), blockedReads(10, 5), mixed(), spin(20))
	})
}

// short makes system calls that return at once.
func short(goroutines int, n int64) error {
	var wg sync.WaitGroup
	var right int64
	pid := os.Getpid()
	for g := 0; g < goroutines; g++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := int64(0); i < n; i++ {
				if id, _, _ := syscall.Syscall(syscall.SYS_GETPID, 0, 0, 0); int(id) == pid {
					atomic.AddInt64(&right, 1)
				}
			}
		}()
	}
	wg.Wait()
	return bracket.Check("getpid", right, int64(goroutines)*n)
}

func nap(d time.Duration) error {
	ts := syscall.NsecToTimespec(int64(d))
	for {
		err := syscall.Nanosleep(&ts, &ts)
		if err != syscall.EINTR {
			return err
		}
	}
}

// naps sleeps in the kernel for times around those after which sysmon takes a P: 20 µs to 10 ms.
func naps(goroutines int) error {
	var wg sync.WaitGroup
	errs := make([]error, goroutines)
	for g := 0; g < goroutines; g++ {
		wg.Add(1)
		go func(g int) {
			defer wg.Done()
			for _, us := range []int{1, 10, 30, 100, 300, 1000, 3000, 12000, 25000} {
				errs[g] = bracket.First(errs[g], nap(time.Duration(us)*time.Microsecond))
				runtime.Gosched()
			}
		}(g)
	}
	wg.Wait()
	return bracket.First(errs...)
}

// blockedReads has goroutines wait in read(2) on blocking pipes.
func blockedReads(n, rounds int) error {
	var wg sync.WaitGroup
	var got int64
	writers := make([]int, n)
	for i := range writers {
		var p [2]int
		if err := syscall.Pipe(p[:]); err != nil {
			return err
		}
		writers[i] = p[1]
		wg.Add(1)
		go func(fd int) {
			defer wg.Done()
			buf := make([]byte, 1)
			for r := 0; r < rounds; r++ {
				if k, _ := syscall.Read(fd, buf); k == 1 {
					atomic.AddInt64(&got, 1)
				}
			}
			syscall.Close(fd)
		}(p[0])
	}
	for r := 0; r < rounds; r++ {
		time.Sleep(2 * time.Millisecond)
		for _, fd := range writers {
			if _, err := syscall.Write(fd, []byte{1}); err != nil {
				return err
			}
		}
	}
	wg.Wait()
	for _, fd := range writers {
		syscall.Close(fd)
	}
	return bracket.Check("bytes read", got, int64(n*rounds))
}

// mixed has some goroutines compute while others nap, so that Ps are scarce when a nap ends.
func mixed() error {
	const nappers, workers, rounds = 6, 4, 12
	var wg sync.WaitGroup
	var stop int32
	sums := make([]uint64, workers)
	for w := 0; w < workers; w++ {
		wg.Add(1)
		go func(w int) {
			defer wg.Done()
			for atomic.LoadInt32(&stop) == 0 {
				for i := uint64(0); i < 200000; i++ {
					sums[w] += i
				}
				runtime.Gosched()
			}
		}(w)
	}
	var naps sync.WaitGroup
	errs := make([]error, nappers)
	for n := 0; n < nappers; n++ {
		naps.Add(1)
		go func(n int) {
			defer naps.Done()
			for r := 0; r < rounds; r++ {
				errs[n] = bracket.First(errs[n], nap(2*time.Millisecond))
			}
		}(n)
	}
	naps.Wait()
	atomic.StoreInt32(&stop, 1)
	wg.Wait()
	return bracket.First(errs...)
}

// spin lets the kernel give up the CPU in between.
func spin(n int) error {
	for i := 0; i < n; i++ {
		syscall.Syscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
	}
	return nil
}
