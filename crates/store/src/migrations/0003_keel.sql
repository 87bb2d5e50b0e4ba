-- The next notification of each check on each channel is found without looking at those behind it.
CREATE INDEX outbox_order ON outbox (channel, check_id, created, id) WHERE state = 'pending';

-- How often the configuration changed: decision traces name it, so it must outlive the program.
CREATE TABLE config_revision (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    revision BIGINT NOT NULL
);
INSERT INTO config_revision (only_row, revision)
SELECT 1, (SELECT COUNT(*) FROM host) + (SELECT COUNT(*) FROM check_def) + (SELECT COUNT(*) FROM channel);
