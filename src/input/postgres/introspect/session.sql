-- What the rest of the transaction runs under: no name is found but PostgreSQL's own, nothing waits long.
SELECT pg_catalog.set_config('search_path', 'pg_catalog', true),
       pg_catalog.set_config('statement_timeout', '60000', true),
       pg_catalog.set_config('lock_timeout', '5000', true),
       pg_catalog.set_config('idle_in_transaction_session_timeout', '60000', true),
       pg_catalog.set_config('DateStyle', 'ISO, MDY', true),
       pg_catalog.set_config('TimeZone', 'UTC', true),
       pg_catalog.set_config('IntervalStyle', 'iso_8601', true),
       pg_catalog.set_config('quote_all_identifiers', 'off', true)
