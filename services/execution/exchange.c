/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/common/decimal.h"
#include "services/common/event_id.h"

const struct cdb_exchange_rules cdb_exchange_defaults = {
	.latency_min_ms = 50, .latency_max_ms = 200,
	.reject_rate_e8 = 3 * CDB_DEC_ONE / 100,
	.error_rate_e8 = 2 * CDB_DEC_ONE / 100,
	.slippage_e8 = 2 * CDB_DEC_ONE / 10000,
	.slippage_cap_e8 = CDB_DEC_ONE / 1000,
	.fee_e8 = 6 * CDB_DEC_ONE / 10000,
	.retries = 3, .retry_ms = 2000, .timeout_ms = 10000,
};

static const char *const refusals[] = {
	"insufficient liquidity",
	"price outside of the band",
	"market is suspended",
};

/* What a draw is for; keeps the draws of one attempt apart. */
enum draw { DRAW_FATE, DRAW_LATENCY, DRAW_SLIPPAGE, DRAW_WHY, DRAW_SILENT };

/* splitmix64's mixing: every bit of z reaches every bit. */
static uint64_t
mix(uint64_t z)
{
	z += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* One number for (seed, order): the id is hashed, whatever its form. */
static uint64_t
root_of(uint64_t seed, const char *order_id)
{
	uint64_t h = mix(seed);

	for (; *order_id; order_id++)
		h = mix(h ^ (uint64_t)(unsigned char)*order_id);
	return h;
}

static uint64_t
draw(uint64_t root, unsigned attempt, enum draw what)
{
	return mix(mix(root ^ attempt) + (uint64_t)what);
}

/* A whole number in [lo, hi]. */
static int64_t
between(uint64_t random, int64_t lo, int64_t hi)
{
	return lo + (int64_t)(random % (uint64_t)(hi - lo + 1));
}

/* How an attempt ends, and how long it takes. */
struct attempt {
	enum cdb_fate fate;	/* CDB_ERROR: may be tried again */
	bool silent;		/* it timed out */
	int64_t ms;
};

static struct attempt
attempt_at(const struct cdb_exchange_rules *r, uint64_t root, unsigned n)
{
	int64_t u = (int64_t)(draw(root, n, DRAW_FATE) %
	    (uint64_t)CDB_DEC_ONE);
	struct attempt a = { .ms = between(draw(root, n, DRAW_LATENCY),
		r->latency_min_ms, r->latency_max_ms) };

	if (u < r->reject_rate_e8)
		a.fate = CDB_REJECTED;
	else if (u < r->reject_rate_e8 + r->error_rate_e8)
		a.fate = CDB_ERROR;
	else
		a.fate = CDB_FILLED;
	if (a.ms > r->timeout_ms)
		a.fate = CDB_ERROR;
	a.silent = a.ms > r->timeout_ms || (a.fate == CDB_ERROR &&
	    (draw(root, n, DRAW_SILENT) & 1));
	if (a.silent)
		a.ms = r->timeout_ms;
	return a;
}

/* All attempts: the last one, their number, the time they take together. */
static struct attempt
attempts_run(const struct cdb_exchange_rules *r, uint64_t root, unsigned *n,
    int64_t *ms)
{
	struct attempt a = attempt_at(r, root, 0);

	*ms = a.ms;
	for (*n = 1; a.fate == CDB_ERROR && *n <= r->retries; ++*n) {
		a = attempt_at(r, root, *n);
		*ms += r->retry_ms + a.ms;
	}
	return a;
}

int64_t
cdb_exchange_due_ms(const struct cdb_exchange_rules *rules, uint64_t seed,
    const char *order_id, int64_t ts_ms)
{
	unsigned n;
	int64_t ms;

	attempts_run(rules, root_of(seed, order_id), &n, &ms);
	return ts_ms + ms;
}

/* The smallest step of a price whose product with qty has eight places. */
static int64_t
price_step(int64_t qty_e8)
{
	int64_t step = 1;

	/* qty has 8 - k places when 10^k divides it; the price may have k */
	for (int64_t q = qty_e8; q % 10 == 0 && step < CDB_DEC_ONE; q /= 10)
		step *= 10;
	return CDB_DEC_ONE / step;
}

int64_t
cdb_exchange_price(int64_t price_e8, int64_t qty_e8)
{
	int64_t step = price_step(qty_e8);
	int64_t rest = price_e8 % step;
	int64_t down = price_e8 - rest;

	if (rest * 2 >= step && down <= INT64_MAX - step)
		down += step;
	return down > 0 ? down : step;
}

/* The fraction of the price by which the fill is worse than asked for. */
static int64_t
slippage(const struct cdb_exchange_rules *r, uint64_t root, unsigned attempt,
    int64_t qty_e8)
{
	int64_t size_e8 = qty_e8 / 10 < 2 * CDB_DEC_ONE ? qty_e8 / 10
							: 2 * CDB_DEC_ONE;
	int64_t noise = between(draw(root, attempt, DRAW_SLIPPAGE),
	    CDB_DEC_ONE / 2, 3 * CDB_DEC_ONE / 2);
	__int128_t s = (__int128_t)r->slippage_e8 * size_e8 / CDB_DEC_ONE *
	    noise / CDB_DEC_ONE;

	return s < r->slippage_cap_e8 ? (int64_t)s : r->slippage_cap_e8;
}

/* v times fraction, half up. */
static int64_t
part_of(int64_t v_e8, int64_t fraction_e8)
{
	return (int64_t)(((__int128_t)v_e8 * fraction_e8 + CDB_DEC_ONE / 2) /
	    CDB_DEC_ONE);
}

static void
fill(const struct cdb_exchange_rules *r, uint64_t root, unsigned attempt,
    const struct cdb_order *order, struct cdb_result *out)
{
	int64_t slip = slippage(r, root, attempt, order->qty_e8);
	int64_t away = part_of(order->price_e8, slip);
	int64_t notional = 0;

	out->filled_e8 = order->qty_e8;
	out->price_e8 = cdb_exchange_price(order->side == CDB_BUY
	    ? order->price_e8 + away : order->price_e8 - away,
	    order->qty_e8);
	/* what cannot be held cannot be charged for: refused by who asks */
	if (cdb_dec_mul(out->price_e8, out->filled_e8, &notional) < 0)
		notional = 0;
	out->fee_e8 = part_of(notional, r->fee_e8);
	away = order->side == CDB_BUY ? out->price_e8 - order->price_e8
				      : order->price_e8 - out->price_e8;
	out->slippage_bps_e4 = (int64_t)((__int128_t)away * 100000000 /
	    order->price_e8);
}

static void
refuse(uint64_t root, struct attempt a, struct cdb_result *out)
{
	const char *why = refusals[draw(root, out->attempts, DRAW_WHY) % 3];

	if (a.fate == CDB_ERROR)
		snprintf(out->error, CDB_WHY_TEXT, "%s after %u attempts",
		    a.silent ? "no answer in time" : "connection error",
		    out->attempts);
	else
		snprintf(out->error, CDB_WHY_TEXT, "%s", why);
}

void
cdb_exchange_execute(const struct cdb_exchange_rules *r, uint64_t seed,
    const struct cdb_order *order, struct cdb_result *out)
{
	const char *id = order->meta.event_id;
	uint64_t root = root_of(seed, id);
	struct attempt a;
	int64_t ms;

	memset(out, 0, sizeof(*out));
	a = attempts_run(r, root, &out->attempts, &ms);
	out->meta = order->meta;
	cdb_event_id(seed, "result", id, out->meta.event_id);
	strcpy(out->meta.causation_id, id);
	strcpy(out->order_id, id);
	strcpy(out->symbol, order->symbol);
	out->side = order->side;
	out->fate = a.fate;
	out->order_ts_ms = order->ts_ms;
	out->ts_ms = order->ts_ms + ms;
	out->qty_e8 = order->qty_e8;
	out->order_price_e8 = out->price_e8 = order->price_e8;
	if (a.fate == CDB_FILLED)
		fill(r, root, out->attempts, order, out);
	else
		refuse(root, a, out);
}

void
cdb_exchange_write(const struct cdb_exchange_rules *r,
    char dst[CDB_EXCHANGE_TEXT])
{
	snprintf(dst, CDB_EXCHANGE_TEXT, "1 %" PRId64 " %" PRId64 " %" PRId64
	    " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
	    " %" PRId64 " %" PRId64, r->latency_min_ms, r->latency_max_ms,
	    r->reject_rate_e8, r->error_rate_e8, r->slippage_e8,
	    r->slippage_cap_e8, r->fee_e8, r->retries, r->retry_ms,
	    r->timeout_ms);
}

static bool
rules_sane(const struct cdb_exchange_rules *r)
{
	return r->latency_min_ms >= 0 &&
	    r->latency_max_ms >= r->latency_min_ms &&
	    r->latency_max_ms <= 86400000 &&
	    r->reject_rate_e8 >= 0 && r->error_rate_e8 >= 0 &&
	    r->reject_rate_e8 <= CDB_DEC_ONE &&
	    r->error_rate_e8 <= CDB_DEC_ONE - r->reject_rate_e8 &&
	    r->slippage_e8 >= 0 && r->slippage_e8 <= CDB_DEC_ONE &&
	    r->slippage_cap_e8 >= 0 && r->slippage_cap_e8 <= CDB_DEC_ONE &&
	    r->fee_e8 >= 0 && r->fee_e8 <= CDB_DEC_ONE && r->retries >= 0 &&
	    r->retries <= 100 && r->retry_ms >= 0 &&
	    r->retry_ms <= 86400000 && r->timeout_ms >= 0 &&
	    r->timeout_ms <= 86400000;
}

int
cdb_exchange_read(struct cdb_exchange_rules *rules, const char *text)
{
	struct cdb_exchange_rules r;
	int end = 0;

	if (sscanf(text, "1 %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64
		" %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64
		" %" SCNd64 "%n", &r.latency_min_ms, &r.latency_max_ms,
		&r.reject_rate_e8, &r.error_rate_e8, &r.slippage_e8,
		&r.slippage_cap_e8, &r.fee_e8, &r.retries, &r.retry_ms,
		&r.timeout_ms, &end) != 10 || text[end] != '\0' ||
	    !rules_sane(&r))
		return -EINVAL;
	*rules = r;
	return 0;
}
