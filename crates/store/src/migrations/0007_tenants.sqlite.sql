-- A name is taken within its tenant only. SQLite cannot change a constraint, so the tables are made anew; references to
-- `host` keep their name. Foreign keys are off meanwhile: see `migrate`.
CREATE TABLE host_of_tenant (
    id BYTEA NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    agent BYTEA,
    created BIGINT NOT NULL,
    fields TEXT NOT NULL,
    addresses TEXT NOT NULL,
    os TEXT NOT NULL,
    revision BIGINT NOT NULL,
    tenant BYTEA NOT NULL DEFAULT X'00000000000000000000000000000000',
    labels TEXT NOT NULL DEFAULT '[]',
    CONSTRAINT host_name UNIQUE (tenant, name)
);
INSERT INTO host_of_tenant (id, name, agent, created, fields, addresses, os, revision, tenant, labels)
SELECT id, name, agent, created, fields, addresses, os, revision, tenant, labels FROM host;
DROP TABLE host;
ALTER TABLE host_of_tenant RENAME TO host;

CREATE TABLE channel_of_tenant (
    id BYTEA NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    secret_sealed BYTEA NOT NULL,
    enabled BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    tenant BYTEA NOT NULL DEFAULT X'00000000000000000000000000000000',
    CONSTRAINT channel_name UNIQUE (tenant, name)
);
INSERT INTO channel_of_tenant (id, name, kind, config, secret_sealed, enabled, revision, tenant)
SELECT id, name, kind, config, secret_sealed, enabled, revision, tenant FROM channel;
DROP TABLE channel;
ALTER TABLE channel_of_tenant RENAME TO channel;
