-- A public library with three branches: books, copies, members, and what they lend each other.
--
-- It has something of everything that PostgreSQL 15 and newer have types and rights for, and little of it, so
-- that it can be read from top to bottom. `seed.sql` fills it; `snapshot.json` is what `mcpgen introspect`
-- says of it to the role `library_reader`.

CREATE SCHEMA library;
COMMENT ON SCHEMA library IS 'A public library with three branches.';
SET search_path = library, public;

CREATE EXTENSION citext SCHEMA public;

-- Roles -------------------------------------------------------------------------------------------------------

-- Roles belong to the whole cluster, and may be there already.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'library_reader') THEN
    CREATE ROLE library_reader LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'library_desk') THEN
    CREATE ROLE library_desk LOGIN;
  END IF;
END
$$;

-- Types -------------------------------------------------------------------------------------------------------

CREATE TYPE copy_state AS ENUM ('on shelf', 'on loan', 'in repair', 'lost');
CREATE TYPE reservation_state AS ENUM ('waiting', 'ready', 'collected', 'cancelled');

CREATE DOMAIN isbn AS text CHECK (VALUE ~ '^97[89]-[0-9]{10}$');
CREATE DOMAIN email AS citext CHECK (VALUE LIKE '%_@_%');
CREATE DOMAIN euros AS numeric(8, 2) CHECK (VALUE >= 0);

CREATE TYPE address AS (street text, postcode text, city text);
CREATE TYPE hours AS RANGE (subtype = time);

-- Places ------------------------------------------------------------------------------------------------------

CREATE TABLE branches (
  id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name        text NOT NULL UNIQUE,
  place       address NOT NULL,
  open_hours  hours NOT NULL,
  closed_on   datemultirange NOT NULL DEFAULT '{}',
  loan_period interval NOT NULL DEFAULT 'P21D'
);
COMMENT ON TABLE branches IS 'The branches of the library.';
COMMENT ON COLUMN branches.open_hours IS 'When it is open, the same on every day.';
COMMENT ON COLUMN branches.closed_on IS 'The days on which it is closed all the same.';
COMMENT ON COLUMN branches.loan_period IS 'How long a copy is lent.';

CREATE TABLE events (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  branch_id   int NOT NULL REFERENCES branches,
  title       text NOT NULL,
  held_during tstzrange NOT NULL,
  seats       smallint CHECK (seats > 0)
);
CREATE INDEX events_held_during ON events USING gist (held_during);
COMMENT ON TABLE events IS 'Readings and courses that anybody may come to.';
COMMENT ON COLUMN events.seats IS 'Null: as many as come.';

-- What the people who count at the door write down: a table without a key.
CREATE TABLE door_counts (
  branch_id  int NOT NULL REFERENCES branches,
  counted_at timestamptz NOT NULL,
  visitors   smallint NOT NULL
);
COMMENT ON TABLE door_counts IS 'Visitors of an hour; some hours were counted twice.';

-- Books -------------------------------------------------------------------------------------------------------

CREATE TABLE authors (
  id      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name    text NOT NULL,
  born_on date
);
COMMENT ON TABLE authors IS 'Who wrote the books.';
COMMENT ON COLUMN authors.born_on IS 'May be before the common era.';

CREATE TABLE books (
  id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  isbn      isbn NOT NULL UNIQUE,
  title     text NOT NULL,
  blurb     text,
  subjects  text[] NOT NULL DEFAULT '{}',
  published date,
  pages     int CHECK (pages > 0),
  weight_kg real,
  details   jsonb NOT NULL DEFAULT '{}',
  words     tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', coalesce(blurb, '')), 'B')
  ) STORED
);
CREATE INDEX books_title ON books (title);
CREATE INDEX books_subjects ON books USING gin (subjects);
CREATE INDEX books_words ON books USING gin (words);
COMMENT ON TABLE books IS 'The catalogue: one row a title, however many copies there are.';
COMMENT ON COLUMN books.isbn IS 'ISBN-13, with a hyphen after the prefix.';
COMMENT ON COLUMN books.blurb IS 'What the cover says.';
COMMENT ON COLUMN books.details IS 'What only some books have: edition, languages, prizes.';
COMMENT ON COLUMN books.words IS 'The words of title and blurb, for searching.';

CREATE TABLE book_authors (
  book_id   int REFERENCES books,
  author_id int REFERENCES authors,
  place     smallint NOT NULL DEFAULT 1,
  PRIMARY KEY (book_id, author_id)
);
CREATE INDEX book_authors_author ON book_authors (author_id);
COMMENT ON TABLE book_authors IS 'Which author wrote which book, and in which place the cover names them.';

CREATE TABLE covers (
  book_id    int PRIMARY KEY REFERENCES books,
  media_type text NOT NULL,
  image      bytea NOT NULL
);
COMMENT ON TABLE covers IS 'Pictures of covers.';

CREATE TABLE copies (
  barcode     varchar(12) PRIMARY KEY,
  book_id     int NOT NULL REFERENCES books,
  branch_id   int NOT NULL REFERENCES branches,
  state       copy_state NOT NULL DEFAULT 'on shelf',
  acquired_on date NOT NULL,
  price       euros
);
CREATE INDEX copies_book ON copies (book_id);
CREATE INDEX copies_branch_state ON copies (branch_id, state);
COMMENT ON TABLE copies IS 'The books on the shelves, one row each.';
COMMENT ON COLUMN copies.price IS 'What it cost; null if it was given.';

-- Members -----------------------------------------------------------------------------------------------------

CREATE TABLE members (
  id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Beyond 2^53: a JSON number would lose its last digit.
  card_number bigint NOT NULL UNIQUE,
  name        text NOT NULL,
  email       email UNIQUE,
  phone       text,
  home        address,
  branch_id   int NOT NULL REFERENCES branches,
  joined_at   timestamptz NOT NULL DEFAULT now(),
  is_active   boolean NOT NULL DEFAULT true,
  pin_hash    text NOT NULL
);
CREATE INDEX members_branch ON members (branch_id);
COMMENT ON TABLE members IS 'Who may borrow.';
COMMENT ON COLUMN members.card_number IS 'The number on the card, sixteen digits.';
COMMENT ON COLUMN members.branch_id IS 'The branch that they joined at.';

CREATE TABLE loans (
  id          bigint GENERATED BY DEFAULT AS IDENTITY,
  member_id   int NOT NULL REFERENCES members,
  barcode     varchar(12) NOT NULL REFERENCES copies,
  lent_on     date NOT NULL,
  due_on      date NOT NULL,
  returned_on date,
  PRIMARY KEY (id, lent_on),
  CHECK (due_on >= lent_on)
) PARTITION BY RANGE (lent_on);
CREATE TABLE loans_2024 PARTITION OF loans FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE loans_2025 PARTITION OF loans FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE loans_2026 PARTITION OF loans FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX loans_member ON loans (member_id);
CREATE INDEX loans_barcode ON loans (barcode);
CREATE INDEX loans_open ON loans (due_on) WHERE returned_on IS NULL;
COMMENT ON TABLE loans IS 'Who borrowed which copy, and until when. A partition a year.';
COMMENT ON COLUMN loans.returned_on IS 'Null while the copy is out.';

CREATE TABLE fines (
  id      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  loan_id bigint NOT NULL,
  lent_on date NOT NULL,
  amount  euros NOT NULL,
  paid_at timestamp,
  FOREIGN KEY (loan_id, lent_on) REFERENCES loans
);
COMMENT ON TABLE fines IS 'What is owed for copies that came back late.';
COMMENT ON COLUMN fines.paid_at IS 'By the clock at the desk; null while it is owed.';

CREATE TABLE reservations (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  member_id   int NOT NULL REFERENCES members,
  book_id     int NOT NULL REFERENCES books,
  wanted      daterange NOT NULL,
  state       reservation_state NOT NULL DEFAULT 'waiting'
);
COMMENT ON TABLE reservations IS 'Books that members wait for.';
COMMENT ON COLUMN reservations.wanted IS 'The days on which they would take it.';

-- Row security: the reader sees what is meant for everyone at the desk.
CREATE TABLE staff_notes (
  id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  member_id    int NOT NULL REFERENCES members,
  written_at   timestamptz NOT NULL DEFAULT now(),
  note         text NOT NULL,
  confidential boolean NOT NULL DEFAULT false
);
ALTER TABLE staff_notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY not_confidential ON staff_notes FOR SELECT TO library_reader USING (NOT confidential);
CREATE POLICY desk ON staff_notes TO library_desk USING (true);
COMMENT ON TABLE staff_notes IS 'What staff wrote about members.';

-- Views -------------------------------------------------------------------------------------------------------

CREATE VIEW overdue_loans WITH (security_invoker = true) AS
SELECT l.id AS loan_id, l.member_id, l.barcode, b.title, l.due_on
FROM loans AS l
JOIN copies AS c ON c.barcode = l.barcode
JOIN books AS b ON b.id = c.book_id
WHERE l.returned_on IS NULL;
COMMENT ON VIEW overdue_loans IS 'Copies that are out, with the day they were or are due.';

-- Read with the rights of its owner, whom row security does not concern.
CREATE VIEW note_counts AS
SELECT member_id, count(*) AS notes, max(written_at) AS last_written_at
FROM staff_notes
GROUP BY member_id;
COMMENT ON VIEW note_counts IS 'How many notes there are about a member, confidential ones among them.';

CREATE MATERIALIZED VIEW popular_books AS
SELECT b.id AS book_id, b.title, count(l.id) AS loans, max(l.lent_on) AS last_lent_on
FROM books AS b
JOIN copies AS c ON c.book_id = b.id
LEFT JOIN loans AS l ON l.barcode = c.barcode
GROUP BY b.id;
CREATE UNIQUE INDEX popular_books_book ON popular_books (book_id);
COMMENT ON MATERIALIZED VIEW popular_books IS 'How often each book was lent, as of last night.';

-- Functions ---------------------------------------------------------------------------------------------------

CREATE FUNCTION days_late(due_on date, returned_on date) RETURNS int
LANGUAGE sql IMMUTABLE
RETURN greatest(returned_on - due_on, 0);
COMMENT ON FUNCTION days_late IS 'How many days after the due day a copy came back.';

CREATE FUNCTION books_by(author text, OUT title text, OUT published date) RETURNS SETOF record
LANGUAGE sql STABLE
BEGIN ATOMIC
  SELECT b.title, b.published
  FROM books AS b
  JOIN book_authors AS ba ON ba.book_id = b.id
  JOIN authors AS a ON a.id = ba.author_id
  WHERE a.name = books_by.author;
END;
COMMENT ON FUNCTION books_by IS 'The books of an author.';

CREATE FUNCTION renew_loan(loan_id bigint, days int DEFAULT 21) RETURNS date
LANGUAGE sql VOLATILE
BEGIN ATOMIC
  UPDATE loans SET due_on = due_on + days
  WHERE id = loan_id AND returned_on IS NULL
  RETURNING due_on;
END;
COMMENT ON FUNCTION renew_loan IS 'Lends a copy for longer; the new due day, or null if it is back.';

CREATE FUNCTION owed_by(card_number bigint) RETURNS euros
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  SELECT coalesce(sum(f.amount), 0)
  FROM fines AS f
  JOIN loans AS l ON (l.id, l.lent_on) = (f.loan_id, f.lent_on)
  JOIN members AS m ON m.id = l.member_id
  WHERE m.card_number = owed_by.card_number AND f.paid_at IS NULL;
END;
COMMENT ON FUNCTION owed_by IS 'What the owner of a card owes, whoever asks.';

-- Rights ------------------------------------------------------------------------------------------------------

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA library FROM PUBLIC;

GRANT USAGE ON SCHEMA library TO library_reader, library_desk;
GRANT SELECT ON ALL TABLES IN SCHEMA library TO library_reader, library_desk;
GRANT EXECUTE ON FUNCTION days_late, books_by, owed_by TO library_reader, library_desk;

-- The reader may see all of a member but the PIN.
REVOKE SELECT ON members FROM library_reader;
GRANT SELECT (id, card_number, name, email, phone, home, branch_id, joined_at, is_active)
  ON members TO library_reader;

-- The desk lends and takes back.
GRANT INSERT, UPDATE ON loans, copies, reservations, fines, staff_notes TO library_desk;
GRANT EXECUTE ON FUNCTION renew_loan TO library_desk;
