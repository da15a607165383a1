//go:build forcecgo && cgo

package main

/*
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

// Forks without exec; the child answers a byte with its exit status.
static int fork_and_ask(int n) {
	int status;
	pid_t pid = fork();
	if (pid < 0)
		return -1;
	if (pid == 0)
		_exit((n * 7 + 3) & 0xff);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}
*/
import "C"

import (
	"fmt"
	"sync/atomic"
)

func split(n int) {
	for ; ; n++ {
		if got := int(C.fork_and_ask(C.int(n))); got != (n*7+3)&0xff {
			fail(fmt.Sprintf("a forked child answered %d to %d", got, n))
		}
		atomic.AddInt64(&right, 1)
	}
}
