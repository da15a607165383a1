/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What crosses the ring buffers. Go's copies of these structs are generated from
 * the object's BTF, so this header is the only place that says what they are. */
#ifndef GOSCHED_EVENT_H
#define GOSCHED_EVENT_H

#define MAX_FRAMES 128

enum bounds {
	MAX_SUBJECTS = 64, /* processes that can be watched at once: a power of two */
	HIT_SLOTS = 32,    /* of a CPU: the probe points' operations first, then the kernel side's */
	HITS_SWITCH = 24,  /* a thread came onto a CPU or left it, or both at once */
	HITS_WAKING = 25,
	HITS_SAMPLE = 26,
};

/* What a record is about: the probe points' operations have the numbers of
 * gobin.Op; those from OP_THREAD_ON on are the kernel side's. */
enum op {
	OP_NONE,
	OP_CREATE,
	OP_CREATE_CORO,
	OP_PARK,
	OP_READY,
	OP_INJECT,
	OP_RUN,
	OP_YIELD,
	OP_GOYIELD,
	OP_PREEMPT_PARK,
	OP_EXIT,
	OP_CORO_SWITCH,
	OP_SYSCALL_ENTER,
	OP_SYSCALL_BLOCK,
	OP_SYSCALL_EXIT,
	OP_SYSCALL_NOP,
	OP_NEEDM,
	OP_DROPM,
	OP_GC_START,
	OP_GC_END,
	OP_STW_BEGIN,
	OP_STW_END,
	OP_THREAD_ON = 64, /* a thread came onto a CPU */
	OP_THREAD_OFF,     /* and left it */
	OP_THREAD_WAKE,    /* a sleeping thread is being woken */
	OP_EXEC,           /* the process replaced its program */
	OP_STARTED,        /* a process that is not watched began a program: tid is its id, proc its parent's */
	OP_STACK = 96,     /* a stack, named by its hash from now on */
	OP_SAMPLE,         /* a thread was on a CPU */
};

/* Where a probe finds its argument: gobin.Arg. */
enum arg {
	ARG_NONE,
	ARG_CURRENT_G,
	ARG_REG0,
	ARG_REG1,
	ARG_CLOSURE8,
};

/* What else a probe point's cookie says. */
enum point_flags {
	POINT_FRAMED = 1,    /* the frame pointer is the probed function's own */
	POINT_YIELDS = 2,    /* OP_YIELD: only goroutines that yield of their own will come here */
	POINT_PREEMPTED = 4, /* OP_YIELD: only goroutines that are preempted do */
};

enum event_flags {
	FLAG_PREEMPTED = 1, /* OP_YIELD: it did not yield of its own will */
	FLAG_CORO_EXIT = 2, /* OP_CORO_SWITCH: the goroutine that leaves is done */
	FLAG_NO_REASON = 8, /* OP_READY: what it waited for was not read, a goroutine woke it */
	FLAG_INVOLUNTARY = 4, /* OP_THREAD_OFF: it could have gone on running */
	FLAG_IN_KERNEL = 16,    /* OP_SAMPLE: in the kernel */
	FLAG_SYSTEM_STACK = 32, /* OP_SAMPLE: not on the goroutine's own stack */
};

/* A record is as long as its operation needs: an event_base, or with a stack, or
 * with who did it, or a thread's. */
struct event_base {
	__u8 op;
	__u8 reason; /* the number of the wait reason or of the stop-the-world reason */
	__u16 cpu;
	__u32 tid; /* in the root namespace */
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u64 goid;
	__s32 proc; /* -1: the thread has no P. OP_STW_*: GOMAXPROCS up to it, after it; -1: not known */
	__u16 flags;
	__u16 subject; /* whose process it is */
};

struct event_stack {
	struct event_base base;
	__u64 stack;
};

/* OP_PARK, where it is known what the goroutine waits for. */
struct event_wait {
	struct event_base base;
	__u64 stack;
	__u64 object; /* an address */
};

struct event_by {
	struct event_base base;
	__u64 stack;
	__u64 by_goid;
	__u64 by_stack;
};

struct event_thread {
	struct event_base base;
	__u32 other_tid; /* OP_THREAD_WAKE: the waker if it is of the same process, else 0 */
	__u32 state;     /* OP_THREAD_OFF: the kernel's task state */
	/* OP_THREAD_OFF: who came instead; OP_THREAD_ON: who was there before; OP_THREAD_WAKE: who has the
	 * CPU, the idle thread if one is free, empty if it is not known */
	char comm[16];
};

enum stack_kind {
	STACK_WHOLE,     /* the chain ended where a goroutine's stack ends */
	STACK_DEEP,      /* it went on past MAX_FRAMES or the wanted depth */
	STACK_BROKEN,    /* it left the goroutine's stack or memory could not be read */
};

struct stack_def {
	__u8 op; /* OP_STACK */
	__u8 kind;
	__u16 frames;
	__u32 subject;
	__u64 hash;
	__u64 pcs[MAX_FRAMES]; /* leaf first; all return addresses; only as many as frames are sent */
};

#define STACK_DEF_HEAD 16 /* the bytes before pcs */

/* A sample. A stack_def follows whose first pc is the instruction that was interrupted; its hash means
 * nothing. goid is 0 where the thread has no goroutine. */
struct event_sample {
	struct event_base base;
	__u64 caller; /* where it returns to if the function has no frame there; 0: not known */
};

#endif
