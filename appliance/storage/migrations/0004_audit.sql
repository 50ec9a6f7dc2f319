-- The record of who did what is sealed: each entry's `mac` covers the one before it (`prev`), see `storage.chain`.
ALTER TABLE audit ADD COLUMN screen_id TEXT;
ALTER TABLE audit ADD COLUMN address TEXT;      -- where the call came from; null: this computer
ALTER TABLE audit ADD COLUMN prev BLOB;
ALTER TABLE audit ADD COLUMN mac BLOB;

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END;
-- Or else INSERT OR REPLACE would delete, which no trigger sees.
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE pk = NEW.pk)
BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END;
