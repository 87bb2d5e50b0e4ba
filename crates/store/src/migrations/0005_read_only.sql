-- An administrator may end the server's management of an agent: nothing is sent to it to run.
ALTER TABLE agent ADD COLUMN read_only BIGINT NOT NULL DEFAULT 0;
