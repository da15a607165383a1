package replay

import "testing"

func TestForMutex(t *testing.T) {
	const lock = "main.f f.go:1;sync.(*Mutex).Lock mutex.go:9;internal/sync.(*Mutex).lockSlow mutex.go:1"
	for _, test := range []struct {
		reason, stack string
		want          bool
	}{
		{"sync.Mutex.Lock", "", true},
		{"sync.RWMutex.RLock", "main.f f.go:1", true},
		{"semacquire", lock, true},
		{"sync", "main.f f.go:1;sync.(*RWMutex).RLock rwmutex.go:3", true},
		{"sync", "main.f f.go:1;sync.(*WaitGroup).Wait waitgroup.go:3", false},
		{"semacquire", "", false}, // of anything in package sync
		{"sync.WaitGroup.Wait", lock, false},
		{"chan receive", lock, false},
	} {
		if got := ForMutex(test.reason, test.stack); got != test.want {
			t.Errorf("ForMutex(%q, %q) = %v", test.reason, test.stack, got)
		}
		if got := ClassAt(test.reason, test.stack); (got == ClassMutex) != test.want {
			t.Errorf("ClassAt(%q, %q) = %v", test.reason, test.stack, got)
		}
	}
	for reason := range mutexes {
		if ClassOf(reason) != ClassMutex {
			t.Errorf("%q is of class %v", reason, ClassOf(reason))
		}
	}
}

func TestAWaitToBeginACycleIsForTheCollector(t *testing.T) {
	const cycle = "main.f m.go:1;runtime.mallocgc m.go:2;runtime.gcStart mgc.go:3;runtime.semacquire sema.go:4"
	for _, test := range []struct {
		reason, stack string
		want          Class
	}{
		{"semacquire", cycle, ClassGC},
		{"sync", cycle, ClassGC},
		{"semacquire", "main.f m.go:1;sync.(*WaitGroup).Wait w.go:2;runtime.semacquire sema.go:4", ClassSync},
	} {
		if got := ClassAt(test.reason, test.stack); got != test.want {
			t.Errorf("ClassAt(%q, %q) = %v, want %v", test.reason, test.stack, got, test.want)
		}
	}
}
