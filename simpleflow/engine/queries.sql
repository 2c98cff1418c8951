-- The statements of the store, by name.

-- name: file_id
SELECT value FROM meta WHERE name = 'id'

-- name: insert_domain
INSERT INTO domain (name, status, description, retention, created, tags) VALUES (?, 'REGISTERED', ?, ?, ?, ?)

-- name: domain
SELECT id, status, description, retention, created, deprecated FROM domain WHERE name = ?

-- name: retention
SELECT retention FROM domain WHERE id = ?

-- name: deprecate_domain
UPDATE domain SET status = ?2, deprecated = ?3 WHERE id = ?1

-- name: domain_tags
SELECT tags FROM domain WHERE id = ?

-- name: set_domain_tags
UPDATE domain SET tags = ?2 WHERE id = ?1

-- name: count_domains
SELECT count(*) FROM domain

-- name: insert_type
INSERT INTO type (domain, kind, name, version, status, description, created, defaults)
VALUES (?, ?, ?, ?, 'REGISTERED', ?, ?, ?)
ON CONFLICT (domain, kind, name, version) DO UPDATE SET
    status = 'REGISTERED', description = excluded.description, created = excluded.created,
    deprecated = NULL, defaults = excluded.defaults

-- name: type
SELECT id, status, description, created, deprecated, defaults FROM type
WHERE domain = ? AND kind = ? AND name = ? AND version = ?

-- name: set_type_status
UPDATE type SET status = ?2, deprecated = ?3 WHERE id = ?1

-- name: deprecate_types
UPDATE type SET status = 'DEPRECATED', deprecated = ?2 WHERE domain = ?1 AND status = 'REGISTERED'

-- name: type_name
SELECT name, version FROM type WHERE id = ?

-- name: count_types
SELECT count(*) FROM type WHERE domain = ? AND kind = ? AND status != 'DELETED'

-- name: insert_execution
INSERT INTO execution (id, domain, workflow_id, run_id, type, started, parent, tags) VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: last_execution_id
SELECT seq FROM sqlite_sequence WHERE name = 'execution'

-- name: execution
SELECT id, domain, workflow_id, run_id, type, started, closed, status, cancel_requested, parent, tags, final
FROM execution WHERE id = ?

-- name: execution_names
SELECT workflow_id, run_id, type.name, type.version FROM execution JOIN type ON type.id = type WHERE execution.id = ?

-- name: latest_execution
SELECT id, run_id, closed FROM execution WHERE domain = ? AND workflow_id = ? ORDER BY id DESC LIMIT 1

-- name: count_open_executions
SELECT count(*) FROM execution WHERE domain = ? AND closed IS NULL

-- name: close_execution
UPDATE execution SET closed = ?2, status = ?3, final = ?4 WHERE id = ?1 RETURNING parent

-- name: request_cancel
UPDATE execution SET cancel_requested = 1 WHERE id = ?

-- name: expired_execution
SELECT id FROM execution WHERE domain = ? AND closed IS NOT NULL AND closed <= ? ORDER BY closed LIMIT 1

-- name: delete_events
DELETE FROM event WHERE key IN (SELECT key FROM event WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?)

-- name: delete_execution
DELETE FROM execution WHERE id = ?

-- name: domain_ids
SELECT id FROM domain ORDER BY id

-- name: insert_open_execution
INSERT INTO open_execution VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: open_execution
SELECT * FROM open_execution WHERE id = ?

-- name: update_open_execution
UPDATE open_execution SET
    task_list = ?, sticky = ?, queued = ?, scheduled = ?, started = ?, previous = ?, context = ?,
    latest_activity = ?, due = ?, list = ?, priority = ?, arrival = ?
WHERE id = ?

-- name: delete_open_execution
DELETE FROM open_execution WHERE id = ?

-- name: next_decision
SELECT * FROM open_execution WHERE domain = ? AND list = ? AND arrival IS NOT NULL
ORDER BY priority, arrival LIMIT 1

-- name: last_decision_arrival
SELECT max(arrival) FROM open_execution WHERE domain = ? AND list = ? AND priority = ? AND arrival IS NOT NULL

-- name: count_decisions
SELECT ifnull(sum((queued > 0) + (started > 0)), 0) FROM open_execution WHERE domain = ? AND list = ?

-- name: due_execution
SELECT * FROM open_execution WHERE due <= ? ORDER BY due LIMIT 1

-- name: next_due
SELECT
    (SELECT min(id) FROM outbox),
    (SELECT min(due) FROM open_execution),
    (SELECT min(due) FROM open_task WHERE due IS NOT NULL)

-- name: insert_task
INSERT INTO open_task VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: update_task
UPDATE open_task SET
    started = ?2, cancel = ?3, due = ?4, timeout = ?5, close_due = ?6, close_timeout = ?7, heartbeat = ?8,
    details = ?9, arrival = ?10
WHERE key = ?1

-- name: delete_task
DELETE FROM open_task WHERE key = ?

-- name: delete_tasks
DELETE FROM open_task WHERE key BETWEEN ? AND ?

-- name: task
SELECT * FROM open_task WHERE key = ?

-- name: tasks_named
SELECT * FROM open_task WHERE key BETWEEN ? AND ? AND name IN (SELECT value FROM json_each(?))

-- name: count_open
SELECT kind, count(*) FROM open_task WHERE key BETWEEN ? AND ? GROUP BY kind

-- name: next_task
SELECT * FROM open_task WHERE domain = ? AND list = ? AND arrival IS NOT NULL
ORDER BY priority, arrival LIMIT 1

-- name: last_task_arrival
SELECT max(arrival) FROM open_task WHERE domain = ? AND list = ? AND priority = ? AND arrival IS NOT NULL

-- name: count_tasks
SELECT count(*) FROM open_task WHERE domain = ? AND list = ?

-- name: due_task
SELECT * FROM open_task WHERE due <= ? ORDER BY due, key LIMIT 1

-- name: insert_message
INSERT INTO outbox (source, kind) VALUES (?, ?)

-- name: tell_children
INSERT INTO outbox (source, kind)
SELECT key, ?4 FROM open_task WHERE key BETWEEN ?1 AND ?2 AND kind = ?3 ORDER BY key

-- name: next_message
SELECT id, source, kind FROM outbox ORDER BY id LIMIT 1

-- name: delete_message
DELETE FROM outbox WHERE id = ?

-- name: insert_event
INSERT INTO event VALUES (?, ?, ?, ?, ?)

-- name: event
SELECT ifnull(began, time), type, attributes FROM event WHERE key = ?

-- name: last_event
SELECT key, time FROM event WHERE key < ? ORDER BY key DESC LIMIT 1

-- name: events
SELECT key, time, type, attributes FROM event WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?

-- name: events_reversed
SELECT key, time, type, attributes FROM event WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT ?

-- name: mentions
SELECT CAST(attributes AS TEXT) FROM event WHERE instr(attributes, CAST(? AS BLOB))

-- name: run_ids
SELECT run_id FROM execution

-- name: oldest_open
SELECT min(started) FROM execution WHERE closed IS NULL
