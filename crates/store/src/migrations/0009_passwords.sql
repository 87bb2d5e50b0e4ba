-- Rules for passwords, what is known of each password beside its hash, former hashes, browsers known from before.

-- One for everybody (`default`), and any for a role (`role:viewer`) or a group (`group:...`); the strictest holds.
CREATE TABLE password_policy (
    scope {text} NOT NULL PRIMARY KEY,
    body TEXT NOT NULL,
    changed BIGINT NOT NULL,
    changed_by TEXT NOT NULL
);

-- Of the rules under which a password was set, not of the password: nothing here helps to guess it.
CREATE TABLE password_fact (
    person BYTEA NOT NULL PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    set_at BIGINT NOT NULL,
    must_change TEXT,
    least_chars BIGINT NOT NULL,
    classes BIGINT NOT NULL,
    letters_and_digits BIGINT NOT NULL
);

CREATE TABLE password_history (
    person BYTEA NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    retired BIGINT NOT NULL,
    phc TEXT NOT NULL
);
CREATE INDEX password_history_person ON password_history (person, retired);

CREATE TABLE browser (
    id BYTEA NOT NULL PRIMARY KEY,
    person BYTEA NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    nonce_sha256 BYTEA NOT NULL,
    first_seen BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    address TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    CONSTRAINT browser_nonce UNIQUE (nonce_sha256)
);
CREATE INDEX browser_person ON browser (person);
