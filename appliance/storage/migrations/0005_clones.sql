-- The warning that a screen's key was used on two PCs stands until the screen is paired anew or unpaired.
ALTER TABLE screens ADD COLUMN cloned_at INTEGER;
ALTER TABLE screens ADD COLUMN cloned_from TEXT;  -- address that the second PC was seen from
