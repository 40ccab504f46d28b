/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_ARM64_CHECK_H
#define TESTS_ARM64_CHECK_H
/*
 * check -- as much of libcheck as the tests of libshm use, for a machine that
 * Debian has no libcheck for here.  Each test runs in a process, and a process
 * group, of its own, as under the real one.
 *
 * Differences: what failed is one line; of the environment only CHECK_SKIP
 * counts, names of tests with a comma behind each; at most MAX_TESTS in a case.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_TESTS 128
#define MAX_CASES 16

struct ck_test {
	const char *name;
	void (*fn)(int);
};

typedef struct {
	struct {
		const struct ck_test *test;
		int first, end;
	} tests[MAX_TESTS];
	int n;
	double timeout_s;
	void (*begin_case)(void), (*end_case)(void);
	void (*begin)(void), (*end)(void);
} TCase;

typedef struct {
	const char *name;
	TCase *cases[MAX_CASES];
	int n;
} Suite;

typedef struct {
	Suite *suite;
	int failed;
} SRunner;

enum { CK_NORMAL, CK_ENV };
enum { CK_FORK };

#define START_TEST(name_)                                         \
	static void name_##_fn(int _i);                           \
	static const struct ck_test name_##_test = { #name_,      \
		name_##_fn };                                     \
	static const struct ck_test *const name_ = &name_##_test; \
	static void name_##_fn(__attribute__((unused)) int _i)
#define END_TEST

static inline void
ck_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	exit(1);
}

#define ck_abort_msg(...)                                                  \
	(fprintf(stderr, __VA_ARGS__), ck_failed(__FILE__, __LINE__, ""))
#define ck_assert(x) \
	((x) ? (void)0 : ck_failed(__FILE__, __LINE__, #x))
#define ck_assert_msg(x, ...) \
	((x) ? (void)0 : (void)ck_abort_msg(__VA_ARGS__))

static inline void
ck_compare(int ok, const char *what, long long a, long long b,
    const char *file, int line)
{
	if (ok)
		return;
	fprintf(stderr, "%lld, %lld: ", a, b);
	ck_failed(file, line, what);
}

#define ck_assert_op(type, a, op, b)                                    \
	do {                                                            \
		type ck_a = (type)(a), ck_b = (type)(b);                \
		ck_compare(ck_a op ck_b, #a " " #op " " #b,             \
		    (long long)ck_a, (long long)ck_b, __FILE__, __LINE__); \
	} while (0)
#define ck_assert_int_eq(a, b)	ck_assert_op(intmax_t, a, ==, b)
#define ck_assert_int_ne(a, b)	ck_assert_op(intmax_t, a, !=, b)
#define ck_assert_int_lt(a, b)	ck_assert_op(intmax_t, a, <, b)
#define ck_assert_int_le(a, b)	ck_assert_op(intmax_t, a, <=, b)
#define ck_assert_int_gt(a, b)	ck_assert_op(intmax_t, a, >, b)
#define ck_assert_int_ge(a, b)	ck_assert_op(intmax_t, a, >=, b)
#define ck_assert_uint_eq(a, b) ck_assert_op(uintmax_t, a, ==, b)
#define ck_assert_uint_ne(a, b) ck_assert_op(uintmax_t, a, !=, b)
#define ck_assert_uint_lt(a, b) ck_assert_op(uintmax_t, a, <, b)
#define ck_assert_uint_le(a, b) ck_assert_op(uintmax_t, a, <=, b)
#define ck_assert_uint_gt(a, b) ck_assert_op(uintmax_t, a, >, b)
#define ck_assert_uint_ge(a, b) ck_assert_op(uintmax_t, a, >=, b)
#define ck_assert_double_eq(a, b)  ck_assert((a) == (b))
#define ck_assert_ptr_eq(a, b)	   ck_assert((a) == (b))
#define ck_assert_ptr_ne(a, b)	   ck_assert((a) != (b))
#define ck_assert_ptr_null(a)	   ck_assert((a) == NULL)
#define ck_assert_ptr_nonnull(a)   ck_assert((a) != NULL)
#define ck_assert_str_eq(a, b)	   ck_assert(strcmp(a, b) == 0)
#define ck_assert_mem_eq(a, b, n)  ck_assert(memcmp(a, b, n) == 0)

static inline void *
ck_new(size_t size)
{
	void *p = calloc(1, size);

	if (p == NULL)
		abort();
	return p;
}

static inline Suite *
suite_create(const char *name)
{
	Suite *s = ck_new(sizeof(*s));

	s->name = name;
	return s;
}

static inline TCase *
tcase_create(const char *name)
{
	TCase *c = ck_new(sizeof(*c));

	(void)name;
	c->timeout_s = 4;
	return c;
}

static inline void
suite_add_tcase(Suite *s, TCase *c)
{
	if (s->n == MAX_CASES)
		abort();
	s->cases[s->n++] = c;
}

static inline void
tcase_set_timeout(TCase *c, double s)
{
	c->timeout_s = s;
}

static inline void
tcase_add_unchecked_fixture(TCase *c, void (*begin)(void), void (*end)(void))
{
	c->begin_case = begin;
	c->end_case = end;
}

static inline void
tcase_add_checked_fixture(TCase *c, void (*begin)(void), void (*end)(void))
{
	c->begin = begin;
	c->end = end;
}

static inline void
tcase_add_loop_test(TCase *c, const struct ck_test *t, int first, int end)
{
	if (c->n == MAX_TESTS)
		abort();
	c->tests[c->n].test = t;
	c->tests[c->n].first = first;
	c->tests[c->n++].end = end;
}

static inline void
tcase_add_test(TCase *c, const struct ck_test *t)
{
	tcase_add_loop_test(c, t, 0, 1);
}

static inline SRunner *
srunner_create(Suite *s)
{
	SRunner *r = ck_new(sizeof(*r));

	r->suite = s;
	return r;
}

static inline void
srunner_set_fork_status(SRunner *r, int status)
{
	(void)r;
	(void)status;
}

/* The test's process: does not return. */
static inline void
ck_run_here(const TCase *c, const struct ck_test *t, int i)
{
	(void)setpgid(0, 0);
	if (c->begin)
		c->begin();
	t->fn(i);
	if (c->end)
		c->end();
	exit(0);
}

/* 0 if it passed. */
static inline int
ck_wait(pid_t pid, double seconds)
{
	struct timespec pause = { .tv_nsec = 5000000 };
	double waited = 0;
	int status = -1;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (waited > seconds) {
			fprintf(stderr, "timeout\n");
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			break;
		}
		nanosleep(&pause, NULL);
		waited += 0.005;
	}
	(void)kill(-pid, SIGKILL); /* what it left */
	return status;
}

static inline int
ck_skipped(const char *name)
{
	const char *at = getenv("CHECK_SKIP");
	size_t len = strlen(name);

	for (; at && (at = strstr(at, name)) != NULL; at += len)
		if (at[len] == ',')
			return 1;
	return 0;
}

static inline int
ck_run_one(const TCase *c, const struct ck_test *t, int i)
{
	pid_t pid;
	int status;

	if (ck_skipped(t->name)) {
		printf("left out: %s\n", t->name);
		return 0;
	}
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		ck_run_here(c, t, i);
	status = ck_wait(pid, c->timeout_s * 4);
	if (status != 0)
		printf("FAILED %s %d: status %x\n", t->name, i,
		    (unsigned)status);
	return status != 0;
}

static inline void
srunner_run_all(SRunner *r, int mode)
{
	int ran = 0;

	(void)mode;
	for (int k = 0; k < r->suite->n; k++) {
		const TCase *c = r->suite->cases[k];

		if (c->begin_case)
			c->begin_case();
		for (int i = 0; i < c->n; i++)
			for (int j = c->tests[i].first; j < c->tests[i].end;
			    j++, ran++)
				r->failed += ck_run_one(c, c->tests[i].test,
				    j);
		if (c->end_case)
			c->end_case();
	}
	printf("%s: %d tests, %d failed\n", r->suite->name, ran, r->failed);
}

static inline int
srunner_ntests_failed(SRunner *r)
{
	return r->failed;
}

static inline void
srunner_free(SRunner *r)
{
	free(r);
}

#endif
