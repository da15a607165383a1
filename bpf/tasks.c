//go:build ignore

/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Numbers of threads in PID namespaces. A recorder that runs in one knows its target by the
 * number there, while the kernel's tracing has the root namespace's: this program says for
 * each thread of the target what numbers it has. It runs once each time its iterator is
 * read, and only walks the tasks that the reader's PID namespace has (Linux v5.8 on,
 * kernel/bpf/task_iter.c). */
#include "kernel.h"

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} CORE;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} CORE;

struct pid_namespace;

struct upid {
	int nr;
	struct pid_namespace *ns;
} CORE;

struct pid {
	unsigned int level; /* how deep its PID namespace is; the root's is 0 */
	struct upid numbers[1]; /* one a level */
} CORE;

struct task_struct___pids {
	struct pid *thread_pid;
	struct task_struct___pids *group_leader;
} CORE;

/* The target's number in the reader's PID namespace. */
volatile const int wanted;

/* What the reader gets of each thread. */
struct thread_numbers {
	__u32 tgid;  /* the process's, in the root PID namespace */
	__u32 tid;   /* the thread's there */
	__u32 nstid; /* and in its own namespace */
};

const struct thread_numbers *unused_numbers __attribute__((unused));

/* The number of a pid at a level of nesting, and of which namespace it is. */
static __always_inline void number_at(struct pid *pid, __u32 level, struct upid *number)
{
	__u64 at = bpf_core_field_offset(struct pid, numbers) + level * bpf_core_type_size(struct upid);

	bpf_probe_read_kernel(&number->nr, sizeof(number->nr),
			      (void *)pid + at + bpf_core_field_offset(struct upid, nr));
	bpf_probe_read_kernel(&number->ns, sizeof(number->ns),
			      (void *)pid + at + bpf_core_field_offset(struct upid, ns));
}

SEC("iter/task")
int number_threads(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct task_struct___pids *pids = (void *)task, *reader = (void *)bpf_get_current_task();
	struct pid *own = BPF_CORE_READ(reader, thread_pid), *leader, *pid;
	__u32 level = BPF_CORE_READ(own, level);
	struct upid here = {}, number = {};
	struct thread_numbers out;

	if (!task)
		return 0;
	leader = BPF_CORE_READ(pids, group_leader, thread_pid);
	number_at(own, level, &here);
	if (BPF_CORE_READ(leader, level) < level)
		return 0;
	number_at(leader, level, &number);
	if (number.nr != wanted || number.ns != here.ns)
		return 0;
	pid = BPF_CORE_READ(pids, thread_pid);
	number_at(pid, BPF_CORE_READ(pid, level), &number);
	out.tgid = BPF_CORE_READ(task, tgid);
	out.tid = BPF_CORE_READ(task, pid);
	out.nstid = number.nr;
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

char __license[] SEC("license") = "Dual BSD/GPL";
