-- In the order of the dead-letter list, with what it is filtered by: only hits are looked up. `updated_at` is when a
-- delivery came into its present state.
DROP INDEX deliveries_listed;
CREATE INDEX deliveries_listed ON deliveries (updated_at, pk, screen_id, code) WHERE listed = 1;

-- What screens that come back may take up by themselves.
CREATE INDEX deliveries_exhausted ON deliveries (expires_at) WHERE listed = 1 AND code = 'RETRIES_EXHAUSTED';

-- Searching all deliveries by order and by time.
CREATE INDEX triggers_order ON triggers (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX triggers_accepted ON triggers (accepted_at);
