// Command traced runs a NATS server and writes a Go execution trace of some seconds of it: what
// anybody can record who may build the program, without privileges.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/trace"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	ports := flag.String("ports_file_dir", ".", "write the file with the server's ports into this `folder`")
	output := flag.String("o", "go.trace", "write the trace to this `file`")
	duration := flag.Duration("d", 5*time.Second, "how long to trace")
	flag.Parse()
	if err := run(*ports, *output, *duration); err != nil {
		fmt.Fprintln(os.Stderr, "traced:", err)
		os.Exit(1)
	}
}

func run(ports, output string, duration time.Duration) error {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, PortsFileDir: ports,
		NoSigs: true})
	if err != nil {
		return err
	}
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(10 * time.Second) {
		return errors.New("the server did not start in 10 seconds")
	}
	time.Sleep(time.Second) // clients connect
	file, err := os.Create(output)
	if err != nil {
		return err
	}
	if err := trace.Start(file); err != nil {
		return err
	}
	time.Sleep(duration)
	trace.Stop()
	return file.Close()
}
