// Descriptors has goroutines that wait for file descriptors of every kind, for good. It says which
// goroutine waits for what, a line each, "." at their end, and waits until its input ends. -idle is
// how many connections it has beside them, of which it says nothing.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	idle := flag.Int("idle", 0, "connections that nothing comes through")
	flag.Parse()
	dir, err := os.MkdirTemp("", "descriptors")
	check(err)
	defer os.RemoveAll(dir)
	pipes()
	calls()
	connections()
	unixSockets(dir)
	crowd(*idle)
	time.Sleep(50 * time.Millisecond) // until all wait
	fmt.Println(".")
	io.Copy(io.Discard, os.Stdin)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// waits runs a goroutine and says what it will wait for.
func waits(fd int, what string, wait func()) {
	ids := make(chan string)
	go func() {
		var stack [64]byte
		n := runtime.Stack(stack[:], false)
		ids <- strings.Fields(string(stack[:n]))[1]
		wait()
	}()
	fmt.Println(<-ids, fd, what)
}

// link is what the kernel calls a descriptor.
func link(fd int) string {
	name, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	check(err)
	return name
}

// descriptor is a file's or a connection's, which stays non-blocking: File.Fd would change that.
func descriptor(c syscall.Conn) (fd int) {
	raw, err := c.SyscallConn()
	check(err)
	check(raw.Control(func(n uintptr) { fd = int(n) }))
	return fd
}

// fill writes until nothing more goes in.
func fill(w io.Writer) {
	for {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

// pipes waits for pipes by way of the poller.
func pipes() {
	r, w, err := os.Pipe()
	check(err)
	fd := descriptor(w)
	waits(fd, link(fd)+" write", func() { fill(w) })
	keep = append(keep, r)
	r, w, err = os.Pipe()
	check(err)
	fd = descriptor(r)
	waits(fd, link(fd)+" read", func() { r.Read(make([]byte, 1)) })
	keep = append(keep, w)
}

// keep is what must not be closed.
var keep []interface{}

// calls waits for pipes in system calls.
func calls() {
	var p [2]int
	check(syscall.Pipe(p[:]))
	waits(p[1], link(p[1])+" write", func() { fill(blocking(p[1])) })
	var q [2]int
	check(syscall.Pipe(q[:]))
	waits(q[0], link(q[0])+" read", func() { syscall.Read(q[0], make([]byte, 1)) })
}

// blocking writes in system calls.
type blocking int

func (b blocking) Write(p []byte) (int, error) { return syscall.Write(int(b), p) }

// connections waits for both ends of connections, and for one to be made.
func connections() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fd := descriptor(l.(*net.TCPListener))
	a, b := connect(l)
	waits(fd, "socket "+l.Addr().String()+" read", func() { l.Accept() })
	fd = descriptor(a.(*net.TCPConn))
	waits(fd, "socket "+a.LocalAddr().String()+"->"+a.RemoteAddr().String()+" write", func() { fill(a) })
	fd = descriptor(b.(*net.TCPConn))
	waits(fd, "socket "+b.LocalAddr().String()+"->"+b.RemoteAddr().String()+" write", func() { fill(b) })
	a, b = connect(l6())
	fd = descriptor(a.(*net.TCPConn))
	waits(fd, "socket "+a.LocalAddr().String()+"->"+a.RemoteAddr().String()+" read", func() { a.Read(make([]byte, 1)) })
	keep = append(keep, b)
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(err)
	fd = descriptor(u.(*net.UDPConn))
	waits(fd, "udp "+u.LocalAddr().String()+" read", func() { u.ReadFrom(make([]byte, 1)) })
}

// l6 listens for IPv4 and IPv6 at once.
func l6() net.Listener {
	l, err := net.Listen("tcp", ":0")
	check(err)
	return l
}

func connect(l net.Listener) (a, b net.Conn) {
	made := make(chan net.Conn)
	go func() {
		c, err := l.Accept()
		check(err)
		made <- c
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	check(err)
	a, err = net.Dial("tcp", "127.0.0.1:"+port)
	check(err)
	return a, <-made
}

func unixSockets(dir string) {
	path := filepath.Join(dir, "a socket")
	l, err := net.Listen("unix", path)
	check(err)
	fd := descriptor(l.(*net.UnixListener))
	waits(fd, "unix "+path+" read", func() { l.Accept() })
}

// crowd has connections that nothing comes through, and a goroutine for each end.
func crowd(n int) {
	if n == 0 {
		return
	}
	l := l6()
	for i := 0; i < n/2; i++ {
		a, b := connect(l)
		go a.Read(make([]byte, 1))
		go b.Read(make([]byte, 1))
	}
}
