package replay

import "strings"

// mutexes are the reasons to wait for a mutex, whatever the stack is (go1.20 to go1.27
// src/runtime/runtime2.go, waitReasonStrings).
var mutexes = map[string]bool{"sync.Mutex.Lock": true, "sync.RWMutex.Lock": true, "sync.RWMutex.RLock": true}

// mutexOrOther are the reasons to wait for a mutex or for something else of package sync:
// "semacquire" up to go1.19, and "sync", which is what Go's tracer calls all of them. The stack
// tells which.
var mutexOrOther = map[string]bool{"semacquire": true, "sync": true}

// ClassAt is the class of a wait with a reason at a stack, which tells a mutex apart where the
// reason does not, and an allocation that is due to begin a cycle of the garbage collector and waits
// for others that do (go1.26 src/runtime/mgc.go, gcStart).
func ClassAt(reason, stack string) Class {
	if ForMutex(reason, stack) {
		return ClassMutex
	}
	if mutexOrOther[reason] && strings.Contains(stack, ";runtime.gcStart ") {
		return ClassGC
	}
	return ClassOf(reason)
}

// ForMutex says whether a wait is for a sync.Mutex or a sync.RWMutex. Where the reason leaves it
// open and the stack does not say, it is none.
func ForMutex(reason, stack string) bool {
	return mutexes[reason] || mutexOrOther[reason] && (strings.Contains(stack, "sync.(*Mutex).") ||
		strings.Contains(stack, "sync.(*RWMutex)."))
}
