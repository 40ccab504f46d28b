/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
check_file(int fd, int64_t offset)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EISDIR;
	if (st.st_size < offset)
		return -ESPIPE;
	return lseek(fd, offset, SEEK_SET) < 0 ? -errno : 0;
}

int
cdb_lines_open(struct cdb_lines *lines, const char *path, int64_t offset)
{
	/* O_NONBLOCK: a FIFO under this name must not hold us up */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	err = check_file(fd, offset);
	if (err < 0) {
		close(fd);
		return err;
	}
	lines->fd = fd;
	lines->offset = offset;
	lines->from = lines->to = 0;
	return 0;
}

void
cdb_lines_close(struct cdb_lines *lines)
{
	close(lines->fd);
	lines->fd = -1;
}

/* More bytes behind the unread ones: their number, 0 at the end. */
static ssize_t
fill(struct cdb_lines *lines)
{
	ssize_t n;

	memmove(lines->buf, lines->buf + lines->from, lines->to - lines->from);
	lines->to -= lines->from;
	lines->from = 0;
	do {
		n = read(lines->fd, lines->buf + lines->to,
		    sizeof(lines->buf) - lines->to);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	lines->to += (size_t)n;
	return n;
}

static void
consume(struct cdb_lines *lines, size_t n)
{
	lines->from += n;
	lines->offset += (int64_t)n;
}

/* Drops bytes up to and with the next newline: 0, or -errno. */
static int
skip_rest(struct cdb_lines *lines)
{
	for (;;) {
		const char *at = lines->buf + lines->from;
		size_t have = lines->to - lines->from;
		const char *nl = memchr(at, '\n', have);
		ssize_t n;

		if (nl) {
			consume(lines, (size_t)(nl - at) + 1);
			return 0;
		}
		consume(lines, have);
		n = fill(lines);
		if (n <= 0)
			return (int)n;
	}
}

static size_t
without_cr(const char *line, size_t len)
{
	return len > 0 && line[len - 1] == '\r' ? len - 1 : len;
}

int
cdb_lines_next(struct cdb_lines *lines, const char **line, size_t *len)
{
	for (;;) {
		const char *at = lines->buf + lines->from;
		size_t have = lines->to - lines->from;
		const char *nl = memchr(at, '\n', have);
		ssize_t n;

		if (nl && (size_t)(nl - at) <= CDB_LINE_MAX) {
			*line = at;
			*len = without_cr(at, (size_t)(nl - at));
			consume(lines, (size_t)(nl - at) + 1);
			return 1;
		}
		if (have > CDB_LINE_MAX) {
			*line = NULL;
			*len = 0;
			n = skip_rest(lines);
			return n < 0 ? (int)n : 1;
		}
		n = fill(lines);
		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
	}
	if (lines->to == lines->from)
		return 0;
	/* the last line has no newline */
	*line = lines->buf + lines->from;
	*len = without_cr(*line, lines->to - lines->from);
	consume(lines, lines->to - lines->from);
	return 1;
}
