/* Every statement of the writer, in one place. Updates carry the test whether
 * anything differs, so that sqlite3_changes() tells CHANGED from SAME; values
 * that were not said (NULL) leave what stands. */
#include "store/priv/impl.h"

#define OPERATION_NEXT \
	"(coalesce(?2,machine),coalesce(?3,step),coalesce(?4,lot),coalesce(?5,item),coalesce(?6,mould),coalesce(?7,cavity),coalesce(?8,tool)," \
	"coalesce(?9,standard_version),coalesce(?10,person),coalesce(?11,start),coalesce(?12,end),coalesce(?13,good),coalesce(?14,rework)," \
	"coalesce(?15,scrap),coalesce(?16,concession),coalesce(?17,seq_first),coalesce(?18,seq_last))"
#define OPERATION_COLS \
	"(machine,step,lot,item,mould,cavity,tool,standard_version,person,start,end,good,rework,scrap,concession,seq_first,seq_last)"

/* A case that was closed while it lasted ended, for this question, when it was closed. */
#define CASE_OVERLAP \
	"SELECT id FROM cases WHERE asset=?1 AND cause=?2 AND begin_t<=?4" \
	" AND coalesce(end_t, max(closed_t,begin_t), 9223372036854775807)>=?3"
#define CASE_NEXT \
	"(?2, min(begin_t,?3), CASE state WHEN 'closed' THEN coalesce(?4,end_t) ELSE ?4 END, coalesce(?5,lot)," \
	"CASE WHEN ?6 IS NULL THEN evidence ELSE json_patch(coalesce(evidence,'{}'),?6) END, ?7)"

const char *const store_statements[STATEMENTS] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",
	[ST_SAVE] = "SAVEPOINT part",
	[ST_KEEP] = "RELEASE part",
	[ST_UNDO] = "ROLLBACK TO part",
	[ST_NOTE] = "INSERT INTO change(t,noun,key,did) VALUES(?1,?2,?3,?4)",
	[ST_TALLY] = "INSERT INTO tally(noun,n) VALUES(?1,?2) ON CONFLICT(noun) DO UPDATE SET n=n+excluded.n",
	[ST_SEARCH_PUT] = "INSERT OR REPLACE INTO search(rowid,kind,key,title,detail) VALUES(?1,?2,?3,?4,?5)",
	[ST_SEARCH_DROP] = "DELETE FROM search WHERE rowid=?1",

	[ST_ASSET_FIND] = "SELECT id, kind, declared FROM asset WHERE code=?1",
	[ST_ASSET_ADD] = "INSERT INTO asset(uuid,code,name,kind,parent,unit,declared) VALUES(?1,?2,?3,?4,?5,?6,?7)",
	[ST_ASSET_UPDATE] = "UPDATE asset SET (name,kind,parent,unit,declared)=(coalesce(?2,name),?3,coalesce(?4,parent),coalesce(?5,unit),1)"
						" WHERE id=?1 AND (name,kind,parent,unit,declared) IS NOT (coalesce(?2,name),?3,coalesce(?4,parent),coalesce(?5,unit),1)",
	[ST_ASSET_KIND] = "UPDATE asset SET kind=?2 WHERE id=?1",
	[ST_ASSET_PARENT] = "SELECT parent FROM asset WHERE id=?1",
	[ST_ASSET_GET] = "SELECT code, coalesce(name,''), kind FROM asset WHERE id=?1",

	[ST_PERSON_ADD] = "INSERT INTO person(uuid,code) VALUES(?1,?2)",
	[ST_PEOPLE_ADD] = "INSERT INTO people(person,sealed) VALUES(?1,?2)",
	[ST_PEOPLE_DROP] = "DELETE FROM people WHERE person=?1",
	[ST_ERASURE_FIND] = "SELECT done IS NOT NULL FROM erasure WHERE person=?1",
	[ST_ERASURE_ADD] = "INSERT INTO erasure(person,t,who,reason,searched) VALUES(?1,?2,?3,?4,?5)",
	[ST_ERASURE_FOUND] = "INSERT INTO erasure_found(erasure,n,object,key,field) VALUES(?1,?2,?3,?4,?5)",
	[ST_ERASURE_TARGETS] = "INSERT INTO erasure_target(erasure,target) SELECT ?1, path FROM backup_target",
	[ST_ERASURE_OPEN] = "SELECT p.code FROM erasure e JOIN person p ON p.id=e.person WHERE e.done IS NULL ORDER BY e.id LIMIT 1",
	[ST_ERASURE_DONE] = "UPDATE erasure SET done=?2, copies=?3 WHERE person=?1 AND done IS NULL",
	[ST_TARGET_PUT] = "INSERT INTO backup_target(path,t) VALUES(?1,?2) ON CONFLICT(path) DO UPDATE SET t=max(t,excluded.t)",
	[ST_TARGET_WAITS] = "SELECT t.erasure, p.uuid FROM erasure_target t JOIN erasure e ON e.id=t.erasure JOIN person p ON p.id=e.person"
						" WHERE t.target=?1 AND t.erasure>?2 AND t.done IS NULL AND e.done IS NOT NULL ORDER BY t.erasure LIMIT 1",
	[ST_TARGET_DONE] = "UPDATE erasure_target SET done=?3 WHERE erasure=?1 AND target=?2",

	[ST_FILES_OF] = "SELECT count(*) FROM person_file WHERE person=?1 AND removed IS NULL",
	[ST_FILE_ADD] = "INSERT INTO person_file(uuid,person,media,sealed,blob,size,t,who) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
	[ST_FILE_BLOB] = "SELECT blob FROM person_file WHERE uuid=?1 AND person=?2 AND removed IS NULL AND blob IS NOT NULL",
	[ST_FILE_DROP] = "UPDATE person_file SET removed=?2, sealed=NULL WHERE uuid=?1",
	[ST_FILE_GONE] = "SELECT id, blob FROM person_file WHERE removed IS NOT NULL AND blob IS NOT NULL AND (?1 IS NULL OR uuid=?1) ORDER BY id LIMIT 1",
	[ST_FILE_SWEPT] = "UPDATE person_file SET blob=NULL WHERE id=?1",

	[ST_LOT_FIND] = "SELECT id, state, declared FROM lot WHERE firm=?1 AND number=?2",
	[ST_LOT_ADD] = "INSERT INTO lot(uuid,firm,number,item,state,place,made,quantity,unit,declared) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
	[ST_LOT_UPDATE] =
		"UPDATE lot SET (item,state,place,made,quantity,unit,declared)="
		"(coalesce(?2,item),coalesce(?3,state),coalesce(?4,place),coalesce(?5,made),coalesce(?6,quantity),coalesce(?7,unit),1)"
		" WHERE id=?1 AND (item,state,place,made,quantity,unit,declared) IS NOT"
		" (coalesce(?2,item),coalesce(?3,state),coalesce(?4,place),coalesce(?5,made),coalesce(?6,quantity),coalesce(?7,unit),1)",
	[ST_LOT_GET] = "SELECT lot.number, asset.code, asset.name, lot.firm FROM lot LEFT JOIN asset ON asset.id=lot.item WHERE lot.id=?1",

	[ST_LINK_FIND] = "SELECT 1 FROM lot_link WHERE parent=?1 AND child=?2",
	[ST_LINK_PUT] = "INSERT INTO lot_link(parent,child,quantity,unit,operation) VALUES(?1,?2,?3,?4,?5) ON CONFLICT(parent,child) DO UPDATE SET"
					" (quantity,unit,operation)=(coalesce(?3,quantity),coalesce(?4,unit),coalesce(?5,operation))"
					" WHERE (quantity,unit,operation) IS NOT (coalesce(?3,quantity),coalesce(?4,unit),coalesce(?5,operation))",

	[ST_OPERATION_FIND] = "SELECT id, start, end, coalesce(seq_first,0), coalesce(seq_last,0) FROM operation WHERE ref=?1",
	[ST_OPERATION_ADD] = "INSERT INTO operation(ref,machine,step,lot,item,mould,cavity,tool,standard_version,person,start,end,good,rework,scrap,"
						 "concession,seq_first,seq_last,uuid,arrival)"
						 " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20)",
	[ST_OPERATION_UPDATE] = "UPDATE operation SET " OPERATION_COLS "=" OPERATION_NEXT " WHERE ref=?1 AND " OPERATION_COLS " IS NOT " OPERATION_NEXT,

	[ST_EVENT_FIND] = "SELECT digest FROM event WHERE ref=?1",
	[ST_EVENT_ADD] = "INSERT INTO event(ref,uuid,digest,kind,t,arrival,asset,lot,quantity,unit,from_place,to_place,partner,text,corrects,reason,data,person,sealed)"
					 " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)",
	[ST_CHARACTERISTIC_FIND] = "SELECT digest FROM characteristic WHERE ref=?1",
	[ST_CHARACTERISTIC_ADD] = "INSERT INTO characteristic(ref,uuid,digest,lot,name,value,unit,lower,upper,judged,gauge,spec_version,person,t,asset,"
							  "seq,arrival) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)",

	[ST_SIGNAL_FIND] = "SELECT id FROM signal WHERE series=?1",
	[ST_SIGNAL_GET] = "SELECT s.name||coalesce(' '||s.label,''), a.code||coalesce(' '||s.unit,'') FROM signal s JOIN asset a ON a.id=s.asset"
					  " WHERE s.id=?1",
	[ST_SIGNAL_ADD] = "INSERT INTO signal(series,asset,name,label,unit,source,type,kind) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
	[ST_SIGNAL_UPDATE] = "UPDATE signal SET (asset,name,label,unit,source,type,kind)="
						 "(?2,?3,coalesce(?4,label),coalesce(?5,unit),coalesce(?6,source),?7,?8) WHERE series=?1 AND"
						 " (asset,name,label,unit,source,type,kind) IS NOT"
						 " (?2,?3,coalesce(?4,label),coalesce(?5,unit),coalesce(?6,source),?7,?8)",
	[ST_SIGNAL_SENT] = "SELECT id, series, name, source IS NOT NULL FROM signal WHERE asset=?1 AND id>?2 AND (source IS NULL OR source='http')"
					   " ORDER BY id LIMIT 1",
	[ST_SIGNAL_NAME] = "UPDATE signal SET (label,unit)=(?2,?3) WHERE id=?1 AND (label,unit) IS NOT (?2,?3)",

	[ST_STATE_FIRST] = "SELECT from_t, to_t FROM state WHERE asset=?1 AND from_t<?2 ORDER BY from_t DESC LIMIT 1",
	[ST_STATE_LOAD] = "SELECT from_t, to_t, state, alarm FROM state WHERE asset=?1 AND from_t>=?2 AND from_t<=?3 ORDER BY from_t",
	[ST_STATE_CUT] = "DELETE FROM state WHERE asset=?1 AND from_t>=?2 AND from_t<=?3",
	[ST_STATE_ADD] = "INSERT INTO state(asset,from_t,to_t,state,alarm) VALUES(?1,?2,?3,?4,?5)",

	[ST_CASE_LIVE] = "SELECT id, begin_t FROM cases WHERE asset=?1 AND cause=?2 AND over=0 AND state<>'closed'",
	[ST_CASE_SAME] = CASE_OVERLAP " AND begin_t<=?3 AND end_t IS ?5 AND over=?6 ORDER BY id DESC LIMIT 1",
	[ST_CASE_OVERLAP] = CASE_OVERLAP " ORDER BY id DESC LIMIT 1",
	[ST_CASE_ADD] = "INSERT INTO cases(uuid,asset,cause,kind,state,begin_t,end_t,raised,changed,lot,evidence,over)"
					" VALUES(?1,?2,?3,?4,'open',?5,?6,?7,?8,?9,json_patch('{}',?10),?11)", /* in the form that json_patch() leaves */
	[ST_CASE_UPDATE] = "UPDATE cases SET (kind,begin_t,end_t,lot,evidence,over)=" CASE_NEXT ", changed=max(changed,?8)"
					   " WHERE id=?1 AND (kind,begin_t,end_t,lot,evidence,over) IS NOT " CASE_NEXT,
	[ST_CASE_GET] = "SELECT state FROM cases WHERE id=?1",
	[ST_CASE_STATE] = "UPDATE cases SET state=?2, changed=max(changed,?3), closed_t=CASE ?2 WHEN 'closed' THEN ?3 END WHERE id=?1",
	[ST_CASES_CLOSED] = "SELECT id, closed_t FROM cases WHERE state='closed' AND closed_t<?1 ORDER BY closed_t, id LIMIT ?2",
	[ST_CASE_NOTES_DROP] = "DELETE FROM case_history WHERE case_id=?1",
	[ST_CASE_DROP] = "DELETE FROM cases WHERE id=?1",
	[ST_CASE_HISTORY] = "INSERT INTO case_history(case_id,t,state,who,note,person,sealed) VALUES(?1,?2,?3,?4,?5,?6,?7)",

	[ST_DOC_GET] = "SELECT version, json FROM doc WHERE class=?1 AND name=?2",
	[ST_DOC_LAST] = "SELECT version, restores FROM doc_history WHERE class=?1 AND name=?2 ORDER BY version DESC LIMIT 1",
	[ST_DOC_AT] = "SELECT json FROM doc_history WHERE class=?1 AND name=?2 AND version=?3",
	[ST_DOC_PUT] = "INSERT INTO doc(class,name,version,json) VALUES(?1,?2,?3,?4)"
				   " ON CONFLICT(class,name) DO UPDATE SET version=excluded.version, json=excluded.json",
	[ST_DOC_LOG] = "INSERT INTO doc_history(class,name,version,json,restores,who,changed) VALUES(?1,?2,?3,?4,?5,?6,?7)",

	[ST_IDEM_GET] = "SELECT digest, answer FROM idem WHERE key=?1",
	[ST_IDEM_PUT] = "INSERT INTO idem(key,digest,answer,t) VALUES(?1,?2,?3,?4)",
	[ST_IDEM_PRUNE] = "DELETE FROM idem WHERE t<?1",
	[ST_MARK_PUT] = "INSERT INTO mark(name,value) VALUES(?1,?2) ON CONFLICT(name) DO UPDATE SET value=excluded.value",
	[ST_BLOB_FIND] = "SELECT 1 FROM blob WHERE sha256=?1",
	[ST_BLOB_ADD] = "INSERT INTO blob(sha256,size,media_type,name,tree,leaves,t,seen) VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
	[ST_BLOB_SEEN] = "UPDATE blob SET seen=?2 WHERE sha256=?1 AND coalesce(seen,t)<?2",
	[ST_GONE_ADD] = "INSERT OR IGNORE INTO blob_gone(sha256) VALUES(?1)",
	[ST_GONE_LIST] = "SELECT sha256 FROM blob_gone WHERE sha256>x'' ORDER BY sha256 LIMIT ?1",
	[ST_GONE_DROP] = "DELETE FROM blob_gone WHERE sha256=?1",
	[ST_BLOB_DROP] = "DELETE FROM blob WHERE sha256=?1",
	[ST_IMPORT_FIND] = "SELECT 1 FROM import WHERE id=?1",
	[ST_IMPORT_PUT] = "INSERT INTO import(id,file,sha256,state,result,t) VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT(id) DO UPDATE SET"
					  " (file,sha256,state,result)=(?2,?3,?4,?5) WHERE (file,sha256,state,result) IS NOT (?2,?3,?4,?5)",
	[ST_AUDIT_FIRST] = "SELECT id, t FROM audit WHERE id>0 ORDER BY id LIMIT ?1",
	[ST_AUDIT_DROP] = "DELETE FROM audit WHERE id<=?1",
	[ST_SWEEPING_ADD] = "INSERT INTO sweeping(noun,before) VALUES(?1,?2)",
	[ST_SWEEPING_END] = "DELETE FROM sweeping",
	[ST_AUDIT_ADD] = "INSERT INTO audit(t,who,what,target,detail) VALUES(?1,?2,?3,?4,?5)",

	[ST_ACCOUNT_FIND] = "SELECT id, role, hash, disabled FROM account WHERE name=?1",
	[ST_ACCOUNT_ADD] = "INSERT INTO account(uuid,name,role,hash,made,changed,disabled) VALUES(?1,?2,?3,?4,?5,?5,?6)",
	[ST_ACCOUNT_UPDATE] = "UPDATE account SET (role,hash,changed,disabled)=(?2,coalesce(?3,hash),CASE WHEN ?3 IS NULL THEN changed ELSE ?4 END,?5)"
						  " WHERE id=?1",
	[ST_ACCOUNT_DROP] = "DELETE FROM account WHERE id=?1",
	[ST_ACCOUNT_FIRST] = "SELECT id FROM account WHERE id>0 ORDER BY id LIMIT 1",
	[ST_ACCOUNT_OWNER] = "SELECT id FROM account WHERE role='owner' AND disabled IS NULL LIMIT 1",
	[ST_SESSION_OF] = "SELECT id FROM account WHERE id=?1 AND hash=?2 AND disabled IS NULL",
	[ST_SESSION_ADD] = "INSERT INTO session(digest,account,made,seen,expires) VALUES(?1,?2,?3,?3,?4)",
	[ST_SESSION_SEEN] = "UPDATE session SET seen=max(seen,?2) WHERE digest=?1",
	[ST_SESSION_DROP] = "DELETE FROM session WHERE digest=?1",
	[ST_SESSIONS_DROP] = "DELETE FROM session WHERE account=?1",
	[ST_SESSIONS_PRUNE] = "DELETE FROM session WHERE expires<=?1",
	[ST_TOKEN_NAMED] = "SELECT id FROM token WHERE name=?1 AND revoked IS NULL",
	[ST_TOKEN_ADD] = "INSERT INTO token(name,digest,role,permissions,maker,made,expires) VALUES(?1,?2,?3,?4,?5,?6,?7)",
	[ST_TOKEN_SEEN] = "UPDATE token SET seen=max(coalesce(seen,?2),?2) WHERE id=?1",
	[ST_TOKEN_REVOKE] = "UPDATE token SET revoked=?2 WHERE id=?1 AND revoked IS NULL",

	[ST_OUTBOX_FIND] = "SELECT id FROM outbox WHERE sink=?1",
	[ST_OUTBOX_ADD] = "INSERT INTO outbox(sink,node,cursor,sent,skipped) VALUES(?1,?2,?3,0,0)",
	[ST_OUTBOX_NODE] = "UPDATE outbox SET node=?2 WHERE id=?1",
	[ST_OUTBOX_DROP] = "DELETE FROM outbox WHERE sink=?1",
	[ST_OUTBOX_SENT] = "UPDATE outbox SET cursor=?2, sent=sent+?3, last=coalesce(?4,last) WHERE id=?1 AND cursor<=?2",
	[ST_OUTBOX_GAP] = "UPDATE outbox SET cursor=?2, gap_from=coalesce(gap_from,cursor+1), gap_to=?2, skipped=skipped+?2-cursor WHERE id=?1 AND cursor<?2",
	[ST_OUTBOX_TOLD] = "UPDATE outbox SET gap_from=NULL, gap_to=NULL, last=?3 WHERE id=?1 AND gap_to=?2",
	[ST_OUTBOX_REACH] = "UPDATE outbox SET cursor=max(cursor,?2) WHERE id=?1",
	[ST_OUTBOX_COUNT] = "UPDATE outbox SET sent=sent+1, last=?2 WHERE id=?1",
	[ST_ASIDE_PUT] = "INSERT INTO outbox_aside(outbox,number,t,status,reason,again) VALUES(?1,?2,?3,?4,?5,0) ON CONFLICT(outbox,number) DO UPDATE SET"
					 " t=?3, status=?4, reason=?5, again=0",
	[ST_ASIDE_AGAIN] = "UPDATE outbox_aside SET again=1 WHERE id=?1 AND outbox=(SELECT id FROM outbox WHERE sink=?2)",
	[ST_ASIDE_ARRIVED] = "DELETE FROM outbox_aside WHERE outbox=?1 AND number=?2",
	[ST_ASIDE_DROP] = "DELETE FROM outbox_aside WHERE id=?1 AND outbox=(SELECT id FROM outbox WHERE sink=?2)",
	[ST_ASIDES_DROP] = "DELETE FROM outbox_aside WHERE outbox=(SELECT id FROM outbox WHERE sink=?1)",
};
