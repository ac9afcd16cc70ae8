#include "sim/records.h"

#include "sim/text.h"
#include "sim/values.h"

const char *firm_code(enum sim_firm firm)
{
	static const char *const code[SIM_FIRMS] = {"MLD", "MCH", "MOT"};
	return code[firm];
}

static void text(struct buf *out, const char *key, const char *v)
{
	if (!v)
		return;
	buf_printf(out, ",\"%s\":", key);
	text_json(out, v);
}

static void number(struct buf *out, const char *key, double v)
{
	if (isnan(v))
		return;
	buf_printf(out, ",\"%s\":", key);
	text_fixed(out, v, 4);
}

static void time_at(struct buf *out, const char *key, int64_t t_ns)
{
	buf_printf(out, ",\"%s\":", key);
	text_time(out, t_ns);
}

static void lot_key(struct buf *out, const char *key, const struct plan *p, uint32_t lot)
{
	if (lot == PLAN_NONE)
		return;
	buf_printf(out, ",\"%s\":{\"firm\":\"%s\",\"number\":\"%s\"}", key, p->lots[lot].firm, p->lots[lot].number);
}

static void cycles(struct buf *out, const struct plan_rec *r)
{
	if (r->seq_first)
		buf_printf(out, ",\"seq_first\":%llu,\"seq_last\":%llu", (unsigned long long)r->seq_first, (unsigned long long)r->seq_last);
}

static void id(struct buf *out, const struct plan_rec *r, const char *letter)
{
	buf_printf(out, ",\"id\":\"%s-%s%06u\"", firm_code(r->node), letter, (unsigned)r->id);
}

static void lot_line(struct buf *out, const struct plan *p, const struct plan_rec *r, int64_t t0_ns)
{
	static const char *const state[] = {"ok", "on_hold", "quarantined", "shipped", "scrapped"};
	const struct plan_lot *l = &p->lots[r->lot];
	buf_printf(out, "{\"type\":\"lot\",\"firm\":\"%s\",\"number\":\"%s\"", l->firm, l->number);
	text(out, "item", l->item);
	if (r->state != REC_NO_STATE)
		text(out, "state", state[r->state]);
	text(out, "place", r->place);
	if (r->made)
		time_at(out, "made", l->made_ns + t0_ns);
	number(out, "quantity", r->value);
	text(out, "unit", l->unit);
}

static void event_line(struct buf *out, const struct plan *p, const struct plan_rec *r, int64_t t0_ns)
{
	buf_adds(out, "{\"type\":\"event\"");
	id(out, r, "E");
	text(out, "kind", r->kind);
	time_at(out, "t", r->at_ns + t0_ns);
	if (r->machine != 0xFF)
		text(out, "asset", sim_machine_at(r->machine)->code);
	lot_key(out, "lot", p, r->lot);
	number(out, "quantity", r->value);
	text(out, "unit", isnan(r->value) ? NULL : r->unit);
	text(out, "from", r->place);
	text(out, "to", r->to);
	text(out, "partner", r->partner);
	text(out, "text", r->text);
	if (strcmp(r->kind, "planned_stop") == 0) {
		buf_adds(out, ",\"data\":{\"to\":");
		text_time(out, r->end_ns + t0_ns);
		buf_addc(out, '}');
	}
}

static void op_line(struct buf *out, const struct plan *p, const struct plan_rec *r, int64_t t0_ns)
{
	buf_adds(out, "{\"type\":\"operation\"");
	id(out, r, "O");
	text(out, "machine", sim_machine_at(r->machine)->code);
	text(out, "step", r->kind);
	lot_key(out, "lot", p, r->lot);
	text(out, "item", p->lots[r->lot].item);
	text(out, "mould", r->mould);
	text(out, "cavity", r->mould ? "1,2" : NULL);
	text(out, "tool", r->tool);
	text(out, "person", r->person);
	time_at(out, "start", r->start_ns + t0_ns);
	time_at(out, "end", r->end_ns + t0_ns);
	number(out, "good", r->value);
	number(out, "scrap", r->scrap);
	cycles(out, r);
}

static void char_line(struct buf *out, const struct plan *p, const struct plan_rec *r, int64_t t0_ns)
{
	buf_adds(out, "{\"type\":\"characteristic\"");
	id(out, r, "C");
	lot_key(out, "lot", p, r->lot);
	text(out, "name", r->kind);
	double v = r->value;
	if (r->cycle != PLAN_NONE) {
		double all[SIGNALS_MAX];
		cycle_values(p, r->machine, r->cycle, all);
		v = all[r->signal];
	}
	number(out, "value", v);
	text(out, "unit", r->unit);
	number(out, "lower", r->lower);
	number(out, "upper", r->upper);
	if (r->pass >= 0)
		buf_printf(out, ",\"pass\":%s", r->pass ? "true" : "false");
	text(out, "gauge", r->tool);
	text(out, "person", r->person);
	time_at(out, "t", r->at_ns + t0_ns);
	if (r->machine != 0xFF)
		text(out, "machine", sim_machine_at(r->machine)->code);
	if (r->seq_first)
		buf_printf(out, ",\"seq\":%llu", (unsigned long long)r->seq_first);
}

void records_line(struct buf *out, const struct plan *p, const struct plan_rec *r, int64_t t0_ns)
{
	switch ((enum rec_type)r->type) {
	case REC_LOT:
		lot_line(out, p, r, t0_ns);
		break;
	case REC_LINK:
		buf_adds(out, "{\"type\":\"link\"");
		lot_key(out, "parent", p, r->lot);
		lot_key(out, "child", p, r->other);
		number(out, "quantity", r->value);
		text(out, "unit", r->unit);
		break;
	case REC_OP:
		op_line(out, p, r, t0_ns);
		break;
	case REC_EVENT:
		event_line(out, p, r, t0_ns);
		break;
	case REC_CHAR:
		char_line(out, p, r, t0_ns);
		break;
	}
	buf_adds(out, "}\n");
}

static void asset(struct buf *out, const char *code, const char *name, const char *kind, const char *parent, const char *unit)
{
	buf_adds(out, "{\"type\":\"asset\"");
	text(out, "code", code);
	text(out, "name", name);
	text(out, "kind", kind);
	text(out, "parent", parent);
	text(out, "unit", unit);
	buf_adds(out, "}\n");
}

size_t records_assets(struct buf *out, enum sim_firm firm)
{
	static const struct {
		enum sim_firm firm;
		const char *code, *name, *kind, *unit;
	} more[] = {
		{FIRM_MLD, "MLD-WH", "예시사출 창고", "other", NULL},
		{FIRM_MLD, "M-117", "홀더 A 금형 (2캐비티)", "mould", NULL},
		{FIRM_MLD, "M-121", "홀더 B 금형 (2캐비티)", "mould", NULL},
		{FIRM_MLD, "HLD-A", "버스바 홀더 A", "item", "EA"},
		{FIRM_MLD, "HLD-B", "버스바 홀더 B", "item", "EA"},
		{FIRM_MLD, "KX-20", "타사 커버 20", "item", "EA"},
		{FIRM_MLD, "KX-22", "타사 커버 22", "item", "EA"},
		{FIRM_MLD, "KX-31", "타사 클립 31", "item", "EA"},
		{FIRM_MLD, "KX-33", "타사 클립 33", "item", "EA"},
		{FIRM_MLD, "PA66-GF30", "수지 PA66-GF30", "item", "kg"},
		{FIRM_MLD, "PPS-GF40", "수지 PPS-GF40", "item", "kg"},
		{FIRM_MLD, "ABS-N", "수지 ABS", "item", "kg"},
		{FIRM_MCH, "MCH-WH", "예시정공 창고", "other", NULL},
		{FIRM_MCH, "HLD-A", "버스바 홀더 A", "item", "EA"},
		{FIRM_MCH, "HLD-B", "버스바 홀더 B", "item", "EA"},
		{FIRM_MCH, "BAR-1", "구리 버스바 1", "item", "EA"},
		{FIRM_MCH, "BAR-2", "구리 버스바 2", "item", "EA"},
		{FIRM_MCH, "BAR-3", "구리 버스바 3", "item", "EA"},
		{FIRM_MCH, "BBM-A", "버스바 모듈 A", "item", "EA"},
		{FIRM_MCH, "BBM-B", "버스바 모듈 B", "item", "EA"},
		{FIRM_MCH, "SHF-R", "샤프트 황삭품", "item", "EA"},
		{FIRM_MCH, "SHF", "샤프트", "item", "EA"},
		{FIRM_MCH, "HSG-RAW", "하우징 소재", "item", "EA"},
		{FIRM_MCH, "HSG", "하우징", "item", "EA"},
		{FIRM_MCH, "CU-COIL", "구리 코일", "item", "kg"},
		{FIRM_MCH, "SCM440-BAR", "SCM440 봉재", "item", "kg"},
		{FIRM_MCH, "KY-T1", "타사 도금품", "item", "EA"},
		{FIRM_MOT, "MOT-WH", "예시모터 창고", "other", NULL},
		{FIRM_MOT, "MOT-LS", "예시모터 라인 옆", "other", NULL},
		{FIRM_MOT, "MOT-QA", "예시모터 부적합품 보관", "other", NULL},
		{FIRM_MOT, "BBM-A", "버스바 모듈 A", "item", "EA"},
		{FIRM_MOT, "BBM-B", "버스바 모듈 B", "item", "EA"},
		{FIRM_MOT, "SHF", "샤프트", "item", "EA"},
		{FIRM_MOT, "HSG", "하우징", "item", "EA"},
		{FIRM_MOT, "MAG-48H", "NdFeB 자석", "item", "EA"},
		{FIRM_MOT, "ROT", "회전자", "item", "EA"},
		{FIRM_MOT, "STA-A", "고정자 A", "item", "EA"},
		{FIRM_MOT, "STA-B", "고정자 B", "item", "EA"},
		{FIRM_MOT, "MTR-60A", "모터 60 kW A", "item", "EA"},
		{FIRM_MOT, "MTR-60B", "모터 60 kW B", "item", "EA"},
	};
	static const char *const name[SIM_FIRMS] = {"예시사출", "예시정공", "예시모터"};
	size_t n = 1;
	asset(out, firm_code(firm), name[firm], "company", NULL, NULL);
	for (size_t i = 0; i < SIM_MACHINES; i++) {
		const struct sim_machine_def *d = sim_machine_at(i);
		if (d->firm != firm)
			continue;
		asset(out, d->code, d->name, strstr(d->code, "-PM") || strstr(d->code, "-RM") ? "gauge" : "machine", firm_code(firm), NULL);
		n++;
	}
	for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
		if (more[i].firm == firm) {
			asset(out, more[i].code, more[i].name, more[i].kind, firm_code(firm), more[i].unit);
			n++;
		}
	return n;
}
