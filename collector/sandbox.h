/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h -- what the collector may still touch once it serves.
 *
 * Read: the segments, the web configuration, /proc for process_*.  Remove: its
 * own unix sockets.  Nothing else, and no system call that it does not need.
 *
 * Thread   before there is a second one.
 */
#ifndef COLLECTOR_SANDBOX_H
#define COLLECTOR_SANDBOX_H

#include "collector/options.h"
#include "collector/sockets.h"
#include "collector/webconf.h"

/*
 * sandbox_enter -- as the options say; `conf` may be NULL.
 *
 * What the kernel cannot do is said in the log and is no error.
 */
void sandbox_enter(const struct options *opt, const struct sockets *sockets,
    const struct webconf *conf, const struct log *log);

#endif
