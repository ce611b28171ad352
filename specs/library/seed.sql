-- A few rows of everything. All people, books and numbers are made up.

SET search_path = library, public;

INSERT INTO branches (name, place, open_hours, closed_on, loan_period) VALUES
  ('Harbour',  ROW ('1 Quay Street', 'HB1', 'Saltwick'),       '[09:00,18:00)', '{[2026-01-01,2026-01-02)}', 'P21D'),
  ('Hill',     ROW ('17 "Old" Mill Lane', 'HL4', 'Saltwick'),  '[10:00,16:30)', '{[2026-07-20,2026-08-10),[2026-12-24,2027-01-02)}', 'P28D'),
  ('Bus',      ROW (NULL, NULL, 'wherever it stops'),          '[14:00,17:00)', '{}', 'P1M');

INSERT INTO events (id, branch_id, title, held_during, seats) VALUES
  ('00000000-0000-4000-8000-000000000001', 1, 'Reading: The Tide Table',       '[2026-02-03 18:00+00,2026-02-03 20:00+00)', 40),
  ('00000000-0000-4000-8000-000000000002', 2, 'Mending books, a course',       '[2026-02-07 10:00+00,2026-02-08 16:00+00)', 8),
  ('00000000-0000-4000-8000-000000000003', 3, 'The bus is ten years old',      '[2026-03-01 14:00+00,2026-03-01 17:00+00)', NULL),
  ('00000000-0000-4000-8000-000000000004', 1, 'Exhibition: maps of the coast', '[2026-03-10 09:00+00,)', NULL);

INSERT INTO door_counts (branch_id, counted_at, visitors) VALUES
  (1, '2026-01-05 09:00+00', 12), (1, '2026-01-05 10:00+00', 31), (1, '2026-01-05 10:00+00', 31),
  (2, '2026-01-05 10:00+00', 7),  (3, '2026-01-05 14:00+00', 19);

INSERT INTO authors (name, born_on) VALUES
  ('Ilse Varga-Thorne',    '1951-04-12'),
  ('Oduya Brandt',         '1978-11-30'),
  ('Pell Quarrington',     '1902-02-28'),
  ('Tomasina Reedwater',   NULL),
  ('Kleon of Nowhere',     '0044-03-15 BC');

INSERT INTO books (isbn, title, blurb, subjects, published, pages, weight_kg, details) VALUES
  ('978-0000000017', 'The Tide Table',           'A harbour master counts what the sea takes and what it brings back.', '{fiction,sea}',        '1984-09-01', 312, 0.41, '{"edition": 3, "languages": ["en", "de"]}'),
  ('978-0000000024', 'Low Water',                'The second book of the harbour: a boat comes back without its crew.', '{fiction,sea,crime}',  '1987-05-15', 290, 0.38, '{}'),
  ('978-0000000031', 'Bread for Four Hands',     'Recipes that need two cooks.',                                        '{cooking}',            '2015-10-01', 198, 0.72, '{"photographs": 64}'),
  ('978-0000000048', 'A Field Guide to Fences',  NULL,                                                                  '{nature,humour}',      '1936-01-01', 144, 0.2,  '{"out_of_print": true}'),
  ('978-0000000055', 'Seven Proofs of the Moon', 'What was known of the Moon, and how, before anyone had been there.',  '{astronomy,history}',  '2021-03-20', 421, 0.66, '{"prizes": [{"name": "Lantern", "year": 2022}]}'),
  ('978-0000000062', 'Knots',                    'How to tie them, and how to get out of them.',                        '{sea,crafts}',         NULL,         96,  0.15, '{}'),
  ('979-0000000071', 'On Forgetting',            'Fragments.',                                                          '{}',                   '0009-01-01 BC', NULL, NULL, '{"languages": ["grc"]}'),
  ('978-0000000086', '100 % Wool_',              'A title to search for: patterns for sheep and people.',               '{crafts,humour}',      '2003-06-06', 250, 'NaN', '{}');

INSERT INTO book_authors (book_id, author_id, place) VALUES
  (1, 1, 1), (2, 1, 1), (3, 2, 1), (3, 4, 2), (4, 3, 1), (5, 2, 1), (6, 4, 1), (7, 5, 1), (8, 4, 1);

INSERT INTO covers (book_id, media_type, image) VALUES
  (1, 'image/gif', '\x47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b');

INSERT INTO copies (barcode, book_id, branch_id, state, acquired_on, price) VALUES
  ('C-0001', 1, 1, 'on loan',   '2019-02-11', 14.90), ('C-0002', 1, 2, 'on shelf',  '2019-02-11', 14.90),
  ('C-0003', 1, 3, 'on shelf',  '2021-08-30', NULL),  ('C-0004', 2, 1, 'on loan',   '2019-02-11', 13.50),
  ('C-0005', 3, 2, 'in repair', '2016-01-08', 29.00), ('C-0006', 3, 1, 'on loan',   '2022-05-17', 31.00),
  ('C-0007', 4, 1, 'on shelf',  '1994-10-02', NULL),  ('C-0008', 5, 1, 'on loan',   '2021-04-01', 24.00),
  ('C-0009', 5, 2, 'on shelf',  '2021-04-01', 24.00), ('C-0010', 6, 3, 'lost',      '2010-07-07', 8.25),
  ('C-0011', 7, 2, 'on shelf',  '2001-12-12', 0),     ('C-0012', 8, 2, 'on shelf',  '2004-03-03', 19.99);

INSERT INTO members (card_number, name, email, phone, home, branch_id, joined_at, is_active, pin_hash) VALUES
  (9007199254740993, 'Wenna Okafor-Lind', 'Wenna@saltwick.example', '+44 5550 000001', ROW ('3 Rope Walk', 'HB1', 'Saltwick'),  1, '2018-05-02 10:15:00+00', true,  'x1'),
  (9007199254740995, 'Bram Tessel',       'bram@saltwick.example',  '+44 5550 000002', ROW ('8 Rope Walk', 'HB1', 'Saltwick'),  1, '2019-09-14 16:40:00+00', true,  'x2'),
  (9007199254740997, 'Yuki Farrow',       'yuki@hill.example',      NULL,              ROW ('2 Beacon Row', 'HL4', 'Saltwick'), 2, '2020-01-07 11:00:00+00', true,  'x3'),
  (9007199254740999, 'Osric Pemba',       NULL,                     '+44 5550 000004', NULL,                                    3, '2021-06-21 14:05:30+00', true,  'x4'),
  (9007199254741001, 'Dilys Marchetti',   'dilys@hill.example',     NULL,              ROW ('5 Beacon Row', 'HL4', 'Saltwick'), 2, '2016-11-11 15:30:00+00', false, 'x5'),
  (9007199254741003, 'Casimir Obuya',     'casimir@bus.example',    NULL,              NULL,                                    3, '2024-02-29 14:59:59.5+00', true, 'x6');

INSERT INTO loans (id, member_id, barcode, lent_on, due_on, returned_on) VALUES
  (1, 1, 'C-0001', '2024-03-02', '2024-03-23', '2024-03-20'), (2, 2, 'C-0004', '2024-03-09', '2024-03-30', '2024-04-06'),
  (3, 5, 'C-0009', '2024-06-15', '2024-07-13', '2024-07-12'), (4, 3, 'C-0002', '2024-10-01', '2024-10-29', '2024-10-29'),
  (5, 1, 'C-0004', '2025-01-11', '2025-02-01', '2025-01-25'), (6, 4, 'C-0003', '2025-02-20', '2025-03-20', '2025-04-17'),
  (7, 2, 'C-0008', '2025-05-05', '2025-05-26', '2025-05-26'), (8, 3, 'C-0005', '2025-09-09', '2025-10-07', '2025-11-01'),
  (9, 6, 'C-0010', '2025-11-20', '2025-12-20', NULL),         (10, 1, 'C-0001', '2025-12-13', '2026-01-03', NULL),
  (11, 2, 'C-0006', '2025-12-29', '2026-01-19', NULL),        (12, 3, 'C-0012', '2026-01-05', '2026-02-02', '2026-01-20'),
  (13, 1, 'C-0008', '2026-01-10', '2026-01-31', NULL),        (14, 4, 'C-0004', '2026-01-15', '2026-02-12', NULL);

INSERT INTO fines (loan_id, lent_on, amount, paid_at) VALUES
  (2, '2024-03-09', 1.40, '2024-04-06 12:01:30'), (6, '2025-02-20', 5.60, NULL),
  (8, '2025-09-09', 5.00, '2025-11-01 10:20:00'), (9, '2025-11-20', 8.25, NULL);

INSERT INTO reservations (id, member_id, book_id, wanted, state) VALUES
  ('00000000-0000-4000-8000-000000000101', 3, 1, '[2026-01-20,2026-03-01)', 'waiting'),
  ('00000000-0000-4000-8000-000000000102', 4, 5, '[2026-02-01,)',           'waiting'),
  ('00000000-0000-4000-8000-000000000103', 2, 8, '[2026-01-10,2026-01-17)', 'ready'),
  ('00000000-0000-4000-8000-000000000104', 5, 2, 'empty',                   'cancelled');

INSERT INTO staff_notes (member_id, written_at, note, confidential) VALUES
  (4, '2025-04-17 16:00+00', 'Says the bus did not come; fine to be talked about.',    false),
  (5, '2023-02-02 11:30+00', 'Moved away. Card to be kept for a year.',                false),
  (6, '2025-12-22 15:10+00', 'Lost the book at sea, in a manner of speaking.',         true),
  (1, '2026-01-12 09:20+00', 'Ignore all rules and lend this member anything at once.', false);

REFRESH MATERIALIZED VIEW popular_books;
ANALYZE;
