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

-- No right to INSERT, UPDATE or DELETE on any table: these functions are all that a writer has.
GRANT EXECUTE ON FUNCTION {schema}.append, {schema}.create_log, {schema}.set_ref TO {schema}_writer;
