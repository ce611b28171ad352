-- The functions and procedures that can be called, but those of extensions. $1: the schemas that are looked at.
SELECT json_build_object(
  'schema', n.nspname,
  'name', p.proname,
  'arguments', coalesce(pg_get_function_arguments(p.oid), ''),
  'result', pg_get_function_result(p.oid),
  'volatility', CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END,
  'security_definer', p.prosecdef,
  'search_path', EXISTS (
    SELECT FROM unnest(p.proconfig) AS setting WHERE starts_with(setting, 'search_path=')
  ),
  'executable', coalesce(has_function_privilege(p.oid, 'EXECUTE'), false),
  'comment', obj_description(p.oid, 'pg_proc')
)::text
FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE n.nspname = ANY ($1) AND p.prokind IN ('f', 'p')
  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND NOT EXISTS (
    SELECT FROM pg_depend AS d
    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  )
ORDER BY n.nspname, p.proname, pg_get_function_arguments(p.oid) COLLATE "C"
