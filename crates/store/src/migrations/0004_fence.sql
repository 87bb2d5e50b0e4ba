-- Which server may write: each one that takes the database over counts up, and writes only while its number stands.
CREATE TABLE server_fence (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    token BIGINT NOT NULL
);
INSERT INTO server_fence (only_row, token) VALUES (1, 0);
