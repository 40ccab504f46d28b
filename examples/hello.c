/* SPDX-License-Identifier: Apache-2.0 */
/* hello.c -- a service with a counter and a latency histogram. */
#include <smx/writer.h>
#include <unistd.h>

int
main(void)
{
	struct smx_counter orders;
	struct smx_histogram latency;

	smx_attach("hello", NULL); /* < 0: no metrics, and we go on */
	orders = smx_counter("orders_total", "Orders sent.");
	latency = smx_histogram_latency("order_ack_seconds",
	    "From sending an order to its acknowledgement.");
	for (;;) {
		uint64_t t0 = smx_ticks();

		usleep(1000); /* send the order, wait for the answer */
		smx_observe_since(latency, t0);
		smx_inc(orders);
	}
}
