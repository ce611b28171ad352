-- The database and the role. $1: the schemas that are looked at.
SELECT json_build_object(
  'server_version', current_setting('server_version_num')::int,
  'database', current_database(),
  'comment', (
    SELECT shobj_description(d.oid, 'pg_database') FROM pg_database AS d WHERE d.datname = current_database()
  ),
  'role', json_build_object(
    'name', r.rolname,
    'superuser', r.rolsuper,
    'bypass_rls', r.rolbypassrls,
    -- A superuser is a member of all; that says nothing.
    'member_of', coalesce((
      SELECT json_agg(m.rolname ORDER BY m.rolname)
      FROM pg_roles AS m
      WHERE NOT r.rolsuper AND m.oid <> r.oid AND pg_has_role(r.oid, m.oid, 'MEMBER')
        AND (
          m.rolsuper OR m.rolbypassrls OR m.rolcreaterole OR m.rolreplication
          OR m.rolname IN (
            'pg_write_all_data', 'pg_read_server_files', 'pg_write_server_files',
            'pg_execute_server_program', 'pg_maintain', 'pg_create_subscription'
          )
          OR EXISTS (
            SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relowner = m.oid AND n.nspname = ANY ($1)
          )
          OR EXISTS (SELECT FROM pg_namespace AS n WHERE n.nspowner = m.oid AND n.nspname = ANY ($1))
        )
    ), '[]'),
    'creates_in', coalesce((
      SELECT json_agg(n.nspname ORDER BY n.nspname)
      FROM pg_namespace AS n
      WHERE n.nspname = ANY ($1) AND has_schema_privilege(n.oid, 'CREATE')
    ), '[]')
  )
)::text
FROM pg_roles AS r
WHERE r.rolname = current_user
