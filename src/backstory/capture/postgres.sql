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
-- A row whose texts are the same in every session. Settings of a function cost 10 us for each call, so it is called only
-- where the session, or a type of the table, needs it.
CREATE OR REPLACE FUNCTION {home}.exact(r anyelement) RETURNS json LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp {settings} AS $backstory$
BEGIN
    RETURN row_to_json(r);
END
$backstory$;
--
-- The triggers' function. TG_ARGV is the number of the table's shape, the columns that are left out, and whether it has
-- types whose texts depend on the session.
CREATE OR REPLACE FUNCTION {home}.record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $backstory$
#variable_conflict use_variable
DECLARE
    its_shape integer;
    less text;
    usual boolean;
    was json;
    now json;
BEGIN
    -- The commonest call of all, once for each row that is changed: each expression more would be 10 percent of it.
    IF TG_OP = 'UPDATE' AND TG_ARGV[1] = '' AND TG_ARGV[2] = ''
        AND current_setting('extra_float_digits')::integer > 0 AND current_setting('bytea_output') = 'hex'
    THEN
        INSERT INTO {home}.outbox (shape, op, old, new)
        VALUES (TG_ARGV[0]::integer, 'U', row_to_json(OLD)::text, row_to_json(NEW)::text);
        RETURN NULL;
    END IF;
    its_shape := TG_ARGV[0];
    less := TG_ARGV[1];
    usual := TG_ARGV[2] = '' AND current_setting('extra_float_digits')::integer > 0
        AND current_setting('bytea_output') = 'hex';
    IF TG_LEVEL = 'ROW' AND usual THEN
        IF TG_OP <> 'INSERT' THEN was := row_to_json(OLD); END IF;
        IF TG_OP <> 'DELETE' THEN now := row_to_json(NEW); END IF;
    ELSIF TG_LEVEL = 'ROW' THEN
        IF TG_OP <> 'INSERT' THEN was := {home}.exact(OLD); END IF;
        IF TG_OP <> 'DELETE' THEN now := {home}.exact(NEW); END IF;
    END IF;
    IF TG_LEVEL = 'ROW' AND less = '' THEN
        INSERT INTO {home}.outbox (shape, op, old, new)
        VALUES (its_shape, left(TG_OP, 1)::"char", was::text, now::text);
    ELSIF TG_LEVEL = 'ROW' THEN
        INSERT INTO {home}.outbox (shape, op, old, new)
        VALUES (its_shape, left(TG_OP, 1)::"char", {home}.taken(was, less), {home}.taken(now, less));
    ELSIF TG_OP = 'INSERT' AND less = '' AND usual THEN
        INSERT INTO {home}.outbox (shape, op, new)
        SELECT its_shape, 'I', row_to_json(backstory_row.*)::text FROM backstory_rows backstory_row;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO {home}.outbox (shape, op, new)
        SELECT its_shape, 'I', {home}.taken({home}.exact(backstory_row.*), less) FROM backstory_rows backstory_row;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO {home}.outbox (shape, op, old)
        SELECT its_shape, 'D', {home}.taken({home}.exact(backstory_row.*), less) FROM backstory_rows backstory_row;
    ELSE
        EXECUTE format(
            'INSERT INTO {home}.outbox (shape, op, old)'
            ' SELECT $1, ''D'', {home}.taken({home}.exact(backstory_row.*), $2) FROM %I.%I backstory_row',
            TG_TABLE_SCHEMA, TG_TABLE_NAME
        ) USING its_shape, less;
    END IF;
    RETURN NULL;
END
$backstory$;
--
REVOKE EXECUTE ON FUNCTION {home}.record() FROM PUBLIC;
