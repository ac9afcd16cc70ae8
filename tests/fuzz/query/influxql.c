/* Any text: an answer that is JSON, or an error with words; never anything else. */
#include "codec/json.h"
#include "shop.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct shop *s = shop();
	struct influx_options opt = {.now_ns = 1000, .epoch_ns = n & 1};
	struct buf out;
	struct diag d = {0};
	struct arena a;
	struct json_value *v;
	buf_init(&out, 1u << 20);
	arena_init(&a, 0);
	int err = influxql_run(s->x, s->db, span_of(p, n), NULL, &opt, &out, &d);
	if (err)
		expect((err == MO_EINVAL || err == MO_ELIMIT) && d.msg != MSG_NONE);
	else
		expect(json_parse(&v, &a, buf_span(&out), NULL) == 0 && json_member(v, "results"));
	arena_free(&a);
	buf_free(&out);
	return 0;
}
