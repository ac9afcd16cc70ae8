/* "signals" of a push device's document, in the Modbus document's spelling (driver/modbus/modbus.h):
 *
 *   [{"name":"insulation", "label":"절연저항", "unit":"MΩ"}, ...] */
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/unit.h"
#include "base/utf8.h"
#include "node/priv/labels.h"

enum member { NAME, LABEL, UNIT, MEMBERS };
static const struct {
	const char *name;
	size_t low, high; /* bytes */
	const char *expected;
} members[MEMBERS] = {
	[NAME] = {"name", 1, DEVICE_NAME_MAX, "\"insulation\" (1..128 bytes)"},
	[LABEL] = {"label", 0, DEVICE_LABEL_MAX, "\"…\" (0..256 bytes)"},
	[UNIT] = {"unit", 0, DEVICE_UNIT_MAX, "\"MΩ\" (0..32 bytes)"},
};

static int bad(struct diag *d, enum mo_msg msg, size_t at, struct span key, struct span value, const char *expected)
{
	char field[2 * DIAG_TEXT_MAX];
	int err = diag_set(d, MO_EINVAL, msg);
	(void)snprintf(field, sizeof field, "signals[%zu]%s%.*s", at, key.n ? "." : "", (int)(key.n < DIAG_TEXT_MAX ? key.n : DIAG_TEXT_MAX), (const char *)key.p);
	diag_field(d, span_str(field));
	diag_value(d, value);
	diag_expected(d, expected);
	return err;
}

static struct span shown(const struct json_value *v)
{
	static const char *const kinds[] = {[JSON_OBJECT] = "{…}", [JSON_ARRAY] = "[…]", [JSON_TRUE] = "true", [JSON_FALSE] = "false", [JSON_NULL] = "null"};
	return v->type == JSON_STRING || v->type == JSON_NUMBER ? v->text : span_str(kinds[v->type]);
}

/* Without control characters: these texts stand in pages and logs. */
static bool is_text(const struct json_value *v, size_t low, size_t high)
{
	bool ok = v->type == JSON_STRING && v->text.n >= low && v->text.n <= high && utf8_valid(v->text);
	for (size_t i = 0; ok && i < v->text.n; i++)
		ok = v->text.p[i] >= 0x20 && v->text.p[i] != 0x7f;
	return ok;
}

static int read_one(struct device_signal *ret, const struct json_value *o, size_t at, struct diag *d)
{
	struct span text[MEMBERS] = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
	if (o->type != JSON_OBJECT)
		return bad(d, MSG_DRIVER_CONFIG_VALUE, at, SPAN_LIT(""), shown(o), "{\"name\":…}");
	for (const struct json_value *v = o->child; v; v = v->next) {
		unsigned m = 0;
		while (m < MEMBERS && !span_is(v->name, members[m].name))
			m++;
		if (m == MEMBERS)
			return bad(d, MSG_DRIVER_CONFIG_UNKNOWN, at, v->name, shown(v), "name, label, unit");
		if (v->type == JSON_NULL)
			continue;
		if (!is_text(v, members[m].low, members[m].high))
			return bad(d, MSG_DRIVER_CONFIG_VALUE, at, v->name, shown(v), members[m].expected);
		text[m] = v->text;
	}
	if (!text[NAME].n)
		return bad(d, MSG_DRIVER_CONFIG_MISSING, at, SPAN_LIT("name"), SPAN_LIT(""), members[NAME].expected);
	const struct unit *u = text[UNIT].n ? unit_find(text[UNIT]) : NULL;
	*ret = (struct device_signal){text[NAME], text[LABEL], u ? span_str(u->symbol) : text[UNIT]};
	return 0;
}

static int read_all(struct device_signal *to, struct map *names, const struct json_value *list, struct diag *d)
{
	size_t i = 0;
	for (const struct json_value *v = list->child; v; v = v->next, i++) {
		int err = read_one(&to[i], v, i, d);
		if (err != 0)
			return err;
		if (map_get(names, to[i].name))
			return bad(d, MSG_DRIVER_CONFIG_NAME_TWICE, i, SPAN_LIT("name"), to[i].name, "");
		if ((err = map_put(names, to[i].name, 1)) != 0)
			return diag_set(d, err, MSG_OUT_OF_MEMORY);
	}
	return 0;
}

int device_signals_read(struct device_signal **ret, size_t *ret_n, struct arena *a, const struct json_value *root, struct diag *d)
{
	const struct json_value *list = json_member(root, "signals");
	size_t n = 0;
	*ret = NULL;
	*ret_n = 0;
	if (!list || list->type == JSON_NULL)
		return 0;
	for (const struct json_value *v = list->type == JSON_ARRAY ? list->child : NULL; v; v = v->next)
		n++;
	if (list->type != JSON_ARRAY || n > DEVICE_SIGNALS_MAX) {
		int err = diag_set(d, MO_EINVAL, MSG_DRIVER_CONFIG_VALUE);
		diag_field(d, SPAN_LIT("signals"));
		diag_value(d, shown(list));
		diag_expected(d, "[{\"name\":…}, …] (0..4095)");
		return err;
	}
	struct device_signal *to = arena_calloc(a, n ? n : 1, sizeof *to);
	if (!to)
		return diag_set(d, MO_ENOMEM, MSG_OUT_OF_MEMORY);
	struct map names;
	map_init(&names);
	int err = read_all(to, &names, list, d);
	map_free(&names);
	if (err == 0) {
		*ret = to;
		*ret_n = n;
	}
	return err;
}
