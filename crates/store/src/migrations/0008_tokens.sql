-- Tokens for programs, service accounts, acts that two people must want, and reviews of who has access.

CREATE TABLE api_token (
    id BYTEA NOT NULL PRIMARY KEY,
    owner BYTEA NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    hint TEXT NOT NULL,
    secret_sha256 BYTEA NOT NULL,
    -- The secret before the last rotation, and until when it still works.
    old_sha256 BYTEA,
    old_until BIGINT,
    -- What the token is cut down to, as JSON.
    scope TEXT NOT NULL,
    -- Address ranges as a JSON list; empty: from anywhere.
    networks TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    rotated BIGINT,
    expires BIGINT NOT NULL,
    last_used BIGINT,
    last_address TEXT NOT NULL,
    revoked BIGINT,
    revoked_by TEXT NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT api_token_secret UNIQUE (secret_sha256)
);
CREATE INDEX api_token_old ON api_token (old_sha256);
CREATE INDEX api_token_owner ON api_token (owner);

-- An account that no person signs in with.
CREATE TABLE service_account (
    person BYTEA NOT NULL PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    -- Who answers for it.
    owner BYTEA REFERENCES person (id) ON DELETE SET NULL,
    purpose TEXT NOT NULL,
    review_due BIGINT NOT NULL,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    revision BIGINT NOT NULL
);

CREATE TABLE approval (
    id BYTEA NOT NULL PRIMARY KEY,
    act TEXT NOT NULL,
    object TEXT NOT NULL,
    summary TEXT NOT NULL,
    payload TEXT NOT NULL,
    payload_sha256 TEXT NOT NULL,
    -- What the object was like when it was asked for; another one voids the request.
    object_state TEXT NOT NULL,
    requester BYTEA,
    requester_name TEXT NOT NULL,
    via TEXT NOT NULL,
    reason TEXT NOT NULL,
    requested BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    state {text} NOT NULL,
    decided BIGINT,
    decider BYTEA,
    decided_by TEXT NOT NULL,
    note TEXT NOT NULL
);
CREATE INDEX approval_state ON approval (state, expires);

CREATE TABLE access_review (
    id BYTEA NOT NULL PRIMARY KEY,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    window_days BIGINT NOT NULL,
    due BIGINT NOT NULL,
    signed BIGINT,
    signed_by TEXT NOT NULL,
    note TEXT NOT NULL,
    next_due BIGINT
);

CREATE TABLE access_review_line (
    review BYTEA NOT NULL REFERENCES access_review (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    facts TEXT NOT NULL,
    findings TEXT NOT NULL,
    decision TEXT NOT NULL,
    role TEXT NOT NULL,
    note TEXT NOT NULL,
    decided BIGINT,
    decided_by TEXT NOT NULL,
    PRIMARY KEY (review, number)
);
