-- {home} is the schema of the outbox, {settings} are those of `SETTINGS`; statements end with a line of `--`.
CREATE SCHEMA IF NOT EXISTS {home};
--
CREATE TABLE IF NOT EXISTS {home}.outbox (
    id bigserial PRIMARY KEY,
    tx bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    at timestamptz NOT NULL DEFAULT statement_timestamp(),
    layout integer NOT NULL,
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
CREATE TABLE IF NOT EXISTS {home}.layouts (
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
-- A row whose texts are the same in every session.
CREATE OR REPLACE FUNCTION {home}.exact(r anyelement) RETURNS json LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp {settings} AS $backstory$
BEGIN
    RETURN row_to_json(r);
END
$backstory$;
--
-- The triggers' function. TG_ARGV is the number of the table's layout, and the columns that are left out. Its settings make
-- the texts of values the same in every session; they cost 10 us for each call.
CREATE OR REPLACE FUNCTION {home}.record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp {settings} AS $backstory$
#variable_conflict use_variable
DECLARE
    its_layout integer := TG_ARGV[0];
    less text := TG_ARGV[1];
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        IF TG_OP <> 'UPDATE' OR OLD *<> NEW THEN
            INSERT INTO {home}.outbox (layout, op, old, new) VALUES (
                its_layout, left(TG_OP, 1)::"char",
                {home}.taken(row_to_json(OLD), less), {home}.taken(row_to_json(NEW), less)
            );
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO {home}.outbox (layout, op, new)
        SELECT its_layout, 'I', {home}.taken(row_to_json(backstory_row.*), less) FROM backstory_rows backstory_row;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO {home}.outbox (layout, op, old)
        SELECT its_layout, 'D', {home}.taken(row_to_json(backstory_row.*), less) FROM backstory_rows backstory_row;
    ELSE
        EXECUTE format(
            'INSERT INTO {home}.outbox (layout, op, old)'
            ' SELECT $1, ''D'', {home}.taken(row_to_json(backstory_row.*), $2) FROM %I.%I backstory_row',
            TG_TABLE_SCHEMA, TG_TABLE_NAME
        ) USING its_layout, less;
    END IF;
    RETURN NULL;
END
$backstory$;
--
REVOKE EXECUTE ON FUNCTION {home}.record() FROM PUBLIC;
--
-- The same for the commonest call of all, once for each row that is changed, of tables whose types have one text in each
-- usual session. It has no settings, not even that of the search path, so each name in it says its schema.
CREATE OR REPLACE FUNCTION {home}.changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $backstory$
BEGIN
    IF OLD OPERATOR(pg_catalog.*<>) NEW THEN
        IF pg_catalog.current_setting('extra_float_digits')::integer OPERATOR(pg_catalog.>) 0
            AND pg_catalog.current_setting('bytea_output') OPERATOR(pg_catalog.=) 'hex'
        THEN
            INSERT INTO {home}.outbox (layout, op, old, new)
            VALUES (TG_ARGV[0]::integer, 'U', pg_catalog.row_to_json(OLD), pg_catalog.row_to_json(NEW));
        ELSE
            INSERT INTO {home}.outbox (layout, op, old, new)
            VALUES (TG_ARGV[0]::integer, 'U', {home}.exact(OLD), {home}.exact(NEW));
        END IF;
    END IF;
    RETURN NULL;
END
$backstory$;
--
REVOKE EXECUTE ON FUNCTION {home}.changed() FROM PUBLIC;
