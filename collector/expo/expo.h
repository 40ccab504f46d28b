/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPO_H
#define EXPO_H
/*
 * expo -- snapshots in, the bytes of an exposition out.  Pure: no clock, no
 * file, no mapping, no lock.
 *
 * A page is the plan of one exposition: which families come, in which order,
 * and every byte that does not depend on values.  It is made when a catalog
 * changes, and then rendered at every scrape with fresh snapshots.
 *
 *   sources (catalog, service) --create--> page --render--> bytes
 *                                           ^
 *                              snapshots ---+
 *
 * Families of one name come out as one block, sorted by name; within it the
 * sources in the order below, within a source the directory's order.  What
 * cannot stand beside what came before it is left out and listed as a loss.
 * The order that decides: bare sources, then by service, then by instance.
 *
 * Thread   a page never changes after it was made: any number of threads may
 *          render it at once.
 */
#include <stdbool.h>
#include <stddef.h>

#include "smx/snapshot.h"

enum expo_format {
	EXPO_TEXT,	  /* Prometheus text 0.0.4 */
	EXPO_OPENMETRICS, /* OpenMetrics 1.0 text */
	EXPO_PROTOBUF,	  /* delimited io.prometheus.client.MetricFamily */
	/* OpenMetrics with `_created`, which Prometheus stores as series */
	EXPO_OPENMETRICS_CREATED,
};
#define EXPO_FORMATS 4

struct expo_source {
	const struct smx_catalog *catalog;
	const char *service;  /* value of the label `service` */
	const char *instance; /* of `service_instance`; "" or NULL: no label */
	bool bare;	      /* neither label: the collector's own series */
};

/* Why a family of a source is not in the page. */
enum expo_reason {
	EXPO_LOST_TYPE,	 /* the name is taken by a family of another type */
	EXPO_LOST_NAME,	 /* a sample name collides: gauge a, counter a_total */
	EXPO_LOST_TWICE, /* the same source has shown this family already */
	EXPO_LOST_LABEL, /* a label name comes twice, `service` and such too */
};

struct expo_loss {
	size_t source;	    /* index into the sources given */
	const char *family; /* its name; lives as long as the page */
	const char *winner; /* the family that stands in its way, or "" */
	enum expo_reason reason;
};

struct expo_page;

/*
 * expo_page_create -- plan the exposition of n sources (n may be 0).
 *
 * Owner    the caller, until expo_page_destroy().  The page copies what it
 *          needs: sources and catalogs may go away.
 * Memory   per series its labels as text and 12 bytes; names, help and
 *          bounds once per family and source.
 * Errors   -ENOMEM; -E2BIG more than 4 GiB of text or 2^32 series.
 */
int expo_page_create(struct expo_page **, const struct expo_source *, size_t n);

#define EXPO_NEW UINT32_MAX

/*
 * expo_page_renew -- the same, but what an earlier page has rendered of these
 * sources is copied from it: only what was added is rendered.
 *
 * from     for each source its index among those of `earlier`, if its catalog
 *          is the one given then or that one grown since: nothing but series,
 *          families and retirements were added.  Else EXPO_NEW.
 */
int expo_page_renew(struct expo_page **, const struct expo_page *earlier,
    const uint32_t *from, const struct expo_source *, size_t n);
void expo_page_destroy(struct expo_page *);

/* expo_page_losses -- what was left out; *losses lives as long as the page. */
size_t expo_page_losses(
    const struct expo_page *, const struct expo_loss **losses);

/* expo_reason_text -- a reason in words, for a log line. */
const char *expo_reason_text(enum expo_reason);

/* expo_page_bytes -- private memory that the page holds, for people. */
size_t expo_page_bytes(const struct expo_page *);

/*
 * expo_page_bound -- a buffer of this size is enough for expo_render() with
 * these snapshots, and lets it run at full speed.  Cheap: does not render.
 */
size_t expo_page_bound(const struct expo_page *, enum expo_format,
    const struct smx_snapshot *const *snapshots);

/*
 * expo_render -- write the exposition of a page.
 *
 * Input    one snapshot per source, in the order given to create, each of the
 *          catalog given there or of the same one grown since.  NULL, or one
 *          too small to be of that catalog: nothing of this source.
 * Return   the bytes needed.  At most `cap` are written, always the first
 *          ones, not NUL-terminated: complete if the return is <= cap.
 * Order    the same input gives the same bytes.
 */
size_t expo_render(char *dst, size_t cap, const struct expo_page *,
    enum expo_format, const struct smx_snapshot *const *snapshots);

/* expo_content_type -- the Content-Type of a format. */
const char *expo_content_type(enum expo_format);

#endif
