-- The relations, with all that belongs to one. $1: the schemas that are looked at.
--
-- Functions of rights look at the catalogue as it is now, not as it was when the transaction began: of what was
-- dropped since they say null, which is taken for the worse.
WITH
rel AS MATERIALIZED (
  SELECT c.*, n.nspname
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND NOT EXISTS (
      SELECT FROM pg_depend AS d
      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
),
named(oid, name) AS MATERIALIZED (
  SELECT t.oid, concat_ws('.',
    CASE WHEN n.nspname ~ '^[a-z_][a-z0-9_]*$' THEN n.nspname::text
         ELSE '"' || replace(n.nspname, '"', '""') || '"' END,
    CASE WHEN t.typname ~ '^[a-z_][a-z0-9_]*$' THEN t.typname::text
         ELSE '"' || replace(t.typname, '"', '""') || '"' END)
  FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
),
col(oid, columns) AS (
  SELECT a.attrelid, json_agg(json_build_object(
    'name', a.attname,
    'type', named.name,
    'declared', format_type(a.atttypid, a.atttypmod),
    'not_null', a.attnotnull,
    'readable', coalesce(has_column_privilege(a.attrelid, a.attnum, 'SELECT'), false),
    'generated', CASE
      WHEN a.attidentity = 'a' THEN 'identity_always'
      WHEN a.attidentity = 'd' THEN 'identity_by_default'
      WHEN a.attgenerated = 's' THEN 'stored'
      WHEN a.attgenerated = 'v' THEN 'virtual'
    END,
    'default', pg_get_expr(f.adbin, f.adrelid),
    'comment', d.description
  ) ORDER BY a.attnum)
  FROM rel
  JOIN pg_attribute AS a ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN named ON named.oid = a.atttypid
  LEFT JOIN pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
  LEFT JOIN pg_description AS d
    ON d.classoid = 'pg_class'::regclass AND d.objoid = a.attrelid AND d.objsubid = a.attnum
  GROUP BY a.attrelid
),
-- The columns of each index up to the first expression, and whether that is all and none is ever null.
ind AS (
  SELECT i.indrelid, i.indexrelid, i.indisprimary, i.indisunique, i.indpred IS NOT NULL AS partial,
    k.columns, k.all_columns, k.never_null
  FROM rel
  JOIN pg_index AS i ON i.indrelid = rel.oid AND i.indisvalid AND i.indislive
  CROSS JOIN LATERAL (
    SELECT
      coalesce(json_agg(a.attname ORDER BY key.place) FILTER (WHERE key.place <= before.places), '[]') AS columns,
      count(a.attname) = i.indnkeyatts AS all_columns,
      coalesce(bool_and(a.attnotnull), false) AS never_null
    FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS key(number, place)
    LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = key.number AND key.number > 0
    CROSS JOIN LATERAL (
      SELECT coalesce(min(other.place) - 1, i.indnkeyatts) AS places
      FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS other(number, place)
      WHERE other.number <= 0
    ) AS before
  ) AS k
),
indexes(oid, primary_key, uniques, indexes) AS (
  SELECT ind.indrelid,
    (json_agg(ind.columns) FILTER (WHERE ind.indisprimary)) -> 0,
    json_agg(ind.columns ORDER BY c.relname) FILTER (
      WHERE ind.indisunique AND NOT ind.indisprimary AND NOT ind.partial
        AND ind.all_columns AND ind.never_null
    ),
    json_agg(json_build_object(
      'name', c.relname, 'method', am.amname, 'columns', ind.columns,
      'unique', ind.indisunique, 'partial', ind.partial
    ) ORDER BY c.relname)
  FROM ind JOIN pg_class AS c ON c.oid = ind.indexrelid JOIN pg_am AS am ON am.oid = c.relam
  GROUP BY ind.indrelid
),
-- A key to or of a partitioned table has a copy for each partition; the copies have a parent.
fks(oid, foreign_keys) AS (
  SELECT k.conrelid, json_agg(json_build_object(
    'name', k.conname,
    'columns', (
      SELECT json_agg(a.attname ORDER BY key.place)
      FROM unnest(k.conkey) WITH ORDINALITY AS key(number, place)
      JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = key.number
    ),
    'schema', n.nspname,
    'table', c.relname,
    'references', (
      SELECT json_agg(a.attname ORDER BY key.place)
      FROM unnest(k.confkey) WITH ORDINALITY AS key(number, place)
      JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = key.number
    )
  ) ORDER BY k.conname)
  FROM rel
  JOIN pg_constraint AS k ON k.conrelid = rel.oid AND k.contype = 'f' AND k.conparentid = 0
  JOIN pg_class AS c ON c.oid = k.confrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  GROUP BY k.conrelid
),
policies(oid, names) AS (
  SELECT p.polrelid, json_agg(p.polname ORDER BY p.polname)
  FROM rel JOIN pg_policy AS p ON p.polrelid = rel.oid
  GROUP BY p.polrelid
),
reads(oid, relations) AS (
  SELECT seen.ev_class, json_agg(json_build_array(seen.nspname, seen.relname) ORDER BY seen.nspname, seen.relname)
  FROM (
    SELECT DISTINCT w.ev_class, n.nspname, c.relname
    FROM rel
    JOIN pg_rewrite AS w ON w.ev_class = rel.oid AND w.ev_type = '1'
    JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> w.ev_class
    JOIN pg_class AS c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE rel.relkind IN ('v', 'm')
  ) AS seen
  GROUP BY seen.ev_class
)
SELECT json_build_object(
  'schema', rel.nspname,
  'name', rel.relname,
  'kind', CASE rel.relkind
    WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned_table' WHEN 'v' THEN 'view'
    WHEN 'm' THEN 'materialized_view' WHEN 'f' THEN 'foreign_table'
  END,
  'comment', obj_description(rel.oid, 'pg_class'),
  'columns', coalesce(col.columns, '[]'),
  'primary_key', coalesce(indexes.primary_key, '[]'),
  'unique', coalesce(indexes.uniques, '[]'),
  'foreign_keys', coalesce(fks.foreign_keys, '[]'),
  'indexes', coalesce(indexes.indexes, '[]'),
  -- A table that was never analysed has -1; in PostgreSQL 13 it has no pages and no rows.
  'estimate', CASE
    WHEN rel.relkind IN ('r', 'm') AND (rel.reltuples > 0 OR rel.reltuples = 0 AND rel.relpages > 0)
      THEN rel.reltuples::int8
    WHEN rel.relkind = 'p' THEN (
      SELECT sum(leaf.reltuples)::int8
      FROM pg_partition_tree(rel.oid) AS tree JOIN pg_class AS leaf ON leaf.oid = tree.relid
      WHERE tree.isleaf AND leaf.reltuples > 0
    )
  END,
  'partition_of', (
    SELECT json_build_array(n.nspname, p.relname)
    FROM pg_inherits AS i JOIN pg_class AS p ON p.oid = i.inhparent JOIN pg_namespace AS n ON n.oid = p.relnamespace
    WHERE rel.relispartition AND i.inhrelid = rel.oid
  ),
  'row_security', rel.relrowsecurity,
  'policies', coalesce(policies.names, '[]'),
  'security_invoker', coalesce((
    SELECT o.option_value::bool FROM pg_options_to_table(rel.reloptions) AS o
    WHERE o.option_name = 'security_invoker'
  ), false),
  'reads', coalesce(reads.relations, '[]'),
  'owned', coalesce(pg_has_role(rel.relowner, 'MEMBER'), true),
  'writable', coalesce(has_table_privilege(rel.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'), true)
    OR coalesce(has_any_column_privilege(rel.oid, 'INSERT, UPDATE'), true)
)::text
FROM rel
LEFT JOIN col ON col.oid = rel.oid
LEFT JOIN indexes ON indexes.oid = rel.oid
LEFT JOIN fks ON fks.oid = rel.oid
LEFT JOIN policies ON policies.oid = rel.oid
LEFT JOIN reads ON reads.oid = rel.oid
ORDER BY rel.nspname, rel.relname
