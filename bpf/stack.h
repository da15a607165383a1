/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Stacks: walked by their frame pointers, named by a hash, sent once. */
#ifndef GOSCHED_STACK_H
#define GOSCHED_STACK_H

#include "state.h"

/* Reads the part of the stack that begins at addr. */
static __noinline int open_window(struct scratch *s, __u64 addr)
{
	__u64 size = s->walk.hi - addr;

	if (addr >= s->walk.hi)
		return -1;
	if (size > WINDOW)
		size = WINDOW;
	if (bpf_probe_read_user(s->window, size, (void *)addr))
		return -1;
	s->walk.base = addr;
	s->walk.size = size;
	return 0;
}

/* On arm64 the frame record of who runs lies 8 bytes below SP: the return address is at SP, and the
 * caller's frame pointer below that (go1.18-1.27 src/cmd/internal/obj/arm64/obj7.go). */
#if defined(REG_LR)
#define BELOW_SP 8
#else
#define BELOW_SP 0
#endif

/* The word that SP points to, of the stack that was opened there. */
static __always_inline __u64 first_word(struct scratch *s)
{
	return *(__u64 *)(s->window + BELOW_SP);
}

static __always_inline void add_frame(struct scratch *s, __u64 pc)
{
	struct stack_def *d = &s->def;

	d->pcs[d->frames++ & (MAX_FRAMES - 1)] = pc;
	d->hash = mix(d->hash, pc);
}

/* The verifier goes through the body of a loop once for each of its paths and turns, through a call
 * in it once a turn; and it allows eight functions to be at work at once. */
#ifdef LEGACY
#define LOOP_BODY static __noinline
#else
#define LOOP_BODY static __always_inline
#endif

/* Adds the frame that the frame pointer is at and goes to its caller's; false at the stack's end or
 * where the chain breaks. */
LOOP_BODY bool next_frame(struct scratch *s)
{
	volatile struct subject *of = subject_of(s);
	struct walk *w = &s->walk;
	__u64 fp = w->fp, at = fp - w->base, up, ret;

	s->def.kind = STACK_BROKEN;
	if (fp < w->base)
		return false;
	if (at + 16 > w->size) {
		if (open_window(s, fp))
			return false;
		at = 0;
	}
	if (at > WINDOW - 16)
		return false;
	up = *(__u64 *)(s->window + at);
	ret = *(__u64 *)(s->window + at + 8);
	add_frame(s, ret);
	s->def.kind = STACK_DEEP;
	if (w->in_c) {
		w->in_c = 0;
		w->fp = fp + of->callback_caller;
		return true;
	}
	if (inside(&of->cgocallback, ret)) {
		w->in_c = 1;
		w->fp = fp + of->callback_opened;
		return true;
	}
	w->fp = up;
	if (up > fp)
		return true;
	s->def.kind = up ? STACK_BROKEN : STACK_WHOLE;
	return false;
}

/* Gives the reader the stack that has been walked. */
static __always_inline int send_stack(struct scratch *s)
{
	void *ring = ring_of_this_cpu();
	__u64 frames = s->def.frames;

	if (!ring)
		return -1;
	if (frames > MAX_FRAMES)
		frames = MAX_FRAMES;
	return bpf_ringbuf_output(ring, &s->def, STACK_DEF_HEAD + 8 * frames, BPF_RB_NO_WAKEUP);
}

#ifdef LEGACY
static __always_inline void walk_frames(struct scratch *s)
{
	for (__u32 i = 0; i < MAX_FRAMES - 2 && i < stack_depth && next_frame(s); i++)
		;
}
#else
/* How many frames are walked without a look at what is rare. */
#define PLAIN_FRAMES 12

/* Goes through frames as next_frame would, as long as they are in the window, neither the last nor of
 * the way back from C, and fewer than wanted. What it works with stays in registers, where next_frame
 * writes it to memory and reads it again for each frame. */
static __always_inline void plain_frames(struct scratch *s)
{
	volatile struct subject *of = subject_of(s);
	__u64 begin = of->cgocallback.begin, length = of->cgocallback.end - begin;
	__u64 base = s->walk.base, size = s->walk.size, fp = s->walk.fp, hash = s->def.hash;
	__u32 n = s->def.frames, wanted = s->walk.wanted;

	if (s->walk.in_c || size < 16)
		return;
	for (__u32 i = 0; i < PLAIN_FRAMES && n < wanted; i++) {
		__u64 at = fp - base, up, ret;

		if (at > size - 16 || at > WINDOW - 16)
			break;
		up = *(__u64 *)(s->window + at);
		ret = *(__u64 *)(s->window + at + 8);
		if (up <= fp || ret - begin < length)
			break;
		s->def.pcs[n++ & (MAX_FRAMES - 1)] = ret;
		hash = mix(hash, ret);
		fp = up;
	}
	s->walk.fp = fp;
	s->def.hash = hash;
	s->def.frames = n;
	s->def.kind = STACK_DEEP;
}

static int walk_some(__u32 i, struct scratch **at)
{
	struct scratch *s = *at;

	plain_frames(s);
	return s->def.frames >= s->walk.wanted || !next_frame(s);
}

/* Adds so many frames at most. */
static __always_inline void walk_up_to(struct scratch *s, __u32 frames)
{
	s->walk.wanted = s->def.frames + frames;
	bpf_loop(frames, walk_some, &s, 0);
}

static __always_inline void walk_frames(struct scratch *s) { walk_up_to(s, stack_depth); }
#endif

/* Walks the stack whose window is open, names it, and sends it if that name is new. pc is the leaf,
 * word a return address above it that has no frame; 0: none. */
static __always_inline __u64 walk_stack(struct scratch *s, __u64 pc, __u64 word)
{
	__u64 *sent, hash;
	__u32 slot;

	s->walk.in_c = 0;
	s->def.op = OP_STACK;
	s->def.kind = STACK_WHOLE;
	s->def.frames = 0;
	s->def.subject = s->seen.base.subject;
	s->def.hash = GOLDEN ^ s->def.subject;
	if (pc)
		add_frame(s, pc);
	if (word)
		add_frame(s, word);
	if (s->walk.fp)
		walk_frames(s);
	hash = s->def.hash | 1; /* 0 is no stack */
	s->def.hash = hash;
	slot = hash >> (64 - TABLE_BITS);
	sent = bpf_map_lookup_elem(&stacks_sent, &slot);
	if (!sent || *sent == sealed(s, hash))
		return hash;
	if (send_stack(s))
		count_loss(s->def.subject, 0, 1); /* the next one tries again */
	else
		*sent = sealed(s, hash);
	return hash;
}

#ifdef LEGACY
/* The verifier looks at a global function only once, whoever calls it, but before Linux 5.12 lets it
 * take nothing but numbers. Where preemption is off, Linux 6.10 to 6.14 let none be called. */
__noinline __u64 walk_stack_at(__u32 scratch, __u64 pc, __u64 word)
{
	struct scratch *s = scratch_at(scratch);

	return s ? walk_stack(s, pc, word) : 0;
}

static __always_inline __u64 name_stack(struct scratch *s, __u64 pc, __u64 word)
{
	return walk_stack_at(s->index, pc, word);
}
#else
static __noinline __u64 name_stack(struct scratch *s, __u64 pc, __u64 word) { return walk_stack(s, pc, word); }
#endif

/* Opens the stack of the goroutine in s->g from sp on. */
static __always_inline bool open_stack(struct scratch *s, __u64 sp, __u64 fp)
{
	s->walk.fp = fp;
	s->walk.hi = FIELD(s, __u64, g_stack_hi);
	if (sp >= FIELD(s, __u64, g_stack_lo) && !open_window(s, sp - BELOW_SP))
		return true;
	count_loss(s->seen.base.subject, 0, 1);
	return false;
}

#if defined(REG_LR)
/* systemstack has a frame, and its record has the leaf; who called a function that was stopped in
 * its prologue is in sched.lr, the word before sched.bp (go1.18-1.27 src/runtime/runtime2.go). */
static __always_inline __u64 leaf_of_systemstack(struct scratch *s) { return 0; }

static __always_inline __u64 caller_in_prologue(struct scratch *s)
{
	return *(__u64 *)(s->g.bytes + subject_of(s)->offsets.g_sched_bp - 8);
}
#else
static __always_inline __u64 leaf_of_systemstack(struct scratch *s) { return first_word(s); }

static __always_inline __u64 caller_in_prologue(struct scratch *s) { return first_word(s); }
#endif

/* The stack of a goroutine that is not on its own stack now, from g.sched: mcall and systemstack
 * leave the caller's frame in sched.bp; systemstack's leaf is at sched.sp, and so is the caller of a
 * function that was stopped in its prologue, as a goroutine that is preempted can be. */
static __noinline __u64 saved_stack(struct scratch *s, __u32 op)
{
	__u64 pc = FIELD(s, __u64, g_sched_pc), word = 0;

	if (!open_stack(s, FIELD(s, __u64, g_sched_sp), FIELD(s, __u64, g_sched_bp)))
		return 0;
	if (inside(&subject_of(s)->systemstack_switch, pc))
		pc = leaf_of_systemstack(s);
	else if (op == OP_PREEMPT_PARK && !inside(&subject_of(s)->async_preempt, pc))
		word = caller_in_prologue(s);
	return name_stack(s, pc, word);
}

/* The stack of the goroutine on whose own stack the probe fired. */
static __noinline __u64 live_stack(struct pt_regs *ctx, struct scratch *s)
{
	__u64 pc = 0;

	if (!open_stack(s, REG_SP(ctx), REG_FP(ctx)))
		return 0;
	if (!(s->seen.point.flags & POINT_FRAMED)) {
#if defined(REG_LR)
		pc = REG_LR(ctx);
#else
		pc = *(__u64 *)(s->window + (s->seen.point.sp_delta & 0xf8));
#endif
	}
	return name_stack(s, pc, 0);
}

#endif
