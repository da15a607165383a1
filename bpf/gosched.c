//go:build ignore

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The programs that watch a Go process: one for every probe point in the Go
 * runtime, told apart by the attachment's cookie, and three for the kernel's
 * scheduler. They only read: the process's memory is never written. */
#include "kernel.h"
#include "event.h"

/* The bytes of a g that an event needs: its head (stack bounds, m, sched) and, from
 * goid on, its tail (schedlink, waitreason). The recorder checks that they are there. */
#define G_HEAD 112
#define G_TAIL 32

/* Byte offsets in the runtime's structs, for the Go version that is watched.
 * A field that this version does not have is 0xffff. */
struct offsets {
	__u16 g_stack_lo, g_stack_hi, g_m, g_sched_sp, g_sched_pc, g_sched_bp;
	__u16 g_goid, g_schedlink, g_waitreason, g_coroarg, g_coroexit;
	__u16 m_curg, m_p, p_id;
};

/* A run of machine code. */
struct code {
	__u64 begin, end;
};

volatile const __u32 target_tgid;
volatile const __u32 stack_depth;
volatile const bool preempted_in_arg1; /* goschedImpl says so since Go 1.22 */
volatile const struct offsets offsets;
/* The functions that leave a goroutine's stack by mcall or systemstack where the
 * word at its saved stack pointer is not a return address, or is the better one. */
volatile const struct code async_preempt, go_gosched, systemstack_switch;

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

/* What did not fit, by CPU. */
struct losses {
	__u64 events;
	__u64 stacks;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct losses);
} lost SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64);
	__type(value, __u8);
} stacks_sent SEC(".maps");

/* Keeps the types in the object's BTF for the Go side. */
const enum op *unused_op __attribute__((unused));
const enum arg *unused_arg __attribute__((unused));
const enum event_flags *unused_flags __attribute__((unused));
const enum stack_kind *unused_kind __attribute__((unused));
const struct event_base *unused_base __attribute__((unused));
const struct event_stack *unused_stack __attribute__((unused));
const struct event_by *unused_by __attribute__((unused));
const struct event_thread *unused_thread __attribute__((unused));
const struct stack_def *unused_def __attribute__((unused));

/* What the attachment's cookie says of the probe point. */
struct point {
	__u8 op;
	__u8 arg;
	__u8 framed;   /* the frame pointer is the probed function's own */
	__u8 sp_delta; /* bytes between SP and the return address */
};

static __always_inline struct point point_of(__u64 cookie)
{
	struct point p = {
		.op = cookie,
		.arg = cookie >> 8,
		.framed = cookie >> 16,
		.sp_delta = cookie >> 24,
	};

	return p;
}

/* What a probe learnt before it knows whether there is room for it. */
struct seen {
	struct event_base base;
	__u64 stack, by_goid, by_stack; /* up to here as in event_by */
	struct point point;
};

/* A stack that is about to be walked by its frame pointers. */
struct walk {
	__u64 pc;   /* the leaf; 0: the first frame's return address is the leaf */
	__u64 word; /* a return address above the leaf that has no frame of its own yet */
	__u64 fp;
	__u64 lo, hi;
};

struct frame {
	__u64 fp, ret;
};

/* The parts of a g that were read. */
struct g {
	__u8 head[G_HEAD];
	__u8 tail[G_TAIL];
} __attribute__((aligned(8)));

#define IN_HEAD(g, type, field) (*(type *)((g)->head + offsets.field))
#define IN_TAIL(g, type, field) (*(type *)((g)->tail + (offsets.field - offsets.g_goid)))

static __always_inline int read_g(struct g *g, __u64 gp)
{
	if (bpf_probe_read_user(g->head, G_HEAD, (void *)gp))
		return -1;
	return bpf_probe_read_user(g->tail, G_TAIL, (void *)(gp + offsets.g_goid));
}

static __always_inline void *ring_of_this_cpu(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&rings, &cpu);
}

static __always_inline void count_loss(__u64 events, __u64 stacks)
{
	__u32 zero = 0;
	struct losses *l = bpf_map_lookup_elem(&lost, &zero);

	if (!l)
		return;
	/* Programs may preempt each other on one CPU. */
	__sync_fetch_and_add(&l->events, events);
	__sync_fetch_and_add(&l->stacks, stacks);
}

static __always_inline __u64 mix(__u64 h, __u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ULL;
	return h ^ (h >> 29);
}

static __always_inline bool inside(const volatile struct code *c, __u64 pc)
{
	return pc - c->begin < c->end - c->begin;
}

/* Reads the frame at fp and says whether there is one. */
static __always_inline bool read_frame(const struct walk *w, __u64 fp, struct frame *f)
{
	if (fp < w->lo || fp + sizeof(*f) > w->hi)
		return false;
	return bpf_probe_read_user(f, sizeof(*f), (void *)fp) == 0;
}

/* Walks the stack only for its hash, which is what nearly every event needs. */
static __noinline __u64 hash_stack(struct walk *w)
{
	__u64 h = mix(mix(0x676f7363686564ULL, w->pc), w->word), fp = w->fp;
	struct frame f;

	for (__u32 i = 0; i < MAX_FRAMES - 2; i++) {
		if (i >= stack_depth || !read_frame(w, fp, &f))
			break;
		h = mix(h, f.ret);
		if (f.fp <= fp)
			break;
		fp = f.fp;
	}
	return h | 1; /* 0 is no stack */
}

/* Walks the stack again into a record that the reader will know by its hash. */
static __noinline int send_stack(struct walk *w, __u64 hash)
{
	void *ring = ring_of_this_cpu();
	struct stack_def *d;
	struct frame f;
	__u64 fp = w->fp;
	__u32 n = 0;

	if (!ring)
		return -1;
	d = bpf_ringbuf_reserve(ring, sizeof(*d), 0);
	if (!d)
		return -1;
	d->op = OP_STACK;
	d->kind = STACK_DEEP;
	d->pad = 0;
	d->hash = hash;
	if (w->pc)
		d->pcs[n++] = w->pc;
	if (w->word)
		d->pcs[n++] = w->word;
	for (__u32 i = 0; i < MAX_FRAMES - 2; i++) {
		if (i >= stack_depth)
			break;
		if (!read_frame(w, fp, &f)) {
			d->kind = STACK_BROKEN;
			break;
		}
		d->pcs[n & (MAX_FRAMES - 1)] = f.ret;
		n++;
		if (f.fp <= fp) {
			d->kind = f.fp ? STACK_BROKEN : STACK_WHOLE;
			break;
		}
		fp = f.fp;
	}
	d->frames = n;
	bpf_ringbuf_submit(d, BPF_RB_NO_WAKEUP);
	return 0;
}

/* Names a stack, and sends it if that name is new. */
static __noinline __u64 name_stack(struct walk *w)
{
	__u64 hash = hash_stack(w);
	__u8 one = 1;

	if (bpf_map_lookup_elem(&stacks_sent, &hash))
		return hash;
	if (send_stack(w, hash)) {
		count_loss(0, 1);
		return hash; /* the next one tries again */
	}
	bpf_map_update_elem(&stacks_sent, &hash, &one, BPF_ANY);
	return hash;
}

/* The stack of a goroutine that is not on its own stack now, from g.sched:
 * mcall and systemstack leave the caller's frame in sched.bp; systemstack's
 * leaf, and that of a function stopped in its prologue, is at sched.sp. */
static __noinline __u64 saved_stack(const struct g *g, __u32 op)
{
	struct walk w = {
		.pc = IN_HEAD(g, __u64, g_sched_pc),
		.fp = IN_HEAD(g, __u64, g_sched_bp),
		.lo = IN_HEAD(g, __u64, g_stack_lo),
		.hi = IN_HEAD(g, __u64, g_stack_hi),
	};
	void *sp = (void *)IN_HEAD(g, __u64, g_sched_sp);
	__u64 word = 0;

	if (inside(&systemstack_switch, w.pc)) {
		if (bpf_probe_read_user(&w.pc, sizeof(w.pc), sp))
			return 0;
	} else if ((op == OP_YIELD || op == OP_PREEMPT_PARK) &&
		   !inside(&async_preempt, w.pc) && !inside(&go_gosched, w.pc)) {
		if (bpf_probe_read_user(&word, sizeof(word), sp) == 0)
			w.word = word;
	}
	return name_stack(&w);
}

/* The stack of the goroutine on whose own stack the probe fired. */
static __always_inline __u64 live_stack(struct pt_regs *ctx, const struct g *g, struct point p)
{
	struct walk w = {
		.fp = REG_FP(ctx),
		.lo = IN_HEAD(g, __u64, g_stack_lo),
		.hi = IN_HEAD(g, __u64, g_stack_hi),
	};

	if (!p.framed) {
#if defined(REG_LR)
		w.pc = REG_LR(ctx);
#else
		bpf_probe_read_user(&w.pc, sizeof(w.pc), (void *)(REG_SP(ctx) + p.sp_delta));
#endif
	}
	return name_stack(&w);
}

static __always_inline __u64 argument(struct pt_regs *ctx, __u8 arg)
{
	__u64 current = REG_G(ctx), reg0 = REG_ARG0(ctx), reg1 = REG_ARG1(ctx), v = 0;

	/* The verifier wants the registers read at fixed places in ctx, here. */
	asm volatile("" : "+r"(current), "+r"(reg0), "+r"(reg1));
	switch (arg) {
	case ARG_CURRENT_G:
		return current;
	case ARG_REG0:
		return reg0;
	case ARG_REG1:
		return reg1;
	case ARG_CLOSURE8:
		bpf_probe_read_user(&v, sizeof(v), (void *)(REG_CLOSURE(ctx) + 8));
	}
	return v;
}

static __always_inline void begin_event(struct event_base *e, __u8 op)
{
	e->op = op;
	e->reason = 0;
	e->cpu = bpf_get_smp_processor_id();
	e->tid = bpf_get_current_pid_tgid();
	e->time_ns = bpf_ktime_get_ns();
	e->goid = 0;
	e->proc = -1;
	e->flags = 0;
}

#define SUBMIT(type, s) do { \
	void *ring = ring_of_this_cpu(); \
	type *r = ring ? bpf_ringbuf_reserve(ring, sizeof(type), 0) : NULL; \
	if (!r) { \
		count_loss(1, 0); \
		break; \
	} \
	__builtin_memcpy(r, s, sizeof(type)); \
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP); \
} while (0)

static __noinline int submit_base(struct seen *s)
{
	SUBMIT(struct event_base, s);
	return 0;
}

static __noinline int submit_stack(struct seen *s)
{
	SUBMIT(struct event_stack, s);
	return 0;
}

static __noinline int submit_by(struct seen *s)
{
	SUBMIT(struct event_by, s);
	return 0;
}

/* Fills in which P the thread of m has, and returns the user goroutine on it. */
static __always_inline __u64 read_m(struct seen *s, __u64 m)
{
	__u64 p = 0, curg = 0;

	if (!m)
		return 0;
	bpf_probe_read_user(&curg, sizeof(curg), (void *)(m + offsets.m_curg));
	bpf_probe_read_user(&p, sizeof(p), (void *)(m + offsets.m_p));
	if (p)
		bpf_probe_read_user(&s->base.proc, sizeof(s->base.proc), (void *)(p + offsets.p_id));
	return curg;
}

/* Who does it: the goroutine on this thread, and where it is. g is overwritten. */
static __noinline int read_doer(struct pt_regs *ctx, struct seen *s, __u64 curg, struct g *g)
{
	if (!curg || read_g(g, curg))
		return 0;
	s->by_goid = IN_TAIL(g, __u64, g_goid);
	if (!stack_depth)
		return 0;
	s->by_stack = curg == REG_G(ctx) ? live_stack(ctx, g, s->point) : saved_stack(g, OP_NONE);
	return 0;
}

/* One goroutine of a list that becomes runnable. */
struct inject {
	struct seen *seen;
	struct g *g;
	__u64 gp;
};

static int inject_one(__u32 i, struct inject *in)
{
	struct seen *s = in->seen;

	if (!in->gp)
		return 1;
	if (read_g(in->g, in->gp))
		return 1;
	s->base.goid = IN_TAIL(in->g, __u64, g_goid);
	s->base.reason = IN_TAIL(in->g, __u8, g_waitreason);
	submit_by(s);
	in->gp = IN_TAIL(in->g, __u64, g_schedlink);
	return 0;
}

/* injectglist gets a whole list; the longest is of everyone who waits to assist the GC. */
static __noinline int inject_list(struct seen *s, __u64 list, struct g *g)
{
	struct inject in = {.seen = s, .g = g};

	bpf_probe_read_user(&in.gp, sizeof(in.gp), (void *)list);
	bpf_loop(1 << 20, inject_one, &in, 0);
	if (in.gp)
		count_loss(1, 0); /* at least one */
	return 0;
}

/* coroswitch_m swaps the current goroutine with the one in its coroutine. */
static __always_inline void read_coro(struct seen *s, __u64 gp)
{
	__u64 coro = 0, next = 0;
	__u8 exits = 0;

	bpf_probe_read_user(&coro, sizeof(coro), (void *)(gp + offsets.g_coroarg));
	bpf_probe_read_user(&next, sizeof(next), (void *)coro);
	bpf_probe_read_user(&s->by_goid, sizeof(s->by_goid), (void *)(next + offsets.g_goid));
	bpf_probe_read_user(&exits, sizeof(exits), (void *)(gp + offsets.g_coroexit));
	if (exits)
		s->base.flags |= FLAG_CORO_EXIT;
}

static __always_inline int on_goroutine(struct pt_regs *ctx, struct seen *s)
{
	struct point p = s->point;
	__u64 gp = argument(ctx, p.arg), cur = REG_G(ctx), m = 0, curg;
	struct g buf, *g = &buf;

	if (bpf_probe_read_user(&m, sizeof(m), (void *)(cur + offsets.g_m)))
		return 0;
	curg = read_m(s, m);
	if (p.op == OP_INJECT) {
		read_doer(ctx, s, curg, g);
		return inject_list(s, gp, g);
	}
	if (read_g(g, gp)) {
		count_loss(1, 0);
		return 0;
	}
	s->base.goid = IN_TAIL(g, __u64, g_goid);
	s->base.reason = IN_TAIL(g, __u8, g_waitreason);
	switch (p.op) {
	case OP_RUN:
	case OP_SYSCALL_EXIT:
	case OP_SYSCALL_NOP:
	case OP_EXIT:
	case OP_NEEDM:
	case OP_DROPM:
		return submit_base(s);
	case OP_CREATE:
	case OP_CREATE_CORO:
		/* Its own stack is only where it will start. */
		s->stack = IN_HEAD(g, __u64, g_sched_pc);
		read_doer(ctx, s, curg, g);
		return submit_by(s);
	case OP_READY:
		read_doer(ctx, s, curg, g);
		return submit_by(s);
	case OP_CORO_SWITCH:
		read_coro(s, gp);
		if (stack_depth)
			s->stack = saved_stack(g, p.op);
		return submit_by(s);
	case OP_SYSCALL_ENTER:
	case OP_SYSCALL_BLOCK:
		if (stack_depth)
			s->stack = live_stack(ctx, g, p);
		return submit_stack(s);
	case OP_YIELD:
		if (preempted_in_arg1 ? (__u8)REG_ARG1(ctx) :
		    !inside(&go_gosched, IN_HEAD(g, __u64, g_sched_pc)))
			s->base.flags |= FLAG_PREEMPTED;
	}
	if (stack_depth)
		s->stack = saved_stack(g, p.op);
	return submit_stack(s);
}

static __noinline int observe(struct pt_regs *ctx, __u64 cookie)
{
	struct seen s = {.point = point_of(cookie)};
	struct point p = s.point;

	begin_event(&s.base, p.op);
	switch (p.op) {
	case OP_STW_BEGIN:
		s.base.reason = p.arg == ARG_NONE ? 0xff : REG_ARG0(ctx);
	case OP_STW_END:
	case OP_GC_START:
	case OP_GC_END:
		return submit_base(&s);
	}
	return on_goroutine(ctx, &s);
}

/* Linux 6.13 gave programs of this type one private stack a CPU although they can
 * be preempted (a76ab5731e32), so two threads could share it. Functions that need
 * less than 64 bytes stay on the kernel's stack: this one does, and what it calls
 * runs with preemption off. Kernels before 6.10 lack the calls and the fault. */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

SEC("uprobe")
int transition(struct pt_regs *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 != target_tgid)
		return 0;
	if (!bpf_ksym_exists(bpf_preempt_disable))
		return observe(ctx, bpf_get_attach_cookie(ctx)), 0;
	bpf_preempt_disable();
	observe(ctx, bpf_get_attach_cookie(ctx));
	bpf_preempt_enable();
	return 0;
}

static __always_inline int submit_thread(struct event_thread *t)
{
	SUBMIT(struct event_thread, t);
	return 0;
}

static __always_inline __u32 task_state(struct task_struct *t)
{
	struct task_struct___before_5_14 *old = (void *)t;

	if (bpf_core_field_exists(t->__state))
		return BPF_CORE_READ(t, __state);
	return BPF_CORE_READ(old, state);
}

/* args: bool preempt, struct task_struct *prev, struct task_struct *next */
SEC("raw_tracepoint/sched_switch")
int thread_switch(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *prev = (void *)ctx->args[1], *next = (void *)ctx->args[2];
	struct event_thread t = {};

	if (BPF_CORE_READ(prev, tgid) == target_tgid) {
		begin_event(&t.base, OP_THREAD_OFF);
		t.base.tid = BPF_CORE_READ(prev, pid);
		t.state = task_state(prev);
		if (ctx->args[0] || !t.state)
			t.base.flags = FLAG_INVOLUNTARY;
		BPF_CORE_READ_INTO(&t.comm, next, comm);
		submit_thread(&t);
	}
	if (BPF_CORE_READ(next, tgid) == target_tgid) {
		begin_event(&t.base, OP_THREAD_ON);
		t.base.tid = BPF_CORE_READ(next, pid);
		t.state = 0;
		submit_thread(&t);
	}
	return 0;
}

/* args: struct task_struct *woken; current is the waker */
SEC("raw_tracepoint/sched_waking")
int thread_waking(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *woken = (void *)ctx->args[0];
	struct event_thread t = {};
	__u64 waker = bpf_get_current_pid_tgid();

	if (BPF_CORE_READ(woken, tgid) != target_tgid)
		return 0;
	begin_event(&t.base, OP_THREAD_WAKE);
	t.base.tid = BPF_CORE_READ(woken, pid);
	if (waker >> 32 == target_tgid)
		t.other_tid = waker;
	return submit_thread(&t);
}

SEC("raw_tracepoint/sched_process_exec")
int process_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct event_thread t = {};

	if (bpf_get_current_pid_tgid() >> 32 != target_tgid)
		return 0;
	begin_event(&t.base, OP_EXEC);
	return submit_thread(&t);
}

/* bpf_probe_read_user and the kernel's symbols are for GPL-compatible programs. */
char __license[] SEC("license") = "Dual BSD/GPL";
