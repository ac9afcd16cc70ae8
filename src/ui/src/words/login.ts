/* Logging in, and who is. */
export const login = {
	title: ["로그인", "Log in"],
	lead: ["이 노드는 계정이 있어야 볼 수 있습니다.", "This node is open to people with an account."],
	name: ["이름", "Name"],
	password: ["비밀번호", "Password"],
	go: ["로그인", "Log in"],
	going: ["확인하는 중", "Checking"],
	forgot: ["비밀번호를 잊었으면 대표(관리자)에게 새로 정해 달라고 하십시오.", "Forgotten? An owner can set a new password."],
	unreachable: ["노드가 응답하지 않습니다. 잠시 뒤에 다시 해 주십시오.", "The node does not answer. Please try again in a moment."],
	out: ["로그아웃", "Log out"],
	owner: ["대표", "Owner"],
	production: ["생산관리자", "Production manager"],
	quality: ["품질담당", "Quality"],
	operator: ["작업자", "Operator"],
	read_only: ["조회 전용", "Read-only"],
	vendor: ["공급기업", "Vendor"],
} as const;
