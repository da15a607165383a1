//go:build ignore

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The programs that watch a Go process: one for every probe point in the Go
 * runtime, told apart by the attachment's cookie, and three for the kernel's
 * scheduler. They only read: the process's memory is never written. */
#include "kernel.h"
#include "event.h"

/* The bytes of a g that an event may need. The recorder checks that all fields are in them. */
#define G_BYTES 192

/* Byte offsets in the runtime's structs, for the Go version that is watched.
 * A field that this version does not have is 0xffff. */
struct offsets {
	__u16 g_stack_lo, g_stack_hi, g_m, g_sched_sp, g_sched_pc, g_sched_bp;
	__u16 g_goid, g_schedlink, g_waitreason, g_coroarg, g_coroexit;
	__u16 m_g0, m_curg, m_p, p_id;
};

/* A run of machine code. */
struct code {
	__u64 begin, end;
};

volatile const __u32 target_tgid;
volatile const __u32 stack_depth;
volatile const bool preempted_in_arg1; /* goschedImpl is told since Go 1.22 */
/* Every change of a thread's goroutine is watched, so that it need not be read. */
volatile const bool know_current;
/* Every end or beginning of a goroutine is watched, so that ids can be remembered. */
volatile const bool know_goids;
volatile const struct offsets offsets;
/* Who preempts: the caller of goschedImpl up to Go 1.21, and the function that leaves a
 * goroutine's stack with a frame of its own on it. */
volatile const struct code gopreempt, async_preempt;
/* Where a goroutine seems to be while its thread is on the system stack. */
volatile const struct code systemstack_switch;
/* The way back from C, where a goroutine's frame pointers end; nothing where that way is not known. */
volatile const struct code cgocallback;

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

/* Reading the process's memory is what an event costs most, so a thread remembers what
 * cannot have changed since its last event. 0 is not known. */
struct thread {
	__u64 g0;   /* the g of its system stack */
	__u64 m;    /* its m */
	__u64 curg; /* the goroutine on it; 1: none */
	__u64 p;    /* its P */
	__s32 proc; /* the P's number */
	__u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread);
} threads SEC(".maps");

#define NO_GOROUTINE 1

/* Goroutine ids by the address of the g. check is gp ^ goid, so that an entry that two
 * CPUs write at once fits neither. */
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

/* The hashes of stacks that have been sent. One that pushes another out is sent again. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << TABLE_BITS);
	__type(key, __u32);
	__type(value, __u64);
} stacks_sent SEC(".maps");

/* A part of a goroutine's stack, read at once. */
#define WINDOW 1024

struct scratch {
	__u64 busy; /* only where programs can preempt each other */
	__u8 stack[WINDOW];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* Keeps the types in the object's BTF for the Go side. */
const enum op *unused_op __attribute__((unused));
const enum arg *unused_arg __attribute__((unused));
const enum event_flags *unused_flags __attribute__((unused));
const enum point_flags *unused_point __attribute__((unused));
const enum stack_kind *unused_kind __attribute__((unused));
const struct event_base *unused_base __attribute__((unused));
const struct event_stack *unused_stack __attribute__((unused));
const struct event_by *unused_by __attribute__((unused));
const struct event_thread *unused_thread __attribute__((unused));
const struct stack_def *unused_def __attribute__((unused));

/* Linux 6.13 gave programs of this type one private stack a CPU although they can
 * be preempted (a76ab5731e32), so two threads could share it. Functions that need
 * less than 64 bytes stay on the kernel's stack: transition does, and what it calls
 * runs with preemption off. Kernels before 6.10 lack the calls and the fault. */
extern void bpf_preempt_disable(void) __ksym __weak;
extern void bpf_preempt_enable(void) __ksym __weak;

/* What the attachment's cookie says of the probe point. */
struct point {
	__u8 op;
	__u8 arg;
	__u8 flags;    /* enum point_flags */
	__u8 sp_delta; /* bytes between SP and the return address */
};

/* What a probe learnt before it knows whether there is room for it. */
struct seen {
	struct event_base base;
	__u64 stack, by_goid, by_stack; /* up to here as in event_by */
	struct point point;
};

/* A stack that is walked by its frame pointers. */
struct walk {
	struct scratch *window;
	__u64 base; /* the window is of this address */
	__u64 size; /* and so long */
	__u64 hi;   /* where the stack ends */
	__u64 fp;
	__u64 hash;
	bool in_c;  /* the frame is the one that cgocallback made */
};

struct frame {
	__u64 fp, ret;
};

struct g {
	__u8 bytes[G_BYTES];
} __attribute__((aligned(8)));

#define FIELD(g, type, field) (*(type *)((g)->bytes + offsets.field))

static __always_inline int read_g(struct g *g, __u64 gp)
{
	return bpf_probe_read_user(g->bytes, G_BYTES, (void *)gp);
}

/* 0 where the memory cannot be read. */
static __always_inline __u64 read_word(__u64 addr)
{
	__u64 v = 0;

	bpf_probe_read_user(&v, sizeof(v), (void *)addr);
	return v;
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

#define GOLDEN 0x9e3779b97f4a7c15ULL

static __always_inline __u64 mix(__u64 h, __u64 v)
{
	h = (h ^ v) * GOLDEN;
	return h ^ (h >> 29);
}

static __always_inline bool inside(const volatile struct code *c, __u64 pc)
{
	return pc - c->begin < c->end - c->begin;
}

static __always_inline bool can_be_preempted(void)
{
	return !bpf_ksym_exists(bpf_preempt_disable);
}

/* The scratch memory of this CPU, NULL while another program that was preempted uses it. */
static __always_inline struct scratch *take_scratch(void)
{
	__u32 zero = 0;
	struct scratch *s = bpf_map_lookup_elem(&scratches, &zero);

	if (s && can_be_preempted() && __sync_fetch_and_add(&s->busy, 1)) {
		__sync_fetch_and_add(&s->busy, -1);
		return NULL;
	}
	return s;
}

static __always_inline void give_scratch(struct scratch *s)
{
	if (s && can_be_preempted())
		__sync_fetch_and_add(&s->busy, -1);
}

/* Reads the part of the stack that begins at addr. */
static __always_inline int open_window(struct walk *w, __u64 addr)
{
	__u64 size = w->hi - addr;

	if (addr >= w->hi)
		return -1;
	if (size > WINDOW)
		size = WINDOW;
	if (bpf_probe_read_user(w->window->stack, size, (void *)addr))
		return -1;
	w->base = addr;
	w->size = size;
	return 0;
}

/* Reads the frame that the frame pointer is at, and says whether there is one. */
static __always_inline bool read_frame(struct walk *w, struct frame *f)
{
	__u64 at = w->fp - w->base;

	if (w->fp < w->base)
		return false;
	if (at + sizeof(*f) > w->size) {
		if (open_window(w, w->fp))
			return false;
		at = 0;
	}
	if (at > WINDOW - sizeof(*f))
		return false;
	*f = *(struct frame *)(w->window->stack + at);
	return true;
}

/* cgocallback opens a frame as large as its own where the goroutine called into C, with that call's pc on top, and does
 * not link it: 24 bytes of locals, the frame pointer and the return address (go1.18–1.27 src/runtime/asm_amd64.s). The
 * frame of the caller into C comes next. */
#define CGOCALLBACK_FRAME (24 + 16)

/* Goes from the frame f to its caller's; false at the stack's end or where the chain breaks. */
static __always_inline bool next_frame(struct walk *w, const struct frame *f)
{
	if (w->in_c) {
		w->in_c = false;
		w->fp += sizeof(*f);
		return true;
	}
	if (inside(&cgocallback, f->ret)) {
		w->in_c = true;
		w->fp += CGOCALLBACK_FRAME;
		return true;
	}
	if (f->fp <= w->fp)
		return false;
	w->fp = f->fp;
	return true;
}

static int hash_frame(__u32 i, struct walk *w)
{
	struct frame f;

	if (!read_frame(w, &f))
		return 1;
	w->hash = mix(w->hash, f.ret);
	return !next_frame(w, &f);
}

/* A stack on its way into a record. */
struct sending {
	struct walk *walk;
	struct stack_def *def;
};

static int send_frame(__u32 i, struct sending *out)
{
	struct walk *w = out->walk;
	struct stack_def *d = out->def;
	struct frame f;

	if (!w->fp) {
		d->kind = STACK_WHOLE;
		return 1;
	}
	if (!read_frame(w, &f)) {
		d->kind = STACK_BROKEN;
		return 1;
	}
	d->pcs[d->frames++ & (MAX_FRAMES - 1)] = f.ret;
	if (next_frame(w, &f))
		return 0;
	d->kind = f.fp ? STACK_BROKEN : STACK_WHOLE;
	return 1;
}

/* Walks the stack again into a record that the reader will know by its hash. */
static __noinline int send_stack(struct walk *w, __u64 pc, __u64 word)
{
	void *ring = ring_of_this_cpu();
	struct sending out = {.walk = w};
	struct stack_def *d;

	if (!ring)
		return -1;
	d = bpf_ringbuf_reserve(ring, sizeof(*d), 0);
	if (!d)
		return -1;
	d->op = OP_STACK;
	d->kind = STACK_DEEP;
	d->pad = 0;
	d->hash = w->hash;
	d->frames = 0;
	if (pc)
		d->pcs[d->frames++ & (MAX_FRAMES - 1)] = pc;
	if (word)
		d->pcs[d->frames++ & (MAX_FRAMES - 1)] = word;
	out.def = d;
	bpf_loop(stack_depth, send_frame, &out, 0);
	bpf_ringbuf_submit(d, BPF_RB_NO_WAKEUP);
	return 0;
}

/* Names the stack whose window is open at sp, and sends it if that name is new. pc is the leaf, word a return address
 * above it that has no frame; 0: none. */
static __noinline __u64 name_stack(struct walk *w, __u64 sp, __u64 pc, __u64 word)
{
	__u64 *sent, fp = w->fp;
	__u32 slot;

	w->hash = mix(mix(GOLDEN, pc), word);
	bpf_loop(stack_depth, hash_frame, w, 0);
	w->hash |= 1; /* 0 is no stack */
	slot = w->hash >> (64 - TABLE_BITS);
	sent = bpf_map_lookup_elem(&stacks_sent, &slot);
	if (!sent || *sent == w->hash)
		return w->hash;
	w->fp = fp;
	w->in_c = false;
	if ((w->base != sp && open_window(w, sp)) || send_stack(w, pc, word)) {
		count_loss(0, 1);
		return w->hash; /* the next one tries again */
	}
	*sent = w->hash;
	return w->hash;
}

/* The stack of a goroutine that is not on its own stack now, from g.sched:
 * mcall and systemstack leave the caller's frame in sched.bp; systemstack's
 * leaf is at sched.sp, and so is the caller of a function that was stopped in its
 * prologue, as a goroutine that is preempted can be. */
static __noinline __u64 saved_stack(const struct g *g, __u32 op)
{
	__u64 sp = FIELD(g, __u64, g_sched_sp), pc = FIELD(g, __u64, g_sched_pc), at_sp, word = 0, hash;
	struct walk w = {
		.window = take_scratch(),
		.fp = FIELD(g, __u64, g_sched_bp),
		.hi = FIELD(g, __u64, g_stack_hi),
	};

	if (!w.window || sp < FIELD(g, __u64, g_stack_lo) || open_window(&w, sp)) {
		count_loss(0, 1);
		give_scratch(w.window);
		return 0;
	}
	at_sp = *(__u64 *)w.window->stack;
	if (inside(&systemstack_switch, pc))
		pc = at_sp;
	else if (op == OP_PREEMPT_PARK && !inside(&async_preempt, pc))
		word = at_sp; /* stopped in a prologue: its frame is not built */
	hash = name_stack(&w, sp, pc, word);
	give_scratch(w.window);
	return hash;
}

/* The stack of the goroutine on whose own stack the probe fired. */
static __noinline __u64 live_stack(struct pt_regs *ctx, const struct g *g, struct seen *seen)
{
	__u64 sp = REG_SP(ctx), pc = 0, hash;
	struct walk w = {
		.window = take_scratch(),
		.fp = REG_FP(ctx),
		.hi = FIELD(g, __u64, g_stack_hi),
	};

	if (!w.window || sp < FIELD(g, __u64, g_stack_lo) || open_window(&w, sp)) {
		count_loss(0, 1);
		give_scratch(w.window);
		return 0;
	}
	if (!(seen->point.flags & POINT_FRAMED)) {
#if defined(REG_LR)
		pc = REG_LR(ctx);
#else
		__u64 at = seen->point.sp_delta;

		pc = *(__u64 *)(w.window->stack + (at & 0xf8));
#endif
	}
	hash = name_stack(&w, sp, pc, 0);
	give_scratch(w.window);
	return hash;
}

static __always_inline struct point point_of(__u64 cookie)
{
	struct point p = {
		.op = cookie,
		.arg = cookie >> 8,
		.flags = cookie >> 16,
		.sp_delta = cookie >> 24,
	};

	return p;
}

static __always_inline __u64 argument(struct pt_regs *ctx, __u8 arg)
{
	__u64 current = REG_G(ctx), reg0 = REG_ARG0(ctx), reg1 = REG_ARG1(ctx);

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
		return read_word(REG_CLOSURE(ctx) + 8);
	}
	return 0;
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

/* An event of a goroutine whose id could not be read is lost. */
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

static __always_inline int submit_base(struct seen *s)
{
	if (!s->base.goid && s->base.op < OP_GC_START)
		return count_loss(1, 0), 0;
	SUBMIT(struct event_base, s);
	return 0;
}

static __always_inline int submit_stack(struct seen *s)
{
	if (!s->base.goid)
		return count_loss(1, 0), 0;
	SUBMIT(struct event_stack, s);
	return 0;
}

static __noinline int submit_by(struct seen *s)
{
	if (!s->base.goid)
		return count_loss(1, 0), 0;
	SUBMIT(struct event_by, s);
	return 0;
}

static __always_inline struct goid_entry *goid_slot(__u64 gp)
{
	__u32 slot = (gp * GOLDEN) >> (64 - TABLE_BITS);

	return bpf_map_lookup_elem(&goids, &slot);
}

static __always_inline void remember_goid(__u64 gp, __u64 goid)
{
	struct goid_entry *e = goid_slot(gp);

	if (!e)
		return;
	e->goid = goid;
	e->check = gp ^ goid;
}

static __always_inline void forget_goid(__u64 gp)
{
	struct goid_entry *e = goid_slot(gp);

	if (e)
		e->check = 0;
}

/* The id of a goroutine, read only if it is not remembered; 0 if it cannot be read. */
static __always_inline __u64 goid_of(__u64 gp)
{
	struct goid_entry *e = goid_slot(gp);
	__u64 goid;

	if (know_goids && e) {
		goid = e->goid;
		if ((e->check ^ goid) == gp)
			return goid;
	}
	goid = read_word(gp + offsets.g_goid);
	if (know_goids && goid)
		remember_goid(gp, goid);
	return goid;
}

/* What this thread remembers. Where the kernel has no memory for it, fallback, which knows nothing. */
static __always_inline struct thread *this_thread(struct thread *fallback)
{
	struct thread *t = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0,
						BPF_LOCAL_STORAGE_GET_F_CREATE);

	return t ? t : fallback;
}

/* Learns this thread's m from the g in its register, which on a system stack is always the same. */
static __always_inline void know_m(struct thread *t, __u64 g)
{
	if (t->m && (g == t->g0 || (g == t->curg && know_current)))
		return;
	t->m = read_word(g + offsets.g_m);
	t->g0 = read_word(t->m + offsets.m_g0);
	t->curg = 0;
	t->p = 0;
}

/* The goroutine on this thread, 0 if there is none. */
static __always_inline __u64 current_of(struct thread *t)
{
	if (!t->curg || !know_current) {
		if (bpf_probe_read_user(&t->curg, sizeof(t->curg), (void *)(t->m + offsets.m_curg)))
			return t->curg = 0;
		if (!t->curg)
			t->curg = NO_GOROUTINE;
	}
	return t->curg == NO_GOROUTINE ? 0 : t->curg;
}

/* Learns this thread's P, which does not change between the events after which it is forgotten. */
static __always_inline void know_p(struct thread *t, bool again)
{
	__u64 p;

	if (t->p && !again)
		return;
	p = read_word(t->m + offsets.m_p);
	if (p && p == t->p)
		return;
	t->p = p;
	t->proc = -1;
	if (p)
		bpf_probe_read_user(&t->proc, sizeof(t->proc), (void *)(p + offsets.p_id));
}

/* Who does it: the goroutine on this thread, and where it is. g is overwritten. */
static __noinline int read_doer(struct pt_regs *ctx, struct seen *s, __u64 curg, struct g *g)
{
	if (!curg)
		return 0;
	if (!stack_depth) {
		s->by_goid = goid_of(curg);
		return 0;
	}
	if (read_g(g, curg))
		return 0;
	s->by_goid = FIELD(g, __u64, g_goid);
	s->by_stack = curg == REG_G(ctx) ? live_stack(ctx, g, s) : saved_stack(g, OP_NONE);
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
	s->base.goid = FIELD(in->g, __u64, g_goid);
	s->base.reason = FIELD(in->g, __u8, g_waitreason);
	submit_by(s);
	in->gp = FIELD(in->g, __u64, g_schedlink);
	return 0;
}

/* injectglist gets a whole list; the longest is of everyone who waits to assist the GC. */
static __noinline int inject_list(struct seen *s, __u64 list, struct g *g)
{
	struct inject in = {.seen = s, .g = g, .gp = read_word(list)};

	bpf_loop(1 << 20, inject_one, &in, 0);
	if (in.gp)
		count_loss(1, 0); /* at least one */
	return 0;
}

/* coroswitch_m swaps the current goroutine with the one in its coroutine, which is returned. */
static __always_inline __u64 read_coro(struct seen *s, __u64 gp)
{
	__u64 next = read_word(read_word(gp + offsets.g_coroarg));
	__u8 exits = 0;

	s->by_goid = goid_of(next);
	bpf_probe_read_user(&exits, sizeof(exits), (void *)(gp + offsets.g_coroexit));
	if (exits) {
		s->base.flags |= FLAG_CORO_EXIT;
		forget_goid(gp);
	}
	return next;
}

/* A goroutine that this thread has just lost or will have lost in a moment. */
static __always_inline bool leave(struct seen *s, struct thread *t, __u64 gp, struct g *g)
{
	struct point p = s->point;

	know_p(t, false);
	s->base.proc = t->proc;
	t->curg = NO_GOROUTINE;
	if (read_g(g, gp)) {
		count_loss(1, 0);
		return false;
	}
	s->base.goid = FIELD(g, __u64, g_goid);
	s->base.reason = FIELD(g, __u8, g_waitreason);
	if (p.op == OP_CORO_SWITCH)
		t->curg = read_coro(s, gp);
	if (stack_depth)
		s->stack = saved_stack(g, s->base.flags & FLAG_PREEMPTED ? OP_PREEMPT_PARK : p.op);
	return true;
}

/* Whether the goroutine that yields was made to. */
static __always_inline bool preempted(struct pt_regs *ctx, struct point p)
{
	if (p.flags & (POINT_YIELDS | POINT_PREEMPTED))
		return p.flags & POINT_PREEMPTED;
	if (preempted_in_arg1)
		return (__u8)REG_ARG1(ctx);
#if defined(REG_LR)
	return !(p.flags & POINT_FRAMED) && inside(&gopreempt, REG_LR(ctx));
#else
	return inside(&gopreempt, read_word(REG_SP(ctx) + p.sp_delta));
#endif
}

/* A goroutine becomes runnable or comes into being. */
static __always_inline int appear(struct pt_regs *ctx, struct seen *s, struct thread *t, __u64 gp, struct g *g)
{
	__u64 curg = current_of(t);
	struct point p = s->point;

	know_p(t, !curg);
	s->base.proc = t->proc;
	if (p.op == OP_INJECT) {
		read_doer(ctx, s, curg, g);
		return inject_list(s, gp, g);
	}
	if (p.op == OP_READY && curg) {
		s->base.goid = goid_of(gp);
		s->base.flags |= FLAG_NO_REASON;
	} else {
		if (read_g(g, gp)) {
			count_loss(1, 0);
			return 0;
		}
		s->base.goid = FIELD(g, __u64, g_goid);
		s->base.reason = FIELD(g, __u8, g_waitreason);
		s->stack = FIELD(g, __u64, g_sched_pc); /* OP_CREATE*: where it will begin */
		remember_goid(gp, s->base.goid);
	}
	read_doer(ctx, s, curg, g);
	return submit_by(s);
}

static __noinline int on_goroutine(struct pt_regs *ctx, struct seen *s)
{
	__u64 gp = argument(ctx, s->point.arg), cur = REG_G(ctx);
	struct thread unknown = {}, *t = this_thread(&unknown);
	struct g buf, *g = &buf;

	if (s->point.op == OP_NEEDM || s->point.op == OP_DROPM)
		t->m = 0;
	know_m(t, cur);
	switch (s->point.op) {
	case OP_RUN:
		s->base.goid = goid_of(gp);
		t->curg = gp;
		know_p(t, true);
		s->base.proc = t->proc;
		return submit_base(s);
	case OP_READY:
	case OP_INJECT:
	case OP_CREATE:
	case OP_CREATE_CORO:
		return appear(ctx, s, t, gp, g);
	case OP_SYSCALL_ENTER:
	case OP_SYSCALL_BLOCK:
		t->curg = gp;
		know_p(t, false);
		s->base.proc = t->proc;
		if (!stack_depth) {
			s->base.goid = goid_of(gp);
			return submit_stack(s);
		}
		if (read_g(g, gp)) {
			count_loss(1, 0);
			return 0;
		}
		s->base.goid = FIELD(g, __u64, g_goid);
		s->stack = live_stack(ctx, g, s);
		return submit_stack(s);
	case OP_SYSCALL_EXIT:
		t->curg = gp;
		t->p = 0; /* it will look for one */
		s->base.goid = goid_of(gp);
		return submit_base(s);
	case OP_NEEDM:
		s->base.goid = goid_of(gp);
		t->curg = gp;
		return submit_base(s);
	case OP_EXIT:
	case OP_SYSCALL_NOP:
	case OP_DROPM:
		know_p(t, false);
		s->base.proc = t->proc;
		s->base.goid = goid_of(gp);
		t->curg = NO_GOROUTINE;
		if (s->point.op == OP_EXIT)
			forget_goid(gp);
		if (s->point.op == OP_DROPM)
			t->m = 0;
		return submit_base(s);
	case OP_YIELD:
		if (preempted(ctx, s->point))
			s->base.flags |= FLAG_PREEMPTED;
		break;
	case OP_CORO_SWITCH:
		return leave(s, t, gp, g) ? submit_by(s) : 0;
	}
	return leave(s, t, gp, g) ? submit_stack(s) : 0;
}

static __noinline int observe(struct pt_regs *ctx, __u64 cookie)
{
	struct seen s = {.point = point_of(cookie)};
	struct thread *t;

	begin_event(&s.base, s.point.op);
	switch (s.point.op) {
	case OP_STW_BEGIN:
		s.base.reason = s.point.arg == ARG_NONE ? 0xff : REG_ARG0(ctx);
	case OP_GC_START:
	case OP_GC_END:
		return submit_base(&s);
	case OP_STW_END: /* the number of Ps may change while the world is stopped */
		t = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0, 0);
		if (t)
			t->p = 0;
		return submit_base(&s);
	}
	return on_goroutine(ctx, &s);
}

SEC("uprobe")
int transition(struct pt_regs *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 != target_tgid)
		return 0;
	if (can_be_preempted())
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
		BPF_CORE_READ_INTO(&t.comm, prev, comm);
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
