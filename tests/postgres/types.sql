-- A column of every type that is treated in its own way.

CREATE EXTENSION citext;
CREATE EXTENSION hstore;
CREATE SCHEMA ext;
CREATE EXTENSION cube SCHEMA ext;

CREATE TYPE mood AS ENUM ('ok', 'sad');
CREATE TYPE void_enum AS ENUM ();
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN small_positive AS positive NOT NULL CHECK (VALUE < 100);
CREATE DOMAIN tags AS text[];
CREATE TYPE pair AS (a small_positive, b citext[], c bigint);
CREATE TYPE nested AS (p pair, ps pair[]);
CREATE TYPE floats AS RANGE (subtype = float8);

CREATE TABLE scalars (
  c_bool bool NOT NULL, c_int2 int2 NOT NULL, c_int4 int4, c_int8 int8 PRIMARY KEY, c_oid oid,
  c_numeric numeric(10, 2) NOT NULL, c_float4 float4 NOT NULL, c_float8 float8, c_money money,
  c_text text NOT NULL, c_varchar varchar(5), c_char char(3), c_char1 "char", c_name name, c_citext citext,
  c_uuid uuid NOT NULL, c_date date, c_time time, c_timetz timetz, c_timestamp timestamp, c_timestamptz timestamptz,
  c_interval interval, c_inet inet, c_cidr cidr, c_macaddr macaddr, c_bit bit(3), c_varbit varbit,
  c_bytea bytea NOT NULL, c_json json, c_jsonb jsonb NOT NULL, c_xml xml, c_tsvector tsvector NOT NULL, c_tsquery tsquery,
  c_point point, c_hstore hstore, c_cube ext.cube, c_regclass regclass
);

CREATE TABLE made (
  c_mood mood NOT NULL, c_void void_enum, c_positive positive, c_small small_positive NOT NULL,
  c_tags tags NOT NULL, c_pair pair, c_nested nested, c_ints int[] NOT NULL, c_grid bigint[][], c_moods mood[],
  c_points point[], c_vector int2vector, c_pairs pair[],
  c_int4range int4range, c_floats floats, c_tstzrange tstzrange NOT NULL, c_ranges int8range[], c_multi datemultirange,
  c_row scalars
);

INSERT INTO scalars VALUES (
  true, 32767, 2147483647, 9223372036854775807, 4294967295,
  99999999.99, 'NaN', 'Infinity', 12.5,
  'it''s "text" \ % _', 'five5', 'c', 'x', 'a name', 'CiText',
  'ffffffff-ffff-4fff-bfff-ffffffffffff', 'infinity', '23:59:59.999999', '12:00+05:30', 'infinity', '9999-12-31 23:59:59.999999+00',
  'P1Y2M3DT4H5M6.789S', '2001:db8::1/64', '10.0.0.0/8', '08:00:2b:01:02:03', B'101', B'0',
  '\x00ff', '{"a": [1, null]}', '{"a": {"b": 1e400}}', '<a/>', 'cat:1 dog:2', 'cat & dog',
  '(1,2)', '"k"=>"v"', '(1,2,3)', 'pg_class'
), (
  false, -32768, -2147483648, -9223372036854775808, 0,
  0, 1e-37, -1e307, NULL,
  '', '', NULL, NULL, NULL, NULL,
  '00000000-0000-4000-8000-000000000000', '0044-03-15 BC', '00:00', NULL, '0001-01-01 00:00 BC', '-infinity',
  'P-1Y-2M-3DT-4H-5M-6.789S', '::1', NULL, NULL, NULL, NULL,
  '', 'false', 'null', NULL, '', NULL, NULL, NULL, NULL, NULL
), (
  true, 0, NULL, 9007199254740993, NULL,
  'NaN', 0.1, NULL, NULL,
  'plain', NULL, NULL, NULL, NULL, 'citext',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10000-01-01', NULL, NULL, '2026-01-31 08:30', '2026-01-31 08:30:00.5+00',
  '0', NULL, NULL, NULL, NULL, NULL,
  '\x', NULL, '[]', NULL, 'cat', NULL,
  NULL, NULL, NULL, NULL
);

INSERT INTO made VALUES (
  'sad', NULL, 5, 99,
  '{a,"b c",NULL}', ROW (1, '{"x,y","\"q\""}', 9223372036854775807), NULL, '{1,2}', '{{1,2},{3,9007199254740993}}', '{ok,sad}',
  '{"(1,2)"}', '1 2', NULL,
  '[1,5)', '(0.5,1.5]', '[2026-01-01 00:00+00,infinity)', '{"[1,9007199254740993)"}', '{[2026-01-01,2026-02-01),[2026-03-01,)}',
  NULL
), (
  'ok', NULL, NULL, 1,
  '{}', ROW (1, NULL, NULL), ROW (ROW (2, '{}', 0), '{}'), '{}', NULL, '{}',
  NULL, '', ARRAY[ROW (3, '{z}', -1)::pair],
  'empty', '(,)', '(,2020-01-01 00:00+00)', '{}', '{}',
  NULL
);
