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
  c_bool bool NOT NULL, c_int2 int2 NOT NULL, c_int4 int4, c_int8 int8 NOT NULL, c_oid oid,
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
