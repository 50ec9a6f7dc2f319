"""The SQLite file: one writer, one reader, migrations, and one module a family of tables."""
