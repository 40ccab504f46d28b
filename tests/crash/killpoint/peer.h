/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KILLPOINT_PEER_H
#define KILLPOINT_PEER_H
/*
 * peer -- a second process of the service, that does one thing at a time.
 */
#include <sys/types.h>

struct peer {
	pid_t pid;
	int to, from;
};

enum peer_deed {
	PEER_HOLD = 'h',    /* a thread claims a lane and counts 1 order */
	PEER_RELEASE = 'r', /* that thread ends */
};

/* It has attached to the service in `dir`.  0 or -1. */
int peer_start(struct peer *, const char *dir);

/* Returns when it is done: 0, or -1 if it cannot. */
int peer_do(struct peer *, enum peer_deed);

void peer_kill(struct peer *);

#endif
