/* "signals" of push devices' documents: what is read, what is refused by which name, and what a set of documents says of a signal. */
#include "cm.h"

#include <stdio.h>

#include "base/unit.h"
#include "faultalloc.h"
#include "node/priv/collect.h"
#include "node/priv/labels.h"

#define DOC(signals) "{\"driver\":\"push\",\"asset\":\"MOT-03\",\"interval_ms\":10000,\"signals\":" signals "}"

static int read_doc(const char *json, struct diag *d)
{
	struct device_doc doc;
	return device_doc_read(&doc, span_str(json), d);
}

static void good(void **state)
{
	(void)state;
	struct diag d = {0};
	struct arena a;
	struct json_value *root;
	struct device_signal *s;
	size_t n;
	static const char *const docs[] = {DOC("[]"), DOC("null"), DOC("[{\"name\":\"a\",\"label\":\"\",\"unit\":null}]"), DOC("[{\"unit\":\"\",\"name\":\"a b=,\"}]")};
	for (size_t i = 0; i < sizeof docs / sizeof docs[0]; i++)
		assert_int_equal(read_doc(docs[i], &d), 0);
	arena_init(&a, 0);
	assert_int_equal(json_parse(&root, &a, SPAN_LIT(DOC("[{\"name\":\"insulation\",\"label\":\"절연저항\",\"unit\":\"Mohm\"},{\"name\":\"x\",\"unit\":\"칸\"},{\"name\":\"y\"}]")), &d), 0);
	assert_int_equal(device_signals_read(&s, &n, &a, root, &d), 0);
	assert_int_equal(n, 3);
	assert_true(span_is(s[0].name, "insulation") && span_is(s[0].label, "절연저항") && span_is(s[0].unit, "MΩ"));
	assert_true(span_is(s[1].unit, "칸") && !s[1].label.n); /* a unit that no table knows stays as it is */
	assert_true(span_is(s[2].name, "y") && !s[2].unit.n);
	arena_free(&a);
	/* Every symbol of the table is short enough for a signal's row. */
	const struct unit *u;
	for (unsigned i = 0; (u = unit_at(i)) != NULL; i++)
		assert_true(strlen(u->symbol) <= DEVICE_UNIT_MAX);
}

static void refused(void **state)
{
	(void)state;
	static const struct {
		const char *json, *field;
		enum mo_msg msg;
	} cases[] = {
		{DOC("{}"), "signals", MSG_DRIVER_CONFIG_VALUE},
		{DOC("\"a\""), "signals", MSG_DRIVER_CONFIG_VALUE},
		{DOC("[5]"), "signals[0]", MSG_DRIVER_CONFIG_VALUE},
		{DOC("[{}]"), "signals[0].name", MSG_DRIVER_CONFIG_MISSING},
		{DOC("[{\"name\":null}]"), "signals[0].name", MSG_DRIVER_CONFIG_MISSING},
		{DOC("[{\"name\":\"\"}]"), "signals[0].name", MSG_DRIVER_CONFIG_VALUE},
		{DOC("[{\"name\":\"a\"},{\"name\":\"b\",\"unit\":\"123456789012345678901234567890123\"}]"), "signals[1].unit", MSG_DRIVER_CONFIG_VALUE},
		{DOC("[{\"name\":\"a\",\"unit\":7}]"), "signals[0].unit", MSG_DRIVER_CONFIG_VALUE},
		{DOC("[{\"name\":\"a\",\"label\":\"x\\ty\"}]"), "signals[0].label", MSG_DRIVER_CONFIG_VALUE},
		{DOC("[{\"name\":\"a\",\"label\":true}]"), "signals[0].label", MSG_DRIVER_CONFIG_VALUE},
		{DOC("[{\"name\":\"a\",\"address\":1}]"), "signals[0].address", MSG_DRIVER_CONFIG_UNKNOWN},
		{DOC("[{\"name\":\"a\"},{\"name\":\"a\"}]"), "signals[1].name", MSG_DRIVER_CONFIG_NAME_TWICE},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct diag d = {0};
		assert_int_equal(read_doc(cases[i].json, &d), MO_EINVAL);
		assert_string_equal(d.field, cases[i].field);
		assert_int_equal(d.msg, cases[i].msg);
	}
}

static bool says(struct node *n, const char *asset, const char *name, const char *label, const char *unit)
{
	struct signal_words w;
	return labels_find(n, span_str(asset), span_str(name), &w) && strcmp(w.label, label) == 0 && strcmp(w.unit, unit) == 0;
}

static int add(struct labels *l, const char *name, const char *json) { return labels_add(l, span_str(name), 1, span_str(json)); }

static int add_all(struct labels *l)
{
	int err = add(l, "a", DOC("[{\"name\":\"insulation\",\"label\":\"절연저항\",\"unit\":\"Mohm\"}]"));
	if (err == 0)
		err = add(l, "b", DOC("[{\"name\":\"insulation\",\"label\":\"second\"},{\"name\":\"hipot\",\"label\":\"누설\"}]"));
	if (err == 0)
		err = add(l, "c", "{\"driver\":\"modbus\",\"asset\":\"MOT-03\",\"signals\":[{\"name\":\"m\",\"label\":\"no\"}]}");
	if (err == 0)
		err = add(l, "d", DOC("[{\"name\":\"x\"},5]"));
	return err == 0 ? add(l, "e", "not JSON") : err;
}

static void sets(void **state)
{
	(void)state;
	struct node n = {0};
	pthread_mutex_init(&n.mu, NULL);
	assert_false(says(&n, "MOT-03", "insulation", "", ""));
	assert_int_equal(labels_new(&n.labels), 0);
	assert_int_equal(add_all(n.labels), 0);
	assert_true(says(&n, "MOT-03", "insulation", "절연저항", "MΩ"));
	assert_true(says(&n, "MOT-03", "hipot", "누설", ""));
	struct signal_words w;
	assert_false(labels_find(&n, SPAN_LIT("MOT-04"), SPAN_LIT("hipot"), &w));
	assert_false(labels_find(&n, SPAN_LIT("MOT-03"), SPAN_LIT("m"), &w));
	assert_false(labels_find(&n, SPAN_LIT("MOT-03"), SPAN_LIT("x"), &w));
	labels_free(n.labels);
	pthread_mutex_destroy(&n.mu);
}

static void every_allocation(void **state)
{
	(void)state;
	bool fired = true;
	unsigned i = 1;
	for (; fired && i < 500; i++) {
		struct labels *l = NULL;
		faultalloc_arm(i);
		int err = labels_new(&l);
		if (err == 0)
			err = add_all(l);
		labels_free(l);
		fired = faultalloc_fired();
		faultalloc_arm(0);
		assert_int_equal(err, fired ? MO_ENOMEM : 0);
	}
	assert_in_range(i, 10, 499);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(good), cmocka_unit_test(refused), cmocka_unit_test(sets), cmocka_unit_test(every_allocation)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
