/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_id.h -- room for the id of an entry of a Redis Stream ("ms-seq").
 */
#ifndef CDB_STREAM_ID_H
#define CDB_STREAM_ID_H

#define CDB_STREAM_ID_TEXT 48	/* bytes, NUL included */

#endif
