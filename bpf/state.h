/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the programs are told, what they remember, and what they work with. */
#ifndef GOSCHED_STATE_H
#define GOSCHED_STATE_H

#include "kernel.h"
#include "event.h"

/* The bytes of a g that an event may need. The recorder checks that all fields are in them. */
#define G_BYTES 192

/* Byte offsets in the runtime's structs, for the Go version that is watched. Those of one byte are
 * in G_BYTES: whatever such a byte says, the verifier knows that a read there stays in a scratch. Of
 * the others, a field that this version does not have is 0xffff. */
struct offsets {
	__u16 g_coroarg, g_coroexit, m_g0, m_curg, m_p, m_waitlock, p_id;
	__u8 g_stack_lo, g_stack_hi, g_m, g_sched_sp, g_sched_pc, g_sched_bp;
	__u8 g_goid, g_schedlink, g_waitreason;
	__u8 pad[1];
};

/* A run of machine code. */
struct code {
	__u64 begin, end;
};

/* What holds for all processes that are watched. */
volatile const __u32 stack_depth;
volatile const __u32 cpu_count;

/* A process that is watched. Loaded programs can be given others, of any build. */
struct subject {
	__u32 tgid; /* in the root namespace; 0: it is not watched, or not any more */
	/* What the programs remember of threads, goroutines and stacks holds for one number of this
	 * only. The process gets another when moves may have gone unseen, as while the probes are being
	 * attached. No other process ever has that number. */
	__u32 epoch;
	/* Who preempts: the caller of goschedImpl up to Go 1.21, and the function that leaves a
	 * goroutine's stack with a frame of its own on it. */
	struct code gopreempt, async_preempt;
	/* Where a goroutine seems to be while its thread is on the system stack. */
	struct code systemstack_switch;
	/* The way back from C, where a goroutine's frame pointers end; nothing where that way is
	 * not known. From the frame of the function that cgocallback calls it is so many bytes to
	 * the frame that cgocallback opened, and from there so many to that of who called C. */
	struct code cgocallback;
	__u32 callback_opened, callback_caller;
	struct offsets offsets;
	bool preempted_in_arg1; /* goschedImpl is told since Go 1.22 */
	/* Every change of a thread's goroutine is watched, so that it need not be read. */
	bool know_current;
	/* Every change of a thread's P is watched. */
	bool know_proc;
	/* Every end or beginning of a goroutine is watched, so that ids can be remembered. */
	bool know_goids;
	__u32 pad;
	/* The addresses of the runtime's variables of these names; 0: not known. */
	__u64 gomaxprocs, newprocs;
	/* The wait reasons, a bit each, for which the lock that gopark is given is of what is waited for. */
	__u64 object_reasons;
	/* Of them, those for which semacquire1 parks, where it is known how far above its frame pointer the
	 * semaphore's address is. */
	__u64 semaphore_reasons;
	struct code semacquire;
	__u32 semaphore_slot;
	__u32 pad2;
};

volatile struct subject subjects[MAX_SUBJECTS];

/* There are others than the first. */
volatile bool several;

/* Every process that begins a program is told: it may be one to watch. */
volatile bool tell_started;

/* Where in subjects a process is, by its tgid. One that is not watched any more may still be here. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MAX_SUBJECTS);
	__type(key, __u32);
	__type(value, __u32);
} subject_numbers SEC(".maps");

/* What a CPU runs, as far as it was seen. */
enum cpu_state {
	CPU_UNKNOWN,
	CPU_BUSY, /* or it is offline */
	CPU_IDLE,
};

/* Others read the state, so that it has a cache line to itself, which is written only when it changes. */
struct cpu {
	__u64 state;
	__u64 pad[7];
	__u64 task; /* the address of its task_struct */
	__u64 pad2[7];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set to the number of CPUs */
	__type(key, __u32);
	__type(value, struct cpu);
} cpus SEC(".maps");

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1); /* set to the number of CPUs */
	__type(key, __u32);
	__array(values, struct ring);
} rings SEC(".maps");

/* What did not fit, by CPU and process. The recorder maps it into its memory: while a process asks for a map by
 * system call, older kernels run no probe's program on its CPU, and say nothing
 * (bpf_disable_instrumentation, Linux 5.7-5.19 kernel/trace/bpf_trace.c, trace_call_bpf). */
struct losses {
	__u64 events;
	__u64 stacks;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MAX_SUBJECTS); /* set to that for each CPU */
	__type(key, __u32);
	__type(value, struct losses);
} lost SEC(".maps");

/* How often programs ran for one operation, and how long some of those runs took. They are read in
 * the way in which what was lost is. */
struct hits {
	__u64 count;
	__u64 timed; /* in so many of them the time was taken */
	__u64 ns;    /* and this is its sum */
	__u64 since; /* when the one began whose time is being taken; 0: there is none */
};

/* By CPU and slot. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, HIT_SLOTS); /* set to that for each CPU */
	__type(key, __u32);
	__type(value, struct hits);
} hits SEC(".maps");

/* Reading the process's memory is what an event costs most, so a thread remembers what
 * cannot have changed since its last event. 0 is not known. */
struct thread {
	__u64 g0;   /* the g of its system stack */
	__u64 m;    /* its m */
	__u64 curg; /* the goroutine on it; 1: none */
	__u64 p;    /* its P */
	__s32 proc; /* the P's number */
	__u32 epoch;
};

#define NO_GOROUTINE 1

#ifdef LEGACY
/* By the thread's id. The end of a thread takes its entry away. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 14);
	__type(key, __u32);
	__type(value, struct thread);
} threads SEC(".maps");
#else
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread);
} threads SEC(".maps");
#endif

/* Goroutine ids by process and address of the g. check is the address, the id and the epoch, so that
 * an entry that two CPUs write at once fits neither. */
struct goid_entry {
	__u64 goid;
	__u64 check;
};

#define TABLE_BITS 16

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << TABLE_BITS);
	__type(key, __u32);
	__type(value, struct goid_entry);
} goids SEC(".maps");

/* The hashes of stacks that have been sent, with the epoch. One that pushes another out is sent
 * again. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << TABLE_BITS);
	__type(key, __u32);
	__type(value, __u64);
} stacks_sent SEC(".maps");

/* What is special about a probe point: its cookie. */
struct point {
	__u8 op;
	__u8 arg;
	__u8 flags;    /* enum point_flags */
	__u8 sp_delta; /* bytes between SP and the return address */
};

#ifdef LEGACY
/* Where a probe is, which kernels without cookies are asked by. */
struct place {
	__u64 ip;
	__u32 tgid;
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 14);
	__type(key, struct place);
	__type(value, __u64);
} points SEC(".maps");

const struct place *unused_place __attribute__((unused));
#endif

/* What a probe learnt before it knows whether there is room for it. */
struct seen {
	struct event_base base;
	__u64 stack;
	union {
		__u64 by_goid;
		__u64 object; /* up to here as in event_wait */
	};
	__u64 by_stack; /* and up to here as in event_by */
	struct point point;
	__u32 pad;
};

/* A part of a goroutine's stack, read at once. */
#define WINDOW 2048

/* A stack that is walked by its frame pointers. */
struct walk {
	__u64 base; /* the window is of this address */
	__u64 size; /* and so long */
	__u64 hi;   /* where the stack ends */
	__u64 fp;
	__u64 in_c; /* the frame is the one that cgocallback made */
	__u64 wanted; /* so many frames are enough */
};

/* A thread's registers in its own code. */
struct registers {
	__u64 ip, sp, fp, g, lr;
};

struct g {
	__u8 bytes[G_BYTES];
} __attribute__((aligned(8)));

/* What a program works with while it handles one event. Its own stack is for what fits into
 * registers otherwise: all functions of a chain of calls share 512 bytes, each rounded up to 32. */
struct scratch {
	__u64 busy;  /* only where programs can preempt each other */
	__u32 index; /* of this piece of memory, as scratch_at wants it */
	__u32 pad;
	struct seen seen;
	struct thread unknown; /* for a thread that the kernel has no memory for */
	struct g g;
	struct walk walk;
	struct registers regs;
	struct event_sample sample; /* sent together with the next */
	struct stack_def def;
	__u8 window[WINDOW];
};

/* How many programs can be at work on one CPU: more than one only where they can preempt each other. */
#define SCRATCHES 4

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES + 1); /* the last is for samples */
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* Keeps the types in the object's BTF for the Go side. */
const enum op *unused_op __attribute__((unused));
const enum bounds *unused_bounds __attribute__((unused));
const enum arg *unused_arg __attribute__((unused));
const enum event_flags *unused_flags __attribute__((unused));
const enum point_flags *unused_point __attribute__((unused));
const enum stack_kind *unused_kind __attribute__((unused));
const struct event_base *unused_base __attribute__((unused));
const struct event_stack *unused_stack __attribute__((unused));
const enum cpu_state *unused_cpu_state __attribute__((unused));
const struct event_by *unused_by __attribute__((unused));
const struct event_wait *unused_wait __attribute__((unused));
const struct event_thread *unused_thread __attribute__((unused));
const struct stack_def *unused_def __attribute__((unused));
const struct event_sample *unused_sample __attribute__((unused));

static __always_inline void count_loss(__u32 subject, __u64 events, __u64 stacks)
{
	__u32 i = bpf_get_smp_processor_id() * MAX_SUBJECTS + subject;
	struct losses *l = bpf_map_lookup_elem(&lost, &i);

	if (!l)
		return;
	/* Programs may preempt each other on one CPU. Adding 0 becomes an instruction of Linux 5.12. */
	if (events)
		__sync_fetch_and_add(&l->events, events);
	if (stacks)
		__sync_fetch_and_add(&l->stacks, stacks);
}

/* One run in so many has its time taken: a power of two. The clock is dear. */
#define TIMED_EVERY 64
/* A run that took longer was interrupted. */
#define LONGEST_RUN_NS 100000

static __always_inline struct hits *hits_of(__u32 slot)
{
	__u32 i = bpf_get_smp_processor_id() * HIT_SLOTS + (slot & (HIT_SLOTS - 1));

	return bpf_map_lookup_elem(&hits, &i);
}

/* Counts a run of a program. Where programs can preempt each other one in very many is not counted. */
static __always_inline void begin_run(__u32 slot)
{
	struct hits *h = hits_of(slot);

	if (h && !(h->count++ & (TIMED_EVERY - 1)))
		h->since = bpf_ktime_get_ns();
}

/* Nothing is carried from the beginning to here: the verifier would look at all between twice. */
static __always_inline void end_run(__u32 slot)
{
	struct hits *h = hits_of(slot);
	__u64 ns;

	if (!h || !h->since)
		return;
	ns = bpf_ktime_get_ns() - h->since;
	h->since = 0;
	if (ns > LONGEST_RUN_NS)
		return;
	h->timed++;
	h->ns += ns;
}

static __always_inline void *ring_of_this_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&rings, &cpu);
}

static __always_inline struct scratch *scratch_at(__u32 i)
{
	return bpf_map_lookup_elem(&scratches, &i);
}

/* The programs of probes can be preempted from Linux 6.0 on (8c7dcb84e3b7), which was before they
 * could forbid it (6.10). Linux 6.13 then gave them one private stack a CPU although they can be
 * preempted (a76ab5731e32), so two threads could share it. Functions that need less than 64 bytes
 * stay on the kernel's stack: transition does, and what it calls runs with preemption off. */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

/* Takes a piece of memory unless a program that was preempted has it: whoever has it has added its 1,
 * so that nobody else can find 1 there. Older kernels cannot add and read at once. */
static __always_inline bool take(struct scratch *s)
{
	__sync_fetch_and_add(&s->busy, 1);
	barrier();
	if (s->busy == 1)
		return true;
	__sync_fetch_and_add(&s->busy, -1);
	return false;
}

/* Memory to work with, NULL where every piece is in use by programs that were preempted. */
static __always_inline struct scratch *begin_work(void)
{
	struct scratch *s;

	if (bpf_ksym_exists(bpf_preempt_disable)) {
		bpf_preempt_disable();
		return scratch_at(0);
	}
	for (__u32 i = 0; i < SCRATCHES; i++) {
		s = scratch_at(i);
		if (s && take(s)) {
			s->index = i;
			return s;
		}
	}
	return NULL;
}

static __always_inline void end_work(struct scratch *s)
{
	if (bpf_ksym_exists(bpf_preempt_disable))
		bpf_preempt_enable();
	else if (s)
		__sync_fetch_and_add(&s->busy, -1);
}

static __always_inline volatile struct subject *subject_at(__u32 i)
{
	return &subjects[i & (MAX_SUBJECTS - 1)];
}

/* The process whose event is being handled. */
static __always_inline volatile struct subject *subject_of(struct scratch *s)
{
	return subject_at(s->seen.base.subject);
}

/* The number of the process with that tgid; -1: it is not watched. */
static __always_inline __s32 subject_number(__u32 tgid)
{
	__u32 *i;

	if (!tgid) /* idle threads have it too */
		return -1;
	if (tgid == subjects[0].tgid)
		return 0;
	if (!several)
		return -1;
	i = bpf_map_lookup_elem(&subject_numbers, &tgid);
	return i && subject_at(*i)->tgid == tgid ? (__s32)(*i & (MAX_SUBJECTS - 1)) : -1;
}

#define FIELD(s, type, field) (*(type *)((s)->g.bytes + subject_of(s)->offsets.field))

static __always_inline int read_g(struct scratch *s, __u64 gp)
{
	return bpf_probe_read_user(s->g.bytes, G_BYTES, (void *)gp);
}

/* 0 where the memory cannot be read. */
static __always_inline __u64 read_word(__u64 addr)
{
	__u64 v = 0;

	bpf_probe_read_user(&v, sizeof(v), (void *)addr);
	return v;
}

#define GOLDEN 0x9e3779b97f4a7c15ULL

static __always_inline __u64 mix(__u64 h, __u64 v)
{
	h = (h ^ v) * GOLDEN;
	return h ^ (h >> 29);
}

/* A value as it is in a table for as long as the process's epoch lasts. */
static __always_inline __u64 sealed(struct scratch *s, __u64 v)
{
	return v ^ subject_of(s)->epoch * GOLDEN;
}

static __always_inline bool inside(const volatile struct code *c, __u64 pc)
{
	return pc - c->begin < c->end - c->begin;
}

#endif
