/* SPDX-License-Identifier: Apache-2.0 */
#include "event_id.h"

#include <nettle/sha2.h>
#include <string.h>

static void
hex_write(const uint8_t *bytes, size_t n, char *dst)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		dst[2 * i] = digits[bytes[i] >> 4];
		dst[2 * i + 1] = digits[bytes[i] & 15];
	}
	dst[2 * n] = '\0';
}

void
cdb_event_id(uint64_t seed, const char *kind, const char *cause,
    char dst[CDB_EVENT_ID_TEXT])
{
	struct sha256_ctx ctx;
	uint8_t seed_be[8];
	uint8_t sum[(CDB_EVENT_ID_TEXT - 1) / 2];

	for (unsigned i = 0; i < 8; i++)
		seed_be[i] = (uint8_t)(seed >> (56 - 8 * i));
	sha256_init(&ctx);
	sha256_update(&ctx, sizeof(seed_be), seed_be);
	/* with its NUL, so that kind and cause cannot run into each other */
	sha256_update(&ctx, strlen(kind) + 1, (const uint8_t *)kind);
	sha256_update(&ctx, strlen(cause), (const uint8_t *)cause);
	sha256_digest(&ctx, sizeof(sum), sum);
	hex_write(sum, sizeof(sum), dst);
}
