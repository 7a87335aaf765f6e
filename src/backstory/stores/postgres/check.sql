-- Rows that an event's own tags require in the table of tags, and that are not there.
SELECT e.key, 'is missing in the table of tags, under ' || left(m.tag, 80)
FROM {schema}.events e
CROSS JOIN LATERAL jsonb_array_elements_text(e.tags::jsonb) m (tag)
LEFT JOIN {schema}.tags t ON t.key = e.key AND t.tag = {schema}.tag_key(m.tag)
WHERE t.type IS DISTINCT FROM {schema}.type_key(e.type)
ORDER BY e.key;

-- Rows of the table of tags that no event requires. `check.py` looks at those of commits that may have links.
SELECT t.key, 'stands in the table of tags under ' || t.tag || ', where it does not belong'
FROM {schema}.tags t
LEFT JOIN {schema}.events e ON e.key = t.key
WHERE e.key IS NULL OR t.tag NOT IN (
    SELECT {schema}.tag_key(m.tag) FROM jsonb_array_elements_text(e.tags::jsonb) m (tag)
) AND NOT EXISTS (SELECT FROM {schema}.commits c WHERE c.key = t.key AND c.metadata ~ '"(causation|correlation|reverts)"')
ORDER BY t.key;

-- Commits of no log, and those that reach to or before the origin of theirs.
SELECT c.key, 'is a commit of no log'
FROM {schema}.commits c
LEFT JOIN {schema}.logs l ON l.number = c.key >> 40
WHERE l.number IS NULL OR c.key - c.size < (c.key >> 40 << 40) + l.origin_position
ORDER BY c.key;

-- Events that no reader sees: their log is not there, they stand before its origin, or after its last commit.
SELECT e.key, 'is an event in no commit'
FROM {schema}.events e
LEFT JOIN {schema}.commits c ON c.key = e.in_commit
LEFT JOIN {schema}.logs l ON l.number = e.key >> 40
WHERE l.number IS NULL OR c.key IS NULL OR e.key & 1099511627775 <= l.origin_position
    OR e.key <= c.key - c.size OR e.key > c.key
ORDER BY e.key;
