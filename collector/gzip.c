/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/gzip.h"

#include <errno.h>

#define LEAST	1024		/* bytes; smaller ones fit one packet anyway */
#define LEVEL	1
int
gzip_body(struct libdeflate_compressor **deflate, const struct body *plain,
    struct body *out, size_t member)
{
	size_t bound, n;

	if (plain->len < LEAST)
		return -ENODATA;
	if (member > plain->len)
		member = plain->len;
	if (!*deflate)
		*deflate = libdeflate_alloc_compressor(LEVEL);
	if (!*deflate)
		return -ENOMEM;
	/* untouched room costs nothing but addresses */
	bound = libdeflate_gzip_compress_bound(*deflate, member);
	if (body_reserve(out, (plain->len / member + 1) * bound) < 0)
		return -ENOMEM;
	for (size_t at = 0; at < plain->len; at += member) {
		n = plain->len - at < member ? plain->len - at : member;
		n = libdeflate_gzip_compress(*deflate, plain->bytes + at, n,
		    out->bytes + out->len, out->cap - out->len);
		if (n == 0)
			return -ENOMEM;		/* never seen: the bound is one */
		out->len += n;
	}
	return 0;
}
