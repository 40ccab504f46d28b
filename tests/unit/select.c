/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/select.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *list, *service, *instance;
	bool named;
} words[] = {
	{ "feed", "feed", "", true },
	{ "feed", "feed", "a", true },		/* all of its instances */
	{ "feed@a", "feed", "a", true },
	{ "feed@a", "feed", "", false },
	{ "feed@a", "feed", "b", false },
	{ "feed@a", "feed", "ab", false },
	{ "feed@ab", "feed", "a", false },
	{ "feed@", "feed", "", false },
	{ "fee", "feed", "", false },
	{ "feeds", "feed", "", false },
	{ "risk,feed", "feed", "", true },
	{ "risk,feed,signal", "feed", "", true },
	{ "risk,signal", "feed", "", false },
	{ "", "feed", "", false },
};

START_TEST(a_word_names_a_service_or_one_instance)
{
	char list[SELECT_TEXT] = "";

	ck_assert_int_eq(select_add(list, words[_i].list), 0);
	ck_assert_int_eq(select_names(list, words[_i].service,
	    words[_i].instance), words[_i].named);
}
END_TEST

START_TEST(lists_grow_word_by_word)
{
	char list[SELECT_TEXT] = "";

	ck_assert_int_eq(select_add(list, ""), 0);
	ck_assert_int_eq(select_add(list, ",,"), 0);
	ck_assert_str_eq(list, "");
	ck_assert_int_eq(select_add(list, ",a,,b,"), 0);
	ck_assert_int_eq(select_add(list, "c"), 0);
	ck_assert_str_eq(list, "a,b,c");
}
END_TEST

START_TEST(a_list_that_is_too_long_is_refused)
{
	char list[SELECT_TEXT] = "", text[SELECT_TEXT + 1];

	memset(text, 'x', sizeof(text));
	text[SELECT_TEXT] = '\0';
	ck_assert_int_eq(select_add(list, text), -E2BIG);
	text[SELECT_TEXT - 1] = '\0';
	ck_assert_int_eq(select_add(list, text), 0);
	ck_assert_int_eq(select_add(list, "y"), -E2BIG);
	ck_assert_uint_eq(strlen(list), SELECT_TEXT - 1);
}
END_TEST

START_TEST(exclusion_wins_and_nothing_named_is_everything)
{
	struct selection sel = { 0 };

	ck_assert(select_matches(&sel, "feed", ""));
	select_add(sel.exclude, "feed@a");
	ck_assert(!select_matches(&sel, "feed", "a"));
	ck_assert(select_matches(&sel, "feed", "b"));
	select_add(sel.include, "feed,risk");
	ck_assert(!select_matches(&sel, "feed", "a"));
	ck_assert(select_matches(&sel, "risk", ""));
	ck_assert(!select_matches(&sel, "signal", ""));
}
END_TEST

START_TEST(equal_means_the_same_choice)
{
	struct selection a = { 0 }, b = { 0 };

	ck_assert(select_equal(&a, &b));
	select_add(a.include, "x");
	ck_assert(!select_equal(&a, &b));
	select_add(b.exclude, "x");
	ck_assert(!select_equal(&a, &b));
	select_add(b.include, "x");
	select_add(a.exclude, "x");
	ck_assert(select_equal(&a, &b));
	a.alone = true;
	ck_assert(!select_equal(&a, &b));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("select");
	TCase *tc = tcase_create("select");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, a_word_names_a_service_or_one_instance, 0,
	    sizeof(words) / sizeof(words[0]));
	tcase_add_test(tc, lists_grow_word_by_word);
	tcase_add_test(tc, a_list_that_is_too_long_is_refused);
	tcase_add_test(tc, exclusion_wins_and_nothing_named_is_everything);
	tcase_add_test(tc, equal_means_the_same_choice);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
