-- Two roles for a store: one that may read, one that may also append. Give them to the users of your applications:
--     GRANT {schema}_writer TO shop;

-- Roles belong to all databases of a server: another one's store of this name may have made them.
DO $$ BEGIN
    IF to_regrole('{schema}_reader') IS NULL THEN
        CREATE ROLE {schema}_reader NOLOGIN;
    END IF;
    IF to_regrole('{schema}_writer') IS NULL THEN
        CREATE ROLE {schema}_writer NOLOGIN IN ROLE {schema}_reader;
    END IF;
END $$;

GRANT USAGE ON SCHEMA {schema} TO {schema}_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {schema}_reader;
GRANT EXECUTE ON FUNCTION {schema}.rarest, {schema}.tag_key, {schema}.type_key TO {schema}_reader;

-- No right to INSERT, UPDATE or DELETE on a table of history: these functions are all that a writer has, and the
-- last three only tell a writer that they are the owner's.
GRANT EXECUTE ON FUNCTION {schema}.take_locks, {schema}.append, {schema}.append_one, {schema}.make_log,
    {schema}.set_ref, {schema}.withhold, {schema}.drop_log, {schema}.only_owner TO {schema}_writer;
GRANT INSERT, UPDATE, DELETE ON {schema}.caches TO {schema}_writer;
