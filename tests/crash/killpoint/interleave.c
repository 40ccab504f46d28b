/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interleave -- two writers meet at every instruction.
 *
 * Steps one through its life.  Between any two instructions of the program
 * (libsmx included, libc not) the other one, a process that lives all the
 * while, claims the lane that both want, or gives it back.  No lane ever has
 * two owners, and at the end every update is there.
 *
 * Once the peer holds the lane before the odd instructions, once before the
 * even ones; over a first life, and over the takeover of a dead one's slot.
 * They meet at one place of the program the first two times, and always
 * with --long.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bytes.h"
#include "drive.h"
#include "image.h"
#include "judge.h"
#include "peer.h"
#include "scenario.h"

#define LANES	  8
#define TEXT_MAX  (1u << 20)
#define TIMES	  2

struct meeting {
	char dir[64];
	struct peer peer;
	bool holds;
	uint64_t orders; /* of the peer */
	uint64_t owners[LANES], meetings;
	struct point at;
	struct image image;
	bool always;
	unsigned char times[TEXT_MAX]; /* met there, in this round */
};

static int
fail(const struct meeting *m, const char *what)
{
	fprintf(stderr, "interleave: system call %u, instruction %u: %s\n",
	    m->at.calls, m->at.steps, what);
	return -1;
}

static int
read_owners(struct meeting *m, uint64_t owners[LANES])
{
	unsigned i;

	if (image_take_file(&m->image, m->dir, SCENARIO_FILE) < 0)
		return fail(m, "the segment cannot be read");
	for (i = 0; i < LANES; i++)
		owners[i] = bytes_owner(&m->image, i);
	return 0;
}

/* The peer's slot is the first: it was there before anybody. */
static bool
is_peers(uint64_t owner)
{
	return owner >> 32 == 1;
}

/* What the peer had when it stopped is still its, and nothing more. */
static int
check_lanes(struct meeting *m)
{
	uint64_t now[LANES];
	unsigned i;

	if (read_owners(m, now) < 0)
		return -1;
	for (i = 0; i < LANES; i++)
		if ((is_peers(m->owners[i]) || is_peers(now[i])) &&
		    now[i] != m->owners[i])
			return fail(m, "the lane of a living peer was taken");
	return 0;
}

static int
act(struct meeting *m)
{
	if (peer_do(&m->peer, m->holds ? PEER_RELEASE : PEER_HOLD) < 0)
		return fail(m, "the peer failed");
	m->orders += !m->holds;
	m->holds = !m->holds;
	m->meetings++;
	return read_owners(m, m->owners);
}

static bool
wanted(struct meeting *m, uint32_t text)
{
	if (text == DRIVE_ELSEWHERE)
		return false;
	if (m->always || text >= TEXT_MAX)
		return true;
	if (m->times[text] == TIMES)
		return false;
	m->times[text]++;
	return true;
}

static int
meet(void *arg, const struct drive *d)
{
	struct meeting *m = arg;

	m->at = d->at;
	if (!wanted(m, d->text))
		return 0;
	return check_lanes(m) < 0 ? -1 : act(m);
}

static int
no_sibling(void *arg)
{
	(void)arg;
	return 0;
}

/* The bytes are sound, and both have counted what they did. */
static int
check_whole(struct meeting *m, bool before)
{
	uint64_t want = m->orders + SCENARIO_WHOLE - 1 +
	    (before ? SCENARIO_BEFORE : 0);
	struct verdict v;
	struct bytes b;

	if (m->holds && act(m) < 0)
		return -1;
	if (bytes_check(&b, &m->image, NULL) < 0)
		return fail(m, b.why);
	if (judge_file(m->dir, NULL, 2, &v) != 0)
		return fail(m, v.why);
	if (v.orders != want) {
		fprintf(stderr, "interleave: %" PRIu64 " orders, not %" PRIu64
		    "\n", v.orders, want);
		return -1;
	}
	return 0;
}

static int
drive(struct meeting *m, bool before)
{
	struct drive d = { .life = scenario_run, .dir = m->dir, .each = meet,
		.sibling = no_sibling, .arg = m };
	int rc = drive_run(&d, NULL);

	if (rc == 0 && (!WIFEXITED(d.status) || WEXITSTATUS(d.status) != 0))
		rc = fail(m, "the life that is stepped failed");
	if (rc == 0)
		rc = check_whole(m, before);
	peer_kill(&m->peer); /* all children go now */
	drive_kill(&d);
	return rc;
}

static int
round_of(struct meeting *m, bool before, bool odd)
{
	int rc;

	scenario_empty(m->dir);
	m->holds = false;
	m->orders = 0;
	memset(m->times, 0, sizeof(m->times));
	if (peer_start(&m->peer, m->dir) < 0)
		return fail(m, "the peer cannot attach");
	if (before)
		(void)scenario_in_child(scenario_before, m->dir);
	rc = odd ? act(m) : read_owners(m, m->owners);
	if (rc == 0)
		rc = drive(m, before);
	else
		peer_kill(&m->peer);
	scenario_empty(m->dir);
	return rc;
}

int
main(int argc, char **argv)
{
	static struct meeting m = { .dir = "/dev/shm/interleave-XXXXXX" };
	int i, rc = 0;

	if (!drive_possible()) {
		puts("interleave: skipped, no process may be traced here");
		return 77;
	}
	if (mkdtemp(m.dir) == NULL) {
		perror("interleave: /dev/shm");
		return 1;
	}
	m.always = argc > 1 && strcmp(argv[1], "--long") == 0;
	scenario_lanes = 2; /* one for the life's first thread, one for both */
	for (i = 0; i < 4 && rc == 0; i++)
		rc = round_of(&m, i / 2, i % 2);
	printf("interleave: %" PRIu64 " meetings: %s\n", m.meetings,
	    rc == 0 ? "sound" : "FAILED");
	image_free(&m.image);
	(void)rmdir(m.dir);
	return rc == 0 ? 0 : 1;
}
