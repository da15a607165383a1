package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
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

// startReader starts a child that reads the pipe r, which is closed here.
func startReader(name string, r *os.File) (stop func(), err error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "-case", name)
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r.Close()
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}, nil
}

// endWithInput ends the process when its standard input does.
func endWithInput() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// listen is a TCP port, which it prints.
func listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		os.Exit(1)
	}
	fmt.Println(l.Addr())
	return l
}

// echoAfterAWhile is a server that takes 20 ms for each line.
func echoAfterAWhile() {
	go endWithInput()
	for l := listen(); ; {
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

// answerHTTP is a server that takes 10 ms for each request.
func answerHTTP() {
	go endWithInput()
	_ = http.Serve(listen(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(10 * time.Millisecond)
		fmt.Fprintln(w, "1")
	}))
}

// loadSlowly asks the HTTP server, whose address it reads, 100 times a second.
func loadSlowly() {
	var addr string
	if _, err := fmt.Scanln(&addr); err != nil {
		return
	}
	go endWithInput()
	for range time.Tick(10 * time.Millisecond) {
		answer, err := http.Get("http://" + addr)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
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

// readAll reads what there is.
func readAll() { _, _ = io.Copy(io.Discard, os.Stdin) }

// compute takes a CPU for itself.
func compute() {
	go endWithInput()
	for {
	}
}
