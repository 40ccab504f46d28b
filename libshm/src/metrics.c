/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics -- the public registration of single series.
 */
#include "register.h"

static int
register_one(struct smx__handle *h, uint8_t type, const struct smx_desc *d,
    struct smx_error *err)
{
	struct smx__definition def;
	int rc = smx__define(&def, type, false, d, err);

	if (rc < 0) {
		smx__count_refusal();
		return rc;
	}
	rc = smx__register_series(h, &def, def.values, def.values_len, 0, err);
	smx__definition_free(&def);
	return rc;
}

int
smx_counter_register(struct smx_counter *c, const struct smx_desc *d,
    struct smx_error *err)
{
	struct smx__handle h = { 0 };
	int rc = register_one(&h, SMX_TYPE_COUNTER, d, err);

	c->cell = h.cell;
	return rc;
}

int
smx_gauge_register(struct smx_gauge *g, const struct smx_desc *d,
    struct smx_error *err)
{
	struct smx__handle h = { 0 };
	int rc = register_one(&h, SMX_TYPE_GAUGE, d, err);

	g->cell = h.cell;
	return rc;
}

int
smx_histogram_register(struct smx_histogram *out, const struct smx_desc *d,
    struct smx_error *err)
{
	struct smx__handle h = { 0 };
	int rc = register_one(&h, SMX_TYPE_HISTOGRAM, d, err);

	out->cell = h.cell;
	out->index = h.index;
	out->exemplars = h.exemplars;
	return rc;
}

struct smx_counter
smx_counter(const char *name, const char *help)
{
	struct smx_desc d = { .name = name, .help = help };
	struct smx_counter c;

	(void)smx_counter_register(&c, &d, NULL);
	return c;
}

struct smx_gauge
smx_gauge(const char *name, const char *help)
{
	struct smx_desc d = { .name = name, .help = help };
	struct smx_gauge g;

	(void)smx_gauge_register(&g, &d, NULL);
	return g;
}

struct smx_histogram
smx_histogram_latency(const char *name, const char *help)
{
	struct smx_desc d = {
		.name = name, .help = help, .unit = "seconds", .exponent = 9
	};
	struct smx_histogram h;

	(void)smx_histogram_register(&h, &d, NULL);
	return h;
}

int
smx_info(const char *name, const char *help, const struct smx_label *labels)
{
	struct smx_desc d = { .name = name, .help = help, .labels = labels,
		.gauge_mode = SMX_MAX };
	struct smx_gauge g;
	int rc = smx_gauge_register(&g, &d, NULL);

	if (rc == 0)
		smx_set(g, 1);
	return rc;
}

const char *
smx_version(void)
{
	return SMX_LIBRARY_VERSION;
}
