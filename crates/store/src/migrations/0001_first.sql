-- Common to both engines. Types are BIGINT (numbers, flags, milliseconds since 1970 UTC), TEXT, and BYTEA (ids are
-- their 16 bytes). `{text}` is a text that sorts by its bytes in both engines; `{clustered}` keeps rows in key order
-- where the engine can.

CREATE TABLE host (
    id BYTEA NOT NULL PRIMARY KEY,
    name {text} NOT NULL,
    agent BYTEA,
    created BIGINT NOT NULL,
    fields TEXT NOT NULL,
    addresses TEXT NOT NULL,
    os TEXT NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT host_name UNIQUE (name)
);

CREATE TABLE check_def (
    id BYTEA NOT NULL PRIMARY KEY,
    host BYTEA NOT NULL REFERENCES host (id) ON DELETE CASCADE,
    key {text} NOT NULL,
    title TEXT NOT NULL,
    kind TEXT NOT NULL,
    runner BYTEA,
    interval_ms BIGINT NOT NULL,
    retry_ms BIGINT NOT NULL,
    max_attempts BIGINT NOT NULL,
    volatile BIGINT NOT NULL,
    enabled BIGINT NOT NULL,
    spec TEXT NOT NULL,
    created BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT check_key UNIQUE (host, key)
);

CREATE TABLE check_state (
    check_id BYTEA NOT NULL PRIMARY KEY REFERENCES check_def (id) ON DELETE CASCADE,
    host BYTEA NOT NULL,
    status TEXT,
    state_type TEXT NOT NULL,
    since BIGINT,
    -- The rest of the state machine's memory, as JSON with short names: only ever read whole.
    core TEXT NOT NULL,
    reason TEXT NOT NULL,
    output TEXT NOT NULL,
    long_output TEXT NOT NULL,
    metrics TEXT NOT NULL
) {clustered};

CREATE TABLE ack (
    check_id BYTEA NOT NULL PRIMARY KEY REFERENCES check_def (id) ON DELETE CASCADE,
    made_by TEXT NOT NULL,
    at BIGINT NOT NULL,
    note TEXT NOT NULL,
    sticky BIGINT NOT NULL,
    expires BIGINT
);

CREATE TABLE downtime (
    id BYTEA NOT NULL PRIMARY KEY,
    host BYTEA NOT NULL REFERENCES host (id) ON DELETE CASCADE,
    check_id BYTEA REFERENCES check_def (id) ON DELETE CASCADE,
    starts BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    note TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    cancelled BIGINT,
    cancelled_by TEXT NOT NULL
);
CREATE INDEX downtime_host ON downtime (host);
CREATE INDEX downtime_check ON downtime (check_id);
CREATE INDEX downtime_ends ON downtime (ends) WHERE cancelled IS NULL;

-- No references: the timeline outlives what it speaks of.
CREATE TABLE event (
    id BYTEA NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    host BYTEA,
    check_id BYTEA,
    agent BYTEA,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    summary TEXT NOT NULL,
    detail TEXT NOT NULL
) {clustered};
CREATE INDEX event_host ON event (host, id);
CREATE INDEX event_check ON event (check_id, id);
CREATE INDEX event_at ON event (at);

CREATE TABLE agent (
    id BYTEA NOT NULL PRIMARY KEY,
    host BYTEA NOT NULL,
    hostname TEXT NOT NULL,
    standing TEXT NOT NULL,
    grants TEXT NOT NULL,
    version TEXT NOT NULL,
    os TEXT NOT NULL,
    enrolled BIGINT NOT NULL,
    enrolled_by_token BYTEA NOT NULL,
    last_seen BIGINT,
    last_address TEXT NOT NULL,
    cert_serial TEXT NOT NULL,
    cert_not_after BIGINT NOT NULL,
    machine_digest BYTEA NOT NULL,
    remote_off BIGINT NOT NULL,
    plugins TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    committed_seq BIGINT NOT NULL,
    committed_at BIGINT
);
CREATE INDEX agent_host ON agent (host);

CREATE TABLE agent_cert (
    serial {text} NOT NULL PRIMARY KEY,
    agent BYTEA NOT NULL REFERENCES agent (id),
    parent_serial {text},
    spki_sha256 TEXT NOT NULL,
    not_before BIGINT NOT NULL,
    not_after BIGINT NOT NULL,
    cert_der BYTEA NOT NULL,
    revoked BIGINT,
    recorded BIGINT NOT NULL,
    -- A second renewal from one certificate is a cloned key.
    CONSTRAINT agent_cert_parent UNIQUE (parent_serial)
);
CREATE INDEX agent_cert_agent ON agent_cert (agent);
CREATE INDEX agent_cert_revoked ON agent_cert (not_after) WHERE revoked IS NOT NULL;

CREATE TABLE token (
    id BYTEA NOT NULL PRIMARY KEY,
    secret_sha256 BYTEA NOT NULL,
    host_pattern TEXT NOT NULL,
    grants TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT,
    used_by BYTEA,
    withdrawn BIGINT
);

CREATE TABLE execution (
    id BYTEA NOT NULL PRIMARY KEY,
    agent BYTEA NOT NULL,
    check_id BYTEA,
    kind TEXT NOT NULL,
    what TEXT NOT NULL,
    argv TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    grade TEXT NOT NULL,
    outcome TEXT NOT NULL,
    started BIGINT NOT NULL,
    finished BIGINT NOT NULL
) {clustered};
CREATE INDEX execution_agent ON execution (agent, id);
CREATE INDEX execution_check ON execution (check_id, id);
CREATE INDEX execution_finished ON execution (finished);

CREATE TABLE inventory (
    host BYTEA NOT NULL REFERENCES host (id) ON DELETE CASCADE,
    section {text} NOT NULL,
    key {text} NOT NULL,
    fields TEXT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_changed BIGINT NOT NULL,
    PRIMARY KEY (host, section, key)
) {clustered};

CREATE TABLE channel (
    id BYTEA NOT NULL PRIMARY KEY,
    name {text} NOT NULL,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    secret_sealed BYTEA NOT NULL,
    enabled BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT channel_name UNIQUE (name)
);

CREATE TABLE outbox (
    id BYTEA NOT NULL PRIMARY KEY,
    channel BYTEA NOT NULL,
    check_id BYTEA NOT NULL,
    host BYTEA NOT NULL,
    kind TEXT NOT NULL,
    created BIGINT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt BIGINT NOT NULL,
    last_error TEXT NOT NULL,
    delivered BIGINT
);
CREATE INDEX outbox_due ON outbox (next_attempt) WHERE state = 'pending';
CREATE INDEX outbox_failed ON outbox (state) WHERE state = 'failed';

CREATE TABLE person (
    id BYTEA NOT NULL PRIMARY KEY,
    name {text} NOT NULL,
    display_name TEXT NOT NULL,
    role TEXT NOT NULL,
    password_phc TEXT NOT NULL,
    totp_sealed BYTEA NOT NULL,
    totp_last_step BIGINT NOT NULL,
    created BIGINT NOT NULL,
    disabled BIGINT,
    failures BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT person_name UNIQUE (name)
);

CREATE TABLE recovery (
    person BYTEA NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    code_sha256 BYTEA NOT NULL,
    PRIMARY KEY (person, code_sha256)
);

CREATE TABLE session (
    id BYTEA NOT NULL PRIMARY KEY,
    token_sha256 BYTEA NOT NULL,
    person BYTEA NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    created BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    method TEXT NOT NULL,
    ended BIGINT,
    CONSTRAINT session_token UNIQUE (token_sha256)
);
CREATE INDEX session_person ON session (person);

CREATE TABLE setting (
    key {text} NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- The next sequence number of the audit log. Whoever writes takes it in the same transaction, so the log has no gaps.
CREATE TABLE audit_head (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    next_seq BIGINT NOT NULL,
    -- Instants of the newest entry and of the one before the newest batch, nanoseconds since 1970 UTC.
    last_ts_ns BIGINT,
    prev_ts_ns BIGINT
);
INSERT INTO audit_head (only_row, next_seq) VALUES (1, 0);

CREATE TABLE audit_entry (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    actor {text} NOT NULL,
    action {text} NOT NULL,
    object {text} NOT NULL,
    outcome TEXT NOT NULL,
    entry TEXT NOT NULL,
    leaf_hash BYTEA NOT NULL
);
CREATE INDEX audit_entry_actor ON audit_entry (actor, seq);
CREATE INDEX audit_entry_object ON audit_entry (object, seq);
