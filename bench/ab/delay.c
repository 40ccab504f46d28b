/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ab-delay: loaded before a service (LD_PRELOAD), it makes every HTTP answer
 * later by AB_DELAY_NS nanoseconds, spent awake.  A harness that does not find
 * them cannot be believed.
 *
 * The HTTP library sends its answers with sendmsg(); nothing else in a
 * service calls it.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

static ssize_t (*send_on)(int, const struct msghdr *, int);
static uint64_t delay_ns;

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *text = getenv("AB_DELAY_NS");
	void *found = dlsym(RTLD_NEXT, "sendmsg");

	/* ISO C knows no way from void * to a function; POSIX does */
	__builtin_memcpy(&send_on, &found, sizeof(send_on));
	delay_ns = text ? strtoull(text, NULL, 10) : 0;
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
	uint64_t until = now_ns() + delay_ns;

	while (now_ns() < until)
		;
	return send_on(fd, message, flags);
}
