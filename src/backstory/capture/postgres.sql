-- {home} is the schema of the outbox, {settings} are those of `SETTINGS`; statements end with a line of `--`.
CREATE SCHEMA IF NOT EXISTS {home};
--
CREATE TABLE IF NOT EXISTS {home}.outbox (
    id bigserial PRIMARY KEY,
    tx bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    at timestamptz NOT NULL DEFAULT statement_timestamp(),
    shape integer NOT NULL,
    op "char" NOT NULL,
    old text,
    new text,
    author text DEFAULT current_setting('backstory.author', true),
    message text DEFAULT current_setting('backstory.message', true),
    metadata text DEFAULT current_setting('backstory.metadata', true),
    salt bigint NOT NULL DEFAULT (random() * 9e18)::bigint
);
--
CREATE INDEX IF NOT EXISTS outbox_tx ON {home}.outbox (tx, id);
--
CREATE TABLE IF NOT EXISTS {home}.shapes (
    id serial PRIMARY KEY,
    source text NOT NULL,
    captured text NOT NULL,
    copied text,
    upto bigint
);
--
CREATE TABLE IF NOT EXISTS {home}.capture (
    only_one integer PRIMARY KEY CHECK (only_one = 1),
    id text NOT NULL,
    seat text NOT NULL
);
--
-- A row without the columns that are left out, byte for byte as row_to_json gives the others.
CREATE OR REPLACE FUNCTION {home}.taken(r json, left_out text) RETURNS text LANGUAGE sql IMMUTABLE AS $backstory$
    SELECT CASE WHEN left_out = '' THEN r::text ELSE (
        SELECT json_object_agg(key, value)::text FROM json_each(r) WHERE key <> ALL (left_out::text[])
    ) END
$backstory$;
--
-- The triggers' function: TG_ARGV is the number of the table's shape, and the columns that are left out.
CREATE OR REPLACE FUNCTION {home}.record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp {settings} AS $backstory$
#variable_conflict use_variable
DECLARE
    its_shape integer := TG_ARGV[0];
    less text := TG_ARGV[1];
    was text;
    now text;
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        IF TG_OP <> 'INSERT' THEN
            was := row_to_json(OLD);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            now := row_to_json(NEW);
        END IF;
        IF less <> '' THEN
            was := {home}.taken(was::json, less);
            now := {home}.taken(now::json, less);
        END IF;
        INSERT INTO {home}.outbox (shape, op, old, new) VALUES (its_shape, left(TG_OP, 1)::"char", was, now);
    ELSIF TG_OP = 'INSERT' AND less = '' THEN
        INSERT INTO {home}.outbox (shape, op, new) SELECT its_shape, 'I', row_to_json(backstory_row.*)::text FROM backstory_rows backstory_row;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO {home}.outbox (shape, op, new)
        SELECT its_shape, 'I', {home}.taken(row_to_json(backstory_row.*), less) FROM backstory_rows backstory_row;
    ELSIF TG_OP = 'DELETE' AND less = '' THEN
        INSERT INTO {home}.outbox (shape, op, old) SELECT its_shape, 'D', row_to_json(backstory_row.*)::text FROM backstory_rows backstory_row;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO {home}.outbox (shape, op, old)
        SELECT its_shape, 'D', {home}.taken(row_to_json(backstory_row.*), less) FROM backstory_rows backstory_row;
    ELSE
        EXECUTE format(
            'INSERT INTO {home}.outbox (shape, op, old) SELECT $1, ''D'', {home}.taken(row_to_json(backstory_row.*), $2) FROM %I.%I backstory_row',
            TG_TABLE_SCHEMA, TG_TABLE_NAME
        ) USING its_shape, less;
    END IF;
    RETURN NULL;
END
$backstory$;
--
REVOKE EXECUTE ON FUNCTION {home}.record() FROM PUBLIC;
