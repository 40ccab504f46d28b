/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/negotiate.h"

#include <check.h>
#include <stdlib.h>

#define OM	"application/openmetrics-text"
#define PB	"application/vnd.google.protobuf"
#define PBFULL	PB ";proto=io.prometheus.client.MetricFamily;encoding=delimited"
#define PROM242	OM ";version=1.0.0," OM ";version=0.0.1;q=0.75," \
	"text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
#define PROM3	OM ";version=1.0.0;escaping=allow-utf-8;q=0.6," \
	OM ";version=0.0.1;q=0.5," \
	"text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4," \
	"text/plain;version=0.0.4;q=0.3,*/*;q=0.2"

static const struct {
	const char *accept;
	enum expo_format want;
} formats[] = {
	/* what Prometheus really sends */
	{ PROM242, EXPO_OPENMETRICS },
	{ PBFULL "," OM ";version=1.0.0;q=0.8," OM ";version=0.0.1;q=0.75,"
	  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", EXPO_PROTOBUF },
	{ PROM3, EXPO_OPENMETRICS },
	{ PBFULL ";q=0.6," OM ";version=1.0.0;escaping=allow-utf-8;q=0.5,"
	  OM ";version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
	  EXPO_PROTOBUF },
	/* and the rest of the world */
	{ NULL, EXPO_TEXT },
	{ "", EXPO_TEXT },
	{ "*/*", EXPO_TEXT },
	{ "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
	  EXPO_TEXT },
	{ "application/json", EXPO_TEXT },
	{ "text/*", EXPO_TEXT },
	{ "application/*", EXPO_OPENMETRICS },
	{ OM, EXPO_OPENMETRICS },
	{ OM "; version=\"1.0.0\"; charset=utf-8", EXPO_OPENMETRICS },
	{ "APPLICATION/OpenMetrics-Text ; Version=1.0.0", EXPO_OPENMETRICS },
	/* a version we do not write */
	{ OM ";version=0.0.1", EXPO_TEXT },
	{ OM ";version=2.0.0", EXPO_TEXT },
	{ OM ";version=2.0.0," OM ";version=1.0.0;q=0.1", EXPO_OPENMETRICS },
	/* q counts, q=0 forbids, the more specific range wins */
	{ OM ";q=0.4,text/plain;q=0.5", EXPO_TEXT },
	{ OM ";q=0.5,text/plain;q=0.4", EXPO_OPENMETRICS },
	{ OM ";q=0.501,text/plain;q=0.5", EXPO_OPENMETRICS },
	{ OM ";q=0,*/*", EXPO_TEXT },
	{ "text/plain;q=0,*/*", EXPO_OPENMETRICS },
	{ "*/*," OM ";version=1.0.0;q=0", EXPO_TEXT },
	{ "text/plain;q=0", EXPO_TEXT },	/* never 406 */
	{ "*/*;q=0", EXPO_TEXT },
	{ OM ";q=0.1,*/*;q=1", EXPO_TEXT },
	{ "text/plain;q=0.1,*/*;q=1", EXPO_OPENMETRICS },
	/* at equal q: more specific, then earlier */
	{ "*/*," OM, EXPO_OPENMETRICS },
	{ "text/plain," OM, EXPO_TEXT },
	{ OM ",text/plain", EXPO_OPENMETRICS },
	/* protobuf only when all of it is asked for */
	{ PB, EXPO_TEXT },
	{ PB ";proto=io.prometheus.client.MetricFamily;encoding=text",
	  EXPO_TEXT },
	{ PB ";proto=other;encoding=delimited", EXPO_TEXT },
	{ PBFULL ";q=0", EXPO_TEXT },
	/* nonsense is as good as not sent */
	{ OM ";q=7", EXPO_TEXT },
	{ OM ";q=1.001", EXPO_TEXT },
	{ OM ";q=", EXPO_TEXT },
	{ OM ";q=x,text/plain;q=0.1", EXPO_TEXT },
	{ ",,;;,/,=;q=1,\"", EXPO_TEXT },
	{ "text/plain;a=\"b,application/openmetrics-text\"", EXPO_TEXT },
	{ OM ";a;b;c;d;e;f;g;h;i", EXPO_TEXT },
};

START_TEST(chooses_the_format)
{
	ck_assert_msg(negotiate_format(formats[_i].accept) ==
	    formats[_i].want, "%s", formats[_i].accept);
}
END_TEST

static const struct {
	const char *header;
	bool want;
} codings[] = {
	{ NULL, false },
	{ "", false },
	{ "gzip", true },
	{ "GZip", true },
	{ "x-gzip", true },
	{ "deflate, gzip;q=1.0, *;q=0.5", true },
	{ "gzip;q=0", false },
	{ "gzip;q=0.0", false },
	{ "gzip; q=0.000, *", false },
	{ "*", true },
	{ "*;q=0", false },
	{ "identity", false },
	{ "deflate, br", false },
	{ "gzip;q=0.2, identity;q=0.5", false },
	{ "gzip, identity", true },
	{ "gzipped", false },
};

START_TEST(chooses_the_coding)
{
	ck_assert_msg(negotiate_gzip(codings[_i].header) ==
	    codings[_i].want, "%s", codings[_i].header);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("negotiate");
	TCase *tc = tcase_create("negotiate");
	SRunner *sr = srunner_create(s);
	int failed;

	suite_add_tcase(s, tc);
	tcase_add_loop_test(tc, chooses_the_format, 0,
	    sizeof(formats) / sizeof(formats[0]));
	tcase_add_loop_test(tc, chooses_the_coding, 0,
	    sizeof(codings) / sizeof(codings[0]));
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
