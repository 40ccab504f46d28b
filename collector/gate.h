/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.h -- basic authentication in front of the routes.
 *
 * A bcrypt hash takes some 60 ms on purpose, so it is computed on the thread
 * pool, one at a time, and what was right once is remembered (as a keyed
 * digest, never the password) until the users change.  Who comes with what
 * is remembered never waits behind those who guess.
 *
 * Thread   the loop's.
 */
#ifndef COLLECTOR_GATE_H
#define COLLECTOR_GATE_H

#include <uv.h>

#include "collector/webconf.h"

#define GATE_WAITING_MAX	32	/* further ones are answered 503 */
#define GATE_KNOWN_MAX		256	/* logins remembered */
#define GATE_DIGEST		32
#define GATE_LOGIN_MAX		512	/* bytes of user:password */

struct gate_job;

struct gate {
	uv_loop_t *loop;
	const struct webconf *conf;	/* borrowed; its users */
	httpd_handler *next;
	void *next_user;
	uint64_t generation;		/* of conf: older jobs are void */
	unsigned char secret[GATE_DIGEST];	/* of this process */
	unsigned char known[GATE_KNOWN_MAX][GATE_DIGEST];
	size_t n_known, oldest;
	struct gate_job *first, **last;	/* the first one is being computed */
	size_t n_waiting;
	uv_work_t work;
};

/*
 * gate_init -- requests that may pass go on to `next`.
 *
 * Errors   -EIO no randomness to be had.
 */
int gate_init(struct gate *g, uv_loop_t *loop, httpd_handler *next,
    void *next_user);

/* gate_set_users -- those of `conf` from now on, which is borrowed until the
 * next call; NULL or none: everybody may pass. */
void gate_set_users(struct gate *g, const struct webconf *conf);

/* gate_ask -- let the request pass, or answer it with 401; now or later. */
void gate_ask(struct gate *g, struct httpd_request *req);

#endif
