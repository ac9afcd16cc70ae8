#include "cm.h"

#include "base/unit.h"

static void is(const char *text, const char *symbol, const char *code)
{
	const struct unit *u = unit_find(span_str(text));
	if (!u)
		fail_msg("%s is unknown", text);
	else if (strcmp(u->symbol, symbol) != 0 || strcmp(u->code, code) != 0)
		fail_msg("%s gave %s (%s)", text, u->symbol, u->code);
}

static void test_spellings(void **state)
{
	(void)state;
	is("℃", "°C", "CEL");
	is("°C", "°C", "CEL");
	is("degC", "°C", "CEL");
	is("kWh", "kWh", "KWH");
	is("kW·h", "kWh", "KWH");
	is("ｋＷｈ", "kWh", "KWH");
	is("KWH", "kWh", "KWH");
	is("㎾h", "kWh", "KWH");
	is("㎍/㎥", "µg/m³", "GQ");
	is("ug/m3", "µg/m³", "GQ");
	is("μg/m^3", "µg/m³", "GQ"); /* the Greek letter */
	is("N·m", "N·m", "NU");
	is("N*m", "N·m", "NU");
	is("N.m", "N·m", "NU");
	is("Nm", "N·m", "NU");
	is("㎜/s", "mm/s", "C16");
	is("rpm", "rpm", "RPM");
	is("Kg", "kg", "KGM");
	is("MPa", "MPa", "MPA");
	is("㎏/㎠", "kg/cm²", "D5");
	is("kgf / cm2", "kgf/cm²", "E42");
	is("％", "%", "P1");
	is("원", "원", "");
	is("명", "명", "IE");
	is("EA", "EA", "EA");
	is("개", "EA", "EA");
	is("㎲", "µs", "B98");
	is("µS/cm", "µS/cm", "G42");
	is("Ω", "Ω", "OHM");
	is("톤", "t", "TNE");
	is("편", "편", "");
	is(" 시간 ", "h", "HUR");
}

static void test_case_decides(void **state)
{
	(void)state;
	is("mW", "mW", "C31");
	is("MW", "MW", "MAW");
	is("KW", "kW", "KWT");
	assert_null(unit_find(SPAN_LIT("mw")));
	is("m", "m", "MTR");
	is("s", "s", "SEC");
	is("h", "h", "HUR");
	is("KG", "kg", "KGM");
	is("HZ", "Hz", "HTZ");
	is("PSI", "psi", "PS");
}

/* Zones, machines, chemical elements and statistics stand in brackets too. */
static void test_labels(void **state)
{
	(void)state;
	static const char *const no[] = {"D5", "C31", "4K", "E14", "D", "B", "P", "H", "T", "S", "a", "k", "v", "w", "n", "M", "P1", "M1", "2A", "L2", "4C", "K6",
		"CEL", "NA", "UA", "DD", "HN", "PR", "59", "81", "IN", "In", "MIN", "Min", "Cp", "Mo", "Cd", "MV"};
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		if (unit_find(span_str(no[i])))
			fail_msg("'%s' was read as %s", no[i], unit_find(span_str(no[i]))->symbol);
	static const char yes[] = "ACFGJKLNVWdghlmst";
	for (size_t i = 0; yes[i]; i++)
		if (!unit_find(span_of(yes + i, 1)))
			fail_msg("'%c' is unknown", yes[i]);
	is("Ω", "Ω", "OHM");
	is("°", "°", "DD");
	is("%", "%", "P1");
}

static void test_unknown(void **state)
{
	(void)state;
	static const char *const no[] = {"", " ", "^", "온도", "kWhh", "foo", "\xff", "kW\xff",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	for (size_t i = 0; i < sizeof no / sizeof *no; i++)
		if (unit_find(span_str(no[i])))
			fail_msg("'%s' was found", no[i]);
}

/* Each row leads to itself by symbol (but for the letters that say nothing alone) and by code, and stands once; a code is found as text
 * only where it is a spelling of its own unit, or another's symbol (PS, HP). */
static void test_table(void **state)
{
	(void)state;
	unsigned n = 0;
	for (const struct unit *u; (u = unit_at(n)); n++) {
		assert_non_null(u->quantity);
		assert_true(*u->symbol && *u->quantity);
		bool mute = strlen(u->symbol) == 1 && strchr("HTSPBa1", *u->symbol);
		if (unit_find(span_str(u->symbol)) != u && !mute)
			fail_msg("symbol %s is taken", u->symbol);
		const struct unit *text = *u->code ? unit_find(span_str(u->code)) : NULL;
		bool digit = strpbrk(u->code, "0123456789") && strcmp(u->code, "NM3") != 0; /* people write it, too */
		if (text && (digit || (text != u && strcmp(u->code, "PS") != 0 && strcmp(u->code, "HP") != 0)))
			fail_msg("code %s is read as %s", u->code, text->symbol);
		for (unsigned i = 0; i < n; i++) {
			assert_string_not_equal(unit_at(i)->symbol, u->symbol);
			if (*u->code)
				assert_string_not_equal(unit_at(i)->code, u->code);
		}
	}
	assert_true(n >= 120);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_case_decides),
		cmocka_unit_test(test_labels),
cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
