-- A name is taken within its tenant only.
ALTER TABLE host DROP CONSTRAINT host_name;
ALTER TABLE host ADD CONSTRAINT host_name UNIQUE (tenant, name);
ALTER TABLE channel DROP CONSTRAINT channel_name;
ALTER TABLE channel ADD CONSTRAINT channel_name UNIQUE (tenant, name);

-- The second wall. Every statement carries the tenants it may see; should one ever forget, the database does not. A
-- connection says whose eyes it has in `watchkeep.scope`: `*` is the program itself, else tenants in hexadecimal. One
-- that says nothing sees nothing, the owner of the tables included.
DO $$
DECLARE
    scope CONSTANT text := '(SELECT current_setting(''watchkeep.scope'', true))';
    seen CONSTANT text := scope || ' = ''*'' OR encode(%s, ''hex'') = ANY ((SELECT string_to_array(current_setting(''watchkeep.scope'', true), '',''))::text[])';
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['host', 'channel', 'token', 'person', 'invitation', 'saved_view', 'agent', 'check_def',
                             'downtime', 'inventory', 'event', 'execution', 'outbox', 'audit_entry'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_wall ON %I USING (%s)', t, format(seen, 'tenant'));
    END LOOP;
    EXECUTE 'ALTER TABLE tenant ENABLE ROW LEVEL SECURITY';
    EXECUTE 'ALTER TABLE tenant FORCE ROW LEVEL SECURITY';
    EXECUTE format('CREATE POLICY tenant_wall ON tenant USING (%s)', format(seen, 'id'));
    -- What hangs on a row that is seen is seen.
    FOREACH t IN ARRAY ARRAY['check_state', 'ack'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant_wall ON %I USING (%s = ''*'' OR EXISTS (SELECT 1 FROM check_def c WHERE c.id = check_id))', t, scope);
    END LOOP;
    EXECUTE 'ALTER TABLE agent_cert ENABLE ROW LEVEL SECURITY';
    EXECUTE 'ALTER TABLE agent_cert FORCE ROW LEVEL SECURITY';
    EXECUTE format('CREATE POLICY tenant_wall ON agent_cert USING (%s = ''*'' OR EXISTS (SELECT 1 FROM agent a WHERE a.id = agent))', scope);
END;
$$;

-- Whoever reads for a person reads as this role: it owns nothing, writes nothing, and no wall lets it through, even if the
-- program's own account may pass them all. Without the right to make roles there is none, and the wall above stands alone.
DO $$
BEGIN
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'watchkeep_seen') THEN
            CREATE ROLE watchkeep_seen NOLOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT;
        END IF;
    EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN NULL;
    END;
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'watchkeep_seen') THEN
        RETURN;
    END IF;
    BEGIN
        IF NOT pg_has_role(current_user, 'watchkeep_seen', 'MEMBER') THEN
            EXECUTE format('GRANT watchkeep_seen TO %I', current_user);
        END IF;
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO watchkeep_seen', current_schema());
    GRANT SELECT ON tenant, host, channel, token, person, invitation, saved_view, agent, check_def, check_state, ack,
        downtime, inventory, event, execution, outbox, audit_entry TO watchkeep_seen;
END;
$$;
