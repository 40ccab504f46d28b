/* SPDX-License-Identifier: Apache-2.0 */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
cdb_sink_init(struct cdb_sink *sink, uv_loop_t *loop)
{
	sink->loop = loop;
	uv_timer_init(loop, &sink->patience);
	sink->patience.data = sink;
	sink->open = 0;
	sink->in_file = false;
}

/* 0 or a negative errno.  What a full disk left of a line is taken away. */
static int
line_write(int fd, const char *line, size_t len)
{
	off_t from = lseek(fd, 0, SEEK_END);
	ssize_t put = write(fd, line, len);
	int err = put < 0 ? -errno : 0;

	if (err == 0 && (size_t)put != len)
		err = -ENOSPC;
	if (err == 0 && fdatasync(fd) < 0 && errno != EINVAL)
		err = -errno;	/* EINVAL: a pipe or a terminal */
	if (err < 0 && from >= 0 && ftruncate(fd, from) < 0)
		return -errno;
	return err;
}

static int
file_append(const char *path, const char *line, size_t len)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	int err;

	if (fd < 0)
		return -errno;
	err = line_write(fd, line, len);
	close(fd);
	return err;
}

static void
finish(struct cdb_sink *sink)
{
	uv_timer_stop(&sink->patience);
	sink->done(sink->arg, sink->why);
}

static void
on_closed(uv_handle_t *handle)
{
	struct cdb_sink *sink = handle->data;

	if (--sink->open == 0)
		finish(sink);
}

static void
on_exit(uv_process_t *process, int64_t status, int signum)
{
	struct cdb_sink *sink = process->data;

	if (signum && !sink->why[0])
		snprintf(sink->why, sizeof(sink->why),
		    "the command was ended by signal %d", signum);
	else if (status && !sink->why[0])
		snprintf(sink->why, sizeof(sink->why),
		    "the command ended with status %" PRId64, status);
	uv_close((uv_handle_t *)process, on_closed);
	if (!uv_is_closing((uv_handle_t *)&sink->in))
		uv_close((uv_handle_t *)&sink->in, on_closed);
}

static void
on_patience(uv_timer_t *timer)
{
	struct cdb_sink *sink = timer->data;

	snprintf(sink->why, sizeof(sink->why), "the command took too long");
	/* with all that it has started */
	uv_kill(-sink->process.pid, SIGKILL);
}

/* A command that does not read is its own affair. */
static void
on_written(uv_write_t *write, int status)
{
	struct cdb_sink *sink = write->data;

	(void)status;
	if (!uv_is_closing((uv_handle_t *)&sink->in))
		uv_close((uv_handle_t *)&sink->in, on_closed);
}

static int
command_spawn(struct cdb_sink *sink)
{
	char *args[] = { (char *)(uintptr_t)"/bin/sh",
		(char *)(uintptr_t)"-c", (char *)(uintptr_t)sink->command,
		NULL };
	uv_stdio_container_t stdio[3] = {
		{ .flags = UV_CREATE_PIPE | UV_READABLE_PIPE,
		    .data.stream = (uv_stream_t *)&sink->in },
		{ .flags = UV_INHERIT_FD, .data.fd = 2 },
		{ .flags = UV_INHERIT_FD, .data.fd = 2 },
	};
	uv_process_options_t options = { .file = "/bin/sh", .args = args,
		.exit_cb = on_exit, .stdio = stdio, .stdio_count = 3,
		.flags = UV_PROCESS_DETACHED };

	return uv_spawn(sink->loop, &sink->process, &options);
}

static void
command_run(struct cdb_sink *sink, const char *line, size_t len)
{
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)line, (unsigned)len);
	int err;

	uv_pipe_init(sink->loop, &sink->in, 0);
	sink->in.data = sink->process.data = sink->write.data = sink;
	sink->open = 2;
	err = command_spawn(sink);
	if (err < 0) {
		snprintf(sink->why, sizeof(sink->why), "cannot run: %s",
		    uv_strerror(err));
		/* libuv wants it closed also when it never ran */
		uv_close((uv_handle_t *)&sink->process, on_closed);
		uv_close((uv_handle_t *)&sink->in, on_closed);
		return;
	}
	uv_timer_start(&sink->patience, on_patience, CDB_SINK_MS, 0);
	if (uv_write(&sink->write, (uv_stream_t *)&sink->in, &buf, 1,
		on_written) < 0)
		uv_close((uv_handle_t *)&sink->in, on_closed);
}

void
cdb_sink_send(struct cdb_sink *sink, const char *line, size_t len, bool again)
{
	int err = 0;

	sink->why[0] = '\0';
	if (!again)
		sink->in_file = false;
	if (sink->path && !sink->in_file)
		err = file_append(sink->path, line, len);
	if (err < 0) {
		snprintf(sink->why, sizeof(sink->why), "%.100s: %s",
		    sink->path, strerror(-err));
		finish(sink);
		return;
	}
	sink->in_file = true;
	if (sink->command)
		command_run(sink, line, len);
	else
		finish(sink);
}

void
cdb_sink_close(struct cdb_sink *sink)
{
	if (sink->open > 0)
		uv_kill(-sink->process.pid, SIGKILL);
	uv_close((uv_handle_t *)&sink->patience, NULL);
}
