/* How long what is kept: the card in Settings. */
export const retention = {
	title: ["보존 기간", "How long data are kept"],
	none: ["규칙이 없습니다. 아무것도 지우지 않습니다.", "There is no rule. Nothing is deleted."],
	rule: ["{what}: {n}일 동안 둡니다", "{what}: kept for {n#day/days}"],
	ruleOf: ["{asset}의 {what}: {n}일 동안 둡니다", "{what} of {asset}: kept for {n#day/days}"],
	values: ["시간별 측정값", "Values over time"],
	sequences: ["사이클별 측정값", "Values of cycles"],
	stays: ["신호마다 마지막 값과, 작업·특성이 가리키는 사이클의 값은 지우지 않습니다.", "Each signal's last value, and values of cycles that operations or characteristics refer to, always stay."],
	waits: ["시계가 갑자기 앞으로 가서, 하루가 지나야 규칙을 적용합니다.", "The clock leapt ahead, so the rules wait for a day."],
	last: ["마지막 적용: {t}, 지운 값 {n}개.", "Applied last {t}: {n#value/values} deleted."],
	running: ["적용하는 중입니다. 지난 적용: {t}, 지운 값 {n}개.", "Being applied now. Before that {t}: {n#value/values} deleted."],
	what: ["무엇을", "What"],
	asset: ["설비 코드 (비우면 모두)", "Machine's code (empty: all)"],
	days: ["며칠 동안", "Days"],
	add: ["규칙 추가", "Add a rule"],
	saved: ["보존 규칙을 저장했습니다. 더 오래된 값은 곧 지워집니다.", "The rules are saved. What is older will be deleted soon."],
} as const;
