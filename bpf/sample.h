/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* On-CPU samples: what a thread was doing when the CPU's clock interrupted it. */
#ifndef GOSCHED_SAMPLE_H
#define GOSCHED_SAMPLE_H

#include "goroutine.h"

/* How many frames of a thread's system stack are taken, and how far up they are looked for. */
#define SYSTEM_FRAMES 24
#define SYSTEM_STACK  (256 << 10)

/* How many frames there is room for above those. */
#define OWN_FRAMES (MAX_FRAMES - SYSTEM_FRAMES - 4)

/* An interrupt finds programs of probes at work on this CPU, so it has memory of its own. Only one
 * runs at a time. */
static __always_inline struct scratch *sample_scratch(void)
{
	struct scratch *s = scratch_at(SCRATCHES);

	if (s)
		s->index = SCRATCHES;
	return s;
}

static __always_inline void copy_registers(struct registers *to, __u64 ip, __u64 sp, __u64 fp, __u64 g, __u64 lr)
{
	to->ip = ip;
	to->sp = sp;
	to->fp = fp;
	to->g = g;
	to->lr = lr;
}

/* The thread's registers as its own code left them; true where it was in the kernel meanwhile. */
static __always_inline bool read_registers(struct bpf_perf_event_data *ctx, struct scratch *s)
{
	__u64 mode = REG_MODE(&ctx->regs), ip = REG_PC(&ctx->regs), sp = REG_SP(&ctx->regs);
	__u64 fp = REG_FP(&ctx->regs), g = REG_G(&ctx->regs), lr = REG_LINK(&ctx->regs);

	/* The verifier wants ctx read at fixed places, here. */
	asm volatile("" : "+r"(mode), "+r"(ip), "+r"(sp), "+r"(fp), "+r"(g), "+r"(lr));
	if (OF_USER(mode)) {
		copy_registers(&s->regs, ip, sp, fp, g, lr);
		return false;
	}
#ifdef LEGACY
	copy_registers(&s->regs, 0, 0, 0, 0, 0);
#else
	struct pt_regs *saved = (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	struct registers *to = &s->regs;

	copy_registers(to, 0, 0, 0, 0, 0);
	bpf_probe_read_kernel(&to->ip, sizeof(to->ip), &REG_PC(saved));
	bpf_probe_read_kernel(&to->sp, sizeof(to->sp), &REG_SP(saved));
	bpf_probe_read_kernel(&to->fp, sizeof(to->fp), &REG_FP(saved));
	bpf_probe_read_kernel(&to->g, sizeof(to->g), &REG_G(saved));
	bpf_probe_read_kernel(&to->lr, sizeof(to->lr), &REG_LINK(saved));
#endif
	return true;
}

/* The m whose g is g; 0: g is none, whatever the register holds. */
static __always_inline __u64 m_of(volatile struct subject *of, __u64 g)
{
	__u64 m = read_word(g + of->offsets.g_m);

	if (m && (read_word(m + of->offsets.m_curg) == g || read_word(m + of->offsets.m_g0) == g))
		return m;
	return 0;
}

/* Finds the goroutine and the P that the thread has. A probe's program may be at work on what the
 * thread remembers, so that is left as it is. */
static __always_inline __u64 on_thread(struct scratch *s)
{
	volatile struct subject *of = subject_of(s);
	struct thread *known = known_thread(), *t = &s->unknown;
	__u64 p;

	__builtin_memset(t, 0, sizeof(*t));
	if (known && known->epoch == of->epoch)
		*t = *known;
	if (!t->m) {
		t->curg = 0;
		t->m = m_of(of, s->regs.g);
	}
	if (!t->m)
		return 0;
	p = read_word(t->m + of->offsets.m_p);
	if (p)
		bpf_probe_read_user(&s->seen.base.proc, sizeof(s->seen.base.proc), (void *)(p + of->offsets.p_id));
	return current_of(of, t);
}

#ifdef LEGACY
/* Global for the reason that walk_stack_at is. */
__noinline int walk_sample_at(__u32 scratch, __u32 frames)
{
	struct scratch *s = scratch_at(scratch);

	if (!s)
		return 0;
	for (__u32 i = 0; i < OWN_FRAMES && i < frames && next_frame(s); i++)
		;
	return 0;
}

static __always_inline void walk_sample(struct scratch *s, __u32 frames) { walk_sample_at(s->index, frames); }
#else
static __noinline int walk_sample(struct scratch *s, __u32 frames)
{
	walk_up_to(s, frames);
	return 0;
}
#endif

/* Opens a stack from sp to hi, to be walked from fp on. */
static __always_inline bool open_sample(struct scratch *s, __u64 sp, __u64 fp, __u64 hi)
{
	s->walk.fp = fp;
	s->walk.hi = hi;
	s->walk.in_c = 0;
	return !open_window(s, sp - BELOW_SP);
}

/* What the thread does on its system stack. s->walk.fp is where the chain leaves that stack. */
static __always_inline void walk_system_stack(struct scratch *s)
{
	__u64 sp = s->regs.sp, fp = s->regs.fp, hi = sp + SYSTEM_STACK;

	s->walk.fp = fp;
	if (fp >= sp && fp < hi && open_sample(s, sp, fp, hi))
		walk_sample(s, SYSTEM_FRAMES);
}

static __always_inline __u32 own_frames(void) { return stack_depth < OWN_FRAMES ? stack_depth : OWN_FRAMES; }

/* The goroutine's own stack, whose thread has left it. systemstack and calls into C say where in
 * g.sched; what interrupts the goroutine, as a signal does, or leaves without saying so, as calls of
 * the vDSO do, has its frame pointer. */
static __always_inline bool open_left_stack(struct scratch *s)
{
	__u64 lo = FIELD(s, __u64, g_stack_lo), hi = FIELD(s, __u64, g_stack_hi), chain = s->walk.fp;
	__u64 pc = FIELD(s, __u64, g_sched_pc), sp = FIELD(s, __u64, g_sched_sp), fp = FIELD(s, __u64, g_sched_bp);
	bool saved = inside(&subject_of(s)->systemstack_switch, pc);

	if (!saved && chain >= lo && chain < hi)
		return open_sample(s, chain + BELOW_SP, chain, hi);
	if (sp < lo || sp >= hi || !open_sample(s, sp, fp, hi))
		return false;
	if (saved)
		pc = leaf_of_systemstack(s);
	if (pc)
		add_frame(s, pc);
	return true;
}

/* Where a function without a frame returns to, if the thread is in one. */
#if defined(REG_LR)
static __always_inline __u64 caller_of_frameless(struct scratch *s) { return s->regs.lr; }
#else
static __always_inline __u64 caller_of_frameless(struct scratch *s) { return read_word(s->regs.sp); }
#endif

/* Walks the stacks that the thread is on: gp's, or the thread's own and then gp's. */
static __always_inline void walk_stacks(struct scratch *s, __u64 gp)
{
	__u64 sp = s->regs.sp;
	bool known = gp && !read_g(s, gp), open;

	s->def.kind = STACK_BROKEN;
	s->sample.caller = caller_of_frameless(s);
	add_frame(s, s->regs.ip);
	if (known && sp >= FIELD(s, __u64, g_stack_lo) && sp < FIELD(s, __u64, g_stack_hi)) {
		open = open_sample(s, sp, s->regs.fp, FIELD(s, __u64, g_stack_hi));
	} else {
		s->seen.base.flags |= FLAG_SYSTEM_STACK;
		walk_system_stack(s);
		if (!gp)
			return;
		s->def.kind = STACK_BROKEN;
		open = known && open_left_stack(s);
	}
	if (open)
		walk_sample(s, own_frames());
}

#ifdef LEGACY
/* Where a thread is in the kernel, older kernels do not give its registers, but walk its stack. */
static __always_inline void kernel_walks(struct bpf_perf_event_data *ctx, struct scratch *s)
{
	long bytes = bpf_get_stack(ctx, s->def.pcs, sizeof(s->def.pcs), BPF_F_USER_STACK);

	if (bytes > 0)
		s->def.frames = bytes / 8;
}
#endif

static __always_inline int submit_sample(struct scratch *s)
{
	void *ring = ring_of_this_cpu();
	__u64 frames = s->def.frames;

	if (frames > MAX_FRAMES)
		frames = MAX_FRAMES;
	s->sample.base = s->seen.base;
	if (!ring || bpf_ringbuf_output(ring, &s->sample, sizeof(s->sample) + STACK_DEF_HEAD + 8 * frames,
					BPF_RB_NO_WAKEUP))
		return lose_event(s);
	return 0;
}

static __always_inline int take_sample(struct bpf_perf_event_data *ctx, struct scratch *s, __u32 subject)
{
	__u64 gp;

	begin_event(&s->seen.base, OP_SAMPLE, subject);
	s->sample.caller = 0;
	s->def.op = OP_STACK;
	s->def.frames = 0;
	s->def.subject = subject;
	s->def.kind = STACK_WHOLE;
	if (read_registers(ctx, s))
		s->seen.base.flags |= FLAG_IN_KERNEL;
	gp = on_thread(s);
	if (gp)
		s->seen.base.goid = goid_of(s, gp);
	if (stack_depth && s->regs.ip)
		walk_stacks(s, gp);
#ifdef LEGACY
	else if (stack_depth)
		kernel_walks(ctx, s);
#endif
	return submit_sample(s);
}

#endif
