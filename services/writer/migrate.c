/* SPDX-License-Identifier: Apache-2.0 */
/* The migrations of a folder, in the order of their numbers, each once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store.h"

#define FILE_MAX (1 << 20)
#define SUM_TEXT (2 * SHA256_DIGEST_SIZE + 1)

static int
refuse(struct cdb_store *store, const char *name, const char *why)
{
	snprintf(store->error, sizeof(store->error), "migration %.100s: %.120s",
	    name, why);
	return -EINVAL;
}

/* NNN_name.sql */
static int
is_migration(const struct dirent *entry)
{
	const char *name = entry->d_name;
	size_t len = strlen(name);

	return len > 8 && strspn(name, "0123456789") == 3 &&
	    name[3] == '_' && strcmp(name + len - 4, ".sql") == 0;
}

/* The file's text, to be freed; NULL: it cannot be read. */
static char *
file_read(const char *folder, const char *name)
{
	char path[1024];
	char *text = NULL;
	struct stat st;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size < FILE_MAX)
		text = malloc((size_t)st.st_size + 1);
	got = text ? read(fd, text, (size_t)st.st_size) : -1;
	close(fd);
	if (!text || got != st.st_size) {
		free(text);
		return NULL;
	}
	text[got] = '\0';
	return text;
}

static void
sum_write(const char *text, char dst[SUM_TEXT])
{
	struct sha256_ctx ctx;
	uint8_t sum[SHA256_DIGEST_SIZE];

	sha256_init(&ctx);
	sha256_update(&ctx, strlen(text), (const uint8_t *)text);
	sha256_digest(&ctx, sizeof(sum), sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(dst + 2 * i, 3, "%02x", sum[i]);
}

/* 1 applied with this sum, 0 not applied, -EINVAL applied with another. */
static int
applied(struct cdb_store *store, const char *name, const char *sum)
{
	PGresult *result = PQexecParams(store->conn,
	    "SELECT sum FROM schema_migrations WHERE name = $1", 1, NULL,
	    &name, NULL, NULL, 0);
	int known = -EAGAIN;

	if (PQresultStatus(result) == PGRES_TUPLES_OK)
		known = PQntuples(result) == 0 ? 0 :
		    strcmp(PQgetvalue(result, 0, 0), sum) == 0 ? 1 : -EINVAL;
	PQclear(result);
	if (known == -EINVAL)
		return refuse(store, name, "has changed since it was applied");
	if (known < 0)
		return refuse(store, name, "cannot ask whether it is applied");
	return known;
}

static int
note(struct cdb_store *store, const char *name, const char *sum)
{
	const char *values[] = { name, sum };
	PGresult *result = PQexecParams(store->conn,
	    "INSERT INTO schema_migrations (name, sum) VALUES ($1, $2)", 2,
	    NULL, values, NULL, NULL, 0);
	bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;

	PQclear(result);
	return ok ? 0 : refuse(store, name, "cannot be noted as applied");
}

static int
apply(struct cdb_store *store, const char *name)
{
	char *text = file_read(store->schema, name);
	char sum[SUM_TEXT];
	char why[CDB_STORE_TEXT];
	int err;

	if (!text)
		return refuse(store, name, "cannot be read");
	sum_write(text, sum);
	err = applied(store, name, sum);
	if (err == 0 && !cdb_store_run(store, text)) {
		snprintf(why, sizeof(why), "%s", store->error);
		err = refuse(store, name, why);
	} else if (err == 0) {
		err = note(store, name, sum);
	}
	free(text);
	return err < 0 ? err : 0;
}

/* Only the owner may create it, even where it exists: who finds it asks for
 * nothing. */
#define LIST_MIGRATIONS \
	"BEGIN; SELECT pg_advisory_xact_lock(7166); DO $$ BEGIN " \
	"IF to_regclass('schema_migrations') IS NULL THEN " \
	"CREATE TABLE schema_migrations (name text PRIMARY KEY, " \
	"sum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()); " \
	"END IF; END $$"

/* One transaction: a schema that is half new does not exist. */
int
cdb_store_migrate(struct cdb_store *store)
{
	struct dirent **files;
	int n = scandir(store->schema, &files, is_migration, alphasort);
	int err = 0;

	if (n <= 0)
		return refuse(store, store->schema, "holds no migrations");
	/* several writers may start at once: the lock goes with COMMIT */
	if (!cdb_store_run(store, LIST_MIGRATIONS))
		err = -EINVAL;
	for (int i = 0; i < n; i++) {
		if (err == 0)
			err = apply(store, files[i]->d_name);
		free(files[i]);
	}
	free(files);
	if (err == 0 && !cdb_store_run(store, "COMMIT"))
		err = -EINVAL;
	return err;
}
