/* See priv/collect.h. What the driver itself wants of a document it checks itself (driver_ops.open). */
#include <stdio.h>

#include "codec/text.h"
#include "driver/modbus/modbus.h"
#include "insight/states.h"
#include "node/priv/collect.h"
#include "node/priv/labels.h"

static const struct driver_ops *const drivers[] = {&modbus_driver};

static int read_states(struct machine_info *m, const struct json_value *root, struct diag *d)
{
	const struct json_value *st = json_member(root, "state");
	memset(m->codes, 255, sizeof m->codes);
	if (!st || st->type == JSON_NULL)
		return 0;
	/* A name that is misspelt would mean that no stop is ever found. */
	for (const struct json_value *v = st->child; v; v = v->next)
		if (!span_is(v->name, "signal") && !span_is(v->name, "codes") && !span_is(v->name, "alarm")) {
			char field[2 * DIAG_TEXT_MAX];
			int bad = diag_set(d, MO_EINVAL, MSG_DRIVER_CONFIG_UNKNOWN);
			(void)snprintf(field, sizeof field, "state.%.*s", (int)(v->name.n < DIAG_TEXT_MAX ? v->name.n : DIAG_TEXT_MAX), (const char *)v->name.p);
			diag_field(d, span_str(field));
			diag_expected(d, "signal, codes, alarm");
			return bad;
		}
	struct span text;
	int err = json_get_str(st, "signal", &text, d);
	if (err != 0)
		return err == MO_ENOENT ? diag_set(d, MO_EINVAL, MSG_DEVICE_STATE_SIGNAL) : err;
	diag_copy(m->state_signal, sizeof m->state_signal, text);
	if ((err = json_get_str(st, "alarm", &text, d)) == 0)
		diag_copy(m->alarm_signal, sizeof m->alarm_signal, text);
	else if (err != MO_ENOENT)
		return err;
	const struct json_value *codes = json_member(st, "codes");
	for (const struct json_value *c = codes ? codes->child : NULL; c; c = c->next) {
		unsigned raw = 0;
		for (size_t i = 0; i < c->name.n && i < 4; i++)
			raw = c->name.p[i] >= '0' && c->name.p[i] <= '9' ? raw * 10 + (unsigned)(c->name.p[i] - '0') : 999;
		unsigned code = 0;
		while (code < MCODES && !(c->type == JSON_STRING && span_is(c->text, mcode_name((enum mcode)code))))
			code++;
		if (raw > 254 || c->name.n == 0 || code == MCODES) {
			diag_set(d, MO_EINVAL, MSG_DEVICE_STATE_CODE);
			diag_field(d, c->name);
			diag_value(d, c->text);
			diag_expected(d, "off, run, idle, alarm, setup");
			return MO_EINVAL;
		}
		m->codes[raw] = (uint8_t)code;
	}
	return 0;
}

int device_doc_read(struct device_doc *ret, struct span json, struct diag *d)
{
	struct arena a;
	struct json_value *root;
	struct span text;
	arena_init(&a, 4u << 20);
	memset(ret, 0, sizeof *ret);
	ret->enabled = true;
	int err = json_parse(&root, &a, json, d);
	if (err == 0 && (err = json_get_str(root, "asset", &text, d)) == MO_ENOENT) {
		err = diag_set(d, MO_EINVAL, MSG_DEVICE_FIELD);
		diag_field(d, SPAN_LIT("asset"));
	}
	if (err == 0)
		diag_copy(ret->info.asset, sizeof ret->info.asset, text);
	if (err == 0 && (err = json_get_bool(root, "enabled", &ret->enabled, d)) == MO_ENOENT)
		err = 0;
	if (err == 0)
		err = read_states(&ret->info, root, d);
	if (err == 0 && (err = json_get_str(root, "driver", &text, d)) == MO_ENOENT) {
		err = diag_set(d, MO_EINVAL, MSG_DEVICE_FIELD);
		diag_field(d, SPAN_LIT("driver"));
	}
	if (err == 0 && span_is(text, "push")) {
		int64_t ms = 10000;
		err = json_get_i64(root, "interval_ms", &ms, d);
		if (err == MO_ENOENT)
			err = 0;
		ret->info.push = true;
		ret->info.interval_ns = ms * NS_PER_MS;
		if (err == 0 && (ms < 10 || ms > 86400000)) {
			err = diag_set(d, MO_EINVAL, MSG_DEVICE_VALUE);
			diag_field(d, SPAN_LIT("interval_ms"));
			diag_expected(d, "10..86400000");
		}
		struct device_signal *signals;
		size_t n;
		if (err == 0)
			err = device_signals_read(&signals, &n, &a, root, d);
	} else if (err == 0) {
		for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
			if (span_is(text, drivers[i]->name))
				ret->ops = drivers[i];
		if (!ret->ops) {
			err = diag_set(d, MO_EINVAL, MSG_DEVICE_VALUE);
			diag_field(d, SPAN_LIT("driver"));
			diag_value(d, text);
			diag_expected(d, "modbus, push");
		}
	}
	arena_free(&a);
	return err;
}
