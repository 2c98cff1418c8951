-- The file of the embedded engine, schema version 2.
--
-- Truth is the table of events, to which rows are only added. The other tables are what calls need to be O(log n):
-- what is open, what waits, what is due, what is registered.
--
-- Times are whole milliseconds since 1970. The key of an event, and of the open task that it opened, is
-- execution id * 2^24 + event id: a history is one range of keys, and its end is one step from the key after it.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE domain (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    description TEXT,
    retention TEXT NOT NULL,  -- days, or NONE
    created INTEGER NOT NULL,
    deprecated INTEGER,
    tags TEXT NOT NULL DEFAULT '{}'
) STRICT;

-- A type that is deleted keeps its row, since executions name it; registering it again gives the row new life.
CREATE TABLE type (
    id INTEGER PRIMARY KEY,
    domain INTEGER NOT NULL,
    kind TEXT NOT NULL,  -- workflow, activity
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    status TEXT NOT NULL,  -- REGISTERED, DEPRECATED, DELETED
    description TEXT,
    created INTEGER NOT NULL,
    deprecated INTEGER,
    defaults TEXT NOT NULL,  -- JSON of the default... members
    UNIQUE (domain, kind, name, version)
) STRICT;

CREATE TABLE event (
    key INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    type INTEGER NOT NULL,  -- the code in simpleflow.protocol.events
    attributes BLOB NOT NULL,  -- JSON
    began INTEGER  -- where the deadlines begin that it sets; NULL at its time, unless a clock had gone back
) STRICT;

-- Every execution, written when it starts and when it closes. AUTOINCREMENT: an id is never used again, so that a
-- token of an execution that was removed can never mean another.
CREATE TABLE execution (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    domain INTEGER NOT NULL,
    workflow_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    type INTEGER NOT NULL,
    started INTEGER NOT NULL,
    closed INTEGER,
    status TEXT,  -- COMPLETED, FAILED, ...; NULL while open
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    parent INTEGER,  -- the key of the event that initiated it
    tags TEXT,  -- JSON
    final TEXT  -- JSON: what a description still tells after the close
) STRICT;
-- The open execution of a workflow id is the last of the rows with this id, or there is none.
CREATE INDEX execution_by_name ON execution (domain, workflow_id);
CREATE INDEX execution_open ON execution (domain, started) WHERE closed IS NULL;
CREATE INDEX execution_started ON execution (domain, started) WHERE closed IS NOT NULL;
-- Retention walks this one as well: what closed before now - the domain's retention goes.
CREATE INDEX execution_closed ON execution (domain, closed) WHERE closed IS NOT NULL;

-- One row for each open execution: its decision tasks, of which at most one waits and one is worked on.
CREATE TABLE open_execution (
    id INTEGER PRIMARY KEY,
    domain INTEGER NOT NULL,
    child_policy TEXT NOT NULL,
    original_list TEXT NOT NULL,  -- of the start
    task_list TEXT NOT NULL,  -- of decision tasks from now on
    sticky TEXT NOT NULL,  -- their schedule-to-start timeout; NONE unless a decider asked for them
    task_timeout TEXT NOT NULL,  -- their start-to-close timeout
    task_priority TEXT,
    expires INTEGER NOT NULL,
    queued INTEGER NOT NULL DEFAULT 0,  -- the DecisionTaskScheduled that waits
    scheduled INTEGER NOT NULL DEFAULT 0,  -- the DecisionTaskScheduled that is worked on
    started INTEGER NOT NULL DEFAULT 0,  -- its DecisionTaskStarted
    previous INTEGER NOT NULL DEFAULT 0,  -- the DecisionTaskStarted of the last completed one
    context INTEGER NOT NULL DEFAULT 0,  -- the DecisionTaskCompleted with the latest executionContext
    latest_activity INTEGER,  -- time of the last ActivityTaskScheduled
    due INTEGER NOT NULL,  -- the earliest of expires and the decision task's timeout
    list TEXT NOT NULL,  -- of the decision task that waits, or is worked on
    priority INTEGER NOT NULL DEFAULT 0,  -- negated, so that the highest comes first
    arrival INTEGER  -- place in the list; NULL when nothing can be delivered
) STRICT;
CREATE INDEX open_execution_due ON open_execution (due);
CREATE INDEX open_execution_queue ON open_execution (domain, list, priority, arrival) WHERE arrival IS NOT NULL;

-- One row for each open activity, timer, child and Lambda function of an open execution.
CREATE TABLE open_task (
    key INTEGER PRIMARY KEY,  -- of the event that opened it
    kind INTEGER NOT NULL,  -- TaskKind in rows.py
    name TEXT NOT NULL,  -- activityId, timerId, workflowId, id
    domain INTEGER NOT NULL,
    started INTEGER NOT NULL DEFAULT 0,  -- the event that started it
    cancel INTEGER NOT NULL DEFAULT 0,  -- the latest ActivityTaskCancelRequested
    due INTEGER,  -- the next of its deadlines
    timeout INTEGER,  -- which one that is: Timeout in rows.py
    close_due INTEGER,  -- once started: the next one beside the heartbeat's
    close_timeout INTEGER,
    heartbeat INTEGER,  -- seconds; NULL is none
    details TEXT,  -- of the last heartbeat
    list TEXT,
    priority INTEGER NOT NULL DEFAULT 0,  -- as above
    arrival INTEGER  -- as above
) STRICT;
CREATE INDEX open_task_due ON open_task (due) WHERE due IS NOT NULL;
CREATE INDEX open_task_queue ON open_task (domain, list, priority, arrival) WHERE arrival IS NOT NULL;

-- What one execution has to tell another: a child to start or that closed, a signal, a cancel, a child policy.
-- Delivered in later transactions, in order; written in the one that decided it.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source INTEGER NOT NULL,  -- the key of the event that sends it, and holds what is told
    kind TEXT NOT NULL  -- Message in rows.py
) STRICT;
