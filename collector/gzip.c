/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/gzip.h"

#include <errno.h>

#define LEAST	1024		/* bytes; smaller ones fit one packet anyway */
#define LEVEL	1
#define MEMBER	((size_t)1 << 20)	/* bytes, before compression */

int
gzip_body(struct libdeflate_compressor **deflate, const struct body *plain,
    struct body *out)
{
	size_t bound, n;

	if (plain->len < LEAST)
		return -ENODATA;
	if (!*deflate)
		*deflate = libdeflate_alloc_compressor(LEVEL);
	if (!*deflate)
		return -ENOMEM;
	/* untouched room costs nothing but addresses */
	bound = libdeflate_gzip_compress_bound(*deflate, MEMBER);
	if (body_reserve(out, (plain->len / MEMBER + 1) * bound) < 0)
		return -ENOMEM;
	for (size_t at = 0; at < plain->len; at += MEMBER) {
		n = plain->len - at < MEMBER ? plain->len - at : MEMBER;
		n = libdeflate_gzip_compress(*deflate, plain->bytes + at, n,
		    out->bytes + out->len, out->cap - out->len);
		if (n == 0)
			return -ENOMEM;		/* never seen: the bound is one */
		out->len += n;
	}
	return 0;
}
