// Package bpf holds the programs that run in the kernel, compiled, and the Go
// copies of the structs they share with the recorder.
//
// The sources are gosched.c and the headers beside it; `go generate ./bpf` compiles
// them with clang for amd64 and arm64: once for kernels that have everything the programs
// can use, and once, with LEGACY, for older ones from Linux 5.10 on. tasks.c is for
// recorders in a PID namespace. The objects are committed, so building gosched needs only Go.
package bpf

//go:generate go tool bpf2go -go-package bpf -target amd64,arm64 -cflags "-O2 -g -Wall -Werror -Wno-unused-parameter -fdebug-prefix-map=$PWD=." -type op -type bounds -type cpu_state -type offsets -type code -type arg -type event_base -type event_stack -type event_by -type event_wait -type event_thread -type stack_def -type event_sample -type stack_kind -type event_flags -type point_flags Gosched gosched.c
//go:generate go tool bpf2go -go-package bpf -target amd64,arm64 -cflags "-O2 -g -Wall -Werror -Wno-unused-parameter -fdebug-prefix-map=$PWD=. -DLEGACY" -type place GoschedLegacy gosched.c
//go:generate go tool bpf2go -go-package bpf -target amd64,arm64 -cflags "-O2 -g -Wall -Werror -Wno-unused-parameter -fdebug-prefix-map=$PWD=." -type thread_numbers Tasks tasks.c
