package compare

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gosched/gosched/analyze/summary"
	"github.com/gosched/gosched/format"
)

// build is a program whose recordings the tests make up.
type build struct {
	delayNS   float64 // the median scheduling delay
	lockNS    float64 // the median wait for the store's lock
	scatter   float64 // between recordings: the standard deviation of logarithms
	audit     bool    // requests also wait for an answer in main.audit
	leaks     int64   // goroutines that each recording leaves behind in main.notify
	server    string  // the function in which connections are read
	goVersion string
	host      string
}

func plain() build {
	return build{delayNS: 1e6, lockNS: 2e6, scatter: 0.1, server: "main.serve", goVersion: "go1.26.8", host: "vm"}
}

const (
	stackOfStore  = "main.main;main.handle;main.(*store).get;sync.(*Mutex).Lock"
	stackOfFlush  = "main.main;main.(*store).flush;sync.(*Mutex).Unlock"
	stackOfAudit  = "main.main;main.handle;main.audit;runtime.chanrecv1"
	stackOfWorker = "main.worker;runtime.chanrecv1"
	wallClock     = 1_790_000_000_000_000_000 // in 2026
)

// record makes up the recording that is made as the order-th.
func (b build) record(order int, seed uint64) *summary.Recording {
	rng := rand.New(rand.NewPCG(seed, uint64(order)))
	luck := math.Exp(b.scatter * rng.NormFloat64())
	r := &summary.Recording{Info: b.info(order, seed)}
	delays := b.group(summary.Key{Measure: summary.MeasureDelay, By: summary.ByTotal}, rng, 3000, b.delayNS*luck)
	locks := b.group(summary.Key{Measure: summary.MeasureWait, By: summary.ByContention}, rng, 400, b.lockNS*luck)
	site := *locks
	site.Key = summary.Key{Measure: summary.MeasureWait, By: summary.BySite, Name: "sync.Mutex.Lock",
		Stack: stackOfStore}
	site.Frame = "main.(*store).get /src/store.go:40"
	worker := b.group(summary.Key{Measure: summary.MeasureWait, By: summary.BySite, Name: "chan receive",
		Stack: stackOfWorker}, rng, 400, 3e6)
	worker.Frame = "main.worker /src/main.go:90"
	worker.IdleNS = worker.TimeNS()
	conn := b.group(summary.Key{Measure: summary.MeasureWait, By: summary.BySite, Name: "IO wait",
		Stack: "main.accept;" +
			b.server + ";net.(*conn).Read"}, rng, 200, 1e6)
	conn.Frame = b.server + " /src/main.go:30"
	own := *delays
	own.Key.By = summary.ByNoCPUContention
	r.Groups = append(r.Groups, *delays, own, *locks, site, *worker, *conn)
	if b.audit {
		g := b.group(summary.Key{Measure: summary.MeasureWait, By: summary.BySite, Name: "chan receive",
			Stack: stackOfAudit}, rng, 200, 1e6)
		g.Frame = "main.audit /src/audit.go:12"
		r.Groups = append(r.Groups, *g)
	}
	r.Pairs = []summary.Pair{{Reason: "sync.Mutex.Lock", Stack: stackOfStore, Waker: stackOfFlush,
		WakerFrame: "main.(*store).flush /src/store.go:71", Count: 400, NS: site.TimeNS()}}
	r.Info.Causes = []summary.Cause{{Kind: summary.CauseQueued, Name: "main.compact", NS: delays.TimeNS(), Count: 3000}}
	byReason := map[string]*summary.Group{}
	for i := range r.Groups {
		g := &r.Groups[i]
		if g.By != summary.BySite {
			continue
		}
		if byReason[g.Name] == nil {
			byReason[g.Name] = &summary.Group{Key: summary.Key{Measure: summary.MeasureWait, By: summary.ByReason,
				Name: g.Name}}
		}
		byReason[g.Name].Hist.Merge(&g.Hist)
	}
	for _, g := range byReason {
		r.Groups = append(r.Groups, *g)
	}
	slices.SortFunc(r.Groups, func(a, b summary.Group) int { return compareKeys(a.Key, b.Key) })
	return r
}

func compareKeys(a, b summary.Key) int {
	return slices.Compare([]string{string(a.Measure), string(a.By), a.Name, a.Stack}, []string{string(b.Measure),
		string(b.By), b.Name, b.Stack})
}

func (b build) group(key summary.Key, rng *rand.Rand, n int, median float64) *summary.Group {
	g := &summary.Group{Key: key}
	for range n {
		g.Hist.Add(int64(median * math.Exp(0.8*rng.NormFloat64())))
	}
	return g
}

func (b build) info(order int, seed uint64) summary.Info {
	alive := 20 + b.leaks
	info := summary.Info{
		LeaksJudged: true, ID: fmt.Sprintf("%08x%08x", seed, order), DurationNS: 1e9, Events: 20_000,
		Goroutines: &alive,
		Meta: format.Metadata{
			SchemaVersion: 1, Source: format.SourceEBPF, Recorder: "gosched test", Host: b.host, Arch: "amd64",
			CPUModel: "some CPU", CPUs: 2,
			StartNS: wallClock + int64(order)*2e9, MaxStackDepth: 64,
			Processes: []format.Process{{PID: 7, Command: "server", GoVersion: b.goVersion, GOMAXPROCS: 2,
				Coverage: format.FullCoverage()}},
		},
	}
	if b.leaks > 0 {
		info.Leaks = []summary.Leak{{Where: "main.notify", Entry: "main.notify", Reason: "chan send",
			Frame: "main.notify /src/notify.go:9", Count: b.leaks}}
	}
	return info
}

// inTurns are n recordings of each build in the order base head head base.
func inTurns(base, head build, n int, seed uint64) (b, h []*summary.Recording) {
	for i := range 2 * n {
		if i%4 == 0 || i%4 == 3 {
			b = append(b, base.record(i, seed))
		} else {
			h = append(h, head.record(i, seed))
		}
	}
	return b, h
}

// inRow are n recordings of base and then n of head.
func inRow(base, head build, n int, seed uint64) (b, h []*summary.Recording) {
	for i := range n {
		b, h = append(b, base.record(i, seed)), append(h, head.record(n+i, seed))
	}
	return b, h
}
