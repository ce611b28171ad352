-- The schemas, and whether the role may use them. Those of PostgreSQL and of extensions are not offered.
SELECT n.nspname::text AS name,
       has_schema_privilege(n.oid, 'USAGE') AS usable,
       n.nspname <> 'information_schema'
         AND NOT starts_with(n.nspname::text, 'pg_')
         AND NOT EXISTS (
           SELECT FROM pg_depend AS d
           WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e'
         ) AS offered
FROM pg_namespace AS n
ORDER BY n.nspname
