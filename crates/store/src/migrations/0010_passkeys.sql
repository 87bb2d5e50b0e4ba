-- Passkeys, the real revision a seed is sealed under, last factors on their way out, browsers that may administer.

CREATE TABLE passkey (
    id BYTEA NOT NULL PRIMARY KEY,
    person BYTEA NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    credential BYTEA NOT NULL,
    rp_id {text} NOT NULL,
    public_key BYTEA NOT NULL,
    sign_count BIGINT NOT NULL,
    backup_eligible BIGINT NOT NULL,
    backed_up BIGINT NOT NULL,
    aaguid BYTEA NOT NULL,
    transports TEXT NOT NULL,
    name TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT,
    tag BYTEA NOT NULL,
    CONSTRAINT passkey_credential UNIQUE (credential)
);
CREATE INDEX passkey_person ON passkey (person);

-- The account's revision under which the seed was sealed. Seeds of before were all sealed under 1.
ALTER TABLE person ADD COLUMN totp_revision BIGINT NOT NULL DEFAULT 1;

CREATE TABLE factor_removal (
    person BYTEA NOT NULL PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    factor {text} NOT NULL,
    asked BIGINT NOT NULL,
    asked_by TEXT NOT NULL,
    due BIGINT NOT NULL
);

CREATE TABLE admin_device (
    id BYTEA NOT NULL PRIMARY KEY,
    person BYTEA NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    token_sha256 BYTEA NOT NULL,
    name TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    address TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_used BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    CONSTRAINT admin_device_token UNIQUE (token_sha256)
);
CREATE INDEX admin_device_person ON admin_device (person);
