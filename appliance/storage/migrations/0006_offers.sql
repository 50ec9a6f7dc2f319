-- An offer ends with what its maker may: who that is. Null: made before the upgrade, and good until it ends by itself.
ALTER TABLE pairing_offers ADD COLUMN actor TEXT;
