/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define WRITES (O_ACCMODE | O_CREAT | O_TRUNC)

/* By what they are for; several names of one purpose come with the age of the
 * C library or the processor. */
static const char *const allowed[] = {
	/* memory */
	"brk", "madvise", "mremap", "munmap",
	/* threads and time */
	"clock_getres", "clock_gettime", "clock_nanosleep", "exit",
	"exit_group", "futex", "get_robust_list", "getcpu", "getpid",
	"gettid", "gettimeofday", "membarrier", "nanosleep",
	"restart_syscall", "rseq", "sched_getaffinity", "sched_yield",
	"set_robust_list", "set_tid_address", "time",
	/* signals, to ourselves only (see below) */
	"rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn",
	"sigaltstack",
	/* the loop */
	"epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2",
	"epoll_wait", "eventfd2", "pipe2", "poll", "ppoll", "select",
	"pselect6",
	/* connections that came in; datagrams to the service manager */
	"accept4", "connect", "getpeername", "getsockname", "getsockopt",
	"recvfrom", "recvmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
	/* descriptors */
	"close", "dup", "dup3", "fcntl", "ioctl", "lseek", "pread64", "preadv",
	"read", "readv", "sendfile", "write", "writev",
	/* files, to read and to watch */
	"access", "faccessat", "faccessat2", "fstat", "fstatfs", "getcwd",
	"getdents64", "inotify_add_watch", "inotify_init1",
	"inotify_rm_watch", "lstat", "newfstatat", "readlink", "readlinkat",
	"stat", "statfs", "statx", "unlink", "unlinkat",
	/* what is asked about ourselves */
	"getegid", "geteuid", "getgid", "getpriority", "getrandom",
	"getrlimit", "getrusage", "getuid", "prlimit64", "sysinfo", "uname",
};

static int
allow_named(scmp_filter_ctx ctx)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) &&
	    err == 0; i++) {
		int nr = seccomp_syscall_resolve_name(allowed[i]);

		/* some exist on other processors only */
		if (nr != __NR_SCMP_ERROR && nr >= 0)
			err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
	}
	return err;
}

/* Files only to read; memory never to be run; threads, but no processes. */
static int
allow_in_part(scmp_filter_ctx ctx)
{
	int err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, WRITES, O_RDONLY));

#ifdef __NR_open		/* older processors only */
	if (err == 0)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
		    SCMP_A1(SCMP_CMP_MASKED_EQ, WRITES, O_RDONLY));
#endif
	if (err == 0)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (err == 0)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
		    SCMP_SYS(mprotect), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (err == 0)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
		    SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
	if (err == 0)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	/* nice() of the calling thread, of no other process */
	if (err == 0)
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW,
		    SCMP_SYS(setpriority), 2,
		    SCMP_A0(SCMP_CMP_EQ, PRIO_PROCESS, 0),
		    SCMP_A1(SCMP_CMP_EQ, 0, 0));
	/* its flags lie in memory, where no filter looks: the C library then
	 * takes clone() */
	if (err == 0)
		err = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
		    SCMP_SYS(clone3), 0);
	return err;
}

/* abort() must end us. */
static int
allow_signals(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
	    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
}

int
confine_calls(void)
{
	scmp_filter_ctx ctx;
	int err;

	if (SANITIZED || seccomp_api_get() < 2)
		return -EOPNOTSUPP;
	ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!ctx)
		return -ENOMEM;
	err = allow_named(ctx);
	if (err == 0)
		err = allow_in_part(ctx);
	if (err == 0)
		err = allow_signals(ctx);
	if (err == 0)
		err = seccomp_load(ctx);
	seccomp_release(ctx);
	return err;
}
