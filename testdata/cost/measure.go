package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A configuration is a way to record. Only gosched's has flags.
type configuration struct {
	name   string
	flags  []string
	trace  bool    // Go's own tracer
	beside bool    // measured to compare with: where there is little time, of the server alone
	may    float64 // percentage points that may be lost; 0: nothing is demanded
}

var configurations = []configuration{
	{name: "--max-overhead 1%", flags: []string{"--max-overhead", "1%"}, may: 1.3},
	{name: "--max-overhead 5%", flags: []string{"--max-overhead", "5%"}, may: 6},
	{name: "--max-overhead 20%", flags: []string{"--max-overhead", "20%"}, may: 23},
	{name: "--sample 20/s", flags: []string{"--sample", "20/s"}, may: 0.2},
	{name: "--for latency", flags: []string{"--for", "latency"}, beside: true},
	{name: "everything"},
	{name: "Go's own tracer", trace: true, beside: true},
}

type settings struct {
	gosched  string
	slice    time.Duration // how long the program is recorded, or not, at a time
	pairs    int           // how often
	programs string
	only     string
	quick    bool
	dir      string
}

func measure(args []string) error {
	var s settings
	flags := flag.NewFlagSet("measure", flag.ExitOnError)
	flags.StringVar(&s.gosched, "gosched", "gosched", "the program that records")
	flags.DurationVar(&s.slice, "slice", 60*time.Second, "how long the program runs recorded, or not, at a time")
	flags.IntVar(&s.pairs, "pairs", 5, "how many times each")
	flags.StringVar(&s.programs, "programs", "server,channels", "which programs")
	flags.StringVar(&s.only, "only", "", "only configurations with this in their name; several with commas between")
	flags.BoolVar(&s.quick, "quick", false, "two pairs of ten seconds: twelve minutes for everything")
	flags.Parse(args)
	if s.quick {
		s.slice, s.pairs = 10*time.Second, 2
	}
	dir, err := os.MkdirTemp("", "cost")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s.dir = dir
	fmt.Printf("| program | recorded with | throughput lost, points | 95%% interval | gosched says | allowed | |\n" +
		"|---|---|---|---|---|---|---|\n")
	failed := false
	for _, name := range strings.Split(s.programs, ",") {
		for i := range configurations {
			c := &configurations[i]
			if !s.wanted(name, c) {
				continue
			}
			r, err := s.compare(name, c)
			if err != nil {
				fmt.Fprintf(os.Stderr, "%s, %s: %v\n", name, c.name, err)
				failed = true
				continue
			}
			failed = r.print(name, c) || failed
		}
	}
	if failed {
		return errors.New("something cost more than it may, or could not be measured")
	}
	return nil
}

// wanted says whether a configuration was asked for, and gosched has its flags.
func (s *settings) wanted(program string, c *configuration) bool {
	if !s.named(c) || s.quick && program == "channels" && c.beside {
		return false
	}
	if len(c.flags) > 0 {
		help, _ := exec.Command(s.gosched, "record", "--help").CombinedOutput()
		if !strings.Contains(string(help), c.flags[0]+" ") {
			fmt.Fprintf(os.Stderr, "left out: this gosched has no %s\n", c.flags[0])
			return false
		}
	}
	return true
}

// named says whether a configuration is one of those that were asked for by name.
func (s *settings) named(c *configuration) bool {
	if s.only == "" {
		return true
	}
	for _, part := range strings.Split(s.only, ",") {
		if strings.Contains(c.name, part) {
			return true
		}
	}
	return false
}

// program is a busy program: the one that is recorded, and the one that says how much was done.
type program struct {
	recorded *exec.Cmd
	all      []*exec.Cmd
	stdin    io.Writer // of the recorded one

	mu   sync.Mutex
	last [3]int64 // when, how much was done under full load until then, how long there was full load
}

func start(name string) (*program, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &program{}
	if name == "channels" {
		return p, p.run(exec.Command(self, "channels"), true, true)
	}
	const addr = "127.0.0.1:18473"
	if err := p.run(exec.Command(self, "server", addr), true, false); err != nil {
		return nil, err
	}
	time.Sleep(200 * time.Millisecond)
	return p, p.run(exec.Command(self, "load", addr), false, true)
}

func (p *program) run(cmd *exec.Cmd, recorded, tells bool) error {
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		return err
	}
	p.all = append(p.all, cmd)
	if recorded {
		p.recorded, p.stdin = cmd, in
	}
	go func() {
		for lines := bufio.NewScanner(out); tells && lines.Scan(); {
			var now [3]int64
			if _, err := fmt.Sscan(lines.Text(), &now[0], &now[1], &now[2]); err == nil {
				p.mu.Lock()
				p.last = now
				p.mu.Unlock()
			}
		}
	}()
	return nil
}

func (p *program) stop() {
	for _, cmd := range p.all {
		cmd.Process.Kill()
		cmd.Wait()
	}
}

// during is how much was done in a second of full load, in some time that begins with a load step: so all
// slices have the same ones.
func (p *program) during(d time.Duration) float64 {
	time.Sleep(stepEvery - time.Duration(time.Now().UnixNano())%stepEvery)
	p.mu.Lock()
	before := p.last
	p.mu.Unlock()
	time.Sleep(d)
	p.mu.Lock()
	after := p.last
	p.mu.Unlock()
	return float64(after[1]-before[1]) / float64(after[2]-before[2]) * 1e9
}

// result is what a configuration costs.
type result struct {
	lost []float64 // a pair's share of the throughput
	said []float64 // what gosched says it cost
	duty []float64
}

// compare runs a program in pairs of slices, of which one is recorded: in turns the first and the second.
func (s *settings) compare(name string, c *configuration) (*result, error) {
	p, err := start(name)
	if err != nil {
		return nil, err
	}
	defer p.stop()
	time.Sleep(time.Second)
	var r result
	for pair := range s.pairs {
		var speed [2]float64 // not recorded, recorded
		for half := range 2 {
			recorded := (pair + half) % 2
			if recorded == 0 {
				speed[0] = p.during(s.slice)
				continue
			}
			if speed[1], err = s.recorded(p, c, &r); err != nil {
				return nil, err
			}
		}
		if speed[0] > 0 && !math.IsNaN(speed[1]) {
			r.lost = append(r.lost, 1-speed[1]/speed[0])
		}
	}
	return &r, nil
}

// recorded is the speed of the program while it is recorded.
func (s *settings) recorded(p *program, c *configuration, r *result) (float64, error) {
	if c.trace {
		fmt.Fprintln(p.stdin, "trace")
		defer fmt.Fprintln(p.stdin, "no trace")
		return p.during(s.slice), nil
	}
	args := append([]string{"record", "-p", strconv.Itoa(p.recorded.Process.Pid), "--json", "-f", "-o",
		filepath.Join(s.dir, "t.parquet")}, c.flags...)
	cmd := exec.Command(s.gosched, args...)
	notes, err := cmd.StderrPipe()
	if err != nil {
		return 0, err
	}
	var document strings.Builder
	cmd.Stdout = &document
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(notes)
	said := ""
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "recording since") {
		said += lines.Text() + "\n"
	}
	go io.Copy(io.Discard, notes)
	speed := p.during(s.slice)
	cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err != nil {
		return 0, fmt.Errorf("gosched: %w: %s", err, said)
	}
	var d struct {
		Governor *struct {
			Overhead  float64 `json:"overhead"`
			DutyCycle float64 `json:"duty_cycle"`
		} `json:"governor"`
	}
	if err := json.Unmarshal([]byte(document.String()), &d); err != nil {
		return 0, fmt.Errorf("gosched --json: %w", err)
	}
	if d.Governor != nil {
		r.said = append(r.said, d.Governor.Overhead)
		r.duty = append(r.duty, d.Governor.DutyCycle)
	}
	return speed, nil
}

// print prints a row of the table, and says whether more was lost than may be.
func (r *result) print(name string, c *configuration) (failed bool) {
	mean, half := interval(r.lost)
	said, allowed, verdict := "", "", ""
	if len(r.said) > 0 {
		overhead, _ := interval(r.said)
		duty, _ := interval(r.duty)
		said = fmt.Sprintf("%.2f%%, watched %.1f%% of the time", 100*overhead, 100*duty)
	}
	if c.may > 0 {
		allowed = fmt.Sprintf("%.1f", c.may)
		verdict = "pass"
		if 100*mean > c.may {
			verdict, failed = "fail", true
		}
	}
	fmt.Printf("| %s | %s | %.2f | %.2f … %.2f | %s | %s | %s |\n", name, c.name, 100*mean, 100*(mean-half),
		100*(mean+half), said, allowed, verdict)
	return failed
}

// t95 are the two-sided 95% quantiles of Student's distribution, by degrees of freedom; beyond them
// that of the normal distribution.
var t95 = []float64{math.Inf(1), 12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179,
	2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086}

// interval is the mean and half its 95% interval.
func interval(x []float64) (mean, half float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	square := 0.0
	for _, v := range x {
		square += (v - mean) * (v - mean)
	}
	df := len(x) - 1
	if df < 1 {
		return mean, math.Inf(1)
	}
	t := 1.96
	if df < len(t95) {
		t = t95[df]
	}
	return mean, t * math.Sqrt(square/float64(df)/float64(len(x)))
}
