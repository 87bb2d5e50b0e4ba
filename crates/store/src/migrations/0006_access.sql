-- Rights: groups of people, roles that somebody put together, and grants.

CREATE TABLE people_group (
    id BYTEA NOT NULL PRIMARY KEY,
    tenant BYTEA NOT NULL,
    name {text} NOT NULL,
    about TEXT NOT NULL,
    created BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT people_group_name UNIQUE (tenant, name)
);

CREATE TABLE people_membership (
    people_group BYTEA NOT NULL REFERENCES people_group (id) ON DELETE CASCADE,
    person BYTEA NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    -- `local`, or the id of the provider that says so.
    origin {text} NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (people_group, person, origin)
);
CREATE INDEX people_membership_person ON people_membership (person);

CREATE TABLE access_role (
    id BYTEA NOT NULL PRIMARY KEY,
    name {text} NOT NULL,
    about TEXT NOT NULL,
    -- Names of actions, as a JSON list.
    actions TEXT NOT NULL,
    created BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    CONSTRAINT access_role_name UNIQUE (name)
);

CREATE TABLE access_grant (
    id BYTEA NOT NULL PRIMARY KEY,
    person BYTEA REFERENCES person (id) ON DELETE CASCADE,
    people_group BYTEA REFERENCES people_group (id) ON DELETE CASCADE,
    effect TEXT NOT NULL,
    -- A built-in role's name; empty for a custom one.
    role TEXT NOT NULL,
    custom BYTEA REFERENCES access_role (id),
    tenant BYTEA NOT NULL,
    selector TEXT NOT NULL,
    -- No reference: a host that is gone matches nothing, and the grant still says what was meant.
    host BYTEA,
    owned BIGINT NOT NULL,
    -- Sections of the console with a blank between them.
    sections TEXT NOT NULL,
    reason TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    expires BIGINT,
    CONSTRAINT access_grant_whom CHECK ((person IS NULL) <> (people_group IS NULL))
);
CREATE INDEX access_grant_person ON access_grant (person);
CREATE INDEX access_grant_group ON access_grant (people_group);
CREATE INDEX access_grant_custom ON access_grant (custom);

-- Counts every change of what rights are made of, whichever server makes it.
CREATE TABLE rights_revision (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    revision BIGINT NOT NULL
);
INSERT INTO rights_revision (only_row, revision) VALUES (1, 1);
