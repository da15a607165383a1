// Http serves requests to its own clients over kept and over fresh connections.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"gosched.test/progs/internal/bracket"
)

func main() {
	bracket.Main(func() error {
		return bracket.First(load(8, 60, false), load(4, 15, true))
	})
}

// load has clients ask a server for answers that they check.
func load(clients, requests int, fresh bool) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: http.HandlerFunc(answer)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		srv.Serve(l)
	}()
	tr := &http.Transport{DisableKeepAlives: fresh, MaxIdleConnsPerHost: clients}
	client := &http.Client{Transport: tr}
	var wg sync.WaitGroup
	var right int64
	for i := 0; i < clients; i++ {
		wg.Add(1)
		go func(i int) {
			defer wg.Done()
			for r := 0; r < requests; r++ {
				if ask(client, l.Addr().String(), i*1000+r) {
					atomic.AddInt64(&right, 1)
				}
			}
		}(i)
	}
	wg.Wait()
	tr.CloseIdleConnections()
	srv.Close()
	<-served
	return bracket.Check("right answers", right, int64(clients*requests))
}

func answer(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "answer %s", r.URL.Path) }

func ask(client *http.Client, addr string, n int) bool {
	path := fmt.Sprintf("/%d", n)
	resp, err := client.Get("http://" + addr + path)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return err == nil && string(body) == "answer "+path
}
