/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_OFF_H
#define SMX_OFF_H
/*
 * off -- hot.h and writer.h with nothing behind them.  Included by hot.h
 * when SMX_OFF is defined; the program then needs no library, and contains
 * no metrics at all: the baseline that the cost is measured against.
 */
#include "smx/error.h"

struct smx_options;
struct smx_desc;
struct smx_counter_family {
	void *family;
};
struct smx_gauge_family {
	void *family;
};
struct smx_histogram_family {
	void *family;
};

static inline void smx_add(struct smx_counter c, uint64_t n)
{
	(void)c, (void)n;
}
static inline void smx_inc(struct smx_counter c)
{
	(void)c;
}
static inline void smx_set(struct smx_gauge g, double value)
{
	(void)g, (void)value;
}
static inline void smx_gauge_add(struct smx_gauge g, double delta)
{
	(void)g, (void)delta;
}
static inline void smx_observe(struct smx_histogram h, uint64_t value)
{
	(void)h, (void)value;
}
static inline void
smx_observe_labels(
    struct smx_histogram h, uint64_t value, const struct smx_label *labels)
{
	(void)h, (void)value, (void)labels;
}
static inline void
smx_observe_exemplar(
    struct smx_histogram h, uint64_t value, const char *name, const char *id)
{
	(void)h, (void)value, (void)name, (void)id;
}
static inline uint64_t smx_ticks(void)
{
	return 0;
}
static inline uint64_t smx_ticks_ns(uint64_t delta)
{
	return delta;
}
static inline void smx_observe_since(struct smx_histogram h, uint64_t t0)
{
	(void)h, (void)t0;
}
static inline int smx_attach(const char *service, const struct smx_options *o)
{
	(void)service, (void)o;
	return 0;
}
static inline int smx_attach_error(const char *service,
    const struct smx_options *o, struct smx_error *err)
{
	(void)service, (void)o, (void)err;
	return 0;
}
static inline void smx_detach(void)
{
}
static inline int smx_attached(void)
{
	return 0;
}
static inline int smx_thread_attach(void)
{
	return 0;
}
#ifdef __cplusplus /* as in writer.h */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
static inline struct smx_counter smx_counter(const char *name, const char *help)
{
	struct smx_counter c = { 0 };

	(void)name, (void)help;
	return c;
}
static inline struct smx_gauge smx_gauge(const char *name, const char *help)
{
	struct smx_gauge g = { 0 };

	(void)name, (void)help;
	return g;
}
static inline struct smx_histogram smx_histogram_latency(const char *name,
    const char *help)
{
	struct smx_histogram h = { 0, 0, 0 };

	(void)name, (void)help;
	return h;
}
static inline int smx_info(const char *name, const char *help,
    const struct smx_label *labels)
{
	(void)name, (void)help, (void)labels;
	return 0;
}
static inline int smx_counter_register(struct smx_counter *c,
    const struct smx_desc *d, struct smx_error *err)
{
	(void)d, (void)err;
	c->cell = 0;
	return 0;
}
static inline int smx_gauge_register(struct smx_gauge *g,
    const struct smx_desc *d, struct smx_error *err)
{
	(void)d, (void)err;
	g->cell = 0;
	return 0;
}
static inline int smx_histogram_register(struct smx_histogram *h,
    const struct smx_desc *d, struct smx_error *err)
{
	(void)d, (void)err;
	h->index = 0;
	h->cell = 0;
	h->exemplars = 0;
	return 0;
}
static inline int smx_counter_family(struct smx_counter_family *f,
    const struct smx_desc *d, struct smx_error *err)
{
	(void)d, (void)err;
	f->family = 0;
	return 0;
}
static inline int smx_gauge_family(struct smx_gauge_family *f,
    const struct smx_desc *d, struct smx_error *err)
{
	(void)d, (void)err;
	f->family = 0;
	return 0;
}
static inline int smx_histogram_family(struct smx_histogram_family *f,
    const struct smx_desc *d, struct smx_error *err)
{
	(void)d, (void)err;
	f->family = 0;
	return 0;
}
static inline struct smx_counter smx_counter_with(struct smx_counter_family f,
    const char *const *values)
{
	struct smx_counter c = { 0 };

	(void)f, (void)values;
	return c;
}
static inline struct smx_gauge smx_gauge_with(struct smx_gauge_family f,
    const char *const *values)
{
	struct smx_gauge g = { 0 };

	(void)f, (void)values;
	return g;
}
static inline struct smx_histogram smx_histogram_with(
    struct smx_histogram_family f, const char *const *values)
{
	struct smx_histogram h = { 0, 0, 0 };

	(void)f, (void)values;
	return h;
}
static inline int smx_process_metrics(void)
{
	return 0;
}
static inline const char *smx_version(void)
{
	return "off";
}

#ifdef __cplusplus
#pragma GCC diagnostic pop
#endif
#endif
