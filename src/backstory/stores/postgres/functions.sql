-- Everything that writes. A writer needs no right on any table: these run with the rights of the schema's owner, so that
-- nobody can append without the lock, out of order, or beside the chain.

-- Before a write: take the lock, for as long as the transaction lasts.
CREATE OR REPLACE FUNCTION {schema}.take_lock(_number integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- What committed while we waited for the lock must be visible after it.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'writes need READ COMMITTED, this is %', current_setting('transaction_isolation')
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    PERFORM pg_advisory_xact_lock(('{schema}'::regnamespace::oid::bigint << 32) | _number);
END $$;

-- Of several tags, the one with the fewest events in a range: where to begin with an event that has them all.
CREATE OR REPLACE FUNCTION {schema}.rarest(_tags text[], _above bigint, _upto bigint) RETURNS text
LANGUAGE sql STABLE SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off AS $$
    SELECT m.tag FROM unnest(_tags) m (tag)
    ORDER BY (
        SELECT count(*) FROM (
            SELECT FROM {schema}.tags t WHERE t.tag = m.tag AND t.key > _above AND t.key <= _upto LIMIT 1000
        ) found
    )
    LIMIT 1
$$;

-- Judge batches of drafts and write those that go in: the rule of stores/judge.py, under the lock of the log.
--
-- Arrays hold the batches, their drafts, the drafts' events, and the events' tags, each in order; `_..._end` says where in
-- the next level something ends. `_independent`: no batch has an id, or an event in its way, from another one, so that all
-- are judged at once. Otherwise they are judged one by one.
--
-- An index takes no long text: `_short_type` and `_short_query` have what stands for it in the table of tags, and NULL where
-- nothing is too long. Tags come shortened.
--
-- Gives the head as it was, and for each batch: 0 it went in; 1 an id is known; 2 an event is in the way of the draft
-- `detail`; 3 it was decided ahead of the log, and 4 on another parent, with `detail` the head's position.
CREATE OR REPLACE FUNCTION {schema}.append(
    _log integer, _independent boolean, _batch_end integer[], _parent bytea[],
    _draft_end integer[], _id text[], _authored bigint[], _author text[], _message text[], _command text[],
    _metadata text[], _query text[], _short_query text[], _after bigint[], _content bytea[],
    _draft integer[], _type text[], _short_type text[], _version bigint[], _tags text[], _data text[],
    _event integer[], _tag text[],
    OUT head_position bigint, OUT head_hash bytea, OUT head_time bigint, OUT verdicts integer[], OUT details bigint[]
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    _base bigint := _log::bigint << 40;
    _key bigint;
    _hash bytea;
    _time bigint;
    _keys bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(_id)]);
    _hashes bytea[] := array_fill(NULL::bytea, ARRAY[cardinality(_id)]);
    _times bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(_id)]);
    _count integer := cardinality(_batch_end);
    _from integer := 1;
    _upto integer;
    _lo integer;
    _hi integer;
    _first integer;
    _start bigint;
    _reached bigint;
    _wrote boolean;
    _known integer[];
    _met integer[];
    _oldest bigint;
    _newest bigint;
BEGIN
    PERFORM {schema}.take_lock(_log);
    SELECT c.key, c.hash, c.time INTO _key, _hash, _time FROM commits c
        WHERE c.key > _base AND c.key < _base + (1::bigint << 40) ORDER BY c.key DESC LIMIT 1;
    IF NOT FOUND THEN
        SELECT _base + l.origin_position, l.origin_hash, l.origin_time INTO STRICT _key, _hash, _time
            FROM logs l WHERE l.number = _log;
    END IF;
    head_position := _key - _base;
    head_hash := _hash;
    head_time := _time;
    verdicts := array_fill(0, ARRAY[_count]);
    details := array_fill(0::bigint, ARRAY[_count]);
    SELECT min(a), max(a) INTO _oldest, _newest FROM unnest(_after) a;
    IF _newest > head_position THEN
        _independent := false;
    END IF;

    WHILE _from <= _count LOOP
        _upto := CASE WHEN _independent THEN _count ELSE _from END;
        _lo := CASE WHEN _from = 1 THEN 1 ELSE _batch_end[_from - 1] + 1 END;
        _hi := _batch_end[_upto];
        _start := _key;

        _known := ARRAY(
            SELECT n FROM generate_series(_lo, _hi) n
            -- A scalar, because EXISTS would become a join, and read all ids.
            WHERE (SELECT true FROM commits c WHERE c.id = _id[n] AND c.key >> 40 = _log)
        );
        _met := '{}';
        IF _oldest < _start - _base THEN -- else all decided on the head, and need no query
            _met := ARRAY(
                SELECT n FROM generate_series(_lo, _hi) n
                WHERE _after[n] < _start - _base AND EXISTS (
                    SELECT FROM jsonb_array_elements(coalesce(_short_query[n], _query[n])::jsonb) q (c)
                    WHERE CASE
                        WHEN c -> 'tags' <> '[]' THEN EXISTS (
                            SELECT FROM tags t
                            WHERE t.tag = CASE
                                WHEN jsonb_array_length(c -> 'tags') = 1 THEN c -> 'tags' ->> 0
                                ELSE rarest(ARRAY(SELECT jsonb_array_elements_text(c -> 'tags')), _base + _after[n], _start)
                            END
                            AND t.key > _base + _after[n] AND t.key <= _start
                            AND (c -> 'types' = '[]' OR c -> 'types' ? t.type)
                            AND (jsonb_array_length(c -> 'tags') = 1 OR NOT EXISTS (
                                SELECT FROM jsonb_array_elements_text(c -> 'tags') m (tag)
                                WHERE NOT EXISTS (SELECT FROM tags o WHERE o.tag = m.tag AND o.key = t.key)
                            ))
                        )
                        WHEN c -> 'types' <> '[]' THEN EXISTS (
                            SELECT FROM events e
                            WHERE left(e.type, 200) = ANY (ARRAY(
                                SELECT left(type, 200) FROM jsonb_array_elements_text(c -> 'types') x (type)
                            ))
                            AND c -> 'types' ? e.type
                            AND e.key > _base + _after[n] AND e.key <= _start
                        )
                        -- Not simply true: what lies before the log's origin is no event of its own.
                        ELSE EXISTS (SELECT FROM events e WHERE e.key > _base + _after[n] AND e.key <= _start)
                    END
                )
            );
        END IF;

        _wrote := false;
        FOR b IN _from.._upto LOOP
            _first := CASE WHEN b = 1 THEN 1 ELSE _batch_end[b - 1] + 1 END;
            IF cardinality(_known) > 0
                AND EXISTS (SELECT FROM unnest(_known) n WHERE n BETWEEN _first AND _batch_end[b]) THEN
                verdicts[b] := 1;
            ELSIF _parent[b] <> _hash THEN
                verdicts[b] := 4;
                details[b] := _key - _base;
            ELSE
                _reached := _key - _base;
                FOR d IN _first.._batch_end[b] LOOP
                    IF _after[d] > _reached THEN
                        verdicts[b] := 3;
                        details[b] := _key - _base;
                        EXIT;
                    ELSIF d = ANY (_met) THEN
                        verdicts[b] := 2;
                        details[b] := d - _first;
                        EXIT;
                    END IF;
                    _reached := _reached + _draft_end[d] - CASE WHEN d = 1 THEN 0 ELSE _draft_end[d - 1] END;
                END LOOP;
            END IF;
            CONTINUE WHEN verdicts[b] <> 0;
            _wrote := true;
            FOR d IN _first.._batch_end[b] LOOP
                _key := _key + _draft_end[d] - CASE WHEN d = 1 THEN 0 ELSE _draft_end[d - 1] END;
                _time := greatest(_authored[d], _time);
                _hash := sha256(E'backstory commit 1\n'::bytea || _hash || _content[d] || CASE
                    WHEN _after[d] IS NULL THEN '\x00'::bytea ELSE '\x01'::bytea || int8send(_after[d]) END);
                _keys[d] := _key;
                _hashes[d] := _hash;
                _times[d] := _time;
            END LOOP;
        END LOOP;

        IF _wrote THEN
            INSERT INTO commits
                SELECT _keys[d], _draft_end[d] - CASE WHEN d = 1 THEN 0 ELSE _draft_end[d - 1] END, _id[d], _times[d],
                    _authored[d], _author[d], _message[d], _command[d], _metadata[d], _query[d], _after[d], _content[d],
                    _hashes[d]
                FROM generate_series(_lo, _hi) d WHERE _keys[d] IS NOT NULL;
            INSERT INTO events
                SELECT _keys[_draft[n]] - _draft_end[_draft[n]] + n, _keys[_draft[n]], _type[n], _version[n], _tags[n], _data[n]
                FROM generate_series(CASE WHEN _lo = 1 THEN 1 ELSE _draft_end[_lo - 1] + 1 END, _draft_end[_hi]) n
                WHERE _keys[_draft[n]] IS NOT NULL;
            INSERT INTO tags
                SELECT _tag[n], _keys[_draft[_event[n]]] - _draft_end[_draft[_event[n]]] + _event[n],
                    coalesce(_short_type[_event[n]], _type[_event[n]])
                FROM generate_series(1, cardinality(_tag)) n
                WHERE _draft[_event[n]] BETWEEN _lo AND _hi AND _keys[_draft[_event[n]]] IS NOT NULL;
        END IF;
        _from := _upto + 1;
    END LOOP;
END $$;

-- Make an empty log, and return its number.
CREATE OR REPLACE FUNCTION {schema}.create_log(_position bigint, _hash bytea, _time bigint, _token uuid) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    _number integer;
BEGIN
    PERFORM {schema}.take_lock(2147483647);
    SELECT number INTO _number FROM logs WHERE token = _token;
    IF NOT FOUND THEN
        INSERT INTO logs SELECT max(number) + 1, _position, _hash, _time, _token FROM logs RETURNING number INTO _number;
    END IF;
    RETURN _number;
END $$;

-- Set a ref (NULL: delete it) if its value is still the old one (NULL: there is none), and say whether it was.
CREATE OR REPLACE FUNCTION {schema}.set_ref(_name text, _value text, _old text, _token uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    _found refs%ROWTYPE;
BEGIN
    PERFORM {schema}.take_lock(2147483646);
    SELECT * INTO _found FROM refs WHERE name = _name;
    IF _found.token = _token THEN
        RETURN true;
    END IF;
    IF _found.value IS DISTINCT FROM _old THEN
        RETURN false;
    END IF;
    IF _value IS NOT NULL OR _old IS NOT NULL THEN
        INSERT INTO refs VALUES (_name, _value, _token)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value, token = excluded.token;
    END IF;
    RETURN true;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {schema} FROM PUBLIC;
