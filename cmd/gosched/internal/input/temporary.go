package input

import (
	"os"
	"os/signal"
	"sync"
)

// temporary are the folders that exist to read Go traces. Signals are the process's, and so these
// are too: whichever trace is being read, a signal removes all of them.
var temporary folders

// folders are removed one by one, or all of them where a signal ends the program.
type folders struct {
	filling sync.RWMutex // held for reading while a folder is made and filled: a signal ends that by itself

	mu      sync.Mutex
	dirs    map[string]bool
	signals chan os.Signal // nil: no folder
}

// fill makes a folder and has it filled; where that fails, it is removed. When a signal comes later
// while it is there, exit ends the program.
func (f *folders) fill(exit func(), with func(dir string) error) (string, error) {
	f.filling.RLock()
	defer f.filling.RUnlock()
	dir, err := os.MkdirTemp("", "gosched-import-")
	if err != nil {
		return "", err
	}
	if err := with(dir); err != nil {
		_ = os.RemoveAll(dir)
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.signals == nil {
		f.dirs, f.signals = map[string]bool{}, make(chan os.Signal, 1)
		signal.Notify(f.signals, Endings...)
		go f.await(f.signals, exit)
	}
	f.dirs[dir] = true
	return dir, nil
}

// remove removes a folder.
func (f *folders) remove(dir string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = os.RemoveAll(dir)
	delete(f.dirs, dir)
	if len(f.dirs) == 0 && f.signals != nil {
		signal.Stop(f.signals)
		close(f.signals)
		f.signals = nil
	}
}

// await removes all folders at a signal, also those that are being filled, and ends the program.
func (f *folders) await(signals <-chan os.Signal, exit func()) {
	if _, ok := <-signals; !ok {
		return
	}
	f.filling.Lock()
	defer f.filling.Unlock()
	f.mu.Lock()
	defer f.mu.Unlock()
	for dir := range f.dirs {
		_ = os.RemoveAll(dir)
	}
	exit()
}
