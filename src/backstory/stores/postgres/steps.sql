-- The steps of a unit besides an append: a log, a ref, parts that are withheld, a log that is dropped; and the rights to call each function.
-- The client has taken all locks and judged the unit; see `writing.py`.

-- Make an empty log, and return its number; that of the log which was made under this id, where there is one.
CREATE OR REPLACE FUNCTION {schema}.make_log(_made_by text, _position bigint, _hash bytea, _time bigint) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    _number integer;
BEGIN
    PERFORM take_lock((1 << 23) - 1);
    SELECT number INTO _number FROM logs
        WHERE made_by = _made_by AND origin_position = _position AND origin_hash = _hash;
    IF NOT FOUND THEN
        UPDATE meta SET made = made + 1 RETURNING made - 1 INTO STRICT _number;
        IF greatest((SELECT max(key) FROM events), (SELECT max(key) FROM commits)) >= _number::bigint << 40 THEN
            RAISE EXCEPTION 'there are rows of log %, which is made only now; run: backstory verify', _number
                USING ERRCODE = 'data_corrupted';
        END IF;
        INSERT INTO logs VALUES (_number, _position, _hash, _time, _made_by);
    END IF;
    RETURN _number;
END $$;

-- Set a ref (NULL: delete it) if its value is still the old one (NULL: there is none); say whether it has the value now.
CREATE OR REPLACE FUNCTION {schema}.set_ref(_name text, _value text, _old text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    _found text;
BEGIN
    PERFORM take_lock(ref_lock(_name));
    _found := (SELECT value FROM refs WHERE name = _name);
    IF _found IS NOT DISTINCT FROM _value THEN
        RETURN true;
    END IF;
    IF _found IS DISTINCT FROM _old THEN
        RETURN false;
    END IF;
    IF starts_with(_name, 'setting/') THEN
        PERFORM only_owner('change a setting');
    ELSIF _name = 'branch/main' AND _found IS NOT NULL AND NOT EXISTS (SELECT FROM refs WHERE name = 'setting/main-moves') THEN
        PERFORM only_owner('move main');
    END IF;
    IF _value IS NULL THEN
        DELETE FROM refs WHERE name = _name;
    ELSE
        INSERT INTO refs VALUES (_name, _value) ON CONFLICT (name) DO UPDATE SET value = excluded.value;
    END IF;
    RETURN true;
END $$;

-- Write a commit anew without some of its parts, its events' data in order, and without these links: with the caller's own
-- rights.
CREATE OR REPLACE FUNCTION {schema}.withhold(
    _key bigint, _author text, _message text, _command text, _metadata text, _query text, _secret bytea, _data text[],
    _links bigint[]
) RETURNS void LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
BEGIN
    PERFORM only_owner('withhold a part of a commit');
    PERFORM take_lock((_key >> 40)::integer);
    PERFORM set_config('backstory.forgets', 'on', true);
    UPDATE commits SET author = _author, message = _message, command = _command, metadata = _metadata, query = _query,
        secret = _secret WHERE key = _key;
    UPDATE events e SET data = d.data
        FROM unnest(_data) WITH ORDINALITY d (data, n) WHERE e.key = _key - cardinality(_data) + d.n AND e.data <> d.data;
    DELETE FROM tags WHERE tag = ANY (_links) AND key = _key;
    PERFORM set_config('backstory.forgets', 'off', true);
    DELETE FROM caches;
END $$;

-- Take a log away, with all of its rows: with the caller's own rights. `_links` are those of its commits, `_at` their keys.
CREATE OR REPLACE FUNCTION {schema}.drop_log(_number integer, _links bigint[], _at bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = {schema}, pg_temp AS $$
DECLARE
    _first bigint := _number::bigint << 40;
    _beyond bigint := (_number::bigint + 1) << 40;
BEGIN
    PERFORM only_owner('drop a log');
    PERFORM take_locks(ARRAY[_number], '{}', '{}', '{}', true);
    PERFORM set_config('backstory.forgets', 'on', true);
    -- By the tags of the events: the index begins with the tag.
    DELETE FROM tags t USING events e CROSS JOIN LATERAL jsonb_array_elements_text(e.tags::jsonb) m (tag)
        WHERE e.key >= _first AND e.key < _beyond AND t.tag = tag_key(m.tag) AND t.key = e.key;
    DELETE FROM tags t USING unnest(_links, _at) l (tag, key) WHERE t.tag = l.tag AND t.key = l.key AND l.key >= _first
        AND l.key < _beyond;
    DELETE FROM events WHERE key >= _first AND key < _beyond;
    DELETE FROM commits WHERE key >= _first AND key < _beyond;
    DELETE FROM logs WHERE number = _number;
    PERFORM set_config('backstory.forgets', 'off', true);
END $$;

-- By name: somebody else's functions may stand in this schema.
REVOKE ALL ON FUNCTION {schema}.refuse, {schema}.ref_lock, {schema}.take_lock, {schema}.take_locks, {schema}.only_owner,
    {schema}.tag_key, {schema}.type_key, {schema}.rarest, {schema}.append, {schema}.append_one,
    {schema}.make_log, {schema}.set_ref, {schema}.withhold, {schema}.drop_log FROM PUBLIC;
