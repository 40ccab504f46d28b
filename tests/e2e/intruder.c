/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library that is preloaded into the collector and, at SIGUSR2, does there
 * what somebody would who had taken it over.  INTRUDER_LOG, opened at the
 * start, gets a line "what errno" for each attempt.  INTRUDER_SEGMENT and
 * INTRUDER_SECRET are files.
 *
 * INTRUDER_OLD_KERNEL lets Landlock and seccomp be missing.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int out = -1;

static void
tell(const char *what, long ret)
{
	dprintf(out, "%s %d\n", what, ret < 0 ? errno : 0);
}

static long
run_program(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return pid;
}

static void
intrude(int sig)
{
	const char *segment = getenv("INTRUDER_SEGMENT");
	const char *secret = getenv("INTRUDER_SECRET");

	(void)sig;
	tell("program", run_program());
	tell("internet", socket(AF_INET, SOCK_STREAM, 0));
	tell("segment", open(segment, O_RDWR));
	tell("secret", open(secret, O_RDONLY));
	tell("chmod", chmod(segment, 0777));
	tell("remove", unlink(secret));
	tell("root", setuid(0));
	tell("trace", ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
	dprintf(out, "end 0\n");
}

__attribute__((constructor)) static void
start(void)
{
	const char *log = getenv("INTRUDER_LOG");

	if (log)
		out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
		    0666);
	signal(SIGUSR2, intrude);
}

static bool
old_kernel(void)
{
	return getenv("INTRUDER_OLD_KERNEL") != NULL;
}

unsigned
seccomp_api_get(void)
{
	unsigned (*real)(void) = (unsigned (*)(void))(uintptr_t)dlsym(
	    RTLD_NEXT, "seccomp_api_get");

	return old_kernel() ? 0 : real();
}

long
syscall(long nr, ...)
{
	long (*real)(long, ...) = (long (*)(long, ...))(uintptr_t)dlsym(
	    RTLD_NEXT, "syscall");
	long a[6];
	va_list ap;

	if (nr == SYS_landlock_create_ruleset && old_kernel()) {
		errno = ENOSYS;
		return -1;
	}
	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	return real(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}
