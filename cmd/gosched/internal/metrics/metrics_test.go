package metrics

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/gosched/gosched/analyze/latency"
	"github.com/gosched/gosched/analyze/replay"
	"github.com/gosched/gosched/analyze/stats"
	"github.com/gosched/gosched/format"
	"github.com/gosched/gosched/record/flight"
)

// feed feeds a trace as a recorder would, and asks for its delays as latency does.
func feed(t *testing.T, r *Recording) (map[string]*stats.Histogram, int64) {
	t.Helper()
	trace, err := format.Open("../../testdata/tour/trace.parquet")
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Begin(trace.Metadata(), trace.Reasons(), trace.Stacks()); err != nil {
		t.Fatal(err)
	}
	var rows int64
	for b, err := range trace.Batches(context.Background(), format.Selection{}) {
		if err == nil {
			err = r.Feed(b)
		}
		if err != nil {
			t.Fatal(err)
		}
		rows += int64(b.Len())
	}
	if err := r.End(trace.Metadata()); err != nil {
		t.Fatal(err)
	}
	pass := latency.New()
	sum, err := replay.Run(context.Background(), trace, pass)
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]*stats.Histogram{}
	for _, g := range pass.Entries(sum.Names()) {
		entries[g.Name] = g.Delays
	}
	return entries, rows
}

// getter asks.
type getter = func(*http.Request) (*http.Response, error)

// scrape asks for the metrics in a format, and reads them with Prometheus' own parser.
func scrape(t *testing.T, get getter, as expfmt.Format) map[string]*dto.MetricFamily {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://host/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", string(as))
	resp, err := get(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got := expfmt.ResponseFormat(resp.Header)
	if got.FormatType() != as.FormatType() {
		t.Fatalf("asked for %q, it answers with %q", as, got)
	}
	families := map[string]*dto.MetricFamily{}
	for decoder := expfmt.NewDecoder(resp.Body, got); ; {
		family := new(dto.MetricFamily)
		if err := decoder.Decode(family); err == io.EOF {
			return families
		} else if err != nil {
			t.Fatal(err)
		}
		families[family.GetName()] = family
	}
}

// serve serves a recording at an address, and gives what asks it.
func serve(t *testing.T, r *Recording, address string) getter {
	t.Helper()
	l, err := Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	stop := r.Serve(l)
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, l.Addr().Network(), l.Addr().String())
		}}}
	return client.Do
}

// nativeQuantile is the upper end of the native bucket that has a quantile.
func nativeQuantile(h *dto.Histogram, q float64) float64 {
	base := math.Pow(2, math.Pow(2, -float64(h.GetSchema())))
	rank := uint64(math.Ceil(q * float64(h.GetSampleCount())))
	seen, count, index, at := h.GetZeroCount(), int64(0), int32(0), 0
	for _, span := range h.GetPositiveSpan() {
		index += span.GetOffset()
		for range span.GetLength() {
			count += h.GetPositiveDelta()[at]
			at++
			if seen += uint64(count); seen >= rank {
				return math.Pow(base, float64(index))
			}
			index++
		}
	}
	return math.Inf(1)
}

// TestNativeHistogramsSayWhatLatencySays compares the counts and the 99th percentiles of all entry
// functions of a trace.
func TestNativeHistogramsSayWhatLatencySays(t *testing.T) {
	r := New()
	entries, _ := feed(t, r)
	get := serve(t, r, ":0")
	family := scrape(t, get, expfmt.NewFormat(expfmt.TypeProtoDelim))["gosched_goroutine_delay_seconds"]
	compared := 0
	for _, m := range family.GetMetric() {
		name, h := m.GetLabel()[0].GetValue(), m.GetHistogram()
		want := entries[name]
		if want == nil || uint64(want.Count()) != h.GetSampleCount() {
			t.Errorf("%s: %d delays are shown; latency has %v", name, h.GetSampleCount(), want)
			continue
		}
		delete(entries, name)
		p99, known := want.Quantile(stats.P99)
		if !known {
			continue
		}
		compared++
		shown, exact := nativeQuantile(h, 0.99), float64(p99)/1e9
		width := math.Pow(2, math.Pow(2, -float64(h.GetSchema()))) * 1.02 // latency has buckets too
		if shown < exact/width || shown > exact*width {
			t.Errorf("%s: the p99 shown is %g s; latency says %g s", name, shown, exact)
		}
	}
	for name, h := range entries {
		if h.Count() > 0 {
			t.Errorf("%s has %d delays, none is shown", name, h.Count())
		}
	}
	if compared == 0 {
		t.Error("no percentile was compared")
	}
}

// TestAScrapeSaysWhatTheRecorderSays reads the text form, over a socket in the file system.
func TestAScrapeSaysWhatTheRecorderSays(t *testing.T) {
	r := New()
	_, rows := feed(t, r)
	path := filepath.Join(t.TempDir(), "metrics.sock")
	get := serve(t, r, "unix:"+path)
	text := expfmt.NewFormat(expfmt.TypeTextPlain)
	if got := scrape(t, get, text); got["gosched_kept_bytes"] != nil || got["gosched_budget_ratio"] != nil {
		t.Error("it shows what this recorder does not do")
	}
	r.Set(Figures{Lost: 3, LostStacks: 4, Bytes: 5, Processes: 2, Rounds: &format.Rounds{Made: 6, LeftOut: 1},
		Governor: &format.Governor{MaxOverhead: 0.01, Overhead: 0.008, CPUs: 0.002, AllowedCPUs: 0.008,
			DutyCycle: 0.25, Windows: 9},
		Kept: &flight.Counts{KeptNS: 7e9, KeptBytes: 8, Suppressed: 10}})
	got := scrape(t, get, text)
	for name, want := range map[string]float64{
		"gosched_lost_events_total": 3, "gosched_lost_stacks_total": 4, "gosched_written_bytes_total": 5,
		"gosched_processes": 2, "gosched_rounds_total": 6, "gosched_rounds_left_out_total": 1,
		"gosched_budget_ratio": 0.01, "gosched_overhead_ratio": 0.008,
		"gosched_budget_used_ratio": 0.25, "gosched_duty_cycle_ratio": 0.25,
		"gosched_windows_total": 9, "gosched_kept_seconds": 7, "gosched_kept_bytes": 8,
		"gosched_triggers_suppressed_total": 10, "gosched_events_total": float64(rows),
	} {
		sum := 0.0
		for _, m := range got[name].GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
		if sum != want {
			t.Errorf("%s is %g; want %g", name, sum, want)
		}
	}
	for _, name := range []string{"process_cpu_seconds_total", "process_resident_memory_bytes",
		"gosched_last_event_timestamp_seconds", "gosched_goroutine_delay_seconds"} {
		if len(got[name].GetMetric()) == 0 {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestEntryFunctionsThatAreToldApartAreBounded(t *testing.T) {
	d := newDelays()
	reasons, stacks := new(format.Strings), new(format.Strings)
	walk := replay.NewWalk(d)
	if err := walk.Begin(format.Metadata{}, reasons, stacks); err != nil {
		t.Fatal(err)
	}
	for i := range MaxEntries {
		d.told[fmt.Sprint(i)] = true
	}
	d.Spans([]replay.Span{{End: 1000, State: format.StateRunnable, Next: format.StateRunning}})
	if d.told["unknown"] || len(d.told) != MaxEntries {
		t.Errorf("%d entry functions are told apart", len(d.told))
	}
}

func TestAddressesThatAreNone(t *testing.T) {
	for address, want := range map[string]string{
		"9464": "is no address", "host:": "is no address", "unix:": "takes the path", "a:b:c": "is no address",
		"": "is no address",
	} {
		if l, err := Listen(address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %q", address, l, err, want)
		}
	}
	l, err := Listen(":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if ip := l.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		t.Errorf("without a host it listens on %v", ip)
	}
}
