/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample.h -- chosen metrics from the collector, for the table metrics.
 *
 * Thread   blocks, for a bounded time: belongs in a worker thread.
 */
#ifndef CDB_WRITER_SAMPLE_H
#define CDB_WRITER_SAMPLE_H

#include <stdint.h>

#define CDB_SAMPLE_WHY 128

/*
 * cdb_sample_fetch -- GET url/metrics and choose.
 *
 * *array is a JSON array as cdb_store_samples() takes it, to be freed; all
 * rows carry the time ts_s and the window.
 * Errors   -EINVAL the url; -EHOSTUNREACH no answer; -EBADMSG not 200, or
 *          nothing that was chosen is in it; -ENOMEM.  why says more.
 */
int cdb_sample_fetch(const char *url, int64_t ts_s, int window_s,
    char **array, char why[CDB_SAMPLE_WHY]);

/*
 * cdb_sample_parse -- the same from a text in the exposition format 0.0.4.
 *
 * Errors   -EBADMSG, -ENOMEM.
 */
int cdb_sample_parse(const char *text, int64_t ts_s, int window_s,
    char **array);

#endif
