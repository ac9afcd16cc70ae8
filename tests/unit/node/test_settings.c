/* moru.yaml: what init writes is read back, what is good is taken, what is bad is named by line, field, value and what was expected. */
#include "cm.h"

#include <stdlib.h>

#include "faultalloc.h"
#include "node/settings.h"
#include "os/memvfs.h"

#define TOP "name, firm, lang, zone, production_day, listen, tls, inbox, series, stops, backup, disk" /* of a folder that is no demo */

static struct vfs *v;

static int setup(void **state)
{
	(void)state;
	return memvfs_new(&v, 1);
}

static int teardown(void **state)
{
	(void)state;
	vfs_free(v);
	return 0;
}

static int read_text(struct settings *s, const char *text, bool demo, struct diag *d)
{
	assert_int_equal(vfs_replace(v, "moru.yaml", span_str(text), false, NULL), 0);
	return settings_read(s, v, "moru.yaml", demo, d);
}

static void what_init_writes_is_read_back(void **state)
{
	static const char *const langs[] = {"ko", "en"};
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct settings s, t;
		struct buf b;
		struct diag d = {0};
		bool demo = i & 1;
		settings_defaults(&s);
		diag_copy(s.name, sizeof s.name, SPAN_LIT("\"우리\" 공장 \\ # : - {x}"));
		diag_copy(s.firm, sizeof s.firm, SPAN_LIT("MLD"));
		diag_copy(s.lang, sizeof s.lang, span_str(langs[i / 2]));
		diag_copy(s.inbox, sizeof s.inbox, SPAN_LIT("/srv/파일 inbox"));
		s.port = 9;
		s.head_budget_bytes = INT64_C(1) << 34;
		s.stop_min_s = 86400;
		s.sync_delay_ms = demo ? 1000 : 0;
		buf_init(&b, 0);
		settings_write(&b, &s, langs[i / 2], demo);
		buf_addc(&b, 0);
		assert_int_equal(b.err, 0);
		assert_int_equal(read_text(&t, (const char *)b.p, demo, &d), 0);
		size_t n;
		const struct setting_key *k = settings_keys(&n);
		for (size_t j = 0; j < n; j++)
			if (!k[j].demo_only || demo)
				assert_memory_equal((uint8_t *)&s + k[j].offset, (uint8_t *)&t + k[j].offset,
					k[j].type == SET_PORT ? 2 : k[j].type >= SET_BYTES && k[j].type <= SET_MS ? 8 : strlen((char *)&s + k[j].offset) + 1);
		/* Each key has its comment above it. */
		for (size_t j = 0; j < n; j++)
			if (!k[j].demo_only || demo)
				assert_non_null(strstr((const char *)b.p, i / 2 ? k[j].en : k[j].ko));
		buf_free(&b);
	}
}

static void good_ones(void **state)
{
	(void)state;
	struct settings s;
	assert_int_equal(read_text(&s, "", false, NULL), 0); /* nothing said: all defaults */
	assert_int_equal(s.port, 8470);
	assert_string_equal(s.zone, "Asia/Seoul");
	assert_int_equal(s.head_budget_bytes, 33554432);
	assert_int_equal(read_text(&s, "# only this\nlisten: {address: '::1', port: 0}\nstops:\n  shortest: 1\n", false, NULL), 0);
	assert_int_equal(s.port, 0);
	assert_string_equal(s.address, "::1");
	assert_int_equal(s.stop_min_s, 1);
	assert_false(settings_tls(&s));
	assert_int_equal(s.address_line, 2);
	/* Whether it may be listened on is decided elsewhere (node/listen.h). */
	assert_int_equal(read_text(&s, "listen: {address: 0.0.0.0, names: 'moru.example 10.0.0.7'}\ntls:\n  mode: given\n  certificate: /a b.pem\n", false, NULL), 0);
	assert_true(settings_tls(&s));
	assert_string_equal(s.tls_certificate, "/a b.pem");
	assert_string_equal(s.names, "moru.example 10.0.0.7");
	assert_int_equal(read_text(&s, "zone: Etc/GMT+9\nlang: en\nproduction_day: {begins: '23:59'}\n", false, NULL), 0);
	assert_string_equal(s.zone, "Etc/GMT+9");
	assert_string_equal(s.day_begins, "23:59");
	assert_int_equal(read_text(&s, "demo: {sync_delay: 5}\n", true, NULL), 0);
	assert_int_equal(s.sync_delay_ms, 5);
}

static void bad_ones_say_where(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum mo_msg msg;
		unsigned line;
		const char *field, *value, *expected;
	} rows[] = {
		{"lang: fr\n", MSG_SETTING_VALUE, 1, "lang", "fr", "ko, en"},
		{"\n\nlisten:\n  port: 70000\n", MSG_SETTING_VALUE, 4, "listen.port", "70000", "0..65535"},
		{"listen:\n  port: -1\n", MSG_SETTING_VALUE, 2, "listen.port", "-1", "0..65535"},
		{"listen:\n  port: 80a\n", MSG_SETTING_VALUE, 2, "listen.port", "80a", "0..65535"},
		{"listen:\n  port:\n", MSG_SETTING_VALUE, 2, "listen.port", "", "0..65535"},
		{"listen:\n  port: [1]\n", MSG_SETTING_VALUE, 2, "listen.port", "…", "0..65535"},
		{"listen:\n  address: 127.0.0.1.evil\n", MSG_SETTING_VALUE, 2, "listen.address", "127.0.0.1.evil", "127.0.0.1, ::1, localhost"},
		{"listen:\n  connections: 63\n", MSG_SETTING_VALUE, 2, "listen.connections", "63", "64..100000"},
		{"listen:\n  connections: 100001\n", MSG_SETTING_VALUE, 2, "listen.connections", "100001", "64..100000"},
		{"listen:\n  connections_of_address: 10001\n", MSG_SETTING_VALUE, 2, "listen.connections_of_address", "10001", "0..10000"},
		{"listen:\n  names: a.example, b_c\n", MSG_SETTING_VALUE, 2, "listen.names", "a.example, b_c", "moru.example.com, 192.168.0.10"},
		{"tls: {mode: on}\n", MSG_SETTING_VALUE, 1, "tls.mode", "on", "off, own, given"},
		{"tls: {cert: a}\n", MSG_SETTING_UNKNOWN, 1, "tls.cert", "", "mode, certificate, key"},
		{"name: x\nseries:\n  head_budget: 1048575\n", MSG_SETTING_VALUE, 3, "series.head_budget", "1048575", "1048576..17179869184"},
		{"stops:\n  shortest: 0\n", MSG_SETTING_VALUE, 2, "stops.shortest", "0", "1..86400"},
		{"backup:\n  target: share/plant\n", MSG_SETTING_VALUE, 2, "backup.target", "share/plant", "/..."},
		{"backup:\n  every: 8761\n", MSG_SETTING_VALUE, 2, "backup.every", "8761", "0..8760"},
		{"backup:\n  every: daily\n", MSG_SETTING_VALUE, 2, "backup.every", "daily", "0..8760"},
		{"backup:\n  keep: -1\n", MSG_SETTING_VALUE, 2, "backup.keep", "-1", "0..10000"},
		{"production_day:\n  begins: 24:00\n", MSG_SETTING_VALUE, 2, "production_day.begins", "24:00", "HH:MM"},
		{"production_day:\n  begins: 8:00\n", MSG_SETTING_VALUE, 2, "production_day.begins", "8:00", "HH:MM"},
		{"zone: ../../etc/passwd\n", MSG_SETTING_VALUE, 1, "zone", "../../etc/passwd", "Asia/Seoul, UTC, ..."},
		{"zone: /etc/localtime\n", MSG_SETTING_VALUE, 1, "zone", "/etc/localtime", "Asia/Seoul, UTC, ..."},
		{"zone: ''\n", MSG_SETTING_VALUE, 1, "zone", "", "Asia/Seoul, UTC, ..."},
		{"name: a\nnane: b\n", MSG_SETTING_UNKNOWN, 2, "nane", "", TOP},
		{"listen:\n  prot: 1\n", MSG_SETTING_UNKNOWN, 2, "listen.prot", "", "address, port, names, connections, connections_of_address"},
		{"listen:\n  a:\n    b:\n      c:\n        d:\n          e: 1\n", MSG_SETTING_UNKNOWN, 2, "listen.a", "", "address, port, names, connections, connections_of_address"},
		{"? [a]\n: 1\n", MSG_SETTING_UNKNOWN, 1, "", "", TOP},
		{"name: a\nname: b\n", MSG_SETTING_TWICE, 2, "name", "b", ""},
		{"listen: {port: 1}\nlisten: {port: 2}\n", MSG_SETTING_TWICE, 2, "listen.port", "2", ""},
		{"demo:\n  sync_delay: 5\n", MSG_SETTING_DEMO_ONLY, 2, "demo.sync_delay", "", ""},
		{"- name\n", MSG_SETTING_VALUE, 1, "", "", "key: value"},
		{"name: \"a\n", MSG_SETTING_YAML, 2, "", "", ""},
		{"name: a\n\tlang: ko\n", MSG_SETTING_YAML, 2, "", "", ""},
		{"a: &x {b: *x}\n", MSG_SETTING_UNKNOWN, 1, "a", "", TOP},
		{"demos:\n  sync_delay: 5\n", MSG_SETTING_UNKNOWN, 1, "demos", "", TOP}, {"name: {a: b}\n", MSG_SETTING_VALUE, 1, "name", "…", "UTF-8"},
		{"name: *nobody\n", MSG_SETTING_YAML, 1, "", "", ""},
		{"name: \"a\\0b\"\n", MSG_SETTING_VALUE, 1, "name", NULL, "UTF-8"},
		{"name: \xff\xfe\n", MSG_SETTING_YAML, 1, "", "", ""},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct settings s;
		struct diag d = {0};
		memset(&s, 0x5a, sizeof s);
		assert_int_equal(read_text(&s, rows[i].text, false, &d), MO_EINVAL);
		if (d.msg != rows[i].msg || d.line != rows[i].line)
			print_message("row %zu: message %d line %u field %s\n", i, (int)d.msg, (unsigned)d.line, d.field);
		assert_int_equal(d.msg, rows[i].msg);
		assert_string_equal(d.file, "moru.yaml");
		assert_int_equal(d.line, rows[i].line);
		if (rows[i].field)
			assert_string_equal(d.field, rows[i].field);
		if (rows[i].value)
			assert_string_equal(d.value, rows[i].value);
		assert_string_equal(d.expected, rows[i].expected);
		assert_int_equal(((uint8_t *)&s)[0], 0x5a); /* written only on success */
	}
}

static void lengths(void **state)
{
	(void)state;
	char text[400];
	struct settings s;
	memset(text, 'x', sizeof text);
	memcpy(text, "name: ", 6);
	text[6 + 127] = 0;
	assert_int_equal(read_text(&s, text, false, NULL), 0);
	assert_int_equal(strlen(s.name), 127);
	text[6 + 127] = 'x';
	text[6 + 128] = 0;
	assert_int_equal(read_text(&s, text, false, NULL), MO_EINVAL);
	memset(text, 'k', 200);
	memcpy(text + 200, ": 1\n", 5);
	assert_int_equal(read_text(&s, text, false, NULL), MO_EINVAL); /* a key longer than any */
	assert_int_equal(settings_read(&s, v, "absent.yaml", false, NULL), MO_ENOENT);
	char *big = malloc(300000);
	memset(big, '#', 299999);
	big[299999] = 0;
	assert_int_equal(read_text(&s, big, false, NULL), MO_ELIMIT);
	free(big);
}

static void memory(void **state)
{
	(void)state;
	assert_int_equal(vfs_replace(v, "moru.yaml", SPAN_LIT("name: 공장\nlisten: {port: 5}\n"), false, NULL), 0);
	for (uint64_t n = 1;; n++) {
		struct settings s;
		struct diag d = {0};
		faultalloc_arm(n);
		int err = settings_read(&s, v, "moru.yaml", false, &d);
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		if (!fired) {
			assert_int_equal(err, 0);
			assert_true(n > 1);
			break;
		}
		assert_int_equal(err, MO_ENOMEM);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {T(what_init_writes_is_read_back), T(good_ones), T(bad_ones_say_where), T(lengths), T(memory)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
