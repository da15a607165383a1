//go:build ignore

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The programs that watch Go processes: one for every probe point in the Go
 * runtime, told apart by the attachment's cookie, and some for the kernel's
 * scheduler. They only read: a process's memory is never written.
 *
 * They are compiled twice: for kernels that have attach cookies, task storage and bpf_loop, and,
 * with LEGACY, for older ones from Linux 5.10 on. */
#include "sample.h"

/* A probe point that nothing is known of. */
static __always_inline int lose_point(__u32 tgid)
{
	__s32 subject = subject_number(tgid);

	if (subject >= 0)
		count_loss(subject, 1, 0);
	return 0;
}

SEC("uprobe")
int transition(struct pt_regs *ctx)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	__u64 cookie = cookie_of(ctx, tgid);
	struct scratch *s;

	if (!cookie)
		return lose_point(tgid);
	begin_run((__u8)cookie);
	if (tgid != subject_at(subject_in(cookie))->tgid)
		return 0;
	s = begin_work();
	if (s)
		observe(ctx, s, cookie);
	else
		count_loss(subject_in(cookie), 1, 0);
	end_work(s);
	end_run((__u8)cookie);
	return 0;
}

static __always_inline int submit_thread(struct event_thread *t)
{
	SUBMIT(struct event_thread, t, t->base.subject);
	return 0;
}

static __always_inline __u32 task_state(struct task_struct *t)
{
	struct task_struct___before_5_14 *old = (void *)t;

	if (bpf_core_field_exists(t->__state))
		return BPF_CORE_READ(t, __state);
	return BPF_CORE_READ(old, state);
}

/* This CPU runs another thread from now on. */
static __always_inline void note_switch(struct task_struct *next, __u32 tgid)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct cpu *here = bpf_map_lookup_elem(&cpus, &cpu);
	__u64 state = tgid ? CPU_BUSY : CPU_IDLE; /* idle threads have no process */

	if (!here)
		return;
	here->task = (__u64)next;
	if (here->state != state)
		here->state = state;
}

/* args: bool preempt, struct task_struct *prev, struct task_struct *next */
SEC("raw_tracepoint/sched_switch")
int thread_switch(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *prev = (void *)ctx->args[1], *next = (void *)ctx->args[2];
	__u32 next_tgid = BPF_CORE_READ(next, tgid);
	__s32 left = subject_number(BPF_CORE_READ(prev, tgid)), comes = subject_number(next_tgid);
	struct event_thread t = {};

	note_switch(next, next_tgid);
	if (left < 0 && comes < 0)
		return 0;
	begin_run(HITS_SWITCH);
	if (left >= 0) {
		begin_event(&t.base, OP_THREAD_OFF, left);
		t.base.tid = BPF_CORE_READ(prev, pid);
		t.state = task_state(prev);
		if (ctx->args[0] || !t.state)
			t.base.flags = FLAG_INVOLUNTARY;
		BPF_CORE_READ_INTO(&t.comm, next, comm);
		submit_thread(&t);
	}
	if (comes >= 0) {
		begin_event(&t.base, OP_THREAD_ON, comes);
		t.base.tid = BPF_CORE_READ(next, pid);
		t.state = 0;
		BPF_CORE_READ_INTO(&t.comm, prev, comm);
		submit_thread(&t);
	}
	end_run(HITS_SWITCH);
	return 0;
}

/* The CPUs whose masks are in one word. */
#define MASK_CPUS 64

/* The CPU that a woken thread can be expected to get: one that is idle, where the thread may run on
 * one, else that on which it last ran; NULL: it is not known. The kernel takes an idle one if it finds
 * one that shares the cache (Linux v5.10-v6.18 kernel/sched/fair.c, select_idle_sibling). Of more than
 * 64 CPUs only those are looked at whose bits are in one word. */
static __always_inline struct cpu *cpu_for(struct task_struct *woken)
{
	struct cpu *at, *last = NULL;
	bool unsure = cpu_count > MASK_CPUS;
	__u32 base, first, cpu;
	__u64 allowed = 0;

	if (!bpf_core_field_exists(woken->wake_cpu))
		return NULL;
	first = BPF_CORE_READ(woken, wake_cpu);
	base = first & ~(MASK_CPUS - 1);
	bpf_probe_read_kernel(&allowed, sizeof(allowed), BPF_CORE_READ(woken, cpus_ptr) + base / 8);
	for (__u32 i = 0; i < MASK_CPUS; i++) {
		cpu = base + ((first + i) & (MASK_CPUS - 1));
		if (cpu >= cpu_count || !(allowed >> (cpu & (MASK_CPUS - 1)) & 1))
			continue;
		at = bpf_map_lookup_elem(&cpus, &cpu);
		if (!at)
			continue;
		if (at->state == CPU_IDLE)
			return at;
		unsure |= at->state == CPU_UNKNOWN;
		if (!i)
			last = at;
	}
	return unsure ? NULL : last;
}

/* args: struct task_struct *woken; current is the waker */
SEC("raw_tracepoint/sched_waking")
int thread_waking(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *woken = (void *)ctx->args[0], *has;
	struct event_thread t = {};
	__u64 waker = bpf_get_current_pid_tgid();
	__u32 tgid = BPF_CORE_READ(woken, tgid);
	__s32 subject = subject_number(tgid);
	struct cpu *cpu;

	if (subject < 0)
		return 0;
	begin_run(HITS_WAKING);
	begin_event(&t.base, OP_THREAD_WAKE, subject);
	t.base.tid = BPF_CORE_READ(woken, pid);
	if (waker >> 32 == tgid)
		t.other_tid = waker;
	cpu = cpu_for(woken);
	if (cpu) {
		has = (void *)cpu->task;
		BPF_CORE_READ_INTO(&t.comm, has, comm);
	}
	submit_thread(&t);
	end_run(HITS_WAKING);
	return 0;
}

/* A process that is not watched begins a program. The recorder finds one without being told, later. */
static __always_inline int tell_of_process(struct task_struct *t)
{
	void *ring = ring_of_this_cpu();
	struct event_base *e = ring ? bpf_ringbuf_reserve(ring, sizeof(*e), 0) : NULL;

	if (!e)
		return 0;
	begin_event(e, OP_STARTED, 0);
	e->tid = BPF_CORE_READ(t, tgid);
	e->proc = BPF_CORE_READ(t, real_parent, tgid);
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	return 0;
}

/* args: struct task_struct *t, pid_t old_pid, struct linux_binprm *bprm */
SEC("raw_tracepoint/sched_process_exec")
int process_exec(struct bpf_raw_tracepoint_args *ctx)
{
	__s32 subject = subject_number(bpf_get_current_pid_tgid() >> 32);
	struct event_thread t = {};

	if (subject < 0)
		return tell_started ? tell_of_process((void *)ctx->args[0]) : 0;
	begin_event(&t.base, OP_EXEC, subject);
	/* Whatever the new program does is not what was asked about; its runtime lies elsewhere. */
	subject_at(subject)->tgid = 0;
	return submit_thread(&t);
}

/* One event a CPU, of its clock: it interrupts whatever runs there. */
SEC("perf_event")
int cpu_sample(struct bpf_perf_event_data *ctx)
{
	__s32 subject = subject_number(bpf_get_current_pid_tgid() >> 32);
	struct scratch *s;

	if (subject < 0)
		return 0;
	begin_run(HITS_SAMPLE);
	s = sample_scratch();
	if (s)
		take_sample(ctx, s, subject);
	end_run(HITS_SAMPLE);
	return 0;
}

#ifdef LEGACY
/* A thread's id may be another's after its end; its memory must not be. */
SEC("raw_tracepoint/sched_process_exit")
int thread_exit(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = id;

	if (subject_number(id >> 32) >= 0)
		bpf_map_delete_elem(&threads, &tid);
	return 0;
}
#endif

/* bpf_probe_read_user and the kernel's symbols are for GPL-compatible programs. */
char __license[] SEC("license") = "Dual BSD/GPL";
