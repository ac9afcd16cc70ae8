#include "sim/ranges.h"

#include <string.h>

#define S(name, label, unit, rate, model, mean, sigma, a, b) {name, label, unit, RATE_##rate, SM_##model, mean, sigma, a, b}
#define STATE S("state", "상태", "", F, STATE, 0, 0, 0, 0)
#define ALARM S("alarm", "알람 코드", "", F, ALARM, 0, 0, 0, 0)

static const struct sim_signal mld01[] = {
	S("cycle_time", "사이클 타임", "s", C, NOISE, 42.0, 0.3, 0, 0),
	S("peak_pressure", "최대 사출압", "MPa", C, NOISE, 95.0, 1.2, 0, 0),
	S("fill_time", "충전 시간", "s", C, NOISE, 1.18, 0.01, 0, 0),
	S("cushion", "쿠션", "mm", C, NOISE, 6.0, 0.12, 0, 0),
	S("metering_time", "계량 시간", "s", C, NOISE, 9.5, 0.25, 0, 0),
	S("switchover", "보압 절환 위치", "mm", C, NOISE, 12.0, 0.05, 0, 0),
	S("weight", "중량", "g", HAND, NOISE, 42.0, 0.08, 0, 0),
	S("barrel_1", "배럴 1 온도", "°C", M, NOISE, 275, 1.5, 0, 0),
	S("barrel_2", "배럴 2 온도", "°C", M, NOISE, 280, 1.5, 0, 0),
	S("barrel_3", "배럴 3 온도", "°C", M, NOISE, 285, 1.5, 0, 0),
	S("barrel_4", "배럴 4 온도", "°C", M, NOISE, 290, 1.5, 0, 0),
	S("mould_temp", "금형 온도", "°C", M, NOISE, 80, 1.0, 0, 0),
	S("oil_temp", "작동유 온도", "°C", M, NOISE, 46, 2.0, 0, 0),
	S("clamp_force", "형체력", "kN", M, FOLLOWS, 1760, 8, 0, 0),
	S("power", "전력", "kW", F, RHYTHM, 5.0, 0.6, 5, 38),
	STATE, ALARM,
	S("shot_count", "금형 타수", "", F, COUNT, 305000, 0, 0, 0),
};
static const struct sim_signal mld02[] = {
	S("cycle_time", "사이클 타임", "s", C, NOISE, 55.0, 0.35, 0, 0),
	S("peak_pressure", "최대 사출압", "MPa", C, NOISE, 88.0, 1.1, 0, 0),
	S("cushion", "쿠션", "mm", C, NOISE, 7.2, 0.13, 0, 0),
	S("metering_time", "계량 시간", "s", C, NOISE, 13.2, 0.28, 0, 0),
	S("barrel_1", "배럴 1 온도", "°C", M, NOISE, 225, 1.5, 0, 0),
	S("barrel_2", "배럴 2 온도", "°C", M, NOISE, 235, 1.5, 0, 0),
	S("barrel_3", "배럴 3 온도", "°C", M, NOISE, 240, 1.5, 0, 0),
	S("mould_temp", "금형 온도", "°C", M, NOISE, 60, 1.0, 0, 0),
	S("oil_temp", "작동유 온도", "°C", M, NOISE, 45, 2.0, 0, 0),
	S("vacuum", "취출 흡착 진공", "kPa", M, NOISE, -78, 2.0, 0, 0),
	S("power", "전력", "kW", F, RHYTHM, 6.0, 0.7, 6, 44),
	STATE, ALARM,
	S("shot_count", "금형 타수", "", F, COUNT, 148000, 0, 0, 0),
};
static const struct sim_signal mld03[] = {
	S("cycle_time", "사이클 타임", "s", C, NOISE, 28.0, 0.25, 0, 0),
	S("peak_pressure", "최대 사출압", "MPa", C, NOISE, 74.0, 1.0, 0, 0),
	S("cushion", "쿠션", "mm", C, NOISE, 5.1, 0.11, 0, 0),
	S("metering_time", "계량 시간", "s", C, NOISE, 6.3, 0.18, 0, 0),
	S("barrel_1", "배럴 1 온도", "°C", M, NOISE, 215, 1.5, 0, 0),
	S("barrel_2", "배럴 2 온도", "°C", M, NOISE, 222, 1.5, 0, 0),
	S("barrel_3", "배럴 3 온도", "°C", M, NOISE, 228, 1.5, 0, 0),
	S("mould_temp", "금형 온도", "°C", M, NOISE, 45, 1.0, 0, 0),
	S("oil_temp", "작동유 온도", "°C", M, NOISE, 44, 2.0, 0, 0),
	S("vacuum", "취출 흡착 진공", "kPa", M, NOISE, -78, 2.0, 0, 0),
	S("power", "전력", "kW", F, RHYTHM, 4.0, 0.5, 4, 27),
	STATE, ALARM,
	S("shot_count", "금형 타수", "", F, COUNT, 402000, 0, 0, 0),
};
static const struct sim_signal mld04[] = {
	S("dew_point", "노점", "°C", M, SAW, 4, 0.4, -45, -33),
	S("air_temp", "건조 공기 온도", "°C", M, NOISE, 80, 1.0, 0, 0),
	S("hopper_temp", "호퍼 온도", "°C", M, NOISE, 78, 1.0, 0, 0),
	S("air_flow", "풍량", "m³/h", M, NOISE, 120, 3, 0, 0),
	S("power", "전력", "kW", M, FOLLOWS, 6.0, 0.25, 1.5, 0.2),
	S("heater_duty", "히터 출력", "%", M, NOISE, 62, 4, 0, 0),
	STATE, ALARM,
};
static const struct sim_signal mld05[] = {
	S("supply_temp", "공급 온도", "°C", M, NOISE, 15.0, 0.7, 0, 0),
	S("return_temp", "환수 온도", "°C", M, NOISE, 18.5, 0.6, 0, 0),
	S("flow", "유량", "L/min", M, NOISE, 180, 3, 0, 0),
	S("pump_pressure", "펌프 압력", "MPa", M, NOISE, 0.32, 0.01, 0, 0),
	S("compressor_load", "압축기 부하", "%", M, NOISE, 64, 5, 0, 0),
	S("power", "전력", "kW", M, FOLLOWS, 18.0, 0.8, 4, 0.3),
	STATE, ALARM,
};
static const struct sim_signal mld06[] = {
	S("spindle_load", "주축 부하", "%", M, RHYTHM, 0, 2.5, 20, 60),
	S("spindle_speed", "주축 회전수", "rpm", S, FOLLOWS, 9600, 25, 0, 0),
	S("feed_rate", "이송 속도", "mm/min", S, FOLLOWS, 1450, 60, 0, 0),
	S("program", "프로그램 번호", "", S, FIXED, 1129, 0, 0, 0),
	S("x_load", "X축 부하", "%", S, FOLLOWS, 18, 2, 4, 0),
	S("y_load", "Y축 부하", "%", S, FOLLOWS, 17, 2, 4, 0),
	S("z_load", "Z축 부하", "%", S, FOLLOWS, 22, 2.5, 6, 0),
	S("coolant_temp", "절삭유 온도", "°C", S, NOISE, 24, 0.5, 0, 0),
	S("power", "전력", "kW", M, FOLLOWS, 11, 1.2, 2.4, 0.3),
	S("state", "상태", "", S, STATE, 0, 0, 0, 0), S("alarm", "알람 코드", "", S, ALARM, 0, 0, 0, 0),
	S("part_count", "가공 수", "", S, COUNT, 640, 0, 0, 0),
};
static const struct sim_signal mld07[] = {
	S("gap_voltage", "극간 전압", "V", S, NOISE, 45, 4, 0, 0),
	S("gap_current", "방전 전류", "A", S, NOISE, 8.2, 0.5, 0, 0),
	S("conductivity", "가공액 전도도", "µS/cm", S, NOISE, 10, 1.5, 0, 0),
	S("wire_feed", "와이어 이송", "m/min", S, NOISE, 10, 0.2, 0, 0),
	S("wire_tension", "와이어 장력", "N", S, NOISE, 12, 0.3, 0, 0),
	S("water_temp", "가공액 온도", "°C", S, NOISE, 22, 0.4, 0, 0),
	S("flush_pressure", "분사 압력", "MPa", S, NOISE, 0.8, 0.03, 0, 0),
	S("cut_speed", "가공 속도", "mm/min", S, NOISE, 3.4, 0.2, 0, 0),
	S("power", "전력", "kW", S, NOISE, 4.6, 0.3, 0, 0),
	S("table_temp", "정반 온도", "°C", S, NOISE, 21.5, 0.3, 0, 0),
};
static const struct sim_signal mch01[] = {
	S("cycle_time", "사이클 타임", "s", C, NOISE, 225, 2.0, 0, 0),
	S("spindle_load", "주축 부하", "%", C, NOISE, 38, 1.8, 0, 0),
	S("vibration", "진동", "mm/s", C, NOISE, 1.4, 0.12, 0, 0),
	S("tool_count", "공구 사용 수", "", C, TOOL, 0, 0, 180, 0),
	S("power", "전력", "kW", M, FOLLOWS, 8.4, 0.7, 1.9, 0.2),
	S("coolant_temp", "절삭유 온도", "°C", S, NOISE, 25, 0.6, 0, 0),
	S("spindle_temp", "주축 온도", "°C", S, NOISE, 38, 0.8, 0, 0),
	S("hydraulic_pressure", "유압", "MPa", S, NOISE, 3.5, 0.04, 0, 0),
	S("feed_override", "이송 오버라이드", "%", S, FIXED, 100, 0, 0, 0),
	S("state", "상태", "", S, STATE, 0, 0, 0, 0), S("alarm", "알람 코드", "", S, ALARM, 0, 0, 0, 0),
	S("part_count", "가공 수", "", S, COUNT, 88000, 0, 0, 0),
};
static const struct sim_signal mch02[] = {
	S("cycle_time", "사이클 타임", "s", C, NOISE, 225, 2.0, 0, 0),
	S("spindle_load", "주축 부하", "%", C, NOISE, 32, 1.5, 0, 0),
	S("vibration", "진동", "mm/s", C, NOISE, 1.1, 0.1, 0, 0),
	S("tool_count", "공구 사용 수", "", C, TOOL, 0, 0, 250, 0),
	S("diameter", "베어링부 외경", "mm", C, FIFTH, 25.0065, 0.0012, 0, 0),
	S("roughness", "표면 거칠기 Ra", "µm", C, NOISE, 0.40, 0.03, 0, 0),
	S("tool_offset", "공구 보정", "µm", S, OFFSET, 0, 0, 0, 0),
	S("power", "전력", "kW", M, FOLLOWS, 7.2, 0.6, 1.8, 0.2),
	S("coolant_temp", "절삭유 온도", "°C", S, NOISE, 24, 0.6, 0, 0),
	S("spindle_temp", "주축 온도", "°C", S, NOISE, 36, 0.8, 0, 0),
	S("hydraulic_pressure", "유압", "MPa", S, NOISE, 3.5, 0.04, 0, 0),
	S("chuck_pressure", "척 압력", "MPa", S, NOISE, 1.8, 0.03, 0, 0),
	S("feed_override", "이송 오버라이드", "%", S, FIXED, 100, 0, 0, 0),
	S("state", "상태", "", S, STATE, 0, 0, 0, 0), S("alarm", "알람 코드", "", S, ALARM, 0, 0, 0, 0),
	S("part_count", "가공 수", "", S, COUNT, 61000, 0, 0, 0),
};
static const struct sim_signal mch03[] = {
	S("cycle_time", "사이클 타임", "s", C, NOISE, 228, 3.0, 0, 0),
	S("spindle_load", "주축 부하", "%", C, NOISE, 41, 2.0, 0, 0),
	S("power", "전력", "kW", M, FOLLOWS, 9.0, 0.8, 2.1, 0.2),
	S("x_load", "X축 부하", "%", S, FOLLOWS, 24, 2.2, 5, 0),
	S("y_load", "Y축 부하", "%", S, FOLLOWS, 21, 2.0, 5, 0),
	S("program", "프로그램 번호", "", S, FIXED, 2204, 0, 0, 0),
	S("coolant_temp", "절삭유 온도", "°C", S, NOISE, 25, 0.6, 0, 0),
	S("spindle_temp", "주축 온도", "°C", S, NOISE, 40, 0.9, 0, 0),
	S("hydraulic_pressure", "유압", "MPa", S, NOISE, 6.8, 0.06, 0, 0),
	S("state", "상태", "", S, STATE, 0, 0, 0, 0), S("alarm", "알람 코드", "", S, ALARM, 0, 0, 0, 0),
	S("part_count", "가공 수", "", S, COUNT, 45000, 0, 0, 0),
};
static const struct sim_signal mch04[] = {
	S("force", "프레스 하중", "kN", M, FOLLOWS, 420, 12, 0, 0),
	S("stroke_rate", "분당 타수", "1/min", M, FOLLOWS, 30, 0.2, 0, 0),
	S("stroke_count", "누적 타수", "", M, COUNT, 902000, 0, 0, 0),
	S("lube_pressure", "윤활 압력", "MPa", M, NOISE, 0.42, 0.01, 0, 0),
	S("clutch_pressure", "클러치 압력", "MPa", M, NOISE, 0.50, 0.01, 0, 0),
	S("power", "전력", "kW", F, FOLLOWS, 14, 1.5, 2.2, 0.3),
	STATE, ALARM,
};
static const struct sim_signal mch05[] = {
	S("xrf_1", "도금 두께 1", "µm", C, NOISE, 8.0, 0.6, 0, 0),
	S("xrf_2", "도금 두께 2", "µm", C, NOISE, 8.0, 0.6, 0, 0),
	S("xrf_3", "도금 두께 3", "µm", C, NOISE, 8.0, 0.6, 0, 0),
	S("xrf_4", "도금 두께 4", "µm", C, NOISE, 8.0, 0.6, 0, 0),
	S("xrf_5", "도금 두께 5", "µm", C, NOISE, 8.0, 0.6, 0, 0),
	S("degrease_temp", "탈지 온도", "°C", M, NOISE, 55, 1.0, 0, 0),
	S("ni_temp", "니켈욕 온도", "°C", M, NOISE, 52, 0.6, 0, 0),
	S("sn_temp", "주석욕 온도", "°C", M, NOISE, 22, 0.5, 0, 0),
	S("degrease_duty", "탈지 히터 출력", "%", M, NOISE, 48, 12, 0, 0),
	S("ni_duty", "니켈 히터 출력", "%", M, NOISE, 52, 12, 0, 0),
	S("sn_duty", "주석 냉각 출력", "%", M, NOISE, 40, 10, 0, 0),
	S("current", "정류기 전류", "A", M, FOLLOWS, 180, 2, 0, 0),
	S("voltage", "정류기 전압", "V", M, FOLLOWS, 4.5, 0.1, 0, 0),
	S("rinse_conductivity", "수세 전도도", "µS/cm", M, NOISE, 35, 10, 0, 0),
	S("ni_ph", "니켈욕 pH", "", M, NOISE, 4.1, 0.05, 0, 0),
	S("ni_level", "니켈욕 수위", "mm", M, NOISE, 742, 3, 0, 0),
	S("filter_pressure", "여과 압력", "MPa", M, NOISE, 0.12, 0.006, 0, 0),
	S("power", "전력", "kW", F, FOLLOWS, 26, 1.6, 12, 3),
	STATE, ALARM,
};
static const struct sim_signal mch06[] = {
	S("force", "압입력", "kN", C, NOISE, 2.10, 0.06, 0, 0),
	S("distance", "압입 깊이", "mm", C, NOISE, 14.2, 0.05, 0, 0),
	S("joining_time", "압입 시간", "s", C, NOISE, 3.2, 0.05, 0, 0),
	S("cycle_time", "사이클 타임", "s", C, NOISE, 55, 0.8, 0, 0),
	S("power", "전력", "kW", M, FOLLOWS, 2.8, 0.2, 0.9, 0.1),
	S("air_pressure", "공압", "MPa", S, NOISE, 0.55, 0.01, 0, 0),
	S("state", "상태", "", S, STATE, 0, 0, 0, 0), S("alarm", "알람 코드", "", S, ALARM, 0, 0, 0, 0),
	S("part_count", "생산 수", "", S, COUNT, 71000, 0, 0, 0),
	S("crack_count", "균열 수", "", S, EVENTS, 212, 0, 0, 0),
};
static const struct sim_signal mch07[] = {
	S("pressure", "토출 압력", "MPa", M, LOAD, 95, 0.003, 0.65, 0.71),
	S("power", "전력", "kW", F, LOAD_ON, 95, 0.5, 36, 12),
	S("oil_temp", "유온", "°C", M, NOISE, 78, 1.5, 0, 0),
	S("dew_point", "에어 노점", "°C", M, NOISE, 4, 0.5, 0, 0),
	S("motor_current", "모터 전류", "A", M, LOAD_ON, 95, 0.8, 64, 24),
	S("hours", "가동 시간", "h", S, FIXED, 18230, 0, 0, 0),
	STATE, ALARM,
};
static const struct sim_signal mot01[] = {
	S("force_mean", "삽입력 평균(48)", "N", C, NOISE, 180, 2.2, 0, 0),
	S("force_min", "삽입력 최소", "N", C, NOISE, 147, 6, 0, 0),
	S("force_max", "삽입력 최대", "N", C, NOISE, 213, 6, 0, 0),
	S("flux", "자속(마스터 대비)", "%", C, NOISE, 98, 1.5, 0, 0),
	S("cycle_time", "사이클 타임", "s", C, NOISE, 228, 2.0, 0, 0),
	S("power", "전력", "kW", M, FOLLOWS, 6.2, 0.4, 1.4, 0.2),
	S("glue_temp", "접착제 온도", "°C", S, NOISE, 32, 0.5, 0, 0),
	S("air_pressure", "공압", "MPa", S, NOISE, 0.55, 0.01, 0, 0),
	S("vision_score", "비전 점수", "%", C, NOISE, 96, 0.8, 0, 0),
	S("state", "상태", "", S, STATE, 0, 0, 0, 0), S("alarm", "알람 코드", "", S, ALARM, 0, 0, 0, 0),
	S("part_count", "생산 수", "", S, COUNT, 30000, 0, 0, 0),
};
static const struct sim_signal mot02[] = {
	S("press_force", "압입력", "kN", C, NOISE, 38, 1.5, 0, 0),
	S("press_depth", "압입 깊이", "mm", C, NOISE, 62.0, 0.04, 0, 0),
	S("residual", "잔류 불평형", "g·mm", C, NOISE, 45, 15, 0, 0),
	S("cycle_time", "사이클 타임", "s", C, NOISE, 226, 2.0, 0, 0),
	S("power", "전력", "kW", M, FOLLOWS, 5.4, 0.4, 1.2, 0.2),
	S("spindle_speed", "밸런싱 회전수", "rpm", S, FOLLOWS, 1200, 4, 0, 0),
	S("air_pressure", "공압", "MPa", S, NOISE, 0.55, 0.01, 0, 0),
	S("state", "상태", "", S, STATE, 0, 0, 0, 0), S("alarm", "알람 코드", "", S, ALARM, 0, 0, 0, 0),
	S("part_count", "생산 수", "", S, COUNT, 30000, 0, 0, 0),
};
static const struct sim_signal mot03[] = {
	S("fuse_current", "융착 전류", "kA", C, NOISE, 4.20, 0.05, 0, 0),
	S("fuse_force", "융착 가압력", "kN", C, NOISE, 1.20, 0.03, 0, 0),
	S("fuse_time", "융착 시간", "ms", C, NOISE, 310, 4, 0, 0),
	S("resistance", "상저항 20°C", "mΩ", C, NOISE, 12.40, 0.06, 0, 0),
	S("winding_time", "권선 시간", "s", C, NOISE, 164, 1.5, 0, 0),
	S("cycle_time", "사이클 타임", "s", C, NOISE, 232, 2.0, 0, 0),
	S("power", "전력", "kW", M, FOLLOWS, 9.5, 0.7, 2.0, 0.2),
	S("tension_1", "1헤드 장력", "N", S, FOLLOWS, 62, 1.5, 20, 0),
	S("tension_2", "2헤드 장력", "N", S, FOLLOWS, 62, 1.5, 20, 0),
	S("cooling_temp", "냉각수 온도", "°C", S, NOISE, 22, 0.5, 0, 0),
	S("air_pressure", "공압", "MPa", S, NOISE, 0.55, 0.01, 0, 0),
	S("state", "상태", "", S, STATE, 0, 0, 0, 0), S("alarm", "알람 코드", "", S, ALARM, 0, 0, 0, 0),
	S("part_count", "생산 수", "", S, COUNT, 30000, 0, 0, 0),
};
static const struct sim_signal mot04[] = {
	S("zone_1", "경화로 1존", "°C", M, NOISE, 150, 1.5, 0, 0),
	S("zone_2", "경화로 2존", "°C", M, NOISE, 150, 1.5, 0, 0),
	S("zone_3", "경화로 3존", "°C", M, NOISE, 150, 1.5, 0, 0),
	S("zone_4", "경화로 4존", "°C", M, NOISE, 150, 1.5, 0, 0),
	S("preheat_temp", "예열 온도", "°C", M, NOISE, 110, 1.5, 0, 0),
	S("varnish_temp", "바니시 온도", "°C", M, NOISE, 28, 0.5, 0, 0),
	S("varnish_level", "바니시 수위", "mm", S, NOISE, 310, 3, 0, 0),
	S("varnish_viscosity", "바니시 점도", "mPa·s", S, NOISE, 820, 15, 0, 0),
	S("dwell", "체류 시간", "min", S, NOISE, 150, 0.4, 0, 0),
	S("belt_speed", "벨트 속도", "mm/min", M, NOISE, 82, 0.5, 0, 0),
	S("exhaust_flow", "배기 유량", "m³/h", M, NOISE, 640, 9, 0, 0),
	S("gas_flow", "공기 유량", "m³/h", M, NOISE, 210, 4, 0, 0),
	S("power", "전력", "kW", F, NOISE, 50, 3.3, 0, 0),
	STATE, ALARM,
	S("part_count", "생산 수", "", S, COUNT, 30000, 0, 0, 0),
};
static const struct sim_signal mot05[] = {
	S("torque_mean", "체결 토크 평균(12)", "N·m", C, NOISE, 22.0, 0.10, 0, 0),
	S("torque_min", "체결 토크 최소", "N·m", C, NOISE, 21.4, 0.17, 0, 0),
	S("torque_max", "체결 토크 최대", "N·m", C, NOISE, 22.6, 0.17, 0, 0),
	S("angle_mean", "체결 각도 평균", "°", C, NOISE, 58, 1.2, 0, 0),
	S("cycle_time", "사이클 타임", "s", C, NOISE, 224, 2.0, 0, 0),
	S("joint_current_1", "1축 전류", "A", M, FOLLOWS, 1.8, 0.15, 0.6, 0),
	S("joint_current_2", "2축 전류", "A", M, FOLLOWS, 2.9, 0.2, 1.1, 0),
	S("joint_current_3", "3축 전류", "A", M, FOLLOWS, 2.2, 0.18, 0.8, 0),
	S("joint_current_4", "4축 전류", "A", M, FOLLOWS, 1.1, 0.1, 0.4, 0),
	S("joint_current_5", "5축 전류", "A", M, FOLLOWS, 0.9, 0.08, 0.3, 0),
	S("joint_current_6", "6축 전류", "A", M, FOLLOWS, 0.6, 0.06, 0.2, 0),
	S("joint_temp_1", "1축 온도", "°C", M, NOISE, 38, 0.6, 0, 0),
	S("joint_temp_2", "2축 온도", "°C", M, NOISE, 41, 0.6, 0, 0),
	S("joint_temp_3", "3축 온도", "°C", M, NOISE, 40, 0.6, 0, 0),
	S("joint_temp_4", "4축 온도", "°C", M, NOISE, 37, 0.6, 0, 0),
	S("joint_temp_5", "5축 온도", "°C", M, NOISE, 36, 0.6, 0, 0),
	S("joint_temp_6", "6축 온도", "°C", M, NOISE, 35, 0.6, 0, 0),
	S("protective_stops", "보호 정지 수", "", M, EVENTS, 37, 0, 0, 0),
	S("power", "전력", "kW", F, FOLLOWS, 1.6, 0.15, 0.5, 0.1),
	STATE, ALARM,
	S("part_count", "생산 수", "", S, COUNT, 30000, 0, 0, 0),
};
static const struct sim_signal mot06[] = {
	S("insulation", "절연 저항 1 kV", "MΩ", C, LOGNOISE, 3000, 0.25, 0, 0),
	S("hipot", "내전압 누설 1.8 kV", "mA", C, NOISE, 3.20, 0.15, 0, 0),
	S("back_emf", "역기전력", "V/krpm", C, NOISE, 41.5, 0.3, 0, 0),
	S("vibration", "진동", "mm/s", C, NOISE, 0.90, 0.12, 0, 0),
	S("resistance", "상저항 20°C", "mΩ", C, NOISE, 12.40, 0.06, 0, 0),
	S("no_load_current", "무부하 전류", "A", C, NOISE, 6.4, 0.2, 0, 0),
	S("cogging", "코깅 토크", "N·m", C, NOISE, 0.42, 0.03, 0, 0),
	S("no_load_speed", "무부하 회전수", "rpm", C, NOISE, 8430, 25, 0, 0),
	S("cycle_time", "사이클 타임", "s", C, NOISE, 210, 1.5, 0, 0),
	S("power", "전력", "kW", M, FOLLOWS, 7.5, 1.0, 1.5, 0.2),
	S("coolant_temp", "냉각수 온도", "°C", S, NOISE, 25, 0.4, 0, 0),
	S("coolant_flow", "냉각수 유량", "L/min", S, NOISE, 10, 0.1, 0, 0),
	S("hv_voltage", "시험 전압", "V", S, NOISE, 350, 1.0, 0, 0),
	S("room_temp", "시험실 온도", "°C", S, NOISE, 23, 0.4, 0, 0),
	S("state", "상태", "", S, STATE, 0, 0, 0, 0), S("alarm", "알람 코드", "", S, ALARM, 0, 0, 0, 0),
	S("part_count", "시험 수", "", S, COUNT, 30000, 0, 0, 0),
	S("ng_count", "불합격 수", "", S, EVENTS, 118, 0, 0, 0),
};
/* The meters add `mean` kW of lights, air and offices to their machines. */
#define METER(base) \
	{S("active_power", "유효 전력", "kW", M, METER, base, 2.0, 0, 0), S("reactive_power", "무효 전력", "kvar", M, METER, 0.42, 1.0, 0, 0), \
		S("voltage_12", "전압 12", "V", M, NOISE, 381, 1.2, 0, 0), S("voltage_23", "전압 23", "V", M, NOISE, 380, 1.2, 0, 0), \
		S("voltage_31", "전압 31", "V", M, NOISE, 380.5, 1.2, 0, 0), S("current_1", "전류 1", "A", M, METER, 1.64, 2.0, 0, 0), \
		S("current_2", "전류 2", "A", M, METER, 1.61, 2.0, 0, 0), S("current_3", "전류 3", "A", M, METER, 1.66, 2.0, 0, 0), \
		S("power_factor", "역률", "", M, NOISE, 0.922, 0.006, 0, 0)}
#define ROOM(t, rh, db) \
	{S("temperature", "실내 온도", "°C", S, DAY, t, 0.25, 1.8, 0), S("humidity", "실내 습도", "%", S, DAY, rh, 0.8, -4, 0), \
		S("noise", "소음", "dB(A)", S, NOISE, db, 1.2, 0, 0)}
static const struct sim_signal mldpm[] = METER(58);
static const struct sim_signal mchpm[] = METER(46);
static const struct sim_signal motpm[] = METER(74);
static const struct sim_signal mldrm[] = ROOM(24.5, 48, 78);
static const struct sim_signal mchrm[] = ROOM(23.5, 45, 80);
static const struct sim_signal motrm[] = ROOM(23.0, 42, 75);

#define MACHINE(code, name, firm, door, cycle, signals) {code, name, FIRM_##firm, DOOR_##door, cycle, signals, sizeof(signals) / sizeof(signals)[0]}
static const struct sim_machine_def machines[] = {
	MACHINE("MLD-01", "사출 1호기 180 t", MLD, MODBUS, 42, mld01),
	MACHINE("MLD-02", "사출 2호기 220 t", MLD, MODBUS, 55, mld02),
	MACHINE("MLD-03", "사출 3호기 130 t", MLD, MODBUS, 28, mld03),
	MACHINE("MLD-04", "제습 건조기", MLD, MODBUS, 0, mld04),
	MACHINE("MLD-05", "냉각기", MLD, MODBUS, 0, mld05),
	MACHINE("MLD-06", "금형 머시닝센터", MLD, PUSH, 0, mld06),
	MACHINE("MLD-07", "와이어 방전기", MLD, CSV, 0, mld07),
	MACHINE("MLD-PM", "예시사출 전력계", MLD, MODBUS, 0, mldpm),
	MACHINE("MLD-RM", "예시사출 작업장 환경", MLD, MODBUS, 0, mldrm),
	MACHINE("MCH-01", "CNC 선반(황삭)", MCH, PUSH, 225, mch01),
	MACHINE("MCH-02", "CNC 선반(하드터닝)", MCH, PUSH, 225, mch02),
	MACHINE("MCH-03", "수평 머시닝센터", MCH, PUSH, 228, mch03),
	MACHINE("MCH-04", "프레스 80 t", MCH, MODBUS, 0, mch04),
	MACHINE("MCH-05", "주석 도금 라인", MCH, MODBUS, 720, mch05),
	MACHINE("MCH-06", "서보 프레스(압입)", MCH, PUSH, 55, mch06),
	MACHINE("MCH-07", "공기 압축기", MCH, MODBUS, 0, mch07),
	MACHINE("MCH-PM", "예시정공 전력계", MCH, MODBUS, 0, mchpm),
	MACHINE("MCH-RM", "예시정공 작업장 환경", MCH, MODBUS, 0, mchrm),
	MACHINE("MOT-01", "자석 삽입기", MOT, PUSH, 240, mot01),
	MACHINE("MOT-02", "축 압입·밸런싱", MOT, PUSH, 240, mot02),
	MACHINE("MOT-03", "권선·버스바 융착", MOT, PUSH, 240, mot03),
	MACHINE("MOT-04", "함침·경화로", MOT, MODBUS, 0, mot04),
	MACHINE("MOT-05", "협동로봇 체결 셀", MOT, MODBUS, 240, mot05),
	MACHINE("MOT-06", "최종 검사기(EOL)", MOT, PUSH, 240, mot06),
	MACHINE("MOT-PM", "예시모터 전력계", MOT, MODBUS, 0, motpm),
	MACHINE("MOT-RM", "예시모터 작업장 환경", MOT, MODBUS, 0, motrm),
};
_Static_assert(sizeof(machines) / sizeof(machines)[0] == SIM_MACHINES, "the table has every machine");

const struct sim_machine_def *sim_machine_at(size_t index) { return index < SIM_MACHINES ? &machines[index] : NULL; }

const struct sim_machine_def *sim_machine_find(const char *code)
{
	for (size_t i = 0; i < SIM_MACHINES; i++)
		if (strcmp(machines[i].code, code) == 0)
			return &machines[i];
	return NULL;
}

const struct sim_signal *sim_signal_find(const struct sim_machine_def *m, const char *name)
{
	for (size_t i = 0; i < m->n_signals; i++)
		if (strcmp(m->signals[i].name, name) == 0)
			return &m->signals[i];
	return NULL;
}

static const struct sim_item_level item_levels[] = {
	{"MLD-01", "HLD-B", "cycle_time", 44.0},
	{"MLD-01", "HLD-B", "peak_pressure", 78.0},
	{"MLD-01", "HLD-B", "fill_time", 1.42},
	{"MLD-01", "HLD-B", "cushion", 6.8},
	{"MLD-01", "HLD-B", "metering_time", 11.2},
	{"MLD-01", "HLD-B", "switchover", 13.5},
	{"MLD-01", "HLD-B", "weight", 47.5},
	{"MLD-02", "KX-22", "peak_pressure", 96.0},
	{"MLD-02", "KX-22", "cushion", 6.4},
	{"MLD-02", "KX-22", "metering_time", 14.6},
	{"MLD-03", "KX-33", "peak_pressure", 81.0},
	{"MLD-03", "KX-33", "cushion", 5.8},
	{"MLD-03", "KX-33", "metering_time", 7.4},
};

const struct sim_item_level *sim_item_level_at(size_t index)
{
	return index < sizeof item_levels / sizeof item_levels[0] ? &item_levels[index] : NULL;
}

static const struct sim_range_def ranges[SIM_RANGES] = {
	[NORMAL_RESIN_SIGMA] = {"resin lot: sigma of peak pressure, part of the level", "", 0.006, 0.006},
	[NORMAL_RESIN_CUT] = {"resin lot: never more than", "", 0.015, 0.015},
	[NORMAL_RESTART_SHOTS] = {"shots after a stop that differ", "", 5, 5},
	[NORMAL_RESTART_SIZE] = {"the first of them, sigmas, either sign", "", 1.5, 3.5},
	[NORMAL_TOOL_DRIFT] = {"MCH-02 diameter a part", "µm", 0.035, 0.035},
	[NORMAL_TOOL_CORRECTION] = {"MCH-02 operator's correction", "µm", -3, -3},
	[NORMAL_TOOL_EVERY] = {"MCH-02 parts between corrections", "", 76, 92},
	[NORMAL_MOULD_CHANGE] = {"mould change (set-up)", "min", 35, 35},
	[NORMAL_LOT_GAP] = {"MCH-06 between two lots (set-up)", "min", 4, 14},
	[NORMAL_BLOCK] = {"one motor model", "h", 6, 14},
	[BAD_PRESSURE] = {"event 1: peak pressure", "MPa", 87.2, 87.8},
	[BAD_CUSHION] = {"event 1: cushion", "mm", 4.75, 4.85},
	[BAD_METERING] = {"event 1: metering time, added", "s", 0.40, 0.44},
	[BAD_WEIGHT] = {"event 1: weight, added", "g", -0.32, -0.28},
	[BAD_FORCE] = {"event 1: press-fit force", "kN", 1.85, 1.87},
	[BAD_INSULATION] = {"event 1: insulation, median", "MΩ", 250, 270},
	[BAD_INSULATION_SIGMA] = {"event 1: insulation, sigma of the logarithm", "", 0.9, 0.9},
	[BAD_HIPOT] = {"event 1: hipot", "mA", 3.85, 3.95},
	[BAD_HIPOT_SIGMA] = {"event 1: hipot, sigma", "mA", 0.5, 0.5},
	[STOP_BEGIN_JITTER] = {"event 3: begin, whole minutes added", "min", -4, 4},
	[STOP_LENGTH_JITTER] = {"event 3: length, whole minutes added", "min", -2, 2},
	[NIGHT_REPEATED] = {"event 6: part of the lines that come twice", "", 0.005, 0.005},
	[NIGHT_CLOCK] = {"event 6: source clock ahead", "s", 3, 3},
};

const struct sim_range_def *sim_range(enum sim_range r) { return &ranges[r]; }
