/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.h -- the lines of a file one by one, knowing where each ends.
 *
 * Thread   one; it reads with blocking calls, from regular files.
 */
#ifndef CDB_LINES_H
#define CDB_LINES_H

#include <stddef.h>
#include <stdint.h>

#define CDB_LINE_MAX 4096	/* bytes of a line that is given */

struct cdb_lines {
	int fd;
	int64_t offset;		/* of the next line */
	size_t from;		/* unread part of buf */
	size_t to;
	char buf[4 * CDB_LINE_MAX];
};

/*
 * cdb_lines_open -- read `path` from byte `offset` on.
 *
 * Owner    the caller from 0 until cdb_lines_close().
 * Errors   -EISDIR no regular file; -ESPIPE it is shorter than offset;
 *          -errno of open, fstat, lseek.
 */
int cdb_lines_open(struct cdb_lines *lines, const char *path, int64_t offset);
void cdb_lines_close(struct cdb_lines *lines);

/*
 * cdb_lines_next -- the next line, without "\n" or "\r\n".
 *
 * *line lives until the next call; it is NULL for a line above CDB_LINE_MAX,
 * which is skipped.
 * Returns 1, or 0 at the end.
 * Errors   -errno of read.
 */
int cdb_lines_next(struct cdb_lines *lines, const char **line, size_t *len);

#endif
