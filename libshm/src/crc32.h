/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMX_SRC_CRC32_H
#define SMX_SRC_CRC32_H

#include <stddef.h>
#include <stdint.h>

/*
 * smx__crc32 -- the CRC-32 of zlib, Ethernet and PNG: polynomial 0x04c11db7
 * reflected, register and result inverted.  "123456789" gives 0xcbf43926.
 */
uint32_t smx__crc32(const void *, size_t size);

#endif
