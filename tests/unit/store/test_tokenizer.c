/* What is cut into which terms, and what a person finds. */
#include "fixture.h"

#include "store/priv/tokenizer.h"

static int join(void *arg, struct span token, bool colocated, size_t from, size_t to)
{
	char *out = arg;
	size_t n = strlen(out);
	assert_true(from <= to);
	snprintf(out + n, 1024 - n, "%s%.*s", n == 0 ? "" : colocated ? "/" : " ", SPAN_FMT(token));
	return 0;
}

static const char *cut(const char *text, bool query)
{
	static char out[1024];
	out[0] = '\0';
	OK(tokenizer_run(span_str(text), query, join, out));
	return out;
}

static int stop(void *arg, struct span token, bool colocated, size_t from, size_t to)
{
	(void)arg, (void)token, (void)colocated, (void)from, (void)to;
	return 7;
}

static void test_cut(void **state)
{
	(void)state;
	assert_string_equal(cut("불량", false), "불/불량/ㅂ/ㅂㄹ 량/ㄹ");
	assert_string_equal(cut("불량", true), "불량 량");
	assert_string_equal(cut("ㅂㄹ", true), "ㅂㄹ ㄹ");
	assert_string_equal(cut("불ㄹ", true), "불 ㄹ");
	assert_string_equal(cut("1호기", true), "1 호기 기");
	assert_string_equal(cut("MLD-01", false), "mld 01");
	assert_string_equal(cut("MLD01", true), "mld 01");
	assert_string_equal(cut("20260412", false), "20260412/0260412/260412/60412/0412/412/12");
	assert_string_equal(cut("ＭＬＤ０１", true), "mld 01"); /* full width */
	assert_string_equal(cut("Größe ΔT", true), "größe δt");
	assert_string_equal(cut("電流", false), "電/電流 流");
	assert_string_equal(cut("  ·,()  ", false), "");
	assert_string_equal(cut("", false), "");
	/* decomposed, as macOS writes file names: ㅂ ㅜ ㄹ ㄹ ㅑ ㅇ */
	assert_string_equal(cut("\xe1\x84\x87\xe1\x85\xae\xe1\x86\xaf\xe1\x84\x85\xe1\x85\xa3\xe1\x86\xbc", true), "불량 량");
	/* bytes that are no text part words and do no harm */
	assert_string_equal(cut("a\xff\xfe" "b", true), "a b");
	char longest[400];
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(strlen(cut(longest, false)), TOKEN_BYTES_MAX);
	assert_int_equal(tokenizer_run(span_str("a"), false, stop, NULL), 7);
}

static void signal(struct fixture *f, const char *asset, const char *name, const char *label)
{
	static uint8_t serial;
	struct store_signal sig = {.asset = S(asset), .name = S(name), .label = S(label), .unit = S("MPa"), .source = S("http"), .type = 1};
	enum store_did did;
	sig.series.b[0] = ++serial;
	OK(store_begin(f->s, &f->d));
	OK(store_put_signal(f->s, &sig, &did, &f->d));
	assert_int_equal(did, STORE_NEW);
	OK(store_put_signal(f->s, &sig, &did, &f->d));
	assert_int_equal(did, STORE_SAME);
	sig.label = span_of(NULL, 0);
	sig.unit = S("bar");
	OK(store_put_signal(f->s, &sig, &did, &f->d));
	assert_int_equal(did, STORE_CHANGED);
	OK(store_commit(f->s, &f->d));
}

static const char *found(struct fixture *f, const char *text) { return sel(f, SQ_SEARCH, "kind key", A(TX(text), sarg_i(9))); }

static void test_found(void **state)
{
	struct fixture *f = *state;
	put1(f, r_asset("MLD-01", "1호 사출기", ASSET_MACHINE));
	put1(f, r_asset("Q-1", "불량 교체함", ASSET_OTHER));
	put1(f, r_asset("HLD-A", "버스바 홀더", ASSET_ITEM));
	struct record lot = r_lot("SUP", "PA66-2026-0412-07");
	lot.lot.item = S("HLD-A");
	put1(f, lot);
	signal(f, "MLD-01", "peak_pressure", "최대 사출압");
	assert_string_equal(found(f, "불량"), "asset|Q-1\n");
	assert_string_equal(found(f, "교체"), "asset|Q-1\n");
	assert_string_equal(found(f, "ㅂㄹ"), "asset|Q-1\n");
	assert_string_equal(found(f, "교체 불량"), "asset|Q-1\n");
	assert_string_equal(found(f, "량"), "asset|Q-1\n");
	assert_string_equal(found(f, "량교"), "");
	assert_string_equal(found(f, "ㅎㄷ"), "item|HLD-A\nlot|SUP/PA66-2026-0412-07\n");
	assert_string_equal(found(f, "pa66"), "lot|SUP/PA66-2026-0412-07\n");
	assert_string_equal(found(f, "0412"), "lot|SUP/PA66-2026-0412-07\n");
	assert_string_equal(found(f, "412-0"), "lot|SUP/PA66-2026-0412-07\n");
	assert_string_equal(found(f, "026"), "lot|SUP/PA66-2026-0412-07\n");
	assert_string_equal(found(f, "\"*\" OR ("), "");
	assert_string_equal(found(f, "a\"b"), "");
	assert_non_null(strstr(found(f, "mld-01"), "asset|MLD-01\n"));
	assert_non_null(strstr(found(f, "mld01"), "asset|MLD-01\n"));
	assert_non_null(strstr(found(f, "사출압"), "signal|01"));
	assert_non_null(strstr(found(f, "peak_pr"), "signal|01"));
	assert_string_equal(sel(f, SQ_SIGNALS, "series asset name label unit source type", A(TX("MLD-01"), NIL, sarg_i(9))),
		"01000000-0000-0000-0000-000000000000|MLD-01|peak_pressure|최대 사출압|bar|http|1\n");
	assert_string_equal(sel(f, SQ_SIGNAL, "name", A(TX("01000000-0000-0000-0000-000000000000"))), "peak_pressure\n");
	assert_string_equal(sel(f, SQ_SIGNAL, "name", A(TX("nonsense"))), "");
}

/* What a document calls them: by name; nothing is said of "gone". */
static bool words(void *arg, struct span name, struct span *label, struct span *unit)
{
	(*(unsigned *)arg)++;
	*label = span_is(name, "insulation") ? S("절연저항") : SPAN_LIT("");
	*unit = SPAN_LIT("MΩ");
	return !span_is(name, "gone");
}

static void test_names(void **state)
{
	struct fixture *f = *state;
	enum store_did did;
	unsigned asked = 0;
	static const struct {
		const char *asset, *name, *source;
	} rows[] = {{"MOT-03", "insulation", "http"}, {"MOT-03", "gone", "http"}, {"MOT-03", "insulation", ""}, {"MOT-03", "gone", ""},
		{"MOT-03", "insulation", "file"}, {"MOT-03", "insulation", "device:x"}, {"MOT-04", "insulation", "http"}};
	OK(store_begin(f->s, &f->d));
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct store_signal sig = {.series = {{(uint8_t)(i + 1)}}, .asset = S(rows[i].asset), .name = S(rows[i].name), .label = S("old"), .unit = S("V"),
			.source = S(rows[i].source)};
		OK(store_put_signal(f->s, &sig, &did, &f->d));
	}
	OK(store_name_signals(f->s, S("MOT-03"), words, &asked, &f->d));
	OK(store_name_signals(f->s, S("nobody"), words, &asked, &f->d));
	int64_t last = store_last_change(f->s);
	OK(store_name_signals(f->s, S("MOT-03"), words, &asked, &f->d));
	assert_int_equal(store_last_change(f->s), last); /* the same again is no change */
	OK(store_commit(f->s, &f->d));
	assert_int_equal(asked, 8);
	assert_string_equal(sel(f, SQ_SIGNALS, "name label unit source", A(NIL, NIL, sarg_i(9))),
		"insulation|절연저항|MΩ|http\ngone|gone|-|http\ninsulation|절연저항|MΩ|-\ngone|old|V|-\ninsulation|old|V|file\ninsulation|old|V|device:x\n"
		"insulation|old|V|http\n");
	assert_string_equal(found(f, "절연"), "signal|01000000-0000-0000-0000-000000000000\nsignal|03000000-0000-0000-0000-000000000000\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_cut), cmocka_unit_test_setup_teardown(test_found, fx_setup, fx_teardown),
		cmocka_unit_test_setup_teardown(test_names, fx_setup, fx_teardown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
