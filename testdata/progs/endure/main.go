// Command endure works until its standard input ends, checks every answer that its goroutines,
// connections and children give, and ends with exit status 1 if one is wrong. To each line it
// answers how many were right so far; the line may also be a way to end.
package main

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var right int64 // answers that were

func main() {
	child := flag.String("child", "", "answer to this number and end")
	children := flag.Int("children", 0, "goroutines that start one child after the other")
	forks := flag.Int("forks", 0, "goroutines that fork without exec, where that was built in")
	hoard := flag.Int("hoard", 0, "megabytes of memory to keep and check")
	file := flag.String("file", "", "a file to read over and over")
	flag.Parse()
	if *child != "" {
		n, err := strconv.ParseUint(*child, 10, 32)
		if err != nil {
			fail(err)
		}
		fmt.Println(answer(uint32(n)))
		return
	}
	work(*children, *forks, *hoard, *file)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		obey(in.Text())
		fmt.Println(atomic.LoadInt64(&right))
	}
}

func work(children, forks, hoard int, file string) {
	go handOver()
	go handOver()
	go connect()
	go contend(8)
	for i := 0; i < children; i++ {
		go bear(uint32(i))
	}
	for i := 0; i < forks; i++ {
		go split(i)
	}
	if hoard > 0 {
		memory, err := syscall.Mmap(-1, 0, hoard<<20, syscall.PROT_READ|syscall.PROT_WRITE,
			syscall.MAP_PRIVATE|syscall.MAP_ANON) // not of the heap, which would grow by as much again
		if err != nil {
			fail(err)
		}
		go keep(memory)
	}
	if file != "" {
		go read(file)
	}
}

// obey ends the program in the way that a line names.
func obey(line string) {
	switch line {
	case "panic":
		go func() { panic("as it was told") }()
		select {}
	case "nil":
		var p *int
		fmt.Println(*p)
	case "exit":
		os.Exit(7)
	case "exec":
		self, err := os.Executable()
		if err != nil {
			fail(err)
		}
		fail(syscall.Exec(self, os.Args, os.Environ()))
	}
}

func fail(why interface{}) {
	fmt.Fprintln(os.Stderr, "endure:", why)
	os.Exit(1)
}

// answer is what every way of asking has to give.
func answer(n uint32) uint32 {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return crc32.ChecksumIEEE(b[:])
}

func check(how string, n, got uint32) {
	if want := answer(n); got != want {
		fail(fmt.Sprintf("%s answered %d to %d, not %d", how, got, n, want))
	}
	atomic.AddInt64(&right, 1)
}

func handOver() {
	ask, tell := make(chan uint32), make(chan uint32)
	go func() {
		for n := range ask {
			tell <- answer(n)
		}
	}()
	for n := uint32(0); ; n++ {
		ask <- n
		check("a channel", n, <-tell)
		if n%64 == 0 {
			time.Sleep(100 * time.Microsecond)
		}
	}
}

func connect() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	go serve(l)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fail(err)
	}
	for n := uint32(0); ; n++ {
		if err := binary.Write(c, binary.BigEndian, n); err != nil {
			fail(err)
		}
		var got uint32
		if err := binary.Read(c, binary.BigEndian, &got); err != nil {
			fail(err)
		}
		check("a connection", n, got)
	}
}

func serve(l net.Listener) {
	c, err := l.Accept()
	if err != nil {
		fail(err)
	}
	for {
		var n uint32
		if err := binary.Read(c, binary.BigEndian, &n); err != nil {
			fail(err)
		}
		if err := binary.Write(c, binary.BigEndian, answer(n)); err != nil {
			fail(err)
		}
	}
}

// contend has short-lived goroutines count under a mutex.
func contend(workers int) {
	for n := uint32(0); ; n++ {
		var mu sync.Mutex
		var wg sync.WaitGroup
		sum := uint32(0)
		for i := 0; i < workers; i++ {
			wg.Add(1)
			go func() {
				defer wg.Done()
				mu.Lock()
				defer mu.Unlock()
				sum += n
				runtime.Gosched()
			}()
		}
		wg.Wait()
		check("a mutex", uint32(workers)*n, answer(sum))
	}
}

// bear starts one child of this program after the other.
func bear(n uint32) {
	self, err := os.Executable()
	if err != nil {
		fail(err)
	}
	for ; ; n += 100 {
		out, err := exec.Command(self, "-child", fmt.Sprint(n)).Output()
		if err != nil {
			fail(err)
		}
		var got uint32
		if _, err := fmt.Sscan(string(out), &got); err != nil {
			fail(err)
		}
		check("a child", n, got)
	}
}

// keep checks that memory stays as it was written.
func keep(memory []byte) {
	for i := range memory {
		memory[i] = byte(i * 7)
	}
	for n := uint32(0); ; n++ {
		for i := int(n % 4096); i < len(memory); i += 4096 {
			if memory[i] != byte(i*7) {
				fail(fmt.Sprintf("byte %d of its memory has become %d", i, memory[i]))
			}
		}
		check("memory", n, answer(n))
		time.Sleep(time.Millisecond)
	}
}

// read reads a file over and over: its pages fill what memory there is.
func read(name string) {
	first := uint32(0)
	for n := 0; ; n++ {
		f, err := os.Open(name)
		if err != nil {
			fail(err)
		}
		sum := crc32.NewIEEE()
		if _, err := io.Copy(sum, f); err != nil {
			fail(err)
		}
		f.Close()
		if n == 0 {
			first = sum.Sum32()
		}
		if sum.Sum32() != first {
			fail("the file has become another")
		}
		atomic.AddInt64(&right, 1)
	}
}
