/* SPDX-License-Identifier: Apache-2.0 */
#include "market.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/common/decimal.h"
#include "services/common/event_id.h"

#define START_US  INT64_C(1704067200000000)	/* 2024-01-01T00:00:00Z */
#define ANCHOR_US INT64_C(60000000)
#define HALT_US	  INT64_C(600000000)	/* one silence may fall into each */
#define SILENCE_US INT64_C(45000000)
#define PPM	  INT64_C(1000000)

struct instrument {
	const char *symbol;
	int64_t base_e8;
	int64_t step_e8;	/* prices are multiples of it */
	int64_t lot_e8;		/* smallest quantity */
	int64_t swing_ppm;	/* how far an anchor may lie from the base */
	unsigned weight;	/* share of the ticks, percent */
};

static const struct instrument instruments[] = {
	{ "BTCUSDT", 4300000000000, 1000000, 20000, 8000, 30 },
	{ "ETHUSDT", 230000000000, 1000000, 300000, 9000, 25 },
	{ "SOLUSDT", 10000000000, 100000, 10000000, 14000, 15 },
	{ "XRPUSDT", 62000000, 1000, 1000000000, 12000, 12 },
	{ "ADAUSDT", 60000000, 1000, 1000000000, 12000, 9 },
	{ "DOGEUSDT", 9000000, 100, 10000000000, 16000, 9 },
};
#define N_INSTRUMENTS (sizeof(instruments) / sizeof(instruments[0]))

/* What a draw is for; keeps the draws of one tick apart. */
enum draw { DRAW_SYMBOL, DRAW_GAP, DRAW_NOISE, DRAW_QTY, DRAW_SIDE,
	DRAW_SPREAD, DRAW_ANCHOR, DRAW_HALT };

/* splitmix64's mixing of its state: every bit of z reaches every bit. */
static uint64_t
mix(uint64_t z)
{
	z += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t
draw(const struct cdb_market *m, enum draw what, uint64_t a, uint64_t b)
{
	return mix(mix(mix(m->seed + (uint64_t)what) ^ a) ^ b);
}

/* A whole number in [lo, hi]. */
static int64_t
between(uint64_t random, int64_t lo, int64_t hi)
{
	return lo + (int64_t)(random % (uint64_t)(hi - lo + 1));
}

/* How far from its base the symbol is at anchor k, in ppm. */
static int64_t
anchor_ppm(const struct cdb_market *m, size_t which, int64_t k)
{
	uint64_t r = draw(m, DRAW_ANCHOR, which, (uint64_t)k);
	int64_t swing = instruments[which].swing_ppm;

	if (r % 60 == 0)
		return -60000;		/* a crash: -6 % within a minute */
	return between(r >> 8, -swing, swing);
}

static int64_t
price_at(const struct cdb_market *m, size_t which)
{
	const struct instrument *in = &instruments[which];
	int64_t k = m->ts_us / ANCHOR_US;
	int64_t into = m->ts_us % ANCHOR_US;
	int64_t a = anchor_ppm(m, which, k);
	int64_t b = anchor_ppm(m, which, k + 1);
	int64_t noise = between(draw(m, DRAW_NOISE, m->n, 0), -150, 150);
	int64_t ppm = a + (b - a) * into / ANCHOR_US + noise;
	int64_t price = (int64_t)((__int128_t)in->base_e8 * (PPM + ppm) / PPM);

	return price - price % in->step_e8;
}

/* One ten-minute stretch in four of a symbol has a silence in it. */
static bool
is_silent(const struct cdb_market *m, size_t which)
{
	uint64_t r = draw(m, DRAW_HALT, which, (uint64_t)(m->ts_us / HALT_US));
	int64_t from = between(r >> 8, 0, HALT_US - SILENCE_US);
	int64_t into = m->ts_us % HALT_US;

	return r % 4 == 0 && into >= from && into < from + SILENCE_US;
}

static size_t
symbol_pick(const struct cdb_market *m)
{
	unsigned left = (unsigned)(draw(m, DRAW_SYMBOL, m->n, 0) % 100);
	size_t which = 0;

	while (left >= instruments[which].weight) {
		left -= instruments[which].weight;
		which++;
	}
	/* should all be silent, the first choice speaks */
	for (size_t i = 0; i < N_INSTRUMENTS; i++)
		if (!is_silent(m, (which + i) % N_INSTRUMENTS))
			return (which + i) % N_INSTRUMENTS;
	return which;
}

static int64_t
qty_make(const struct cdb_market *m, size_t which)
{
	uint64_t r = draw(m, DRAW_QTY, m->n, 0);
	int64_t lots = between(r, 1, 100) * between(r >> 16, 1, 10);

	if ((r >> 32) % 300 == 0)
		lots *= 50;
	return lots * instruments[which].lot_e8;
}

/* Bid and ask around the price, two steps apart at least. */
static void
spread_make(const struct cdb_market *m, size_t which, struct cdb_tick *tick)
{
	uint64_t r = draw(m, DRAW_SPREAD, m->n, 0);
	int64_t ppm = between(r, 50, 150) * ((r >> 32) % 500 == 0 ? 30 : 1);
	int64_t step = instruments[which].step_e8;
	int64_t half = (int64_t)((__int128_t)tick->price_e8 * ppm / PPM / 2);

	half = half - half % step + step;
	tick->bid_e8 = tick->price_e8 - half;
	tick->ask_e8 = tick->price_e8 + half;
}

void
cdb_market_init(struct cdb_market *market, uint64_t seed, uint32_t rate,
    uint64_t limit)
{
	*market = (struct cdb_market){ .seed = seed, .rate = rate,
		.limit = limit, .ts_us = START_US };
}

int
cdb_market_peek(const struct cdb_market *market, int64_t *ts_ms)
{
	if (market->limit && market->n >= market->limit)
		return 0;
	*ts_ms = market->ts_us / 1000;
	return 1;
}

void
cdb_market_take(struct cdb_market *m, struct cdb_tick *tick)
{
	size_t which = symbol_pick(m);
	int64_t mean_us = 1000000 / m->rate;
	char cause[40];

	memset(tick, 0, sizeof(*tick));
	snprintf(cause, sizeof(cause), "market:%" PRIu64, m->n);
	cdb_event_id(m->seed, "tick", cause, tick->meta.event_id);
	strcpy(tick->meta.correlation_id, tick->meta.event_id);
	strcpy(tick->source, "seeded");
	strcpy(tick->symbol, instruments[which].symbol);
	tick->side = draw(m, DRAW_SIDE, m->n, 0) & 1 ? CDB_SELL : CDB_BUY;
	tick->ts_ms = m->ts_us / 1000;
	tick->price_e8 = price_at(m, which);
	tick->qty_e8 = qty_make(m, which);
	tick->trade_id = (int64_t)m->n;
	spread_make(m, which, tick);
	m->n++;
	m->ts_us += between(draw(m, DRAW_GAP, m->n, 0), 0, 2 * mean_us);
}
