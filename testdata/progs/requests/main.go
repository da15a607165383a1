// Requests is a server that measures its handlers, and what puts load on it. With -serve it prints
// its address, serves until a line of its standard input or the end of it, and then prints as JSON how many requests it
// answered and how long its handlers took. With -load ADDRESS it asks such a server, checks the
// answers, and prints the same as its clients saw it.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/trace"
	"sort"
	"sync"
	"time"
)

func main() {
	serving := flag.Bool("serve", false, "serve, until the standard input has a line or ends")
	address := flag.String("load", "", "put load on the server at this `address`")
	clients := flag.Int("clients", 4, "connections of the load")
	requests := flag.Int("requests", 300, "requests of each")
	closing := flag.Bool("close", false, "a connection for each request")
	traceFile := flag.String("trace", "", "write an execution trace of the serving to this `file`")
	flag.Parse()
	if *serving {
		check(serve(*traceFile))
		return
	}
	check(load(*address, *clients, *requests, *closing))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "requests:", err)
		os.Exit(1)
	}
}

// times are how long things took.
type times struct {
	mu   sync.Mutex
	list []time.Duration
}

func (t *times) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.list = append(t.list, d)
}

// print prints nearest ranks.
func (t *times) print() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	sort.Slice(t.list, func(i, j int) bool { return t.list[i] < t.list[j] })
	n := len(t.list)
	out := map[string]int64{"count": int64(n)}
	for name, percent := range map[string]int{"p50": 50, "p90": 90, "p99": 99, "max": 100} {
		if rank := (n*percent + 99) / 100; rank > 0 {
			out[name] = t.list[rank-1].Nanoseconds()
		}
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

func serve(traceFile string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if traceFile != "" {
		f, err := os.Create(traceFile)
		if err != nil {
			return err
		}
		if err := trace.Start(f); err != nil {
			return err
		}
	}
	var handled times
	srv := &http.Server{Handler: measured(newHandler(), &handled)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		srv.Serve(l)
	}()
	fmt.Println(l.Addr())
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil && err != io.EOF {
		return err
	}
	srv.Close()
	<-served
	trace.Stop()
	return handled.print()
}

// measured measures a handler.
func measured(h http.Handler, to *times) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		h.ServeHTTP(w, r)
		to.add(time.Since(begin))
	})
}

// job is work for a worker.
type job struct {
	n    int
	done chan int
}

// server has what its handlers share.
type server struct {
	mu   sync.Mutex
	held int
	jobs chan job
}

func newHandler() http.Handler {
	s := &server{jobs: make(chan job)}
	for i := 0; i < 2; i++ {
		go s.work()
	}
	mux := http.NewServeMux()
	for name, h := range map[string]func(*http.Request) int{"hello": s.hello, "sleep": s.sleep, "compute": s.compute,
		"lock": s.lock, "ask": s.ask, "fan": s.fan, "body": s.body} {
		h := h
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, h(r)) })
	}
	return mux
}

func (s *server) work() {
	for j := range s.jobs {
		time.Sleep(500 * time.Microsecond)
		j.done <- j.n
	}
}

func (s *server) hello(*http.Request) int { return 1 }

func (s *server) sleep(*http.Request) int {
	time.Sleep(2 * time.Millisecond)
	return 1
}

func (s *server) compute(*http.Request) int {
	for end := time.Now().Add(300 * time.Microsecond); time.Now().Before(end); {
	}
	return 1
}

func (s *server) lock(*http.Request) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	time.Sleep(time.Millisecond)
	s.held++
	return 1
}

// ask waits for a worker, and for the other things that it does itself.
func (s *server) ask(*http.Request) int {
	done := make(chan int, 1)
	s.jobs <- job{1, done}
	return <-done
}

// fan waits for goroutines that it makes.
func (s *server) fan(*http.Request) int {
	var wg sync.WaitGroup
	for i := 0; i < 3; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			time.Sleep(time.Duration(i) * 500 * time.Microsecond)
		}(i)
	}
	wg.Wait()
	return 1
}

// body reads what was posted.
func (s *server) body(r *http.Request) int {
	b, err := io.ReadAll(r.Body)
	check(err)
	return len(b)
}

// load has clients ask for one thing after the other.
func load(address string, clients, requests int, closing bool) error {
	var seen times
	tr := &http.Transport{MaxIdleConnsPerHost: clients, DisableKeepAlives: closing}
	defer tr.CloseIdleConnections()
	client := &http.Client{Transport: tr}
	errs := make(chan error, clients)
	for i := 0; i < clients; i++ {
		go func(i int) {
			for n := 0; n < requests; n++ {
				begin := time.Now()
				if err := ask(client, address, i+n); err != nil {
					errs <- err
					return
				}
				seen.add(time.Since(begin))
			}
			errs <- nil
		}(i)
	}
	for i := 0; i < clients; i++ {
		if err := <-errs; err != nil {
			return err
		}
	}
	return seen.print()
}

// names are what is asked for, one after the other.
var names = []string{"hello", "sleep", "compute", "lock", "ask", "fan", "body"}

// posted is how much is posted: more than a server reads at once.
const posted = 100000

func ask(client *http.Client, address string, n int) error {
	name, want := names[n%len(names)], "1"
	url := "http://" + address + "/" + name
	var resp *http.Response
	var err error
	if name == "body" {
		want = fmt.Sprint(posted)
		resp, err = client.Post(url, "text/plain", bytes.NewReader(make([]byte, posted)))
	} else {
		resp, err = client.Get(url)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err == nil && string(got) != want {
		err = fmt.Errorf("%s answered %q, not %q", name, got, want)
	}
	return err
}
