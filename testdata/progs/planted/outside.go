package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"time"
)

// start starts this program again as a child, which ends with its standard input at the latest.
func start(name string, stdout *os.File) (stop func(), out io.Reader, err error) {
	path, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	return startAs(path, name, stdout)
}

func startAs(path, name string, stdout *os.File) (stop func(), out io.Reader, err error) {
	cmd := exec.Command(path, "-case", name)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	if stdout != nil {
		cmd.Stdout = stdout
	} else if out, err = cmd.StdoutPipe(); err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	return func() {
		in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}, out, nil
}

// endWithInput ends the process when its standard input does.
func endWithInput() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// echoAfterAWhile is a server on a TCP port, which it prints, that takes 20 ms for each line.
func echoAfterAWhile() {
	go endWithInput()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	fmt.Println(l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			for in := bufio.NewScanner(c); in.Scan(); {
				time.Sleep(20 * time.Millisecond)
				fmt.Fprintln(c, in.Text())
			}
		}()
	}
}

// remote is a connection whose answers a goroutine of its own reads.
type remote struct {
	mu      sync.Mutex
	conn    net.Conn
	answers chan string
}

//go:noinline
func (r *remote) readLoop() {
	for in := bufio.NewScanner(r.conn); in.Scan(); {
		r.answers <- in.Text()
	}
	close(r.answers)
}

//go:noinline
func (r *remote) ask() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := fmt.Fprintln(r.conn, "hello"); err != nil {
		return err
	}
	if answer := <-r.answers; answer != "hello" {
		return fmt.Errorf("the answer is %q", answer)
	}
	return nil
}

func remoteSlow() error {
	stop, out, err := start("child-echo", nil)
	if err != nil {
		return err
	}
	defer stop()
	var addr string
	if _, err := fmt.Fscanln(out, &addr); err != nil {
		return err
	}
	var remotes [2]*remote
	for i := range remotes {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		defer conn.Close()
		remotes[i] = &remote{conn: conn, answers: make(chan string)}
		go remotes[i].readLoop()
	}
	var mu sync.Mutex
	turn := 0
	return crowd(6, func() error {
		mu.Lock()
		turn++
		r := remotes[turn%len(remotes)]
		mu.Unlock()
		return r.ask()
	})
}

// spin wants the P for ever.
//
//go:noinline
func spin(end time.Time) (n int) {
	for time.Now().Before(end) {
		n++
	}
	return n
}

func busyLoop() error {
	end := time.Now().Add(length)
	for i := 0; i < 4; i++ {
		go spin(end)
	}
	return echo(end)
}

var burnt int

// burn has the P until it returns, where asynchronous preemption is off: it calls nothing.
//
//go:noinline
func burn() {
	n := 0
	for i := 0; i < 50_000_000; i++ {
		n += i * i
	}
	burnt = n
}

// unpreempted keeps goroutines at it that nothing preempts and that end. It needs
// GODEBUG=asyncpreemptoff=1.
func unpreempted() error {
	end := time.Now().Add(length)
	others := runtime.NumGoroutine()
	go func() {
		for time.Now().Before(end) {
			if runtime.NumGoroutine() < others+6 {
				go burn()
				go burn()
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return echo(end)
}

// echo has two goroutines hand each other a number every millisecond.
func echo(end time.Time) error {
	ask, answer := make(chan int), make(chan int)
	go func() {
		for v := range ask {
			answer <- v
		}
	}()
	defer close(ask)
	for time.Now().Before(end) {
		ask <- 1
		<-answer
		time.Sleep(time.Millisecond)
	}
	return nil
}

// hog takes a CPU for itself.
func hog() {
	go endWithInput()
	for {
	}
}

// compute needs a CPU.
//
//go:noinline
func compute() {
	n := 0
	for i := 0; i < 1000000; i++ {
		n += i
	}
	if n == 0 {
		panic("cannot be")
	}
}

// cpuHog has other processes, called hog, take the CPUs.
func cpuHog() error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "planted")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	other := filepath.Join(dir, "hog")
	if err := os.Symlink(path, other); err != nil {
		return err
	}
	for i := 0; i < 3*runtime.NumCPU(); i++ {
		stop, _, err := startAs(other, "child-hog", nil)
		if err != nil {
			return err
		}
		defer stop()
	}
	var mu sync.Mutex
	return crowd(2, func() error {
		mu.Lock()
		compute()
		mu.Unlock()
		return nil
	})
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
	err := crowd(3, func() error {
		grow(8)
		return nil
	})
	runtime.KeepAlive(keep)
	return err
}

// writeSlowly writes a line every 5 ms.
func writeSlowly() {
	go endWithInput()
	for {
		time.Sleep(5 * time.Millisecond)
		if _, err := fmt.Println("line"); err != nil {
			return
		}
	}
}

// readSlowly reads four kilobytes every 5 ms. Its standard input is what it reads.
func readSlowly() {
	buf := make([]byte, 4096)
	for {
		time.Sleep(5 * time.Millisecond)
		if _, err := io.ReadFull(os.Stdin, buf); err != nil {
			return
		}
	}
}

// slowPipe is a pipe whose other end a child writes to now and then. Its descriptor blocks the
// thread.
func slowPipe() (fd int, stop func(), err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, nil, err
	}
	stopChild, _, err := start("child-writer", w)
	if err != nil {
		return 0, nil, err
	}
	w.Close()
	return int(r.Fd()), func() { stopChild(); r.Close() }, nil
}

//go:noinline
func fetch(fd int) error {
	var buf [5]byte
	_, err := syscall.Read(fd, buf[:])
	return err
}

// semaphore lets two at a time read the pipe.
func semaphore() error {
	fd, stop, err := slowPipe()
	if err != nil {
		return err
	}
	defer stop()
	places := make(chan struct{}, 2)
	return crowd(8, func() error {
		places <- struct{}{}
		defer func() { <-places }()
		return fetch(fd)
	})
}

// flight is one load that many wait for.
type flight struct {
	mu   sync.Mutex
	done chan struct{}
	err  error
}

//go:noinline
func (f *flight) load(fd int) error {
	f.mu.Lock()
	if done := f.done; done != nil {
		f.mu.Unlock()
		<-done
		return f.err
	}
	done := make(chan struct{})
	f.done = done
	f.mu.Unlock()
	err := fetch(fd)
	f.mu.Lock()
	f.done, f.err = nil, err
	f.mu.Unlock()
	close(done)
	return err
}

func singleflight() error {
	fd, stop, err := slowPipe()
	if err != nil {
		return err
	}
	defer stop()
	f := new(flight)
	return crowd(8, func() error { return f.load(fd) })
}

// logger writes lines to a descriptor that blocks.
type logger struct {
	mu sync.Mutex
	fd int
}

//go:noinline
func (l *logger) print(line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := syscall.Write(l.fd, line)
	return err
}

func logPipe() error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := exec.Command(path, "-case", "child-reader")
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		return err
	}
	r.Close()
	l := &logger{fd: int(w.Fd())}
	line := make([]byte, 4096)
	err = crowd(5, func() error { return l.print(line) })
	w.Close()
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return err
}
