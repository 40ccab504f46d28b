/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work -- checks orders, and counts and times each one.
 *
 * Compiled twice, as it is and with SMX_OFF, it is what smx-ab compares
 * (docs/AB.md).  Prints how long an order took on average.
 */
#include <smx/writer.h>
#include <stdio.h>
#include <time.h>

#define ORDERS 200000

/* A few hundred nanoseconds of honest arithmetic. */
static uint64_t
check_order(uint64_t id)
{
	for (int i = 0; i < 200; i++)
		id = id * 6364136223846793005u + 1442695040888963407u;
	return id;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(void)
{
	struct smx_counter orders;
	struct smx_histogram latency;
	uint64_t sum = 0;
	double began;

	smx_attach("work", NULL);
	orders = smx_counter("orders_checked_total", "Orders checked.");
	latency = smx_histogram_latency("order_check_seconds",
	    "Time to check an order.");
	began = now();
	for (uint64_t i = 0; i < ORDERS; i++) {
		uint64_t t0 = smx_ticks();

		sum += check_order(i);
		smx_observe_since(latency, t0);
		smx_inc(orders);
	}
	printf("order_ns %.2f\n", (now() - began) * 1e9 / ORDERS);
	return sum == 0;
}
