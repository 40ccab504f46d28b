/* SPDX-License-Identifier: Apache-2.0 */
/* A service without shared libraries: threads that end, a child that forks
 * off, each of which counts one. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smx/writer.h"

static struct smx_counter count;

static void *
count_one(void *arg)
{
	smx_inc(count);
	return arg;
}

int
main(void)
{
	pthread_t t;
	pid_t pid;
	int status;

	if (smx_attach("t", NULL) < 0)
		return 1;
	count = smx_counter("x_total", "x");
	(void)count_one(NULL);
	if (pthread_create(&t, NULL, count_one, NULL) != 0 ||
	    pthread_join(t, NULL) != 0)
		return 2;
	pid = fork();
	if (pid == 0) {
		(void)count_one(NULL);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 3;
}
