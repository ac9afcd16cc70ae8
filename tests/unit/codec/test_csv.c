#include "cm.h"
#include "csv_dump.h"
#include "faultalloc.h"

static void check(const char *text, const char *expected)
{
	struct span s = span_str(text);
	struct buf out;
	buf_init(&out, 0);
	assert_int_equal(csv_dump(&out, s, ',', NULL, 0), 0);
	buf_addc(&out, 0);
	assert_string_equal((const char *)out.p, expected);
	/* Cut anywhere, and into single bytes: the same records. */
	for (size_t cut = 0; cut <= s.n; cut++) {
		buf_reset(&out);
		assert_int_equal(csv_dump(&out, s, ',', &cut, 1), 0);
		buf_addc(&out, 0);
		if (strcmp((const char *)out.p, expected) != 0)
			print_message("cut at %zu\n", cut);
		assert_string_equal((const char *)out.p, expected);
	}
	size_t all[256];
	assert_true(s.n < 256);
	for (size_t i = 0; i < s.n; i++)
		all[i] = i + 1;
	buf_reset(&out);
	assert_int_equal(csv_dump(&out, s, ',', all, s.n), 0);
	buf_addc(&out, 0);
	assert_string_equal((const char *)out.p, expected);
	buf_free(&out);
}

/* The examples of RFC 4180, 2. */
static void test_rfc4180(void **state)
{
	(void)state;
	check("aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n", "1@0:<aaa><bbb><ccc>\n2@13:<zzz><yyy><xxx>\n");
	check("aaa,bbb,ccc\r\nzzz,yyy,xxx", "1@0:<aaa><bbb><ccc>\n2@13:<zzz><yyy><xxx>\n");
	check("\"aaa\",\"bbb\",\"ccc\"\r\nzzz,yyy,xxx", "1@0:\"aaa\"\"bbb\"\"ccc\"\n2@19:<zzz><yyy><xxx>\n");
	check("\"aaa\",\"b\r\nbb\",\"ccc\"\r\nzzz,yyy,xxx", "1@0:\"aaa\"\"b\r\nbb\"\"ccc\"\n3@21:<zzz><yyy><xxx>\n");
	check("\"aaa\",\"b\"\"bb\",\"ccc\"", "1@0:\"aaa\"\"b\"bb\"\"ccc\"\n");
}

static void test_line_ends(void **state)
{
	(void)state;
	check("", "");
	check("\n", "1@0:\n");
	check("a", "1@0:<a>\n");
	check("a\nb\r\nc\rd", "1@0:<a>\n2@2:<b>\n3@5:<c>\n4@7:<d>\n");
	check("a\r\r\nb\n\n\rc\r", "1@0:<a>\n2@2:\n3@4:<b>\n4@6:\n5@7:\n6@8:<c>\n");
	check(",\n,,\n", "1@0:<><>\n2@2:<><><>\n");
	check("a,", "1@0:<a><>\n");
	check("\"\"\n\"\",\"\"", "1@0:\"\"\n2@3:\"\"\"\"\n");
	check("\"\"\"\"", "1@0:\"\"\"\n");
	check("a,\"x\ry\r\nz\n\",b\nc", "1@0:<a>\"x\ry\r\nz\n\"<b>\n5@14:<c>\n");
}

/* A quote inside an unquoted field is an inch, not a quote. */
static void test_stray_quotes(void **state)
{
	(void)state;
	check("5\",a\"b\"\n \"x\",y\n", "1@0:<5\"><a\"b\">\n2@8:< \"x\"><y>\n");
}

static void test_refused(void **state)
{
	(void)state;
	/* Text after a closing quote, on one line: that line is lost, no other. */
	check("a\n\"b\"c,d\ne\n", "1@0:<a>\n!-4 line 2\n3@9:<e>\n");
	/* A quote opened and never closed: the lines it would swallow are kept. */
	check("a,\"b\nc,d\ne,f", "!-4 line 1\n2@5:<c><d>\n3@9:<e><f>\n");
	check("a,\"b\r\nc,d\r\n", "!-4 line 1\n2@6:<c><d>\n");
	check("\"a", "!-4 line 1\n");
	check("x\n\"a\n", "1@0:<x>\n!-4 line 2\n");
	/* Two stray quotes a few lines apart: only their lines are refused. */
	check("1,\"a\n2,b\n3,\"c\n4,d\n", "!-4 line 1\n2@5:<2><b>\n!-4 line 3\n4@14:<4><d>\n");
	/* The record that gave the first quote away is itself whole, and spans lines. */
	check("1,\"a\n2,b\n3,\"c\nd\",e\n4,f\n", "!-4 line 1\n2@5:<2><b>\n3@9:<3>\"c\nd\"<e>\n5@19:<4><f>\n");
	/* A good quoted field with a line end before the fault. */
	check("\"a\nb\",c,\"d\"e\nf\n", "!-4 line 1\n!-4 line 2\n3@13:<f>\n");
	check("\"a\nb\",\"c\nd\n", "!-4 line 1\n!-4 line 2\n3@9:<d>\n");
}

static void test_delimiters(void **state)
{
	(void)state;
	static const char delimiters[] = {';', '\t', '|'};
	for (size_t i = 0; i < sizeof(delimiters); i++) {
		char text[] = "a_b,c_\"d_e\"\n";
		for (char *p = text; *p; p++)
			if (*p == '_')
				*p = delimiters[i];
		struct buf out;
		buf_init(&out, 0);
		assert_int_equal(csv_dump(&out, span_str(text), delimiters[i], NULL, 0), 0);
		buf_addc(&out, 0);
		char expected[] = "1@0:<a><b,c>\"d_e\"\n";
		*strchr(expected, '_') = delimiters[i];
		assert_string_equal((const char *)out.p, expected);
		buf_free(&out);
	}
	struct csv_reader *r = NULL;
	assert_int_equal(csv_reader_new(&r, ':'), MO_EINVAL);
	assert_null(r);
}

static void test_field_limit(void **state)
{
	(void)state;
	for (int quoted = 0; quoted < 2; quoted++)
		for (size_t n = CSV_FIELDS_MAX - 1; n <= CSV_FIELDS_MAX + 1; n++) {
			struct buf text;
			struct csv_reader *r;
			struct csv_record rec;
			struct diag d;
			buf_init(&text, 0);
			for (size_t i = 0; i < n; i++)
				buf_adds(&text, quoted ? (i ? ",\"x\"" : "\"x\"") : (i ? ",x" : "x"));
			buf_adds(&text, "\nlast\n");
			assert_int_equal(csv_reader_new(&r, ','), 0);
			csv_feed(r, buf_span(&text));
			int e = csv_next(r, &rec, &d);
			if (n <= CSV_FIELDS_MAX) {
				assert_int_equal(e, 0);
				assert_int_equal(rec.n, n);
				assert_true(span_is(rec.fields[n - 1], "x"));
				assert_int_equal(rec.quoted[n - 1], quoted);
			} else {
				assert_int_equal(e, MO_ELIMIT);
				assert_int_equal(d.msg, MSG_CSV_TOO_MANY_FIELDS);
				assert_int_equal(d.arg[0].i, CSV_FIELDS_MAX);
			}
			assert_int_equal(csv_next(r, &rec, &d), 0);
			assert_int_equal(rec.n, 1);
			assert_int_equal(rec.line, 2);
			assert_int_equal(rec.quoted[0], 0);
			assert_int_equal(csv_next(r, &rec, &d), MO_EAGAIN);
			csv_reader_free(r);
			buf_free(&text);
		}
}

/* One record of n bytes, fed whole and in pieces of 64 KB. */
static void record_of(size_t n, bool in_quotes, bool pieces)
{
	struct csv_reader *r;
	struct csv_record rec;
	struct diag d;
	uint8_t *text = malloc(n + 8);
	assert_non_null(text);
	memset(text, 'x', n);
	if (in_quotes)
		text[0] = text[n - 1] = '"';
	memcpy(text + n, "\nlast\n", 6);
	assert_int_equal(csv_reader_new(&r, ','), 0);
	size_t fed = pieces ? 0 : n + 6, got = 0;
	bool refused = false;
	if (!pieces)
		csv_feed(r, span_of(text, n + 6));
	for (;;) {
		int e = csv_next(r, &rec, &d);
		if (e == MO_EAGAIN) {
			if (fed == n + 6)
				break;
			size_t step = n + 6 - fed < 65536 ? n + 6 - fed : 65536;
			csv_feed(r, span_of(text + fed, step));
			fed += step;
			continue;
		}
		if (e) {
			assert_int_equal(got, 0);
			assert_false(refused);
			refused = true;
			continue;
		}
		got++;
		if (rec.line == 1)
			assert_int_equal(rec.fields[0].n, in_quotes ? n - 2 : n);
		else
			assert_true(span_is(rec.fields[0], "last"));
	}
	assert_int_equal(refused, n > CSV_RECORD_MAX);
	assert_int_equal(got, refused ? 1 : 2);
	csv_reader_free(r);
	free(text);
}

static void test_record_limit(void **state)
{
	(void)state;
	for (int pieces = 0; pieces < 2; pieces++)
		for (int quoted = 0; quoted < 2; quoted++)
			for (size_t n = CSV_RECORD_MAX - 1; n <= CSV_RECORD_MAX + 1; n++)
				record_of(n, quoted, pieces);
	record_of(3 * CSV_RECORD_MAX, false, true);
}

/* A stray quote in front of 12 MB of lines: its own line is lost and no other, and every byte is read about twice. */
static void test_unclosed_large(void **state)
{
	(void)state;
	struct buf text;
	struct csv_reader *r;
	struct csv_record rec;
	struct diag d;
	uint64_t rows = 0, refused = 0;
	buf_init(&text, 0);
	buf_adds(&text, "a,\"b\n");
	for (int i = 0; i < 1000000; i++)
		buf_adds(&text, "1.25,20,abc\n");
	assert_int_equal(csv_reader_new(&r, ','), 0);
	for (size_t at = 0; at < text.n; at += 65536) {
		int e;
		csv_feed(r, span_sub(buf_span(&text), at, 65536));
		while ((e = csv_next(r, &rec, &d)) != MO_EAGAIN) {
			rows += e == 0;
			refused += e != 0;
			if (e == 0)
				assert_int_equal(rec.n, 3);
			else
				assert_int_equal(d.line, 1);
		}
	}
	assert_int_equal(rows, 1000000);
	assert_int_equal(refused, 1);
	assert_int_equal(rec.line, 1000001);
	csv_reader_free(r);
	buf_free(&text);
}

/* Lines each of which could swallow all the others must not make reading quadratic (seconds become hours then). */
static void test_hostile_quotes(void **state)
{
	(void)state;
	struct buf text;
	struct csv_reader *r;
	struct csv_record rec;
	struct diag d;
	int e;
	uint64_t n = 0;
	buf_init(&text, 0);
	for (int i = 0; i < 400000; i++)
		buf_adds(&text, "x\"\",\"\"\"\n");
	assert_int_equal(csv_reader_new(&r, ','), 0);
	csv_feed(r, buf_span(&text));
	csv_end(r);
	while ((e = csv_next(r, &rec, &d)) != MO_ENOENT)
		n++;
	assert_in_range(n, 100000, 400000);
	csv_reader_free(r);
	buf_free(&text);
}

static void test_borrowed(void **state)
{
	(void)state;
	struct csv_reader *r;
	struct csv_record rec;
	struct span s = SPAN_LIT("12.5,\"code 7\",x\n1,2");
	assert_int_equal(csv_reader_new(&r, ','), 0);
	csv_feed(r, s);
	assert_int_equal(csv_next(r, &rec, NULL), 0);
	assert_ptr_equal(rec.fields[0].p, s.p); /* not copied */
	assert_ptr_equal(rec.fields[1].p, s.p + 6);
	assert_int_equal(csv_next(r, &rec, NULL), MO_EAGAIN);
	csv_end(r);
	assert_int_equal(csv_next(r, &rec, NULL), 0);
	assert_int_equal(rec.n, 2);
	assert_int_equal(csv_next(r, &rec, NULL), MO_ENOENT);
	assert_int_equal(csv_next(r, &rec, NULL), MO_ENOENT);
	csv_reader_free(r);
	csv_reader_free(NULL);
}

static void test_guess(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		char delimiter;
	} cases[] = {
	        {"", ','},
	        {"a\nb\n", ','},
	        {"a,b,c\n1,2,3\n", ','},
	        {"a;b;c\n1,5;2,7;3,1\n4,5;5,5;6,5\n", ';'},
	        {"t;v\n2018-01-01 00:00;1,5\n2018-01-01 00:15;2,5\n", ';'},
	        {"a\tb\n1,2\t3,4\n", '\t'},
	        {"name|remark\nx|a, b, c\ny|d\n", '|'},
	        {"name,remark\n\"a;b;c\",x\n\"d;e;f\",y\n", ','},
	        {"2018 report, of energy\n\na;b;c\n1;2;3\n4;5;6\n", ';'},
	        {"a,b,c", ','},
	        {"a;b;c", ';'},
	        {"\"x\"\";\"\"y\",1\n\"p\",2\n", ','},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(csv_guess_delimiter(span_str(cases[i].text)), cases[i].delimiter);
}

static void test_write(void **state)
{
	(void)state;
	static const struct {
		const char *text, *cell;
	} cases[] = {
	        {"", ""},
	        {"a", "a"},
	        {"a,b", "\"a,b\""},
	        {"say \"x\"", "\"say \"\"x\"\"\""},
	        {"a\nb", "\"a\nb\""},
	        {" a", "\" a\""},
	        {"a ", "\"a \""},
	        {"=1+1", "'=1+1"},
	        {"+82-2", "'+82-2"},
	        {"@a", "'@a"},
	        {"-", "'-"},
	        {"-1.5", "-1.5"},
	        {"+3", "+3"},
	        {"-1+cmd|x", "'-1+cmd|x"},
	        {"\tx", "\"'\tx\""},
	        {"\rx", "\"'\rx\""},
	        {"=a,\"b\"", "\"'=a,\"\"b\"\"\""},
	        {"＝1", "'＝1"},
	        {"온도", "온도"},
	        {"00123", "00123"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;
		buf_init(&out, 0);
		csv_write_text(&out, span_str(cases[i].text), true);
		buf_addc(&out, 0);
		assert_int_equal(out.err, 0);
		assert_string_equal((const char *)out.p, cases[i].cell);
		buf_free(&out);
	}
	struct buf out;
	buf_init(&out, 0);
	csv_write_bom(&out);
	csv_write_text(&out, SPAN_LIT("t"), true);
	csv_write_f64(&out, -0.1, false);
	csv_write_f64(&out, 0.0 / (out.n ? 0.0 : 1.0), false);
	csv_write_end(&out);
	assert_true(span_is(buf_span(&out), "\xEF\xBB\xBFt,-0.1,\r\n"));
	buf_free(&out);
}

static void test_allocations(void **state)
{
	(void)state;
	static const size_t cuts[] = {3, 10, 11, 30};
	struct span s = SPAN_LIT("a,b,c\n\"x\"\"y\",1,2\n\"long \"\"field\"\" across pieces\",3,4\n5,6,7\n");
	struct buf whole;
	buf_init(&whole, 0);
	assert_int_equal(csv_dump(&whole, s, ',', cuts, 4), 0);
	for (uint64_t nth = 1;; nth++) {
		struct buf out;
		buf_init(&out, 0);
		faultalloc_arm(nth);
		int e = csv_dump(&out, s, ',', cuts, 4);
		int fired = faultalloc_fired();
		faultalloc_arm(0);
		if (!fired) {
			assert_int_equal(e, 0);
			assert_true(span_eq(buf_span(&out), buf_span(&whole)));
			buf_free(&out);
			assert_in_range(nth, 5, 100);
			break;
		}
		assert_int_equal(e, MO_ENOMEM);
		buf_free(&out);
	}
	buf_free(&whole);
}

/* Out of memory is no end: once there is some again the same call goes on. */
static void test_allocation_again(void **state)
{
	(void)state;
	struct csv_reader *r;
	struct csv_record rec;
	assert_int_equal(csv_reader_new(&r, ','), 0);
	csv_feed(r, SPAN_LIT("\"a\"\"b\",c\n\"d"));
	faultalloc_arm(1);
	assert_int_equal(csv_next(r, &rec, NULL), MO_ENOMEM);
	assert_int_equal(csv_next(r, &rec, NULL), 0);
	assert_true(span_is(rec.fields[0], "a\"b"));
	faultalloc_arm(1);
	assert_int_equal(csv_next(r, &rec, NULL), MO_ENOMEM);
	assert_int_equal(csv_next(r, &rec, NULL), MO_EAGAIN);
	faultalloc_arm(0);
	csv_feed(r, SPAN_LIT("e\"\n"));
	assert_int_equal(csv_next(r, &rec, NULL), 0);
	assert_true(span_is(rec.fields[0], "de"));
	csv_reader_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_rfc4180),
	        cmocka_unit_test(test_line_ends),
	        cmocka_unit_test(test_stray_quotes),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_delimiters),
	        cmocka_unit_test(test_field_limit),
	        cmocka_unit_test(test_record_limit),
	        cmocka_unit_test(test_unclosed_large),
	        cmocka_unit_test(test_hostile_quotes),
	        cmocka_unit_test(test_borrowed),
	        cmocka_unit_test(test_guess),
	        cmocka_unit_test(test_write),
	        cmocka_unit_test(test_allocations),
	        cmocka_unit_test(test_allocation_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
