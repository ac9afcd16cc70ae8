#include "cm.h"

#include "intake/priv/intake.h"

static void names_and_units(void **state)
{
	(void)state;
	static const struct {
		const char *header, *name, *unit;
	} rows[] = {
		{"온도(℃)", "온도", "°C"}, {"전력[kWh]", "전력", "kWh"}, {" 발전량(MWh) ", "발전량", "MWh"}, {"미세먼지농도(㎍/㎥)", "미세먼지농도", "µg/m³"},
		{"Air temperature [K]", "Air temperature", "K"}, {"Torque [Nm]", "Torque", "N·m"}, {"압력（MPa）", "압력", "MPa"}, {"화물 (톤)", "화물", "t"},
		{"Usage_kWh", "Usage", "kWh"}, {"Speed_rpm", "Speed", "rpm"}, {"유량(L/min)", "유량", "L/min"},
		{"전류(A)", "전류", "A"}, {"전압 (V)", "전압", "V"}, {"Temp (C)", "Temp", "°C"}, {"가동시간(h)", "가동시간", "h"}, {"무게(g)", "무게", "g"},
		{"저항(Ω)", "저항", "Ω"}, {"전력(KW)", "전력", "kW"}, {"Weight (Kg)", "Weight", "kg"},
		/* codes and letters that name a zone, a machine, an element, a statistic: as written */
		{"온도(D5)", "온도(D5)", ""}, {"온도(C31)", "온도(C31)", ""}, {"점검(4K)", "점검(4K)", ""}, {"열(E14)", "열(E14)", ""}, {" 위치 (D) ", "위치 (D)", ""},
		{"구역[B]", "구역[B]", ""}, {"온도_D5", "온도_D5", ""}, {"Zone_C31", "Zone_C31", ""}, {"냉각수(IN)", "냉각수(IN)", ""}, {"온도(MIN)", "온도(MIN)", ""},
		{"공정능력(Cp)", "공정능력(Cp)", ""}, {"성분(Mo)", "성분(Mo)", ""}, {"온도(CEL)", "온도(CEL)", ""},
		/* no units */
		{"선행종합지수(2020=100)", "선행종합지수(2020=100)", ""}, {"기계류내수출하지수(선박제외)", "기계류내수출하지수(선박제외)", ""}, {"항공사별(1)", "항공사별(1)", ""},
		{"Day_of_week", "Day_of_week", ""}, {"value_min", "value_min", ""}, {"Line_A", "Line_A", ""}, {"(℃)", "(℃)", ""}, {"NSM", "NSM", ""}, {"", "", ""}, {"온도)", "온도)", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span name, unit;
		header_split(span_str(rows[i].header), &name, &unit);
		if (!span_is(name, rows[i].name) || !span_is(unit, rows[i].unit))
			fail_msg("%s: '%.*s' [%.*s]", rows[i].header, SPAN_FMT(name), SPAN_FMT(unit));
	}
}

static void hints(void **state)
{
	(void)state;
	assert_true(header_is_time(SPAN_LIT("측정일시")));
	assert_true(header_is_time(SPAN_LIT(" TimeStamp")));
	assert_true(header_is_time(SPAN_LIT("time")));
	assert_false(header_is_time(SPAN_LIT("가동시간(h)")));
	assert_false(header_is_time(SPAN_LIT("Cycle time")));
	assert_true(header_is_month(SPAN_LIT("연월")));
	assert_true(header_is_year(SPAN_LIT("연도")));
	assert_false(header_is_year(SPAN_LIT("수량")));
	assert_true(header_is_id(SPAN_LIT("설비 번호")));
	assert_false(header_is_id(SPAN_LIT("온도")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names_and_units), cmocka_unit_test(hints)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
