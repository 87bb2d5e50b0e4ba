-- Who vouches for people from outside, who is whom there, and which sessions hang on it.

CREATE TABLE provider (
    id BYTEA NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    name {text} NOT NULL,
    enabled BIGINT NOT NULL,
    config TEXT NOT NULL,
    secret_sealed BYTEA NOT NULL,
    mapping TEXT NOT NULL,
    create_accounts BIGINT NOT NULL,
    trusts_factor BIGINT NOT NULL,
    created BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT provider_name UNIQUE (name)
);

CREATE TABLE person_outside (
    provider BYTEA NOT NULL REFERENCES provider (id) ON DELETE CASCADE,
    -- The provider's unchanging name for the person, byte for byte.
    subject {text} NOT NULL,
    person BYTEA NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    linked BIGINT NOT NULL,
    made_account BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    PRIMARY KEY (provider, subject)
);
CREATE INDEX person_outside_person ON person_outside (person);

CREATE TABLE session_outside (
    -- No references: it is announced before the session, and which provider it was is known when that is gone.
    session BYTEA NOT NULL PRIMARY KEY,
    provider BYTEA NOT NULL,
    subject {text} NOT NULL,
    outside_session {text} NOT NULL
);
CREATE INDEX session_outside_subject ON session_outside (provider, subject);
CREATE INDEX session_outside_session ON session_outside (provider, outside_session);

-- What counts once: ids of assertions and logout tokens, until they would be refused for their age.
CREATE TABLE outside_once (
    provider BYTEA NOT NULL,
    once_key {text} NOT NULL,
    until_ms BIGINT NOT NULL,
    PRIMARY KEY (provider, once_key)
);
CREATE INDEX outside_once_until ON outside_once (until_ms);

-- Local accounts for the day the providers are down.
CREATE TABLE break_glass (
    person BYTEA NOT NULL PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    since BIGINT NOT NULL
);
