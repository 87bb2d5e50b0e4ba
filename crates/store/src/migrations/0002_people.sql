-- One-time links for people, a fresh second factor on a session, and views that people save.

CREATE TABLE invitation (
    id BYTEA NOT NULL PRIMARY KEY,
    secret_sha256 BYTEA NOT NULL,
    -- Whose factors the link renews; null for a new account.
    person BYTEA REFERENCES person (id) ON DELETE CASCADE,
    name {text} NOT NULL,
    display_name TEXT NOT NULL,
    role TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT,
    withdrawn BIGINT,
    CONSTRAINT invitation_secret UNIQUE (secret_sha256)
);
CREATE INDEX invitation_name ON invitation (name);

ALTER TABLE session ADD COLUMN elevated BIGINT;

CREATE TABLE saved_view (
    id BYTEA NOT NULL PRIMARY KEY,
    owner BYTEA NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    list {text} NOT NULL,
    name {text} NOT NULL,
    filter TEXT NOT NULL,
    scope TEXT NOT NULL,
    sort TEXT NOT NULL,
    shared BIGINT NOT NULL,
    created BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT saved_view_name UNIQUE (owner, list, name)
);
CREATE INDEX saved_view_shared ON saved_view (list) WHERE shared = 1;
