/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cdb-digest: SHA-256 over the messages of a stream, in stream order.
 *
 * Hashed is the data field of each entry and its length; ids of entries and
 * wall-clock stamps are not.  Two runs are equal when their lines are.
 */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#include "runtime/addr.h"
#include "services/common/message.h"
#include "services/common/operator.h"
#include "services/common/password.h"
#include "version.h"

#define PAGE 1000	/* entries of one question */

struct digest {
	redisContext *redis;
	const char *stream;
	struct sha256_ctx ctx;
	uint64_t n;
	char last[48];		/* id of the last entry hashed */
};

static void
hash_message(struct digest *d, const char *data, size_t len)
{
	uint8_t be[8];

	for (unsigned i = 0; i < 8; i++)
		be[i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
	sha256_update(&d->ctx, sizeof(be), be);
	sha256_update(&d->ctx, len, (const uint8_t *)data);
	d->n++;
}

static void
hash_fields(struct digest *d, const redisReply *fields)
{
	for (size_t i = 0; i + 1 < fields->elements; i += 2)
		if (strcmp(fields->element[i]->str, CDB_FIELD_DATA) == 0)
			hash_message(d, fields->element[i + 1]->str,
			    (size_t)fields->element[i + 1]->len);
}

static int
fail(const char *what)
{
	fprintf(stderr, "cdb-digest: %s\n", what);
	return -EIO;
}

/* The next page of entries; their number, or a negative errno. */
static int
page(struct digest *d)
{
	redisReply *reply = redisCommand(d->redis,
	    "XRANGE %s (%s + COUNT %d", d->stream, d->last, PAGE);
	int n;

	if (!reply)
		return fail(d->redis->errstr);
	if (reply->type != REDIS_REPLY_ARRAY) {
		n = fail(reply->type == REDIS_REPLY_ERROR
		    ? reply->str : "XRANGE gave no list");
		freeReplyObject(reply);
		return n;
	}
	for (size_t i = 0; i < reply->elements; i++) {
		const redisReply *entry = reply->element[i];

		snprintf(d->last, sizeof(d->last), "%s",
		    entry->element[0]->str);
		hash_fields(d, entry->element[1]);
	}
	n = (int)reply->elements;
	freeReplyObject(reply);
	return n;
}

static void
print(struct digest *d)
{
	uint8_t sum[32];

	sha256_digest(&d->ctx, sizeof(sum), sum);
	printf("%" PRIu64 " ", d->n);
	for (size_t i = 0; i < sizeof(sum); i++)
		printf("%02x", sum[i]);
	printf("\n");
}

static int
run(const struct addr *addr, const char *password, const char *stream)
{
	struct digest d = { .stream = stream, .last = "0-0" };
	int n = -EIO;

	sha256_init(&d.ctx);
	d.redis = cdb_operator_connect(addr, password);
	if (!d.redis || d.redis->err)
		fail(d.redis ? d.redis->errstr : "out of memory");
	else
		do {
			n = page(&d);
		} while (n > 0);
	if (d.redis)
		redisFree(d.redis);
	if (n < 0)
		return 1;
	print(&d);
	return 0;
}

static int
usage(void)
{
	fprintf(stderr, "usage: cdb-digest --redis HOST:PORT|unix:/path "
			"[--redis-password-file FILE] [--stream NAME]\n");
	return 2;
}

int
main(int argc, char **argv)
{
	const char *redis = NULL;
	const char *stream = CDB_TOPIC_SIGNALS;
	char password[CDB_PASSWORD_TEXT] = "";
	struct addr addr;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--version") == 0) {
			printf("cdb-digest %s\n", CDB_VERSION);
			return 0;
		}
		if (i + 1 < argc && strcmp(argv[i], "--redis") == 0)
			redis = argv[++i];
		else if (i + 1 < argc && strcmp(argv[i], "--stream") == 0)
			stream = argv[++i];
		else if (i + 1 < argc &&
		    strcmp(argv[i], "--redis-password-file") == 0 &&
		    cdb_password_read(argv[i + 1], password))
			i++;
		else
			return usage();
	}
	if (!redis || addr_parse(redis, &addr) < 0)
		return usage();
	return run(&addr, password, stream);
}
