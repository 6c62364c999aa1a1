-- Spreads an archive over the servers of a Citus cluster (11 or newer). The program does not run it:
--
--   create extension citus;  -- with the workers added, as its manual says
--   permanode init
--   psql --single-transaction -v ON_ERROR_STOP=1 -f Schema/optional/citus.sql "$PERMANODE_DATABASE_URL"
--
-- before there is anything in it, and instead of partitions.sql. A test holds what follows against the
-- rules of Citus, which is not needed for that; on a cluster it was not tried, and some statements of
-- the program would have to be taken apart first (Ops/machines.md says which).
--
-- What belongs to a channel lies where the channel does, by its number; what is looked up by a hash
-- lies by that hash; what is small or asked for with everything is on every server; what has
-- triggers, or is about one server's disk, stays on the first.

-- Keys have the column by which their table is spread; foreign keys stay within what lies together.
-- What a dropped one checked is checked by the row locks under which these rows are written.
alter table access_grant drop constraint access_grant_pkey;
alter table access_grant add primary key (channel, id);
alter table access_grant drop constraint access_grant_token_fkey;
alter table channel_subject drop constraint channel_subject_subject_fkey;
alter table forget_target drop constraint forget_target_request_fkey;
-- A person's row is locked when a consent channel of his is registered: that he has one only is seen
-- there.
alter table channel drop constraint channel_consent_of_key;
create index channel_consent_of on channel (consent_of) where consent_of is not null;
alter table tombstone drop constraint tombstone_pkey;
alter table tombstone add primary key (hash, sequence);
create index tombstone_sequence on tombstone (sequence);

-- By channel.
select create_distributed_table('channel', 'id');
select create_distributed_table('channel_subject', 'channel', colocate_with => 'channel');
select create_distributed_table('side_key', 'channel', colocate_with => 'channel');
select create_distributed_table('tree', 'channel', colocate_with => 'channel');
select create_distributed_table('earlier_chain', 'channel', colocate_with => 'channel');
select create_distributed_table('message', 'channel', colocate_with => 'channel');
select create_distributed_table('attachment', 'channel', colocate_with => 'channel');
select create_distributed_table('node_attachment', 'channel', colocate_with => 'channel');
select create_distributed_table('candidate', 'channel', colocate_with => 'channel');
select create_distributed_table('access_grant', 'channel', colocate_with => 'channel');
select create_distributed_table('consent_event', 'channel', colocate_with => 'channel');
select create_distributed_table('recipient', 'channel', colocate_with => 'channel');
select create_distributed_table('forget_target', 'channel', colocate_with => 'channel');
select create_distributed_table('partly_forgotten_root', 'channel', colocate_with => 'channel');
select create_distributed_table('bypassed_root', 'channel', colocate_with => 'channel');

-- By their own hash.
select create_distributed_table('registration', 'hash', colocate_with => 'none');
select create_distributed_table('tombstone', 'hash', colocate_with => 'none');
select create_distributed_table('lifted_tombstone', 'hash', colocate_with => 'tombstone');
select create_distributed_table('node_lookup', 'lookup', colocate_with => 'none');

-- On every server.
select create_reference_table('subject');
select create_reference_table('provider_key');
select create_reference_table('token');
select create_reference_table('ended_session');
select create_reference_table('forget_request');
select create_reference_table('legal_hold');
select create_reference_table('recipient_notice');
select create_reference_table('forget_log');

-- On the first server alone.
select citus_add_local_table_to_metadata('audit_chain');
select citus_add_local_table_to_metadata('audit_entry');
select citus_add_local_table_to_metadata('audit_head');
select citus_add_local_table_to_metadata('disk_reserve');
select citus_add_local_table_to_metadata('permanode_schema');
