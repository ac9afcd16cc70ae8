/* Codes: UNECE Recommendation 20, "Codes for Units of Measure Used in
 * International Trade" (and 21 for none of these). Where two codes mean one
 * thing the one in general use stands here (RPM, not M46).
 *
 * A text is folded first: blanks, '^' and width variants go, superscripts,
 * middle dots and the composed squares (㎥, ㎍) become the plain form. Then
 * symbols and aliases as written, then, from three bytes on, without regard to
 * case where only one row answers ("KWH", but not "mw": two letters are as
 * often the name of something, "Cp", "Mo", "IN"). A code is never looked for
 * among what people write: "D5", "C31" and "4K" name zones and machines. */
#include "base/unit.h"
#include "base/utf8.h"

#define UNIT_TEXT_MAX 64u /* longer is no unit */
#define UNIT_CASE_MIN 3u  /* bytes; a shorter text is compared as written */

/* The single Latin letters that people put behind a name and mean as a unit. The others of the table (H, T, S, P, B, a) stand there for a
 * zone or a machine, or for another unit (H for hours, T for tonnes, S for seconds), so alone they say nothing. */
static const char letters[] = "ACFGJKLNVWdghlmst";

struct row {
	struct unit unit;
	const char *aliases; /* as fold() leaves them, the symbol's own folded form among them; a blank between */
};

static const struct row rows[] = {
	/* temperature */
	{{"CEL", "°C", "temperature"}, "C degC deg.C 도 섭씨 섭씨도 celsius degreeC degreeCelsius"},
	{{"FAH", "°F", "temperature"}, "F degF 화씨 화씨도 fahrenheit"},
	{{"KEL", "K", "temperature"}, "kelvin 켈빈 degK"},
	{{"H13", "°C/min", "temperature rate"}, "degC/min"},
	{{"H14", "°C/s", "temperature rate"}, "degC/s"},
	/* pressure */
	{{"PAL", "Pa", "pressure"}, "PA 파스칼 pascal"},
	{{"A97", "hPa", "pressure"}, "헥토파스칼"},
	{{"KPA", "kPa", "pressure"}, "킬로파스칼"},
	{{"MPA", "MPa", "pressure"}, "메가파스칼"},
	{{"A89", "GPa", "pressure"}, "기가파스칼"},
	{{"BAR", "bar", "pressure"}, "바 barg bar(g)"},
	{{"MBR", "mbar", "pressure"}, "밀리바"},
	{{"E42", "kgf/cm²", "pressure"}, "kgf/cm2 kg/cm2g"},
	{{"D5", "kg/cm²", "pressure"}, "kg/cm2"},
	{{"PS", "psi", "pressure"}, "lbf/in2 psig"},
	{{"UA", "Torr", "pressure"}, "토르"},
	{{"ATM", "atm", "pressure"}, "기압"},
	{{"HN", "mmHg", "pressure"}, ""},
	{{"HP", "mmH₂O", "pressure"}, "mmH2O mmAq"},
	{{"C56", "N/mm²", "stress"}, "N/mm2"},
	{{"C55", "N/m²", "stress"}, "N/m2"},
	/* energy */
	{{"JOU", "J", "energy"}, "줄 joule"},
	{{"KJO", "kJ", "energy"}, "KJ 킬로줄"},
	{{"3B", "MJ", "energy"}, "메가줄"},
	{{"GV", "GJ", "energy"}, "기가줄"},
	{{"D30", "TJ", "energy"}, "테라줄"},
	{{"WHR", "Wh", "energy"}, "W·h WH wh 와트시"},
	{{"KWH", "kWh", "energy"}, "kW·h 킬로와트시"},
	{{"MWH", "MWh", "energy"}, "MW·h 메가와트시"},
	{{"GWH", "GWh", "energy"}, "GW·h 기가와트시"},
	{{"E14", "kcal", "energy"}, "킬로칼로리"},
	{{"", "Mcal", "energy"}, "메가칼로리"},
	{{"BTU", "BTU", "energy"}, "Btu"},
	{{"", "toe", "energy"}, "TOE 석유환산톤"},
	/* power */
	{{"WTT", "W", "power"}, "와트 watt"},
	{{"C31", "mW", "power"}, "밀리와트"},
	{{"KWT", "kW", "power"}, "KW Kw kw 킬로와트"},
	{{"MAW", "MW", "power"}, "메가와트"},
	{{"A90", "GW", "power"}, "기가와트"},
	{{"BHP", "hp", "power"}, "HP Hp 마력"},
	{{"HJ", "PS", "power"}, "미터마력"},
	{{"E15", "kcal/h", "heat flow"}, "kcal/hr"},
	{{"", "RT", "heat flow"}, "냉동톤 usRT USRT"},
	/* apparent and reactive power */
	{{"D46", "VA", "apparent power"}, "V·A"},
	{{"KVA", "kVA", "apparent power"}, "kV·A"},
	{{"MVA", "MVA", "apparent power"}, "MV·A"},
	{{"D44", "var", "reactive power"}, "Var VAR VAr"},
	{{"KVR", "kvar", "reactive power"}, "kVar kVAR kVAr"},
	{{"MAR", "Mvar", "reactive power"}, "MVar MVAR MVAr"},
	{{"", "varh", "reactive energy"}, "VARh Varh"},
	{{"K3", "kvarh", "reactive energy"}, "kVarh kVARh kvar·h"},
	/* electricity */
	{{"VLT", "V", "voltage"}, "볼트 volt Vac Vdc VAC VDC"},
	{{"2Z", "mV", "voltage"}, "밀리볼트"},
	{{"D82", "µV", "voltage"}, "uV"},
	{{"KVT", "kV", "voltage"}, "KV Kv kv 킬로볼트"},
	{{"AMP", "A", "current"}, "암페어 ampere amp"},
	{{"4K", "mA", "current"}, "밀리암페어"},
	{{"B84", "µA", "current"}, "uA"},
	{{"B22", "kA", "current"}, "KA 킬로암페어"},
	{{"AMH", "Ah", "electric charge"}, "A·h AH"},
	{{"E09", "mAh", "electric charge"}, "mA·h"},
	{{"OHM", "Ω", "resistance"}, "ohm 옴"},
	{{"E45", "mΩ", "resistance"}, "mohm"},
	{{"B49", "kΩ", "resistance"}, "kohm"},
	{{"B75", "MΩ", "resistance"}, "Mohm 메가옴"},
	{{"A87", "GΩ", "resistance"}, "Gohm"},
	{{"FAR", "F (farad)", "capacitance"}, "F(farad) farad 패럿"},
	{{"4O", "µF", "capacitance"}, "uF"},
	{{"C41", "nF", "capacitance"}, ""},
	{{"4T", "pF", "capacitance"}, ""},
	{{"81", "H", "inductance"}, "헨리 henry"},
	{{"C14", "mH", "inductance"}, ""},
	{{"D33", "T", "magnetic flux density"}, "테슬라 tesla"},
	{{"C29", "mT", "magnetic flux density"}, ""},
	/* frequency, rotation */
	{{"HTZ", "Hz", "frequency"}, "HZ hz 헤르츠 cps"},
	{{"KHZ", "kHz", "frequency"}, "킬로헤르츠"},
	{{"MHZ", "MHz", "frequency"}, "메가헤르츠"},
	{{"A86", "GHz", "frequency"}, "기가헤르츠"},
	{{"RPM", "rpm", "rotational speed"}, "r/min rev/min min-1 회전/분 분당회전수 알피엠"},
	{{"RPS", "rps", "rotational speed"}, "r/s rev/s"},
	{{"2A", "rad/s", "rotational speed"}, ""},
	{{"", "spm", "stroke rate"}, "strokes/min 타/분 shot/min"},
	/* speed, acceleration, vibration */
	{{"MTS", "m/s", "speed"}, "m/sec"},
	{{"2X", "m/min", "speed"}, "mpm"},
	{{"KMH", "km/h", "speed"}, "km/hr kph"},
	{{"C16", "mm/s", "speed"}, "mm/sec"},
	{{"2M", "cm/s", "speed"}, "cm/sec"},
	{{"H81", "mm/min", "speed"}, ""},
	{{"", "µm/s", "speed"}, "um/s"},
	{{"MSK", "m/s²", "acceleration"}, "m/s2"},
	{{"M41", "mm/s²", "acceleration"}, "mm/s2"},
	{{"K40", "gₙ", "acceleration"}, "gn G"},
	/* flow */
	{{"MQS", "m³/s", "volume flow"}, "m3/s m3/sec"},
	{{"G53", "m³/min", "volume flow"}, "m3/min CMM"},
	{{"MQH", "m³/h", "volume flow"}, "m3/h m3/hr CMH"},
	{{"G52", "m³/d", "volume flow"}, "m3/d m3/day m3/일"},
	{{"Q40", "Nm³/h", "volume flow"}, "Nm3/h Nm3/hr"},
	{{"G51", "L/s", "volume flow"}, "l/s L/sec"},
	{{"L2", "L/min", "volume flow"}, "l/min LPM lpm"},
	{{"E32", "L/h", "volume flow"}, "l/h L/hr l/hr LPH"},
	{{"41", "mL/min", "volume flow"}, "ml/min cc/min sccm"},
	{{"2L", "ft³/min", "volume flow"}, "ft3/min CFM cfm"},
	{{"G2", "gal/min", "volume flow"}, "GPM gpm"},
	{{"KGS", "kg/s", "mass flow"}, "kg/sec"},
	{{"F31", "kg/min", "mass flow"}, ""},
	{{"E93", "kg/h", "mass flow"}, "kg/hr"},
	{{"E18", "t/h", "mass flow"}, "t/hr ton/h ton/hr 톤/h 톤/시"},
	{{"L71", "t/d", "mass flow"}, "t/day ton/day 톤/일"},
	{{"F28", "g/min", "mass flow"}, ""},
	/* force, torque */
	{{"NEW", "N", "force"}, "뉴턴 뉴톤 newton"},
	{{"B47", "kN", "force"}, "KN Kn 킬로뉴턴"},
	{{"B73", "MN", "force"}, "메가뉴턴"},
	{{"C20", "mN", "force"}, ""},
	{{"B37", "kgf", "force"}, "킬로그램힘"},
	{{"", "gf", "force"}, ""},
	{{"", "tf", "force"}, "tonf"},
	{{"NU", "N·m", "torque"}, "Nm"},
	{{"B48", "kN·m", "torque"}, "kNm"},
	{{"F88", "N·cm", "torque"}, "Ncm"},
	{{"D83", "mN·m", "torque"}, "mNm"},
	{{"B38", "kgf·m", "torque"}, "kgfm kgf-m"},
	{{"", "kgf·cm", "torque"}, "kgfcm kgf-cm"},
	{{"4P", "N/m", "surface tension"}, ""},
	{{"C22", "mN/m", "surface tension"}, ""},
	{{"F47", "N/mm", "stiffness"}, ""},
	/* length, area, volume */
	{{"C45", "nm", "length"}, "나노미터"},
	{{"4H", "µm", "length"}, "um micron 미크론 마이크로미터 마이크론"},
	{{"MMT", "mm", "length"}, "MM Mm 밀리미터 밀리"},
	{{"CMT", "cm", "length"}, "CM Cm 센티미터 센티"},
	{{"MTR", "m", "length"}, "미터 meter metre"},
	{{"KMT", "km", "length"}, "KM Km 킬로미터"},
	{{"INH", "in", "length"}, "inch \" 인치"},
	{{"FOT", "ft", "length"}, "FT Ft feet foot 피트"},
	{{"77", "mil", "length"}, "밀"},
	{{"A11", "Å", "length"}, "옹스트롬"},
	{{"MMK", "mm²", "area"}, "mm2"},
	{{"CMK", "cm²", "area"}, "cm2"},
	{{"MTK", "m²", "area"}, "m2 제곱미터 평방미터"},
	{{"", "평", "area"}, "py"},
	{{"MMQ", "mm³", "volume"}, "mm3"},
	{{"CMQ", "cm³", "volume"}, "cm3 cc"},
	{{"MTQ", "m³", "volume"}, "m3 입방미터 세제곱미터 루베"},
	{{"NM3", "Nm³", "volume"}, "Nm3"},
	{{"4G", "µL", "volume"}, "ul uL µl"},
	{{"MLT", "mL", "volume"}, "ml ML 밀리리터"},
	{{"LTR", "L", "volume"}, "l 리터 liter litre"},
	{{"K6", "kL", "volume"}, "kl KL Kl 킬로리터"},
	/* mass */
	{{"MC", "µg", "mass"}, "ug 마이크로그램"},
	{{"MGM", "mg", "mass"}, "MG 밀리그램"},
	{{"GRM", "g", "mass"}, "그램 gram"},
	{{"KGM", "kg", "mass"}, "KG Kg 킬로그램 킬로"},
	{{"TNE", "t", "mass"}, "톤 ton tonne"},
	{{"LBR", "lb", "mass"}, "LB Lb 파운드 lbs"},
	{{"ONZ", "oz", "mass"}, "OZ Oz 온스"},
	{{"", "돈", "mass"}, ""},
	/* time */
	{{"C47", "ns", "time"}, "나노초 nsec"},
	{{"B98", "µs", "time"}, "us usec 마이크로초"},
	{{"C26", "ms", "time"}, "msec 밀리초"},
	{{"SEC", "s", "time"}, "sec 초 second seconds"},
	{{"MIN", "min", "time"}, "분 minute minutes"},
	{{"HUR", "h", "time"}, "hr HR Hr hrs 시간 hour hours"},
	{{"DAY", "d", "time"}, "일 day days"},
	{{"WEE", "wk", "time"}, "주 week weeks"},
	{{"MON", "mo", "time"}, "월 개월 month months"},
	{{"ANN", "a", "time"}, "년 yr year years"},
	/* ratio, concentration */
	{{"P1", "%", "ratio"}, "퍼센트 pct percent 프로"},
	{{"", "%p", "ratio difference"}, "%P 퍼센트포인트"},
	{{"", "%RH", "relative humidity"}, "RH% %R.H. RH 상대습도"},
	{{"NX", "‰", "ratio"}, "퍼밀 permil"},
	{{"59", "ppm", "ratio"}, "피피엠"},
	{{"61", "ppb", "ratio"}, "피피비"},
	{{"", "vol%", "ratio"}, "%vol vol.% v/v% %v/v"},
	{{"", "wt%", "ratio"}, "%wt wt.% w/w% %w/w 중량%"},
	{{"GQ", "µg/m³", "concentration"}, "µg/m3 ug/m3"},
	{{"GP", "mg/m³", "concentration"}, "mg/m3"},
	{{"A93", "g/m³", "concentration"}, "g/m3"},
	{{"", "mg/Sm³", "concentration"}, "mg/Sm3"},
	{{"M1", "mg/L", "concentration"}, "mg/l"},
	{{"H29", "µg/L", "concentration"}, "ug/L ug/l µg/l"},
	{{"GL", "g/L", "concentration"}, "g/l"},
	{{"NA", "mg/kg", "concentration"}, ""},
	{{"C35", "mol/dm³", "concentration"}, "mol/dm3"},
	{{"C38", "mol/L", "concentration"}, "mol/l"},
	{{"Q30", "pH", "acidity"}, "PH ph 피에이치"},
	{{"", "NTU", "turbidity"}, "탁도"},
	{{"C34", "mol", "amount of substance"}, "몰"},
	{{"", "pcs/m³", "particle count"}, "pcs/m3 개/m3 ea/m3"},
	/* conductivity, density, viscosity, hardness */
	{{"D10", "S/m", "conductivity"}, ""},
	{{"H61", "mS/cm", "conductivity"}, ""},
	{{"G42", "µS/cm", "conductivity"}, "uS/cm"},
	{{"SIE", "S", "conductance"}, "지멘스"},
	{{"KMQ", "kg/m³", "density"}, "kg/m3"},
	{{"23", "g/cm³", "density"}, "g/cm3 g/cc"},
	{{"B35", "kg/L", "density"}, "kg/l"},
	{{"28", "kg/m²", "area density"}, "kg/m2"},
	{{"GM", "g/m²", "area density"}, "g/m2 gsm GSM"},
	{{"C65", "Pa·s", "viscosity"}, "Pas"},
	{{"C24", "mPa·s", "viscosity"}, "mPas"},
	{{"C7", "cP", "viscosity"}, "센티포아즈"},
	{{"89", "P", "viscosity"}, "포아즈 poise"},
	{{"4C", "cSt", "viscosity"}, "센티스토크스"},
	{{"", "HRC", "hardness"}, "HRc"},
	{{"", "HV", "hardness"}, "Hv"},
	{{"", "HB", "hardness"}, "HBW"},
	{{"", "Shore A", "hardness"}, "ShoreA 쇼어A HA"},
	/* angle, sound, light, data */
	{{"DD", "°", "angle"}, "deg degree"},
	{{"C81", "rad", "angle"}, "라디안"},
	{{"2N", "dB", "sound level"}, "DB Db db 데시벨"},
	{{"", "dB(A)", "sound level"}, "dBA"},
	{{"LUX", "lx", "illuminance"}, "LX Lx lux 럭스"},
	{{"LUM", "lm", "luminous flux"}, "lumen 루멘"},
	{{"CDL", "cd", "luminous intensity"}, "candela 칸델라"},
	{{"A24", "cd/m²", "luminance"}, "cd/m2 nit"},
	{{"D54", "W/m²", "irradiance"}, "W/m2"},
	{{"AD", "B", "data"}, "byte 바이트"},
	{{"2P", "kB", "data"}, "KB"},
	{{"4L", "MB", "data"}, ""},
	/* heat */
	{{"D53", "W/(m·K)", "thermal conductivity"}, "W/mK W/m·K"},
	{{"D55", "W/(m²·K)", "heat transfer"}, "W/(m2·K) W/m2K W/m2·K"},
	{{"", "kWh/t", "specific energy"}, "kWh/ton kWh/톤"},
	{{"", "kWh/kg", "specific energy"}, ""},
	{{"", "kWh/ea", "specific energy"}, "kWh/개 kWh/EA"},
	{{"", "MJ/m³", "heating value"}, "MJ/m3"},
	{{"", "MJ/Nm³", "heating value"}, "MJ/Nm3"},
	{{"", "kgCO₂eq", "greenhouse gas"}, "kgCO2eq kgCO2e kgCO2-eq kgCO2"},
	{{"", "tCO₂eq", "greenhouse gas"}, "tCO2eq tCO2e tCO2-eq tCO2"},
	/* money and counts */
	{{"", "원", "money"}, "KRW ₩ 원화"},
	{{"", "천원", "money"}, "千원"},
	{{"", "백만원", "money"}, ""},
	{{"", "억원", "money"}, ""},
	{{"", "USD", "money"}, "$ 달러 US$ 불"},
	{{"", "EUR", "money"}, "€ 유로"},
	{{"", "원/kWh", "price"}, "KRW/kWh ₩/kWh"},
	{{"", "원/kg", "price"}, "KRW/kg ₩/kg"},
	{{"C62", "1", "dimensionless"}, "one 무차원"},
	{{"EA", "EA", "count"}, "ea Ea 개 each pcs pc PCS PC 개수 낱개"},
	{{"H87", "piece", "count"}, "pieces"},
	{{"IE", "명", "count"}, "인 사람 person persons people"},
	{{"", "대", "count"}, "units"},
	{{"", "건", "count"}, "cases"},
	{{"", "편", "count"}, "flights"},
	{{"", "회", "count"}, "times 번 차수"},
	{{"", "타", "count"}, "shot shots 샷 타수"},
	{{"", "매", "count"}, "장 sheets"},
	{{"", "본", "count"}, ""},
	{{"", "롤", "count"}, "roll rolls"},
	{{"", "병", "count"}, "bottles"},
	{{"SET", "set", "count"}, "SET 세트 조"},
	{{"PR", "pair", "count"}, "켤레 쌍"},
	{{"DZN", "dozen", "count"}, "다스"},
	{{"", "box", "count"}, "박스 상자 BOX"},
	{{"", "pallet", "count"}, "팔레트 파레트 PLT"},
	{{"", "사이클", "count"}, "cycle cycles"},
	{{"", "개/min", "rate"}, "개/분 ea/min EA/min pcs/min"},
	{{"", "개/h", "rate"}, "개/시간 ea/h EA/h ea/hr pcs/h"},
	{{"", "명/h", "rate"}, "명/시간"},
};
#define N_ROWS (sizeof rows / sizeof *rows)

/* One sign of another width or shape and its plain form. */
static const struct {
	uint32_t cp;
	const char *plain;
} folds[] = {
	{0x2103, "°C"}, {0x2109, "°F"}, {0x212A, "K"}, {0x2126, "Ω"}, {0x03BC, "µ"}, {0x00BA, "°"}, {0x02DA, "°"}, {0x2218, "°"},
	{0x212B, "Å"}, {0x2113, "L"}, {0x22C5, "·"}, {0x2219, "·"}, {0x2022, "·"}, {0x30FB, "·"}, {0xFF65, "·"}, {0x318D, "·"},
	{0x2027, "·"}, {'*', "·"}, {0x00D7, "·"}, {0x00B2, "2"}, {0x00B3, "3"}, {0x2070, "0"}, {0x00B9, "1"}, {0x2082, "2"},
	{0x2083, "3"}, {0x207B, "-"}, {0x2212, "-"}, {0x2215, "/"}, {0x2044, "/"}, {0x00F7, "/"}, {0x2033, "\""}, {0x201D, "\""},
	{0x201C, "\""}, {0x3371, "hPa"}, {0x3380, "pA"}, {0x3381, "nA"}, {0x3382, "µA"}, {0x3383, "mA"}, {0x3384, "kA"}, {0x3385, "kB"},
	{0x3386, "MB"}, {0x3388, "cal"}, {0x3389, "kcal"}, {0x338A, "pF"}, {0x338B, "nF"}, {0x338C, "µF"}, {0x338D, "µg"},
	{0x338E, "mg"}, {0x338F, "kg"}, {0x3390, "Hz"}, {0x3391, "kHz"}, {0x3392, "MHz"}, {0x3393, "GHz"}, {0x3395, "µL"},
	{0x3396, "mL"}, {0x3398, "kL"}, {0x339A, "nm"}, {0x339B, "µm"}, {0x339C, "mm"}, {0x339D, "cm"}, {0x339E, "km"}, {0x339F, "mm2"},
	{0x33A0, "cm2"}, {0x33A1, "m2"}, {0x33A2, "km2"}, {0x33A3, "mm3"}, {0x33A4, "cm3"}, {0x33A5, "m3"}, {0x33A7, "m/s"},
	{0x33A8, "m/s2"}, {0x33A9, "Pa"}, {0x33AA, "kPa"}, {0x33AB, "MPa"}, {0x33AC, "GPa"}, {0x33AD, "rad"}, {0x33AE, "rad/s"},
	{0x33B0, "ps"}, {0x33B1, "ns"}, {0x33B2, "µs"}, {0x33B3, "ms"}, {0x33B4, "pV"}, {0x33B5, "nV"}, {0x33B6, "µV"}, {0x33B7, "mV"},
	{0x33B8, "kV"}, {0x33B9, "MV"}, {0x33BC, "µW"}, {0x33BD, "mW"}, {0x33BE, "kW"}, {0x33BF, "MW"}, {0x33C0, "kΩ"}, {0x33C1, "MΩ"},
	{0x33C3, "Bq"}, {0x33C4, "cc"}, {0x33C5, "cd"}, {0x33C8, "dB"}, {0x33D1, "ln"}, {0x33D2, "log"}, {0x33D3, "lx"}, {0x33D6, "mol"},
	{0x33D7, "pH"}, {0x33D9, "ppm"}, {0x33DB, "sr"}, {0xFFE6, "₩"},
};

static const char *fold_of(uint32_t cp)
{
	for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
		if (folds[i].cp == cp)
			return folds[i].plain;
	return NULL;
}

/* Plain form of a text; 0 when it is empty, invalid or too long. */
static size_t fold(uint8_t out[UNIT_TEXT_MAX], struct span s)
{
	size_t n = 0;
	while (s.n) {
		uint32_t cp;
		int len = utf8_next(s, &cp);
		if (len < 0)
			return 0;
		s = span_sub(s, (size_t)len, s.n);
		if (cp >= 0xFF01 && cp <= 0xFF5E) /* full width */
			cp -= 0xFEE0;
		if (cp == ' ' || cp == '\t' || cp == '\r' || cp == '\n' || cp == 0xA0 || cp == 0x3000 || cp == '^')
			continue;
		const char *plain = fold_of(cp);
		uint8_t one[4];
		struct span add = plain ? span_str(plain) : span_of(one, (size_t)utf8_put(one, cp));
		if (add.n > UNIT_TEXT_MAX - n)
			return 0;
		memcpy(out + n, add.p, add.n);
		n += add.n;
	}
	return n;
}

static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; }

static bool is_letter(uint8_t c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

static bool same(struct span a, struct span b, bool any_case)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (any_case ? lower(a.p[i]) != lower(b.p[i]) : a.p[i] != b.p[i])
			return false;
	return true;
}

static bool row_has(const struct row *r, struct span text, bool any_case)
{
	if (same(text, span_str(r->unit.symbol), any_case))
		return true;
	struct span all = span_str(r->aliases);
	for (size_t from = 0, end; from < all.n; from = end + 1) {
		end = span_find(all, from, ' ');
		if (same(text, span_sub(all, from, end - from), any_case))
			return true;
	}
	return false;
}

static const struct unit *find_folded(struct span t)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (row_has(&rows[i], t, false))
			return &rows[i].unit;
	if (t.n < UNIT_CASE_MIN || same(t, SPAN_LIT("min"), true)) /* "MIN" stands beside "MAX" */
		return NULL;
	const struct unit *found = NULL;
	for (size_t i = 0; i < N_ROWS; i++) {
		if (!row_has(&rows[i], t, true))
			continue;
		if (found)
			return NULL;
		found = &rows[i].unit;
	}
	return found;
}

const struct unit *unit_find(struct span text)
{
	uint8_t folded[UNIT_TEXT_MAX];
	struct span t = span_of(folded, fold(folded, text));
	if (t.n == 0 || (t.n == 1 && is_letter(t.p[0]) && !memchr(letters, t.p[0], sizeof letters - 1)))
		return NULL;
	const struct unit *u = find_folded(t);
	if (u || span_find(t, 0, '.') == t.n)
		return u;
	/* "N.m": a full stop for the product */
	uint8_t dotted[2 * UNIT_TEXT_MAX];
	size_t n = 0;
	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] == '.')
			dotted[n++] = 0xC2;
		dotted[n++] = t.p[i] == '.' ? 0xB7 : t.p[i];
	}
	return find_folded(span_of(dotted, n));
}

const struct unit *unit_at(unsigned index) { return index < N_ROWS ? &rows[index].unit : NULL; }
