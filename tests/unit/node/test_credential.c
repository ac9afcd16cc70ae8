/* What shows who asks, read out of headers and query. */
#include "cm.h"

#include "node/credential.h"

/* Bytes 0, 1, 2 … 31 in base64url. */
#define TEXT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define TOKEN "moru_" TEXT
#define NONE CREDENTIAL_NONE
#define BAD CREDENTIAL_BAD
#define SESSION CREDENTIAL_SESSION
#define TOK CREDENTIAL_TOKEN

static struct span span_or_none(const char *s) { return s ? span_str(s) : span_of(NULL, 0); }

static void test_table(void **state)
{
	static const struct {
		const char *cookie, *authorization, *query;
		bool influx;
		enum credential_kind want;
	} rows[] = {
		{NULL, NULL, NULL, false, NONE},
		{"", NULL, "", true, NONE},
		{"moru_session=" TEXT, NULL, NULL, false, SESSION},
		{"a=b; moru_session=" TEXT "; c=d", NULL, NULL, false, SESSION},
		{"a=b;moru_session=" TEXT, NULL, NULL, false, SESSION},
		{"moru_session=" TEXT "; moru_session=x", NULL, NULL, false, SESSION}, /* the first counts */
		{"moru_session=x; moru_session=" TEXT, NULL, NULL, false, BAD},
		{"xmoru_session=" TEXT, NULL, NULL, false, NONE},
		{"moru_sessions=" TEXT, NULL, NULL, false, NONE},
		{"Moru_Session=" TEXT, NULL, NULL, false, NONE}, /* names of cookies mind case */
		{"moru_session=", NULL, NULL, false, BAD},
		{"moru_session=" TEXT "A", NULL, NULL, false, BAD},
		{"moru_session=" TOKEN, NULL, NULL, false, BAD},
		{"moru_session=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9", NULL, NULL, false, BAD}, /* bits that nobody wrote */
		{"moru_session=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH,8", NULL, NULL, false, BAD},
		{NULL, "Bearer " TOKEN, NULL, false, TOK},
		{NULL, "bEARER   " TOKEN " ", NULL, false, TOK},
		{NULL, "Bearer " TEXT, NULL, false, BAD},
		{NULL, "Bearer", NULL, false, BAD},
		{NULL, "Bearer ", NULL, false, BAD},
		{NULL, "", NULL, false, BAD},
		{NULL, "Digest " TOKEN, NULL, false, BAD},
		/* A program's token goes before the browser's cookie, and a bad one is not mended by it. */
		{"moru_session=" TEXT, "Bearer " TOKEN, NULL, false, TOK},
		{"moru_session=" TEXT, "Bearer x", NULL, false, BAD},
		/* telegraf:moru_… */
		{NULL, "Basic dGVsZWdyYWY6bW9ydV9BQUVDQXdRRkJnY0lDUW9MREEwT0R4QVJFaE1VRlJZWEdCa2FHeHdkSGg4", NULL, true, TOK},
		{NULL, "Basic dGVsZWdyYWY6bW9ydV9BQUVDQXdRRkJnY0lDUW9MREEwT0R4QVJFaE1VRlJZWEdCa2FHeHdkSGg4", NULL, false, BAD},
		{NULL, "Basic dGVsZWdyYWY=", NULL, true, BAD}, /* no colon */
		{NULL, "Basic dGVsZWdyYWY6cGFzc3dvcmQ=", NULL, true, BAD},
		{NULL, "Basic ====", NULL, true, BAD},
		{NULL, "Basic !", NULL, true, BAD},
		{NULL, NULL, "u=telegraf&p=" TOKEN, true, TOK},
		{NULL, NULL, "db=x&p=moru%5f" TEXT "&q=1", true, TOK},
		{NULL, NULL, "p=" TOKEN, false, NONE}, /* InfluxDB's doors alone */
		{NULL, NULL, "p=", true, BAD},
		{NULL, NULL, "p=%", true, BAD},
		{NULL, NULL, "p=moru%5", true, BAD},
		{NULL, NULL, "p=" TOKEN "x", true, BAD},
		{NULL, NULL, "pp=" TOKEN, true, NONE},
		{"moru_session=" TEXT, NULL, "db=x", true, SESSION},
		{"moru_session=" TEXT, NULL, "p=" TOKEN, true, TOK},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct credential c;
		credential_read(&c, span_or_none(rows[i].cookie), span_or_none(rows[i].authorization), span_or_none(rows[i].query), rows[i].influx);
		if (c.kind != rows[i].want)
			fail_msg("row %zu: %d instead of %d", i, (int)c.kind, (int)rows[i].want);
		for (uint8_t k = 0; k < CREDENTIAL_BYTES; k++)
			assert_int_equal(c.secret[k], c.kind >= CREDENTIAL_SESSION ? k : 0);
	}
}

/* Longer than any room that is kept for it. */
static void test_long(void **state)
{
	static char text[8192];
	struct credential c;
	(void)state;
	memset(text, 'A', sizeof text - 1);
	memcpy(text, "Basic ", 6);
	credential_read(&c, span_of(NULL, 0), span_str(text), span_of(NULL, 0), true);
	assert_int_equal(c.kind, CREDENTIAL_BAD);
	memcpy(text, "p=AAAA", 6);
	credential_read(&c, span_of(NULL, 0), span_of(NULL, 0), span_str(text), true);
	assert_int_equal(c.kind, CREDENTIAL_BAD);
	memcpy(text, "moru_session=", 13);
	credential_read(&c, span_str(text), span_of(NULL, 0), span_of(NULL, 0), true);
	assert_int_equal(c.kind, CREDENTIAL_BAD);
}

static void test_write(void **state)
{
	uint8_t secret[CREDENTIAL_BYTES];
	char text[CREDENTIAL_TEXT], token[CREDENTIAL_TOKEN_TEXT], csrf[CREDENTIAL_TEXT], other[CREDENTIAL_TEXT];
	(void)state;
	for (uint8_t i = 0; i < CREDENTIAL_BYTES; i++)
		secret[i] = i;
	credential_write(text, secret);
	assert_string_equal(text, TEXT);
	credential_write_token(token, secret);
	assert_string_equal(token, TOKEN);
	assert_int_equal(credential_csrf(csrf, secret), 0);
	assert_int_equal(strlen(csrf), CREDENTIAL_TEXT - 1);
	assert_string_not_equal(csrf, text);
	secret[31] ^= 1;
	assert_int_equal(credential_csrf(other, secret), 0);
	assert_string_not_equal(csrf, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_long), cmocka_unit_test(test_write)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
