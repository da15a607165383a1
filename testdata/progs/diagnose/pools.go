package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

var poolCases = map[string]func() error{
	"http-conns":  httpConns,
	"sql-pool":    sqlPool,
	"worker-pool": workerPool,
}

// warehouse is a database whose answers take a while.
type warehouse struct{ answer time.Duration }

func (w warehouse) Connect(context.Context) (driver.Conn, error) { return wire{w.answer}, nil }
func (w warehouse) Driver() driver.Driver                        { return w }
func (w warehouse) Open(string) (driver.Conn, error)             { return wire{w.answer}, nil }

// wire is a connection to it.
type wire struct{ answer time.Duration }

func (wire) Prepare(string) (driver.Stmt, error) { return nil, errors.New("nothing is prepared") }
func (wire) Close() error                        { return nil }
func (wire) Begin() (driver.Tx, error)           { return nil, errors.New("there are no transactions") }

func (w wire) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	w.roundTrip()
	return new(oneRow), nil
}

//go:noinline
func (w wire) roundTrip() { time.Sleep(w.answer) }

// oneRow is an answer with the number 1.
type oneRow struct{ over bool }

func (*oneRow) Columns() []string { return []string{"n"} }
func (*oneRow) Close() error      { return nil }

func (r *oneRow) Next(row []driver.Value) error {
	if r.over {
		return io.EOF
	}
	r.over = true
	row[0] = int64(1)
	return nil
}

// orders are in a database.
type orders struct{ db *sql.DB }

func openOrders(connections int, answer time.Duration) *orders {
	db := sql.OpenDB(warehouse{answer})
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return &orders{db}
}

//go:noinline
func (o *orders) find() error {
	var n int
	err := o.db.QueryRow("SELECT 1").Scan(&n)
	if err == nil && n != 1 {
		err = fmt.Errorf("the answer is %d", n)
	}
	return err
}

func sqlPool() error {
	o := openOrders(2, 8*time.Millisecond)
	defer o.db.Close()
	return crowd(8, o.find)
}

// quotes come by HTTP.
type quotes struct {
	client *http.Client
	url    string
}

//go:noinline
func (q *quotes) get() error {
	answer, err := q.client.Get(q.url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// httpFrom asks a server in another process over so many connections.
func httpFrom(connections, clients int, pause time.Duration) error {
	stop, out, err := start("child-http", nil)
	if err != nil {
		return err
	}
	defer stop()
	var addr string
	if _, err := fmt.Fscanln(out, &addr); err != nil {
		return err
	}
	transport := &http.Transport{MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections}
	defer transport.CloseIdleConnections()
	q := &quotes{&http.Client{Transport: transport}, "http://" + addr}
	return crowd(clients, func() error {
		err := q.get()
		time.Sleep(pause)
		return err
	})
}

func httpConns() error { return httpFrom(2, 8, 0) }

// pool is workers that get jobs.
type pool struct{ jobs chan job }

// job is work with the place for its answer.
type job struct{ answer chan int }

func newPool(workers int, do func()) *pool {
	p := &pool{make(chan job)}
	for i := 0; i < workers; i++ {
		go p.work(do)
	}
	return p
}

//go:noinline
func (p *pool) work(do func()) {
	for j := range p.jobs {
		do()
		j.answer <- 1
	}
}

//go:noinline
func (p *pool) submit() {
	j := job{make(chan int, 1)}
	p.jobs <- j
	<-j.answer
}

// upload takes as long as the other side does.
//
//go:noinline
func upload() { time.Sleep(8 * time.Millisecond) }

func workerPool() error {
	p := newPool(2, upload)
	defer close(p.jobs)
	return crowd(10, always(p.submit))
}
