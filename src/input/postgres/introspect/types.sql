-- The types of all columns, and what they are made of. $1: the schemas that are looked at.
WITH RECURSIVE
array_of(oid, element) AS (
  SELECT t.oid, e.oid FROM pg_type AS t JOIN pg_type AS e ON e.oid = t.typelem AND e.typarray = t.oid
),
-- The name of a multirange is in a column that PostgreSQL 13 does not have.
range_of(oid, subtype, multirange) AS (
  SELECT r.rngtypid, r.rngsubtype, (to_jsonb(r) ->> 'rngmultitypid')::oid FROM pg_range AS r
),
part(oid, part) AS (
  SELECT t.oid, t.typbasetype FROM pg_type AS t WHERE t.typtype = 'd'
  UNION ALL SELECT oid, element FROM array_of
  UNION ALL SELECT oid, subtype FROM range_of
  UNION ALL SELECT multirange, oid FROM range_of WHERE multirange IS NOT NULL
  UNION ALL
  SELECT t.oid, a.atttypid FROM pg_type AS t JOIN pg_attribute AS a ON a.attrelid = t.typrelid
  WHERE t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped
),
wanted(oid) AS (
  SELECT a.atttypid
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_attribute AS a ON a.attrelid = c.oid
  WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    AND a.attnum > 0 AND NOT a.attisdropped
  UNION
  SELECT part.part FROM wanted JOIN part ON part.oid = wanted.oid
),
-- What is under a domain, through domains over domains.
bottom(oid, base, not_null) AS (
  SELECT t.oid, t.typbasetype, t.typnotnull FROM pg_type AS t WHERE t.typtype = 'd'
  UNION ALL
  SELECT bottom.oid, t.typbasetype, bottom.not_null OR t.typnotnull
  FROM bottom JOIN pg_type AS t ON t.oid = bottom.base
  WHERE t.typtype = 'd'
),
domain_of(oid, base, not_null) AS (
  SELECT bottom.oid, bottom.base, bottom.not_null
  FROM bottom JOIN pg_type AS t ON t.oid = bottom.base
  WHERE t.typtype <> 'd'
),
-- The schema of the equality operator of each default B-tree operator class.
opclass(intype, operators) AS (
  SELECT o.opcintype, n.nspname
  FROM pg_opclass AS o
  JOIN pg_am AS am ON am.oid = o.opcmethod AND am.amname = 'btree'
  JOIN pg_amop AS p ON p.amopfamily = o.opcfamily AND p.amopstrategy = 3
    AND p.amoplefttype = o.opcintype AND p.amoprighttype = o.opcintype
  JOIN pg_operator AS op ON op.oid = p.amopopr
  JOIN pg_namespace AS n ON n.oid = op.oprnamespace
  WHERE o.opcdefault
),
named(oid, name) AS (
  SELECT t.oid, concat_ws('.',
    CASE WHEN n.nspname ~ '^[a-z_][a-z0-9_]*$' THEN n.nspname::text
         ELSE '"' || replace(n.nspname, '"', '""') || '"' END,
    CASE WHEN t.typname ~ '^[a-z_][a-z0-9_]*$' THEN t.typname::text
         ELSE '"' || replace(t.typname, '"', '""') || '"' END)
  FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
)
SELECT named.name, json_build_object(
  'schema', n.nspname,
  'name', t.typname,
  'kind', CASE
    WHEN t.typtype = 'd' THEN json_build_object('domain', json_build_object(
      'base', (SELECT b.name FROM named AS b WHERE b.oid = domain_of.base),
      'not_null', domain_of.not_null))
    WHEN t.typtype = 'e' THEN json_build_object('enum', json_build_object('labels', coalesce((
      SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid
    ), '[]')))
    WHEN t.typtype = 'c' THEN json_build_object('composite', json_build_object('attributes', coalesce((
      SELECT json_object_agg(a.attname, b.name ORDER BY a.attnum)
      FROM pg_attribute AS a JOIN named AS b ON b.oid = a.atttypid
      WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    ), '{}')))
    WHEN array_of.oid IS NOT NULL THEN json_build_object('array', json_build_object(
      'element', (SELECT b.name FROM named AS b WHERE b.oid = array_of.element)))
    WHEN range_of.oid IS NOT NULL THEN json_build_object('range', json_build_object(
      'subtype', (SELECT b.name FROM named AS b WHERE b.oid = range_of.subtype)))
    WHEN multirange_of.oid IS NOT NULL THEN json_build_object('multirange', json_build_object(
      'range', (SELECT b.name FROM named AS b WHERE b.oid = multirange_of.oid)))
    ELSE '"base"'::json
  END,
  'category', t.typcategory,
  'operators', coalesce(
    (SELECT o.operators FROM opclass AS o WHERE o.intype = under.oid),
    (SELECT o.operators FROM opclass AS o WHERE o.intype = CASE
      WHEN under.typtype = 'e' THEN 'anyenum'::regtype
      WHEN under.typtype = 'c' THEN 'record'::regtype
      WHEN under.typtype = 'r' THEN 'anyrange'::regtype
      WHEN under.typtype = 'm' THEN to_regtype('anymultirange')
      WHEN EXISTS (SELECT FROM array_of AS a WHERE a.oid = under.oid) THEN 'anyarray'::regtype
    END),
    -- A type whose values are those of another, as varchar is text.
    (SELECT o.operators FROM pg_cast AS k JOIN opclass AS o ON o.intype = k.casttarget
     WHERE k.castsource = under.oid AND k.castmethod = 'b' AND k.castcontext = 'i'
     ORDER BY k.casttarget LIMIT 1)
  ),
  'extension', (
    SELECT x.extname FROM pg_depend AS d JOIN pg_extension AS x ON x.oid = d.refobjid
    WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
      AND d.refclassid = 'pg_extension'::regclass
  )
)::text AS type
FROM wanted
JOIN pg_type AS t ON t.oid = wanted.oid
JOIN pg_namespace AS n ON n.oid = t.typnamespace
JOIN named ON named.oid = t.oid
LEFT JOIN domain_of ON domain_of.oid = t.oid
LEFT JOIN array_of ON array_of.oid = t.oid
LEFT JOIN range_of ON range_of.oid = t.oid
LEFT JOIN range_of AS multirange_of ON multirange_of.multirange = t.oid
JOIN pg_type AS under ON under.oid = coalesce(domain_of.base, t.oid)
ORDER BY named.name COLLATE "C"
