/* The line on Today about backups. */
export const backup = {
	good: ["마지막 백업은 {d} 전입니다 ({target}).", "Last backup {d} ago ({target})."],
	never: ["아직 백업이 없습니다.", "There is no backup yet."],
	failed: ["백업하지 못했습니다.", "The backup failed."],
	failedWhy: ["백업하지 못했습니다: {why}.", "The backup failed: {why}."],
	butWhy: ["{why}.", "{why}."],
	running: ["지금 백업하는 중입니다.", "A backup is under way."],
} as const;
