/* SPDX-License-Identifier: Apache-2.0 */
#include "expo/number.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_RANDOM 50000

/* What a call printed, NUL-terminated; the canary behind it is unhurt. */
struct printed {
	char text[EXPO_NUMBER_ROOM + 16];
};

static const char canary[16] = "################";

static uint64_t random_state = 88172645463325252u;

static uint64_t
random_u64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Any magnitude as likely as any other. */
static uint64_t
random_size(void)
{
	uint64_t v = random_u64();

	return v >> (random_u64() % 64);
}

static void
begin(struct printed *p)
{
	memcpy(p->text + EXPO_NUMBER_ROOM, canary, sizeof(canary));
}

static const char *
end(struct printed *p, size_t n)
{
	if (n < 1 || n > EXPO_NUMBER_LEN)
		ck_abort_msg("%zu bytes", n);
	if (memcmp(p->text + EXPO_NUMBER_ROOM, canary, sizeof(canary)) != 0)
		ck_abort_msg("written past the room");
	p->text[n] = '\0';
	return p->text;
}

static const char *
decimal(struct printed *p, uint64_t n, int exponent)
{
	begin(p);
	return end(p, expo_decimal(p->text, n, exponent));
}

static const char *
of_double(struct printed *p, double v)
{
	begin(p);
	return end(p, expo_double(p->text, v));
}

/* The fewest digits of printf that strtod reads back.  At a power of two
 * doubles lie closer below than above, so that the decimal next above may read
 * back where the nearest one does not. */
static void
fewest_digits(char *s, size_t size, double v)
{
	for (int k = 0; k < 17; k++) {
		unsigned long long m = 0;
		int exp10;

		snprintf(s, size, "%.*e", k, v);
		if (strtod(s, NULL) == v)
			return;
		exp10 = atoi(strchr(s, 'e') + 1);
		for (const char *c = s; *c != 'e'; c++)
			if (*c != '.')
				m = m * 10 + (unsigned)(*c - '0');
		snprintf(s, size, "%llue%d", m + 1, exp10 - k);
		if (strtod(s, NULL) == v) {
			snprintf(s, size, "%llue%d", m + 1, exp10);
			return;
		}
	}
}

/* An independent way to the same, laid out by the rule of Go's %g. */
static void
reference(char *out, double v)
{
	char s[40], digits[40];
	int x, n = 0, p = 0;

	if (v == 0) {
		strcpy(out, signbit(v) ? "-0" : "0");
		return;
	}
	fewest_digits(s, sizeof(s), fabs(v));
	x = atoi(strchr(s, 'e') + 1);
	for (const char *c = s; *c != 'e'; c++)
		if (*c != '.')
			digits[n++] = *c;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	if (v < 0)
		out[p++] = '-';
	if (x < -4 || x >= 6) {
		out[p++] = digits[0];
		if (n > 1)
			p += sprintf(out + p, ".%.*s", n - 1, digits + 1);
		sprintf(out + p, "e%c%02d", x < 0 ? '-' : '+', abs(x));
		return;
	}
	for (int i = x < 0 ? x : 0; i < n || i <= x; i++) {
		if (i == x + 1)
			out[p++] = '.';
		out[p++] = i < 0 || i >= n ? '0' : digits[i];
	}
	out[p] = '\0';
}

static void
same_as_reference(double v)
{
	struct printed p;
	char want[64];

	reference(want, v);
	if (strcmp(of_double(&p, v), want) != 0)
		ck_abort_msg("%s, not %s", p.text, want);
}

static void
decimal_same_as_reference(uint64_t n, int exponent)
{
	struct printed p;
	char text[48], want[64];

	snprintf(text, sizeof(text), "%llue%d", (unsigned long long)n,
	    -exponent);
	reference(want, strtod(text, NULL));
	if (strcmp(decimal(&p, n, exponent), want) != 0)
		ck_abort_msg("%s: %s, not %s", text, p.text, want);
}

static const struct {
	uint64_t n;
	int exponent;
	const char *want;
} decimals[] = {
	{ 0, 0, "0" },
	{ 0, 9, "0" },
	{ 1, 0, "1" },
	{ 10, 0, "10" },
	{ 999999, 0, "999999" },
	{ 1000000, 0, "1e+06" },
	{ 1234567, 0, "1.234567e+06" },
	{ 1200000, 0, "1.2e+06" },
	{ 3, 9, "3e-09" },
	{ 300000000, 9, "0.3" },
	{ 1, 4, "0.0001" },
	{ 1, 5, "1e-05" },
	{ 15, 5, "0.00015" },
	{ 123456789, 9, "0.123456789" },
	{ 1234567890, 9, "1.23456789" },
	{ 999999999999999, 9, "999999.999999999" },
	{ 1000000000000000, 9, "1e+06" },
	{ 1000000500000000, 9, "1.0000005e+06" },
	{ 123456, 3, "123.456" },
	{ 7, -3, "7000" },
	{ 7, -6, "7e+06" },
	{ 1, -18, "1e+18" },
	{ 1, 18, "1e-18" },
	{ 1, -21, "1e+21" },
	{ 9007199254740993, 0, "9.007199254740992e+15" },
	{ 12345678901234567, 9, "1.2345678901234567e+07" },
	{ UINT64_MAX, 0, "1.8446744073709552e+19" },
	{ UINT64_MAX, 9, "1.8446744073709553e+10" },
	{ 10000000000000000000u, 0, "1e+19" },
};

START_TEST(divides_in_decimal_not_in_binary)
{
	struct printed p;

	ck_assert_str_eq(decimal(&p, decimals[_i].n, decimals[_i].exponent),
	    decimals[_i].want);
}
END_TEST

START_TEST(agrees_with_the_nearest_double_at_every_power)
{
	uint64_t ten = 1;

	for (int exponent = -18; exponent <= 18; exponent++) {
		ten = 1;
		for (int k = 0; k < 20; k++, ten *= 10)
			for (int d = -2; d <= 2; d++)
				decimal_same_as_reference(
				    ten + (uint64_t)(int64_t)d, exponent);
		for (int k = 0; k < 64; k++)
			for (int d = -2; d <= 2; d++)
				decimal_same_as_reference((UINT64_C(1) << k) +
				    (uint64_t)(int64_t)d, exponent);
	}
}
END_TEST

START_TEST(agrees_with_the_nearest_double_for_any_decimal)
{
	for (int i = 0; i < N_RANDOM; i++)
		decimal_same_as_reference(random_size(),
		    (int)(random_u64() % 37) - 18);
}
END_TEST

START_TEST(agrees_when_zeros_end_the_digits)
{
	uint64_t zeros = 1;

	for (int k = 0; k < 14; k++, zeros *= 10)
		for (int i = 0; i < 2000; i++)
			decimal_same_as_reference(
			    random_u64() % 1000000 * zeros,
			    (int)(random_u64() % 37) - 18);
}
END_TEST

/* Exact, without a double in between: digits and point by hand. */
START_TEST(prints_fifteen_digits_unchanged)
{
	for (int i = 0; i < N_RANDOM; i++) {
		uint64_t n = random_size() % UINT64_C(1000000000000000);
		struct printed p;
		char want[40];

		if (n % 10 == 0 || n / 1000000 >= 1000000)
			continue;
		snprintf(want, sizeof(want), "%llu.%06llu",
		    (unsigned long long)n / 1000000,
		    (unsigned long long)n % 1000000);
		if (n < 100)
			continue; /* has an exponent */
		if (strcmp(decimal(&p, n, 6), want) != 0)
			ck_abort_msg("%s, not %s", p.text, want);
	}
}
END_TEST

START_TEST(prints_every_integer_below_a_million_plainly)
{
	for (unsigned v = 0; v < 1000000; v++) {
		struct printed p;
		char want[16];

		snprintf(want, sizeof(want), "%u", v);
		if (strcmp(decimal(&p, v, 0), want) != 0)
			ck_abort_msg("%u printed as %s", v, p.text);
	}
}
END_TEST

static void
same_plain_digits(uint64_t v)
{
	struct printed p;
	char want[32];

	snprintf(want, sizeof(want), "%llu", (unsigned long long)v);
	begin(&p);
	ck_assert_str_eq(end(&p, expo_u64(p.text, v)), want);
}

START_TEST(prints_counts_as_plain_integers)
{
	uint64_t ten = 1;

	for (int k = 0; k < 20; k++, ten *= 10)
		for (uint64_t d = 0; d < 3; d++)
			same_plain_digits(ten + d - 1);
	same_plain_digits(UINT64_MAX);
	for (int i = 0; i < N_RANDOM; i++)
		same_plain_digits(random_size());
}
END_TEST

static const struct {
	double v;
	const char *want;
} doubles[] = {
	{ 0.0, "0" },
	{ -0.0, "-0" },
	{ 1.0, "1" },
	{ -1.0, "-1" },
	{ 0.1, "0.1" },
	{ 0.30000000000000004, "0.30000000000000004" },
	{ 1e5, "100000" },
	{ 999999.5, "999999.5" },
	{ 1e6, "1e+06" },
	{ -1234567.25, "-1.23456725e+06" },
	{ 1e21, "1e+21" },
	{ 1e22, "1e+22" },
	{ 1e-4, "0.0001" },
	{ 1e-5, "1e-05" },
	{ 0.000123, "0.000123" },
	{ 5e-324, "5e-324" },
	{ -2.2250738585072014e-308, "-2.2250738585072014e-308" },
	{ 1.7976931348623157e308, "1.7976931348623157e+308" },
	{ 9007199254740993.0, "9.007199254740992e+15" },
	{ 1.0 / 3, "0.3333333333333333" },
	{ 1e100, "1e+100" },
	{ INFINITY, "+Inf" },
	{ -INFINITY, "-Inf" },
	{ NAN, "NaN" },
};

START_TEST(prints_doubles_as_go_does)
{
	struct printed p;

	ck_assert_str_eq(of_double(&p, doubles[_i].v), doubles[_i].want);
}
END_TEST

START_TEST(prints_any_bits_that_are_a_number)
{
	for (int i = 0; i < N_RANDOM; i++) {
		uint64_t bits = random_u64();
		double v;

		memcpy(&v, &bits, sizeof(v));
		if (isfinite(v))
			same_as_reference(v);
	}
}
END_TEST

START_TEST(prints_subnormals_and_powers_of_two)
{
	for (int x = -1074; x < 1024; x++) {
		same_as_reference(ldexp(1, x));
		same_as_reference(nextafter(ldexp(1, x), INFINITY));
		same_as_reference(-nextafter(ldexp(1, x), 0));
	}
	for (int i = 1; i < 5000; i++)
		same_as_reference(i * 5e-324);
}
END_TEST

START_TEST(value_is_the_nearest_double)
{
	for (int i = 0; i < N_RANDOM; i++) {
		uint64_t n = random_size();
		int exponent = (int)(random_u64() % 45) - 22;
		char text[48];

		snprintf(text, sizeof(text), "%llue%d",
		    (unsigned long long)n, -exponent);
		if (expo_value(n, exponent) != strtod(text, NULL))
			ck_abort_msg("%s", text);
	}
}
END_TEST

static const struct {
	const char *number, *want;
} canonicals[] = {
	{ "1", "1.0" },
	{ "10", "10.0" },
	{ "0.005", "0.005" },
	{ "1e+06", "1e+06" },
	{ "1e-05", "1e-05" },
	{ "+Inf", "+Inf" },
	{ "-Inf", "-Inf" },
	{ "NaN", "NaN" },
};

START_TEST(bounds_are_canonical)
{
	char text[16];
	size_t n = strlen(canonicals[_i].number);

	memset(text, 0, sizeof(text));
	memcpy(text, canonicals[_i].number, n);
	ck_assert_uint_eq(expo_canonical(text, n),
	    strlen(canonicals[_i].want));
	ck_assert_str_eq(text, canonicals[_i].want);
}
END_TEST

#define N_OF(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *s = suite_create("number");
	TCase *tc = tcase_create("number");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, divides_in_decimal_not_in_binary, 0,
	    N_OF(decimals));
	tcase_add_test(tc, agrees_with_the_nearest_double_at_every_power);
	tcase_add_test(tc, agrees_with_the_nearest_double_for_any_decimal);
	tcase_add_test(tc, agrees_when_zeros_end_the_digits);
	tcase_add_test(tc, prints_fifteen_digits_unchanged);
	tcase_add_test(tc, prints_every_integer_below_a_million_plainly);
	tcase_add_test(tc, prints_counts_as_plain_integers);
	tcase_add_loop_test(tc, prints_doubles_as_go_does, 0, N_OF(doubles));
	tcase_add_test(tc, prints_any_bits_that_are_a_number);
	tcase_add_test(tc, prints_subnormals_and_powers_of_two);
	tcase_add_test(tc, value_is_the_nearest_double);
	tcase_add_loop_test(tc, bounds_are_canonical, 0, N_OF(canonicals));
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
