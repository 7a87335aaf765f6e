-- Everything that writes. A writer needs no right on any table: these run with the rights of the schema's owner, so that
-- nobody can append without the lock, out of order, or beside the chain.

-- Locks are numbers. A call that takes several takes them in ascending order, so that nobody waits in a circle: each log's own
-- number; 2^23 - 1 for making and dropping logs; and from 2^24 on 64 for the refs, each for the names that fall to it.
CREATE OR REPLACE FUNCTION {schema}.ref_lock(_name text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (1 << 24) | (hashtext(_name) & 63)
$$;

-- Before a write: take a lock, alone or shared with readers, for as long as the transaction lasts.
CREATE OR REPLACE FUNCTION {schema}.take_lock(_number integer, _alone boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    _lock bigint := ('{schema}'::regnamespace::oid::bigint << 32) | _number;
BEGIN
    -- Commits of others that came while this call waited for the lock must be visible after it.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'writes need READ COMMITTED, this is %', current_setting('transaction_isolation')
            USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    IF _alone THEN
        PERFORM pg_advisory_xact_lock(_lock);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(_lock);
    END IF;
END $$;

-- The locks for some units: of logs by number, and by the id that they were made under; of refs that are set, and of those that
-- must only keep their value. `_drops`: nobody makes a log or sets a ref meanwhile.
CREATE OR REPLACE FUNCTION {schema}.take_locks(_logs integer[], _made text[], _sets text[], _asks text[], _drops boolean)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    _numbers integer[];
    _alone boolean[];
BEGIN
    SELECT array_agg(number ORDER BY number), array_agg(alone ORDER BY number) INTO _numbers, _alone FROM (
        SELECT number, bool_or(alone) AS alone FROM (
            SELECT unnest(_logs) AS number, true AS alone
            UNION ALL SELECT l.number, true FROM logs l WHERE l.made_by = ANY (_made)
            UNION ALL SELECT (1 << 23) - 1, true WHERE _drops OR cardinality(_made) > 0
            UNION ALL SELECT ref_lock(name), true FROM unnest(_sets) name
            UNION ALL SELECT ref_lock(name), false FROM unnest(_asks) name
            UNION ALL SELECT (1 << 24) + n, false FROM generate_series(0, 63) n WHERE _drops
        ) wanted GROUP BY number
    ) each;
    FOR i IN 1..coalesce(cardinality(_numbers), 0) LOOP
        PERFORM take_lock(_numbers[i], _alone[i]);
    END LOOP;
END $$;

-- Refuse an act that only the owner of the schema may do. A function with the owner's rights cannot ask for the role, but for the
-- user of the session.
CREATE OR REPLACE FUNCTION {schema}.only_owner(_what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_has_role(session_user, (SELECT nspowner FROM pg_namespace WHERE nspname = '{schema}'), 'MEMBER') THEN
        RAISE EXCEPTION 'only the owner of the schema {schema} may %', _what USING ERRCODE = 'BS001';
    END IF;
END $$;

-- The key of a tag, and of a type, in the table of tags: the first bytes of its SHA-256.
CREATE OR REPLACE FUNCTION {schema}.tag_key(_tag text) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ('x' || encode(substr(sha256(convert_to(_tag, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint
$$;

CREATE OR REPLACE FUNCTION {schema}.type_key(_type text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ('x' || encode(substr(sha256(convert_to(_type, 'UTF8')), 1, 4), 'hex'))::bit(32)::integer
$$;

-- Of several tags, the one with the fewest events in a range: where to begin with an event that has them all.
CREATE OR REPLACE FUNCTION {schema}.rarest(_tags bigint[], _above bigint, _upto bigint) RETURNS bigint
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
-- Arrays hold the batches, their drafts, and the drafts' clauses, events and tags, each in order; `_..._end` says where in the
-- next level something ends, and `_event` of which event of its draft a tag is, from 1. A run is batches of which none has an
-- id, or an event in its way, from another one: they are judged at once. One that names its parent begins a run. `_run_end`
-- says for each batch where its run ends. A writer may send anything: no number leads beyond its array or its log.
--
-- `_near` is a position that the log has surely reached, so that the look for its head begins there. `_clause_tags` and
-- `_clause_types` are the keys of the words in each clause of `_query`, as text of arrays. Keys only propose: whether an event
-- is in the way, its row decides. `_guard_ref` and `_guard_value` are the ref that must have a value for each batch, and `_held`
-- and `_held_hash` the position that must have a commit: NULL where a batch has none, and empty where no batch has one.
--
-- Gives the head as it was, and for each batch: 0 it went in; 1 an id is known; 2 an event is in the way of the draft
-- `detail`; 3 it was decided ahead of the log, and 4 on another parent, with `detail` the head's position; 5 its ref has another
-- value, the one in `ref_values`; 6 the log has another commit where it depends on one; 7 there is no such log, and no head.
-- NULL where all went in.
CREATE OR REPLACE FUNCTION {schema}.append(
    _log integer, _near bigint, _run_end integer[], _batch_end integer[], _parent bytea[],
    _draft_end integer[], _id text[], _authored bigint[], _author text[], _message text[], _command text[],
    _metadata text[], _query text[], _after bigint[], _secret bytea[], _content bytea[], _signature bytea[],
    _clause_end integer[], _clause_tags text[], _clause_types text[],
    _type text[], _version bigint[], _tags text[], _data text[],
    _tag_end integer[], _event integer[], _tag bigint[], _type_key integer[], _guard_ref text[] DEFAULT '{}',
    _guard_value text[] DEFAULT '{}', _held bigint[] DEFAULT '{}', _held_hash bytea[] DEFAULT '{}',
    OUT head_position bigint, OUT head_hash bytea, OUT head_time bigint, OUT verdicts integer[], OUT details bigint[],
    OUT ref_values text[]
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    _base bigint := _log::bigint << 40;
    _key bigint;
    _hash bytea;
    _time bigint;
    _keys bigint[];
    _hashes bytea[];
    _times bigint[];
    _from integer := 1;
    _upto integer;
    _lo integer;
    _hi integer;
    _first integer;
    _start bigint;
    _reached bigint;
    _refused integer[];
    _verdict integer;
    _detail bigint := 0;
    _known integer[];
    _next integer;
    _met integer[];
    _lost integer[];
    _oldest bigint;
    _newest bigint;
    _whole boolean;
BEGIN
    SELECT min(d.after), max(d.after), bool_and(coalesce(
            d.events > coalesce(_draft_end[d.n - 1], 0) AND d.clauses >= coalesce(_clause_end[d.n - 1], 0)
            AND d.tags >= coalesce(_tag_end[d.n - 1], 0), false
        )) AND (
            SELECT bool_and(coalesce(b.drafts > coalesce(_batch_end[b.n - 1], 0), false))
            FROM unnest(_batch_end) WITH ORDINALITY b (drafts, n)
        )
        INTO _oldest, _newest, _whole
        FROM unnest(_after, _draft_end, _clause_end, _tag_end) WITH ORDINALITY d (after, events, clauses, tags, n);
    IF (_whole AND _batch_end[cardinality(_batch_end)] = cardinality(_id) AND _draft_end[cardinality(_id)] = cardinality(_type)
        AND _clause_end[cardinality(_id)] = cardinality(_clause_tags) AND _tag_end[cardinality(_id)] = cardinality(_tag))
        IS NOT TRUE THEN
        RAISE EXCEPTION 'the ends do not fit the arrays' USING ERRCODE = 'data_exception';
    END IF;
    PERFORM {schema}.take_lock(_log);
    SELECT c.key, c.hash, c.time INTO _key, _hash, _time FROM commits c
        WHERE c.key >= _base + greatest(_near, 0) AND c.key < _base + (1::bigint << 40) ORDER BY c.key DESC LIMIT 1;
    IF NOT FOUND THEN -- the log is empty, or was brought back to an earlier time
        SELECT found.key, found.hash, found.time INTO _key, _hash, _time
            FROM (
                (SELECT c.key, c.hash, c.time FROM commits c
                    WHERE c.key > _base AND c.key < _base + (1::bigint << 40) ORDER BY c.key DESC LIMIT 1)
                UNION ALL
                SELECT _base + l.origin_position, l.origin_hash, l.origin_time FROM logs l WHERE l.number = _log
            ) found
            ORDER BY found.key DESC LIMIT 1;
        IF NOT FOUND THEN
            verdicts := array_fill(7, ARRAY[cardinality(_batch_end)]);
            details := verdicts;
            RETURN;
        END IF;
    END IF;
    head_position := _key - _base;
    head_hash := _hash;
    head_time := _time;
    ref_values := '{}';
    IF cardinality(_guard_ref) > 0 THEN
        PERFORM take_lock(number, false) FROM (
            SELECT DISTINCT ref_lock(name) AS number FROM unnest(_guard_ref) name WHERE name IS NOT NULL ORDER BY number
        ) locks;
        -- In a statement of its own, which sees the commits that came during the wait.
        ref_values := ARRAY(
            SELECT (SELECT r.value FROM refs r WHERE r.name = g.name)
            FROM unnest(_guard_ref) WITH ORDINALITY g (name, n) ORDER BY n
        );
    END IF;

    WHILE _from <= cardinality(_batch_end) LOOP
        -- A batch that was decided ahead of the log is judged alone: perhaps the batches before it bring the log as far.
        _upto := CASE WHEN _newest > head_position THEN _from ELSE least(greatest(_run_end[_from], _from), cardinality(_batch_end)) END;
        _lo := coalesce(_batch_end[_from - 1], 0) + 1;
        _hi := _batch_end[_upto];
        _start := _key;

        _known := ARRAY(
            SELECT n FROM generate_series(_lo, _hi) n
            -- A scalar, because EXISTS would become a join, and read all ids.
            WHERE (SELECT true FROM commits c WHERE c.id = _id[n] AND c.key >> 40 = _log)
            ORDER BY n
        );
        _met := '{}';
        IF _oldest < _start - _base THEN -- else all were decided on the head, and need no query
            _met := ARRAY(
                SELECT n FROM generate_series(_lo, _hi) n
                CROSS JOIN LATERAL (
                    SELECT CASE WHEN _after[n] < _start - _base THEN _query[n]::jsonb END AS clauses OFFSET 0
                ) q
                WHERE _after[n] < _start - _base AND EXISTS (
                    SELECT FROM generate_series(coalesce(_clause_end[n - 1], 0) + 1, _clause_end[n]) i
                    CROSS JOIN LATERAL (
                        SELECT _clause_tags[i]::bigint[] AS tags, _clause_types[i]::integer[] AS types,
                            q.clauses -> (i - coalesce(_clause_end[n - 1], 0) - 1) AS words
                        OFFSET 0
                    ) c
                    WHERE CASE
                        WHEN cardinality(c.tags) > 0 THEN EXISTS (
                            SELECT FROM tags t
                            WHERE t.tag = CASE
                                WHEN cardinality(c.tags) = 1 THEN c.tags[1]
                                ELSE rarest(c.tags, _base + _after[n], _start)
                            END
                            AND t.key > _base + _after[n] AND t.key <= _start
                            AND (cardinality(c.types) = 0 OR t.type = ANY (c.types))
                            AND (
                                SELECT e.tags::jsonb @> (c.words -> 'tags')
                                    AND (cardinality(c.types) = 0 OR c.words -> 'types' ? e.type)
                                FROM events e WHERE e.key = t.key
                            )
                        )
                        WHEN cardinality(c.types) > 0 THEN EXISTS (
                            SELECT FROM events e
                            WHERE hashtext(e.type) = ANY (ARRAY(
                                SELECT hashtext(type) FROM jsonb_array_elements_text(c.words -> 'types') x (type)
                            ))
                            AND c.words -> 'types' ? e.type
                            AND e.key > _base + _after[n] AND e.key <= _start
                        )
                        -- Not simply true: events before the log's origin are not its own.
                        ELSE EXISTS (SELECT FROM events e WHERE e.key > _base + _after[n] AND e.key <= _start)
                    END
                )
            );
        END IF;

        _lost := '{}';
        IF cardinality(_held) > 0 THEN
            _lost := ARRAY(
                SELECT b FROM generate_series(_from, _upto) b WHERE _held[b] IS NOT NULL AND _held_hash[b] IS DISTINCT FROM (
                    SELECT hash FROM (
                        SELECT c.hash FROM commits c WHERE c.key = _base + _held[b] AND c.key BETWEEN _base + 1 AND _start
                        UNION ALL
                        SELECT l.origin_hash FROM logs l WHERE l.number = _log AND l.origin_position = _held[b]
                    ) found LIMIT 1
                )
            );
        END IF;

        _refused := '{}';
        IF cardinality(_known) > 0 OR cardinality(_met) > 0 OR _parent[_from] <> _hash OR _newest > _start - _base
            OR ref_values IS DISTINCT FROM _guard_value OR cardinality(_lost) > 0 THEN
            _next := 1;
            FOR b IN _from.._upto LOOP
                _first := coalesce(_batch_end[b - 1], 0) + 1;
                _verdict := 0;
                WHILE _known[_next] < _first LOOP -- both are in order, so each is passed once
                    _next := _next + 1;
                END LOOP;
                IF _known[_next] <= _batch_end[b] THEN
                    _verdict := 1;
                ELSIF _parent[b] <> _hash THEN
                    _verdict := 4;
                    _detail := _start - _base;
                ELSE
                    _reached := _start - _base;
                    FOR d IN _first.._batch_end[b] LOOP
                        IF _after[d] > _reached THEN
                            _verdict := 3;
                            _detail := _start - _base;
                            EXIT;
                        ELSIF d = ANY (_met) THEN
                            _verdict := 2;
                            _detail := d - _first;
                            EXIT;
                        END IF;
                        _reached := _reached + _draft_end[d] - coalesce(_draft_end[d - 1], 0);
                    END LOOP;
                    IF _verdict = 0 AND _guard_ref[b] IS NOT NULL AND ref_values[b] IS DISTINCT FROM _guard_value[b] THEN
                        _verdict := 5;
                    ELSIF _verdict = 0 AND b = ANY (_lost) THEN
                        _verdict := 6;
                    END IF;
                END IF;
                IF _verdict <> 0 THEN
                    IF verdicts IS NULL THEN
                        verdicts := array_fill(0, ARRAY[cardinality(_batch_end)]);
                        details := verdicts;
                    END IF;
                    verdicts[b] := _verdict;
                    details[b] := _detail;
                    _refused := _refused || ARRAY(SELECT generate_series(_first, _batch_end[b]));
                END IF;
            END LOOP;
        END IF;

        FOR d IN _lo.._hi LOOP
            CONTINUE WHEN d = ANY (_refused);
            _key := _key + _draft_end[d] - coalesce(_draft_end[d - 1], 0);
            _time := greatest(_authored[d], _time);
            _hash := sha256(E'backstory commit 1\n'::bytea || _hash || _content[d]
                || coalesce('\x01'::bytea || int8send(_after[d]), '\x00'));
            _keys[d] := _key;
            _hashes[d] := _hash;
            _times[d] := _time;
        END LOOP;

        IF _key > _start THEN
            INSERT INTO commits
                SELECT _keys[d], _draft_end[d] - coalesce(_draft_end[d - 1], 0), _id[d], _times[d], _authored[d], _author[d],
                    _message[d], _command[d], _metadata[d], _query[d], _after[d], _secret[d], _content[d],
                    _hashes[d], _signature[d]
                FROM generate_series(_lo, _hi) d WHERE _keys[d] IS NOT NULL;
            INSERT INTO events
                SELECT _keys[d] - _draft_end[d] + n, _keys[d], _type[n], _version[n], _tags[n], _data[n]
                FROM generate_series(_lo, _hi) d, generate_series(coalesce(_draft_end[d - 1], 0) + 1, _draft_end[d]) n
                WHERE _keys[d] IS NOT NULL;
            -- A tag of an event that is not its draft's would take the place of another one's.
            INSERT INTO tags
                SELECT _tag[n], _keys[d] - _draft_end[d] + coalesce(_draft_end[d - 1], 0) + _event[n],
                    _type_key[coalesce(_draft_end[d - 1], 0) + _event[n]]
                FROM generate_series(_lo, _hi) d, generate_series(coalesce(_tag_end[d - 1], 0) + 1, _tag_end[d]) n
                WHERE _keys[d] IS NOT NULL AND _event[n] BETWEEN 1 AND _draft_end[d] - coalesce(_draft_end[d - 1], 0);
        END IF;
        _from := _upto + 1;
    END LOOP;
END $$;

-- The same for one batch of one event, if nothing at all is in the way: the caller needs no other verdict then, and no array is
-- looked through. Else nothing is written, no head is given, and `append` has to say why. `_clause_tags` are those of `append`.
CREATE OR REPLACE FUNCTION {schema}.append_one(
    _log integer, _near bigint, _parent bytea, _id text, _authored bigint, _author text, _message text, _command text,
    _metadata text, _query text, _after bigint, _secret bytea, _content bytea, _signature bytea, _clause_tags text[],
    _type text, _version bigint, _tags text, _data text, _tag bigint[], _type_key integer,
    _guard_ref text, _guard_value text, _held bigint, _held_hash bytea,
    OUT head_position bigint, OUT head_hash bytea, OUT head_time bigint, OUT verdicts integer[], OUT details bigint[],
    OUT ref_values text[]
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp SET jit = off SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    _base bigint := _log::bigint << 40;
    _key bigint;
    _hash bytea;
    _time bigint;
BEGIN
    PERFORM take_lock(_log);
    IF _guard_ref IS NOT NULL THEN
        PERFORM take_lock(ref_lock(_guard_ref), false);
    END IF;
    SELECT c.key, c.hash, c.time INTO _key, _hash, _time FROM commits c
        WHERE c.key >= _base + greatest(_near, 0) AND c.key < _base + (1::bigint << 40) ORDER BY c.key DESC LIMIT 1;
    IF _key IS NULL OR _parent <> _hash OR _after > _key - _base
        OR (SELECT true FROM commits c WHERE c.id = _id AND c.key >> 40 = _log)
        OR (_guard_ref IS NOT NULL AND _guard_value IS DISTINCT FROM (SELECT r.value FROM refs r WHERE r.name = _guard_ref))
        OR (_held IS NOT NULL AND _held_hash IS DISTINCT FROM (SELECT c.hash FROM commits c WHERE c.key = _base + _held))
    THEN
        RETURN;
    END IF;
    IF _after < _key - _base THEN
        IF EXISTS ( -- a clause of which each tag has an event since: it may be the same event
            SELECT FROM unnest(_clause_tags) c WHERE NOT EXISTS (
                SELECT FROM unnest(c::bigint[]) k
                WHERE NOT EXISTS (SELECT FROM tags t WHERE t.tag = k AND t.key > _base + _after AND t.key <= _key)
            )
        ) THEN
            RETURN;
        END IF;
    END IF;
    head_position := _key - _base;
    head_hash := _hash;
    head_time := _time;
    INSERT INTO commits VALUES (
        _key + 1, 1, _id, greatest(_authored, _time), _authored, _author, _message, _command, _metadata, _query, _after,
        _secret, _content, sha256(E'backstory commit 1\n'::bytea || _hash || _content
            || coalesce('\x01'::bytea || int8send(_after), '\x00')), _signature
    );
    INSERT INTO events VALUES (_key + 1, _key + 1, _type, _version, _tags, _data);
    INSERT INTO tags SELECT tag, _key + 1, _type_key FROM unnest(_tag) tag;
END $$;
