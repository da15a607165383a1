/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The few kernel types that the programs use, cut by hand. Types marked CORE are
 * relocated to the running kernel's layout at load time; the register structs are
 * user-space ABI and never change (Linux v6.18 arch/x86/include/uapi/asm/ptrace.h,
 * arch/arm64/include/uapi/asm/ptrace.h). */
#ifndef GOSCHED_KERNEL_H
#define GOSCHED_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

#define NULL ((void *)0)
#define true 1
#define false 0

/* include/uapi/linux/bpf.h; these numbers are ABI. */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};

enum {
	BPF_ANY = 0,
	BPF_F_NO_PREALLOC = 1,
	BPF_F_MMAPABLE = 1 << 10,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
};

enum {
	BPF_RB_NO_WAKEUP = 1,
};

enum {
	BPF_F_USER_STACK = 1 << 8,
};

struct bpf_raw_tracepoint_args {
	__u64 args[8];
};

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#ifndef bpf_ksym_exists /* libbpf 1.2 */
#define bpf_ksym_exists(sym) (!!(sym))
#endif

#define CORE __attribute__((preserve_access_index))

struct task_struct {
	int pid;  /* the thread's id in the root namespace */
	int tgid; /* the process's */
	unsigned int __state;
	int wake_cpu; /* the CPU that it last ran on, or is to run on */
	const void *cpus_ptr; /* the CPUs that it may run on, a bit each */
	struct task_struct *real_parent;
	char comm[16];
} CORE;

/* Before Linux 5.14 the field was called state and was a long. */
struct task_struct___before_5_14 {
	long state;
} CORE;

#if defined(__TARGET_ARCH_x86)

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};
_Static_assert(sizeof(struct pt_regs) == 21 * 8, "x86-64 pt_regs");

/* Go's ABIInternal (go1.17 on, src/cmd/compile/abi-internal.md). */
#define REG_G(ctx)       ((ctx)->r14)
#define REG_ARG0(ctx)    ((ctx)->ax)
#define REG_ARG1(ctx)    ((ctx)->bx)
#define REG_CLOSURE(ctx) ((ctx)->dx)
#define REG_FP(ctx)      ((ctx)->bp)
#define REG_SP(ctx)      ((ctx)->sp)
#define REG_PC(ctx)      ((ctx)->ip)
#define REG_LINK(ctx)    ((ctx)->ip) /* there is none */
#define REG_MODE(ctx)    ((ctx)->cs)
#define OF_USER(mode)    (((mode) & 3) == 3)

#elif defined(__TARGET_ARCH_arm64)

struct pt_regs {
	__u64 regs[31];
	__u64 sp;
	__u64 pc;
	__u64 pstate;
};
_Static_assert(sizeof(struct pt_regs) == 34 * 8, "arm64 user_pt_regs");

#define REG_G(ctx)       ((ctx)->regs[28])
#define REG_ARG0(ctx)    ((ctx)->regs[0])
#define REG_ARG1(ctx)    ((ctx)->regs[1])
#define REG_CLOSURE(ctx) ((ctx)->regs[26])
#define REG_FP(ctx)      ((ctx)->regs[29])
#define REG_LR(ctx)      ((ctx)->regs[30])
#define REG_SP(ctx)      ((ctx)->sp)
#define REG_PC(ctx)      ((ctx)->pc)
#define REG_LINK(ctx)    REG_LR(ctx)
#define REG_MODE(ctx)    ((ctx)->pstate)
#define OF_USER(mode)    (((mode) & 0xf) == 0)

#else
#error "unsupported architecture"
#endif

/* What the program of a perf event gets: the registers are those that it interrupted, the kernel's
 * or the thread's (include/uapi/linux/bpf_perf_event.h, ABI). */
struct bpf_perf_event_data {
	struct pt_regs regs;
	__u64 sample_period;
	__u64 addr;
};

#endif
