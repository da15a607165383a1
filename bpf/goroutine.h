/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What happens to goroutines: one event a hit of a probe. */
#ifndef GOSCHED_GOROUTINE_H
#define GOSCHED_GOROUTINE_H

#include "stack.h"

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

/* Whose probe point it is. */
static __always_inline __u32 subject_in(__u64 cookie) { return cookie >> 32 & (MAX_SUBJECTS - 1); }

#ifdef LEGACY
static __always_inline __u64 cookie_of(struct pt_regs *ctx, __u32 tgid)
{
	struct place at = {.ip = REG_PC(ctx), .tgid = tgid};
	__u64 *cookie = bpf_map_lookup_elem(&points, &at);

	return cookie ? *cookie : 0;
}
#else
static __always_inline __u64 cookie_of(struct pt_regs *ctx, __u32 tgid) { return bpf_get_attach_cookie(ctx); }
#endif

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

static __always_inline void begin_event(struct event_base *e, __u8 op, __u32 subject)
{
	e->op = op;
	e->reason = 0;
	e->cpu = bpf_get_smp_processor_id();
	e->tid = bpf_get_current_pid_tgid();
	e->time_ns = bpf_ktime_get_ns();
	e->goid = 0;
	e->proc = -1;
	e->flags = 0;
	e->subject = subject;
}

#define SUBMIT(type, s, subject) do { \
	void *ring = ring_of_this_cpu(); \
	type *r = ring ? bpf_ringbuf_reserve(ring, sizeof(type), 0) : NULL; \
	if (!r) { \
		count_loss(subject, 1, 0); \
		break; \
	} \
	__builtin_memcpy(r, s, sizeof(type)); \
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP); \
} while (0)

static __always_inline int lose_event(struct scratch *s)
{
	count_loss(s->seen.base.subject, 1, 0);
	return 0;
}

/* An event of a goroutine whose id could not be read is lost. */
static __always_inline int submit_base(struct scratch *s)
{
	if (!s->seen.base.goid && s->seen.base.op < OP_GC_START)
		return lose_event(s);
	SUBMIT(struct event_base, &s->seen, s->seen.base.subject);
	return 0;
}

static __always_inline int submit_stack(struct scratch *s)
{
	if (!s->seen.base.goid)
		return lose_event(s);
	SUBMIT(struct event_stack, &s->seen, s->seen.base.subject);
	return 0;
}

static __always_inline int submit_wait(struct scratch *s)
{
	if (!s->seen.base.goid)
		return lose_event(s);
	SUBMIT(struct event_wait, &s->seen, s->seen.base.subject);
	return 0;
}

static __noinline int submit_by(struct scratch *s)
{
	if (!s->seen.base.goid)
		return lose_event(s);
	SUBMIT(struct event_by, &s->seen, s->seen.base.subject);
	return 0;
}

/* Go programs have their goroutines at much the same addresses. */
static __always_inline struct goid_entry *goid_slot(struct scratch *s, __u64 gp)
{
	__u32 slot = ((gp ^ (__u64)s->seen.base.subject << 58) * GOLDEN) >> (64 - TABLE_BITS);

	return bpf_map_lookup_elem(&goids, &slot);
}

static __always_inline void remember_goid(struct scratch *s, __u64 gp, __u64 goid)
{
	struct goid_entry *e = goid_slot(s, gp);

	if (!e)
		return;
	e->goid = goid;
	e->check = sealed(s, gp ^ goid);
}

static __always_inline void forget_goid(struct scratch *s, __u64 gp)
{
	struct goid_entry *e = goid_slot(s, gp);

	if (e)
		e->check = 0;
}

/* The id of a goroutine, read only if it is not remembered; 0 if it cannot be read. */
static __always_inline __u64 goid_of(struct scratch *s, __u64 gp)
{
	volatile struct subject *of = subject_of(s);
	struct goid_entry *e = goid_slot(s, gp);
	__u64 goid;

	if (of->know_goids && e) {
		goid = e->goid;
		if (e->check == sealed(s, gp ^ goid))
			return goid;
	}
	goid = read_word(gp + of->offsets.g_goid);
	if (of->know_goids && goid)
		remember_goid(s, gp, goid);
	return goid;
}

/* What this thread remembers; NULL where it remembers nothing yet. */
static __always_inline struct thread *known_thread(void)
{
#ifdef LEGACY
	__u32 tid = bpf_get_current_pid_tgid();

	return bpf_map_lookup_elem(&threads, &tid);
#else
	return bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0, 0);
#endif
}

/* What this thread remembers. Where the kernel has no memory for it, it knows nothing. */
static __always_inline struct thread *this_thread(struct scratch *s)
{
#ifdef LEGACY
	struct thread *t = known_thread();

	if (!t) {
		__u32 tid = bpf_get_current_pid_tgid();

		__builtin_memset(&s->unknown, 0, sizeof(s->unknown));
		bpf_map_update_elem(&threads, &tid, &s->unknown, BPF_ANY);
		t = bpf_map_lookup_elem(&threads, &tid);
	}
#else
	struct thread *t = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0,
						BPF_LOCAL_STORAGE_GET_F_CREATE);
#endif

	if (!t)
		t = &s->unknown;
	if (t == &s->unknown || t->epoch != subject_of(s)->epoch) {
		__builtin_memset(t, 0, sizeof(*t));
		t->epoch = subject_of(s)->epoch;
	}
	return t;
}

/* Learns this thread's m from the g in its register, which on a system stack is always the same. */
static __always_inline void know_m(volatile struct subject *of, struct thread *t, __u64 g)
{
	if (t->m && (g == t->g0 || (g == t->curg && of->know_current)))
		return;
	t->m = read_word(g + of->offsets.g_m);
	t->g0 = read_word(t->m + of->offsets.m_g0);
	t->curg = 0;
	t->p = 0;
}

/* The goroutine on this thread, 0 if there is none. */
static __always_inline __u64 current_of(volatile struct subject *of, struct thread *t)
{
	__u64 curg = 0;

	if (!t->curg || !of->know_current) {
		if (bpf_probe_read_user(&curg, sizeof(curg), (void *)(t->m + of->offsets.m_curg)))
			return t->curg = 0;
		t->curg = curg ? curg : NO_GOROUTINE;
	}
	return t->curg == NO_GOROUTINE ? 0 : t->curg;
}

/* Learns this thread's P, which does not change between the events after which it is forgotten. */
static __always_inline void know_p(volatile struct subject *of, struct thread *t, bool again)
{
	__u64 p;

	if (t->p && !again && of->know_proc)
		return;
	p = read_word(t->m + of->offsets.m_p);
	if (p && p == t->p)
		return;
	t->p = p;
	t->proc = -1;
	if (p)
		bpf_probe_read_user(&t->proc, sizeof(t->proc), (void *)(p + of->offsets.p_id));
}

/* Who does it: the goroutine on this thread, and where it is. s->g is overwritten. */
static __noinline int read_doer(struct pt_regs *ctx, struct scratch *s, __u64 curg)
{
	if (!curg)
		return 0;
	if (!stack_depth) {
		s->seen.by_goid = goid_of(s, curg);
		return 0;
	}
	if (read_g(s, curg))
		return 0;
	s->seen.by_goid = FIELD(s, __u64, g_goid);
	s->seen.by_stack = curg == REG_G(ctx) ? live_stack(ctx, s) : saved_stack(s, OP_NONE);
	return 0;
}

/* Sends that the goroutine gp of a list is runnable and gives the next one; 0: there is none. */
static __always_inline __u64 inject_one(struct scratch *s, __u64 gp)
{
	if (read_g(s, gp))
		return lose_event(s); /* and what is behind it */
	s->seen.base.goid = FIELD(s, __u64, g_goid);
	s->seen.base.reason = FIELD(s, __u8, g_waitreason);
	submit_by(s);
	return FIELD(s, __u64, g_schedlink);
}

/* injectglist gets a whole list; the longest is of everyone who waits to assist the GC. Where the
 * list is too long, at least one event is lost. */
#ifdef LEGACY
/* A poll of the network gives at most 256 (go1.18-1.27 src/runtime/netpoll_epoll.go, netpoll). */
#define LONGEST_LIST 1024

/* Global for the reason that walk_stack_at is. */
__noinline __u64 inject_one_at(__u32 scratch, __u64 gp)
{
	struct scratch *s = scratch_at(scratch);

	return s ? inject_one(s, gp) : 0;
}

static __noinline int inject_list(struct scratch *s, __u64 list)
{
	__u64 gp = read_word(list);

	for (__u32 i = 0; i < LONGEST_LIST && gp; i++)
		gp = inject_one_at(s->index, gp);
	return gp ? lose_event(s) : 0;
}
#else
#define LONGEST_LIST (1 << 20)

struct inject {
	struct scratch *scratch;
	__u64 gp;
};

static int inject_next(__u32 i, struct inject *in)
{
	if (in->gp)
		in->gp = inject_one(in->scratch, in->gp);
	return !in->gp;
}

static __noinline int inject_list(struct scratch *s, __u64 list)
{
	struct inject in = {.scratch = s, .gp = read_word(list)};

	bpf_loop(LONGEST_LIST, inject_next, &in, 0);
	return in.gp ? lose_event(s) : 0;
}
#endif

/* coroswitch_m swaps the current goroutine with the one in its coroutine, which is returned. */
static __always_inline __u64 read_coro(struct scratch *s, __u64 gp)
{
	volatile struct subject *of = subject_of(s);
	__u64 next = read_word(read_word(gp + of->offsets.g_coroarg));
	__u8 exits = 0;

	s->seen.by_goid = goid_of(s, next);
	bpf_probe_read_user(&exits, sizeof(exits), (void *)(gp + of->offsets.g_coroexit));
	if (exits) {
		s->seen.base.flags |= FLAG_CORO_EXIT;
		forget_goid(s, gp);
	}
	return next;
}

/* A goroutine that this thread has just lost or will have lost in a moment. */
static __always_inline bool leave(struct scratch *s, struct thread *t, __u64 gp, __u8 op)
{
	know_p(subject_of(s), t, false);
	s->seen.base.proc = t->proc;
	t->curg = NO_GOROUTINE;
	if (read_g(s, gp))
		return lose_event(s);
	s->seen.base.goid = FIELD(s, __u64, g_goid);
	s->seen.base.reason = FIELD(s, __u8, g_waitreason);
	if (op == OP_CORO_SWITCH)
		t->curg = read_coro(s, gp);
	if (stack_depth)
		s->seen.stack = saved_stack(s, s->seen.base.flags & FLAG_PREEMPTED ? OP_PREEMPT_PARK : op);
	return true;
}

/* Whether the goroutine that yields was made to. */
static __always_inline bool preempted(struct pt_regs *ctx, volatile struct subject *of, struct point p)
{
	if (p.flags & (POINT_YIELDS | POINT_PREEMPTED))
		return p.flags & POINT_PREEMPTED;
	if (of->preempted_in_arg1)
		return (__u8)REG_ARG1(ctx);
#if defined(REG_LR)
	return !(p.flags & POINT_FRAMED) && inside(&of->gopreempt, REG_LR(ctx));
#else
	return inside(&of->gopreempt, read_word(REG_SP(ctx) + p.sp_delta));
#endif
}

/* A goroutine becomes runnable or comes into being. */
static __always_inline int appear(struct pt_regs *ctx, struct scratch *s, struct thread *t, __u64 gp, __u8 op)
{
	volatile struct subject *of = subject_of(s);
	__u64 curg = current_of(of, t);

	know_p(of, t, !curg);
	s->seen.base.proc = t->proc;
	if (op == OP_INJECT) {
		read_doer(ctx, s, curg);
		return inject_list(s, gp);
	}
	if (op == OP_READY && curg) {
		s->seen.base.goid = goid_of(s, gp);
		s->seen.base.flags |= FLAG_NO_REASON;
	} else {
		if (read_g(s, gp))
			return lose_event(s);
		s->seen.base.goid = FIELD(s, __u64, g_goid);
		s->seen.base.reason = FIELD(s, __u8, g_waitreason);
		s->seen.stack = FIELD(s, __u64, g_sched_pc); /* OP_CREATE*: where it will begin */
		remember_goid(s, gp, s->seen.base.goid);
	}
	read_doer(ctx, s, curg);
	return submit_by(s);
}

/* A goroutine calls into the kernel or into C. */
static __always_inline int enter_syscall(struct pt_regs *ctx, struct scratch *s, struct thread *t, __u64 gp)
{
	t->curg = gp;
	know_p(subject_of(s), t, false);
	s->seen.base.proc = t->proc;
	if (!stack_depth) {
		s->seen.base.goid = goid_of(s, gp);
		return submit_stack(s);
	}
	if (read_g(s, gp))
		return lose_event(s);
	s->seen.base.goid = FIELD(s, __u64, g_goid);
	s->seen.stack = live_stack(ctx, s);
	return submit_stack(s);
}

/* The semaphore that a goroutine parks for, from the frame of semacquire1, which has called gopark;
 * 0: not known. gopark's lock is only that of one of a few lists, in which the semaphore's waiters are. */
static __always_inline __u64 awaited_semaphore(struct scratch *s)
{
	volatile struct subject *of = subject_of(s);
	__u64 frame[2] = {}; /* of gopark: the caller's frame pointer, the return address */

	if (bpf_probe_read_user(frame, sizeof(frame), (void *)FIELD(s, __u64, g_sched_bp)))
		return 0;
	return inside(&of->semacquire, frame[1]) ? read_word(frame[0] + of->semaphore_slot) : 0;
}

/* What a goroutine that parks waits for; 0: not known. gopark leaves its lock in the m
 * (go1.18-1.27 src/runtime/proc.go). */
static __always_inline __u64 awaited(struct scratch *s, struct thread *t)
{
	volatile struct subject *of = subject_of(s);
	__u8 reason = s->seen.base.reason;

	if (reason >= 64 || !(of->object_reasons >> reason & 1))
		return 0;
	if (of->semaphore_reasons >> reason & 1)
		return awaited_semaphore(s);
	return read_word(t->m + of->offsets.m_waitlock);
}

/* A goroutine waits. */
static __always_inline int park(struct scratch *s, struct thread *t, __u64 gp)
{
	if (!leave(s, t, gp, OP_PARK))
		return 0;
	s->seen.object = awaited(s, t);
	return s->seen.object ? submit_wait(s) : submit_stack(s);
}

static __always_inline int on_goroutine(struct pt_regs *ctx, struct scratch *s)
{
	struct point p = s->seen.point;
	__u64 gp = argument(ctx, p.arg), cur = REG_G(ctx);
	volatile struct subject *of = subject_of(s);
	struct thread *t = this_thread(s);

	if (p.op == OP_NEEDM || p.op == OP_DROPM)
		t->m = 0;
	know_m(of, t, cur);
	switch (p.op) {
	case OP_RUN:
		s->seen.base.goid = goid_of(s, gp);
		t->curg = gp;
		know_p(of, t, true);
		s->seen.base.proc = t->proc;
		return submit_base(s);
	case OP_READY:
	case OP_INJECT:
	case OP_CREATE:
	case OP_CREATE_CORO:
		return appear(ctx, s, t, gp, p.op);
	case OP_SYSCALL_ENTER:
	case OP_SYSCALL_BLOCK:
		return enter_syscall(ctx, s, t, gp);
	case OP_SYSCALL_EXIT:
		t->curg = gp;
		t->p = 0; /* it will look for one */
		s->seen.base.goid = goid_of(s, gp);
		return submit_base(s);
	case OP_NEEDM:
		s->seen.base.goid = goid_of(s, gp);
		t->curg = gp;
		return submit_base(s);
	case OP_EXIT:
	case OP_SYSCALL_NOP:
	case OP_DROPM:
		know_p(of, t, false);
		s->seen.base.proc = t->proc;
		s->seen.base.goid = goid_of(s, gp);
		t->curg = NO_GOROUTINE;
		if (p.op == OP_EXIT)
			forget_goid(s, gp);
		if (p.op == OP_DROPM)
			t->m = 0;
		return submit_base(s);
	case OP_YIELD:
		if (preempted(ctx, of, p))
			s->seen.base.flags |= FLAG_PREEMPTED;
		break;
	case OP_PARK:
		return park(s, t, gp);
	case OP_CORO_SWITCH:
		return leave(s, t, gp, p.op) ? submit_by(s) : 0;
	}
	return leave(s, t, gp, p.op) ? submit_stack(s) : 0;
}

/* One of the runtime's numbers; -1: not known. */
static __always_inline __s32 read_number(__u64 addr)
{
	__s32 v = 0;

	if (!addr || bpf_probe_read_user(&v, sizeof(v), (void *)addr))
		return -1;
	return v;
}

/* How many Ps there will be after the stop: startTheWorldWithSema sets that only after the probe
 * (go1.18-1.27 src/runtime/proc.go). */
static __always_inline __s32 procs_to_be(volatile struct subject *of)
{
	__s32 n = read_number(of->newprocs);

	return n ? n : read_number(of->gomaxprocs);
}

/* The collector's cycles and the stops of the world. */
static __always_inline int on_range(struct pt_regs *ctx, struct scratch *s)
{
	volatile struct subject *of = subject_of(s);
	struct thread *t;

	switch (s->seen.point.op) {
	case OP_STW_BEGIN:
		s->seen.base.reason = s->seen.point.arg == ARG_NONE ? 0xff : REG_ARG0(ctx);
		s->seen.base.proc = read_number(of->gomaxprocs);
		break;
	case OP_STW_END: /* the number of Ps may change while the world is stopped */
		s->seen.base.proc = procs_to_be(of);
		t = known_thread();
		if (t)
			t->p = 0;
	}
	return submit_base(s);
}

static __noinline int observe(struct pt_regs *ctx, struct scratch *s, __u64 cookie)
{
	s->seen.point = point_of(cookie);
	s->seen.stack = s->seen.by_goid = s->seen.by_stack = 0;
	begin_event(&s->seen.base, s->seen.point.op, subject_in(cookie));
	if (s->seen.point.op >= OP_GC_START)
		return on_range(ctx, s);
	return on_goroutine(ctx, s);
}

#endif
