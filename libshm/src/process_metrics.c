/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_metrics -- what the kernel says of this process.
 *
 * The counters live on in the segment when a process ends: what is added is
 * the difference to the last call, and a new process, forked ones too,
 * begins at 0 as the kernel's own figures do.  Through the public calls
 * only; asking for a metric that is registered needs no system call.
 */
#include "smx/writer.h"

#include <errno.h>
#include <math.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "procfs.h"

enum counter {
	CPU, VOLUNTARY, INVOLUNTARY, MINOR, MAJOR, N_COUNTERS
};
enum gauge {
	RESIDENT, VIRTUAL, OPEN_FDS, MAX_FDS, START, THREADS, LIMIT, N_GAUGES
};

static const struct {
	struct smx_desc desc;
	struct smx_label labels[2];
} counters[N_COUNTERS] = {
	[CPU] = { { .name = "process_cpu_seconds_total", .unit = "seconds",
	    .exponent = 9,
	    .help = "User and system CPU time of the processes." }, { { 0 } } },
	[VOLUNTARY] = { { .name = "process_context_switches_total",
	    .help = "Context switches of the processes." },
	    { { "kind", "voluntary" } } },
	[INVOLUNTARY] = { { .name = "process_context_switches_total",
	    .help = "Context switches of the processes." },
	    { { "kind", "involuntary" } } },
	[MINOR] = { { .name = "process_page_faults_total",
	    .help = "Page faults; major ones had to read from a disk." },
	    { { "kind", "minor" } } },
	[MAJOR] = { { .name = "process_page_faults_total",
	    .help = "Page faults; major ones had to read from a disk." },
	    { { "kind", "major" } } },
};

/* Sums over the live processes of a service, save what they share. */
static const struct smx_desc gauges[N_GAUGES] = {
	[RESIDENT] = { .name = "process_resident_memory_bytes",
	    .unit = "bytes", .help = "Resident memory." },
	[VIRTUAL] = { .name = "process_virtual_memory_bytes",
	    .unit = "bytes", .help = "Virtual memory." },
	[OPEN_FDS] = { .name = "process_open_fds",
	    .help = "Open file descriptors." },
	[MAX_FDS] = { .name = "process_max_fds",
	    .help = "Limit of open file descriptors." },
	[START] = { .name = "process_start_time_seconds", .unit = "seconds",
	    .gauge_mode = SMX_MAX,
	    .help = "Start of the youngest process, since the epoch." },
	[THREADS] = { .name = "process_threads", .help = "Threads." },
	[LIMIT] = { .name = "process_memory_limit_bytes", .unit = "bytes",
	    .gauge_mode = SMX_MAX, .help = "Memory limit of the cgroup." },
};

/* Of this process; whoever holds `busy` owns it. */
static struct {
	pid_t pid;
	uint64_t counted[N_COUNTERS];
	double start;
} state;

/*
 * The pid of the process that is in here, 0 if none is.  Not a mutex: a call
 * that meets another has nothing left to do, and a child forked meanwhile
 * must not wait for a thread that it does not have.
 */
static pid_t busy;

static int
enter(void)
{
	pid_t self = getpid();
	pid_t seen = 0;

	/* acquire: pairs with the release in leave() */
	while (!__atomic_compare_exchange_n(&busy, &seen, self, 0,
	    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		if (seen == self)
			return 0;
	if (state.pid != self) {
		for (int i = 0; i < N_COUNTERS; i++)
			state.counted[i] = 0;
		state.start = smx__procfs_start();
		state.pid = self;
	}
	return 1;
}

static void
leave(void)
{
	__atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

static void
read_counters(uint64_t now[N_COUNTERS])
{
	struct timespec cpu = { 0, 0 };
	struct rusage r;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	now[CPU] = (uint64_t)cpu.tv_sec * UINT64_C(1000000000) +
	    (uint64_t)cpu.tv_nsec;
	(void)getrusage(RUSAGE_SELF, &r); /* fails for bad arguments only */
	now[VOLUNTARY] = (uint64_t)r.ru_nvcsw;
	now[INVOLUNTARY] = (uint64_t)r.ru_nivcsw;
	now[MINOR] = (uint64_t)r.ru_minflt;
	now[MAJOR] = (uint64_t)r.ru_majflt;
}

/* NAN: not known. */
static void
read_gauges(double now[N_GAUGES])
{
	struct rlimit files;

	smx__procfs_memory(&now[RESIDENT], &now[VIRTUAL]);
	now[THREADS] = smx__procfs_threads();
	now[START] = state.start;
	now[LIMIT] = smx__procfs_memory_limit();
	now[MAX_FDS] = NAN;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
	    files.rlim_cur != RLIM_INFINITY)
		now[MAX_FDS] = (double)files.rlim_cur;
	now[OPEN_FDS] = smx__procfs_open_fds();
	/* none is free to count the others with */
	if (isnan(now[OPEN_FDS]) && errno == EMFILE)
		now[OPEN_FDS] = now[MAX_FDS];
}

static int
publish_counter(enum counter i, uint64_t now)
{
	struct smx_desc d = counters[i].desc;
	struct smx_counter c;
	int err;

	if (counters[i].labels[0].name != NULL)
		d.labels = counters[i].labels;
	err = smx_counter_register(&c, &d, NULL);
	if (err < 0)
		return err;
	if (now > state.counted[i]) {
		smx_add(c, now - state.counted[i]);
		state.counted[i] = now;
	}
	return 0;
}

static int
publish_gauge(enum gauge i, double now)
{
	struct smx_gauge g;
	int err;

	if (isnan(now))
		return 0;
	err = smx_gauge_register(&g, &gauges[i], NULL);
	if (err == 0)
		smx_set(g, now);
	return err;
}

static int
publish(void)
{
	uint64_t counts[N_COUNTERS];
	double values[N_GAUGES];
	int err = 0;

	read_counters(counts);
	read_gauges(values);
	/* -EEXIST: the service has a metric of that name itself.  After any
	 * other error the rest would only fail, or wait, like this one. */
	for (int i = 0; i < N_COUNTERS && (err == 0 || err == -EEXIST); i++)
		err = publish_counter((enum counter)i, counts[i]);
	for (int i = 0; i < N_GAUGES && (err == 0 || err == -EEXIST); i++)
		err = publish_gauge((enum gauge)i, values[i]);
	return err == -EEXIST ? 0 : err;
}

int
smx_process_metrics(void)
{
	int err;

	if (!enter())
		return 0;
	err = publish();
	leave();
	return err;
}
