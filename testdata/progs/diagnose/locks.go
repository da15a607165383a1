package main

import (
	"os"
	"os/exec"
	"sync"
	"time"
)

var lockCases = map[string]func() error{
	"cond-producer":    condProducer,
	"exec-under-lock":  execUnderLock,
	"fsync-under-lock": fsyncUnderLock,
	"hot-shard":        hotShard,
	"lock-convoy":      lockConvoy,
	"nested-locks":     nestedLocks,
	"once-slow":        onceSlow,
	"retry-under-lock": retryUnderLock,
	"rwmutex-readers":  longReaders,
	"rwmutex-writer":   longWriter,
	"sleep-under-lock": sleepUnderLock,
	"slow-reader":      slowReader,
}

// cache does all of its work under one lock.
type cache struct{ mu sync.Mutex }

//go:noinline
func (c *cache) get(d time.Duration) {
	c.mu.Lock()
	busy(d)
	c.mu.Unlock()
}

func lockConvoy() error {
	var c cache
	return crowd(8, always(func() { c.get(300 * time.Microsecond) }))
}

type journal struct {
	mu   sync.Mutex
	file *os.File
}

// append holds the lock until the disk has the data.
//
//go:noinline
func (j *journal) append(line []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(line); err != nil {
		return err
	}
	return j.file.Sync()
}

func fsyncUnderLock() error {
	f, err := os.CreateTemp(".", "journal")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	j := &journal{file: f}
	line := make([]byte, 4096)
	return crowd(6, func() error { return j.append(line) })
}

type leases struct{ mu sync.Mutex }

// renew sleeps with the lock in its hand.
//
//go:noinline
func (l *leases) renew() {
	l.mu.Lock()
	time.Sleep(5 * time.Millisecond)
	l.mu.Unlock()
}

func sleepUnderLock() error {
	var l leases
	return crowd(5, always(l.renew))
}

// uplink is a connection that refuses two of three attempts.
type uplink struct {
	mu       sync.Mutex
	attempts int
}

// send tries again and again with the lock in its hand.
//
//go:noinline
func (u *uplink) send() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for pause := time.Millisecond; !u.try(); pause *= 2 {
		time.Sleep(pause)
	}
}

func (u *uplink) try() bool {
	u.attempts++
	busy(20 * time.Microsecond)
	return u.attempts%3 == 0
}

func retryUnderLock() error {
	var u uplink
	return crowd(6, always(u.send))
}

type ledger struct{ a, b, c sync.Mutex }

//go:noinline
func (l *ledger) post() {
	l.a.Lock()
	l.account()
	l.a.Unlock()
}

//go:noinline
func (l *ledger) account() {
	l.b.Lock()
	l.record()
	l.b.Unlock()
}

//go:noinline
func (l *ledger) record() {
	l.c.Lock()
	busy(3 * time.Millisecond)
	l.c.Unlock()
}

func nestedLocks() error {
	var l ledger
	var turn turns
	ways := [...]func(){l.post, l.account, l.record}
	return crowd(6, always(func() { ways[turn.next()%3]() }))
}

type table struct {
	mu   sync.RWMutex
	rows int
}

// scan reads for long with the lock held: a writer has to wait for it, and all other readers for
// the writer.
//
//go:noinline
func (t *table) scan(d time.Duration) {
	t.mu.RLock()
	busy(d)
	t.mu.RUnlock()
}

//go:noinline
func (t *table) read() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.rows
}

//go:noinline
func (t *table) write() {
	t.mu.Lock()
	t.rows++
	t.mu.Unlock()
}

// reload holds the lock for writing.
//
//go:noinline
func (t *table) reload(d time.Duration) {
	t.mu.Lock()
	busy(d)
	t.mu.Unlock()
}

// beside does something in a goroutine of its own, pace apart, until stop is called.
func beside(pace time.Duration, do func()) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			case <-time.After(pace):
				do()
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

func slowReader() error {
	t := new(table)
	defer beside(time.Millisecond, func() { t.scan(10 * time.Millisecond) })()
	var turn turns
	return crowd(6, always(func() {
		if turn.next()%4 == 0 {
			t.write()
		} else {
			t.read()
		}
		time.Sleep(200 * time.Microsecond)
	}))
}

// longReaders has writers wait for readers who have the lock for long, each in turn.
func longReaders() error {
	t := new(table)
	for i := 0; i < 3; i++ {
		defer beside(time.Millisecond, func() { t.scan(10 * time.Millisecond) })()
	}
	return crowd(3, always(func() {
		t.write()
		time.Sleep(200 * time.Microsecond)
	}))
}

// longWriter has readers wait for one who writes for long.
func longWriter() error {
	t := new(table)
	defer beside(4*time.Millisecond, func() { t.reload(20 * time.Millisecond) })()
	return crowd(6, always(func() {
		t.read()
		time.Sleep(200 * time.Microsecond)
	}))
}

type converter struct {
	mu   sync.Mutex
	path string
}

// convert waits for a child process with the lock held.
//
//go:noinline
func (c *converter) convert() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return exec.Command(c.path, "-case", "child-convert").Run()
}

func execUnderLock() error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	c := &converter{path: path}
	return crowd(4, c.convert)
}

// shards are locks of one place, of which each has some of the keys.
type shards [16]struct {
	mu  sync.Mutex
	sum int
}

//go:noinline
func (s *shards) add(key int, d time.Duration) {
	mine := &s[key%len(s)]
	mine.mu.Lock()
	busy(d)
	mine.sum++
	mine.mu.Unlock()
}

// hotShard has nine in ten keys in one shard.
func hotShard() error {
	var s shards
	var turn turns
	return crowd(8, always(func() {
		key := turn.next()
		if key%10 != 0 {
			key = 3
		}
		s.add(key, 300*time.Microsecond)
	}))
}

// tenant is opened by who asks for it first, while all others wait.
type tenant struct{ once sync.Once }

//go:noinline
func (t *tenant) open() { t.once.Do(loadTenant) }

//go:noinline
func loadTenant() { time.Sleep(60 * time.Millisecond) }

func onceSlow() error {
	tenants := make([]tenant, length/(50*time.Millisecond))
	begin := time.Now()
	return crowd(8, always(func() {
		i := int(time.Since(begin) / (65 * time.Millisecond))
		if i < len(tenants) {
			tenants[i].open()
		}
		time.Sleep(time.Millisecond)
	}))
}

// mailbox is a queue whose consumers wait on a condition.
type mailbox struct {
	mu    sync.Mutex
	some  *sync.Cond
	items []int
	done  bool
}

// fill takes long to make an item.
//
//go:noinline
func (m *mailbox) fill() {
	busy(2 * time.Millisecond)
	m.mu.Lock()
	m.items = append(m.items, 1)
	m.mu.Unlock()
	m.some.Signal()
}

//go:noinline
func (m *mailbox) take() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.items) == 0 && !m.done {
		m.some.Wait()
	}
	if len(m.items) > 0 {
		m.items = m.items[1:]
	}
}

func condProducer() error {
	m := new(mailbox)
	m.some = sync.NewCond(&m.mu)
	go func() {
		for end := time.Now().Add(length); time.Now().Before(end); {
			m.fill()
		}
		m.mu.Lock()
		m.done = true
		m.mu.Unlock()
		m.some.Broadcast()
	}()
	return serve(6, always(m.take))
}
