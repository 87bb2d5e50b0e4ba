-- Tenants in a tree. What there is belongs to the root, which holds all others; `{root}` is its id.

CREATE TABLE tenant (
    id BYTEA NOT NULL PRIMARY KEY,
    parent BYTEA REFERENCES tenant (id),
    name {text} NOT NULL,
    -- Configuration of it and all below it may not be changed; and why.
    read_only BIGINT NOT NULL,
    why TEXT NOT NULL,
    created BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT tenant_name UNIQUE (parent, name)
);
INSERT INTO tenant (id, parent, name, read_only, why, created, revision) VALUES ({root}, NULL, 'All', 0, '', 0, 1);

-- Of what is known by a name, the name counts within its tenant; of what hangs on a host, the host's tenant is repeated,
-- so that the condition is in the statement itself.
ALTER TABLE host ADD COLUMN tenant BYTEA NOT NULL DEFAULT {root};
ALTER TABLE host ADD COLUMN labels TEXT NOT NULL DEFAULT '[]';
ALTER TABLE channel ADD COLUMN tenant BYTEA NOT NULL DEFAULT {root};
ALTER TABLE token ADD COLUMN tenant BYTEA NOT NULL DEFAULT {root};
ALTER TABLE person ADD COLUMN tenant BYTEA NOT NULL DEFAULT {root};
ALTER TABLE invitation ADD COLUMN tenant BYTEA NOT NULL DEFAULT {root};
ALTER TABLE saved_view ADD COLUMN tenant BYTEA NOT NULL DEFAULT {root};
ALTER TABLE agent ADD COLUMN tenant BYTEA NOT NULL DEFAULT {root};
ALTER TABLE check_def ADD COLUMN tenant BYTEA NOT NULL DEFAULT {root};
ALTER TABLE downtime ADD COLUMN tenant BYTEA NOT NULL DEFAULT {root};
ALTER TABLE inventory ADD COLUMN tenant BYTEA NOT NULL DEFAULT {root};
ALTER TABLE event ADD COLUMN tenant BYTEA NOT NULL DEFAULT {root};
ALTER TABLE execution ADD COLUMN tenant BYTEA NOT NULL DEFAULT {root};
ALTER TABLE outbox ADD COLUMN tenant BYTEA NOT NULL DEFAULT {root};
ALTER TABLE audit_entry ADD COLUMN tenant BYTEA NOT NULL DEFAULT {root};
CREATE INDEX event_tenant ON event (tenant, id);
CREATE INDEX audit_entry_tenant ON audit_entry (tenant, seq);
