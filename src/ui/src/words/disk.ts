/* The disk: a line on Today when it fills up, and its card in Settings. */
export const disk = {
	title: ["디스크", "Disk"],
	plenty: ["자리가 넉넉합니다.", "There is room."],
	warn: ["디스크가 차고 있습니다. 빈자리 {free}.", "The disk is filling up: {free} free."],
	spare: ["디스크가 많이 찼습니다. 빈자리 {free}. 같은 디스크로 하는 자동 백업을 멈췄습니다.", "The disk is nearly full: {free} free. Scheduled backups onto it have stopped."],
	no_blobs: ["디스크가 거의 다 찼습니다. 빈자리 {free}. 파일을 더 받지 않습니다.", "The disk is almost full: {free} free. No more files are taken."],
	no_values: ["디스크가 다 찼습니다. 빈자리 {free}. 측정값과 기록이 저장되지 않고 있습니다.", "The disk is full: {free} free. Values and records are not being stored."],
	used: ["사용", "Used"],
	usedOf: ["{used} / {size}", "{used} of {size}"],
	marks: ["알리는 선", "Marks"],
	marksOf: ["알림 {warn}% · 미룸 {spare}% · 파일 거절 {no_blobs}% · 측정값 거절 {no_values}%", "warns at {warn}% · puts work off at {spare}% · refuses files at {no_blobs}%, values at {no_values}%"],
	ratio: ["받은 1바이트에 쓴 바이트", "Bytes written for each taken in"],
	ratioOf: ["{n} (받음 {taken}, 씀 {device})", "{n} ({taken} taken in, {device} written)"],
	lost: ["저장하지 못한 측정값", "Values not stored"],
} as const;
