// SPDX-License-Identifier: Apache-2.0
//
// gateway -- the same calls from C++11, in the shape of a class: metrics are
// members, a scope is timed by an object.
//
//	example-gateway ORDERS
//
// The headers are C and compile as C++; handles are plain values, so nothing
// has to be owned or moved.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <smx/writer.h>

namespace {

// Observes how long it lived.
class Timed {
public:
	explicit Timed(smx_histogram h) : histogram(h), since(smx_ticks()) {}
	~Timed() { smx_observe_since(histogram, since); }
	Timed(const Timed &) = delete;
	Timed &operator=(const Timed &) = delete;

private:
	smx_histogram histogram;
	uint64_t since;
};

class Gateway {
public:
	Gateway()
	    : sent(smx_counter("gateway_orders_total", "Orders sent.")),
	      open(smx_gauge("gateway_orders_open", "Orders without answer.")),
	      ack(smx_histogram_latency("gateway_ack_seconds",
		  "From an order to its acknowledgement."))
	{
	}

	void send()
	{
		Timed timed(ack);

		smx_gauge_add(open, 1);
		std::this_thread::sleep_for(std::chrono::microseconds(100));
		smx_gauge_add(open, -1);
		smx_inc(sent);
	}

private:
	// `struct`: a function has this name too
	struct smx_counter sent;
	struct smx_gauge open;
	struct smx_histogram ack;
};

} // namespace

int
main(int argc, char **argv)
{
	smx_error error;

	if (smx_attach_error("gateway", nullptr, &error) < 0)
		std::fprintf(stderr, "no metrics: %s\n", error.msg);
	Gateway gateway;
	for (int n = argc > 1 ? std::atoi(argv[1]) : 1000; n > 0; n--)
		gateway.send();
}
