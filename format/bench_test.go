package format

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"github.com/gosched/gosched/format/internal/flat"
)

// step is one event of a request on its way through a server: who it happens
// to, what, and how long after the step before in the mean.
type step struct {
	who      byte // 'c' the connection's goroutine, 'b' the request's background reader, 't' the thread
	from, to State
	reason   string
	stack    string
	by       byte // who did it, 0: nobody
	byStack  string
	meanNS   float64
}

const (
	serveStack = "net/http.(*Server).Serve.gowrap3 net/http/server.go:3454;net/http.(*conn).serve " +
		"net/http/server.go:2102"
	readStack = "net/http.(*connReader).startBackgroundRead.gowrap2 " +
		"net/http/server.go:702;net/http.(*connReader).backgroundRead net/http/server.go:711"
)

// request is what a net/http server's runtime does for one small request on a
// connection that is kept alive, as Go's own tracer shows it.
var request = []step{
	{'c', StateWaiting, StateRunnable, "netpoll", "", 0, "", 9000},
	{'t', StateRunnable, StateRunning, "", "", 0, "", 900},
	{'c', StateRunnable, StateRunning, "", "", 0, "", 700},
	{'c', StateRunning, StateSyscall, "read", serveStack + ";read", 0, "", 1200},
	{'c', StateSyscall, StateRunning, "", "", 0, "", 2500},
	{'b', StateNotExist, StateRunnable, "", readStack, 'c', serveStack + ";newproc", 5200},
	{'c', StateRunning, StateSyscall, "write", serveStack + ";write", 0, "", 4100},
	{'c', StateSyscall, StateRunning, "", "", 0, "", 8300},
	{'c', StateRunning, StateWaiting, "sync.(*Cond).Wait", serveStack + ";wait", 0, "", 900},
	{'b', StateRunnable, StateRunning, "", "", 0, "", 800},
	{'c', StateWaiting, StateRunnable, "", "", 'b', readStack + ";Broadcast", 1700},
	{'b', StateRunning, StateNotExist, "", "", 0, "", 600},
	{'c', StateRunnable, StateRunning, "", "", 0, "", 700},
	{'c', StateRunning, StateWaiting, "IO wait", serveStack + ";IO", 0, "", 2400},
	{'t', StateRunning, StateWaiting, "sleeping", "", 0, "", 1500},
}

// serverBatch makes about n events of a server with connections on threads.
func serverBatch(in interner, n, threads, connections int, resolution int64) *Batch {
	rng := rand.New(rand.NewPCG(7, 7))
	var events []Event
	next := GoID(1000)
	for thread := range threads {
		t := int64(1.7e18)
		for len(events) < n*(thread+1)/threads {
			conn := GoID(20 + rng.IntN(connections/threads)*threads + thread)
			background := next
			next++
			cpu := int32(thread)
			if rng.IntN(50) == 0 {
				cpu = rng.Int32N(int32(threads))
			}
			for _, s := range request {
				t += int64(s.meanNS/2 + rng.ExpFloat64()*s.meanNS/4)
				events = append(events, s.event(in, t/resolution*resolution, thread, cpu, conn, background))
			}
		}
	}
	sort.SliceStable(events, func(i, j int) bool { return events[i].TimeNS < events[j].TimeNS })
	b := new(Batch)
	for _, e := range events {
		b.Append(e)
	}
	return b
}

func (s *step) event(in interner, t int64, thread int, cpu int32, conn, background GoID) Event {
	who := map[byte]GoID{'c': conn, 'b': background}
	e := Event{
		TimeNS: t, PID: 4242, TID: int32(5000 + thread), CPU: cpu, Proc: int32(thread), GoID: who[s.who], From: s.from,
		To:     s.to,
		Reason: in.Reasons().Intern(s.reason), Stack: in.Stacks().Intern(s.stack),
		ByGoID: who[s.by], ByStack: in.Stacks().Intern(s.byStack),
	}
	if s.who == 't' {
		e.Kind, e.Proc = KindThread, Unknown
	}
	return e
}

// BenchmarkWrite measures a writer on the events of a server and reports the bytes an event, in all
// and by column.
func BenchmarkWrite(b *testing.B) {
	for _, resolution := range []int64{1, 16} {
		b.Run(fmt.Sprintf("resolution=%dns", resolution), func(b *testing.B) {
			benchmarkWrite(b, resolution)
		})
	}
}

func benchmarkWrite(b *testing.B, resolution int64) {
	const rows = 1 << 20
	var buf bytes.Buffer
	w, err := NewWriter(&buf, WriterOptions{})
	if err != nil {
		b.Fatal(err)
	}
	events := serverBatch(w, rows, 2, 16, resolution)
	for b.Loop() {
		buf.Reset()
		w.last = minTime
		if err := w.begin(&buf); err != nil {
			b.Fatal(err)
		}
		for lo := 0; lo < events.Len(); lo += 5000 {
			part := events.Slice(lo, min(lo+5000, events.Len()))
			if err := w.Write(&part); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Close(Metadata{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(events.Len()), "ns/event")
	b.ReportMetric(float64(buf.Len())/float64(events.Len()), "B/event")
	reportColumns(b, buf.Bytes())
}

// reportColumns logs the bytes an event of each column.
func reportColumns(b *testing.B, file []byte) {
	f, err := flat.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		b.Fatal(err)
	}
	var line strings.Builder
	for c := range Column(NumColumns) {
		bytes := int64(0)
		for g := range f.Groups() {
			bytes += f.ChunkBytes(g, int(c))
		}
		fmt.Fprintf(&line, " %s %.3f", c, float64(bytes)/float64(f.Rows()))
	}
	b.Log("bytes an event:" + line.String())
}

// BenchmarkRead measures how fast the columns that replay needs are decoded.
func BenchmarkRead(b *testing.B) {
	const rows = 4 << 20
	var buf bytes.Buffer
	w, err := NewWriter(&buf, WriterOptions{})
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Write(serverBatch(w, rows, 2, 16, 1)); err != nil {
		b.Fatal(err)
	}
	if err := w.Close(Metadata{}); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		cols ColumnSet
	}{
		{"replay", Columns(ColTime, ColKind, ColGoID, ColFrom, ColTo)},
		{"all", AllColumns},
	} {
		b.Run(c.name, func(b *testing.B) {
			n := int64(0)
			for b.Loop() {
				r, err := NewReader("bench", bytes.NewReader(buf.Bytes()), int64(buf.Len()))
				if err != nil {
					b.Fatal(err)
				}
				for batch, err := range r.Batches(context.Background(), Selection{Columns: c.cols}) {
					if err != nil {
						b.Fatal(err)
					}
					n += int64(batch.Len())
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}
