-- Partitions the two large tables by the hash of the channel, so that parts of them can lie on other
-- disks, and be vacuumed and moved by themselves. For tens of millions of messages and more: below,
-- it costs more than it gives (Ops/machines.md has the figures). The program does not run it:
--
--   psql --single-transaction -v ON_ERROR_STOP=1 -f Schema/optional/partitions.sql "$PERMANODE_DATABASE_URL"
--
-- while nothing of permanode runs. It rewrites both tables, and needs room for them twice. Eight
-- partitions, unless `set permanode.partitions = N` came before it; not more than 16: with 32, plans
-- were seen that read all of them.
--
-- A partition is moved by `alter table message_3 set tablespace …`: who reads it waits meanwhile,
-- and finds what was there before.

do $$
declare
    partitions constant integer :=
        coalesce(nullif(current_setting('permanode.partitions', true), ''), '8');
    whole text;
    made text;
    makes text[];
    place record;
begin
    foreach whole in array array['message', 'attachment'] loop
        select array_agg(statement order by is_key desc, statement) into makes from (
            select true as is_key,
                format(
                    'alter table %I add constraint %I %s', whole, conname,
                    pg_get_constraintdef(oid)) as statement
            from pg_constraint where conrelid = whole::regclass and contype in ('p', 'u')
            union all
            select false, pg_get_indexdef(indexrelid) from pg_index
            where indrelid = whole::regclass and not exists (
                select from pg_constraint where conindid = indexrelid)) found;
        execute format('alter table %I rename to %I', whole, whole || '_whole');
        execute format(
            'create table %I (like %I including defaults including constraints including storage)'
                || ' partition by hash (channel)', whole, whole || '_whole');
        for number in 0 .. partitions - 1 loop
            execute format(
                'create table %I partition of %I for values with (modulus %s, remainder %s)',
                whole || '_' || number, whole, partitions, number);
        end loop;
        -- In the order in which they came: an index by the time of taking in relies on it.
        execute format('insert into %I select * from %I', whole, whole || '_whole');
        execute format('drop table %I', whole || '_whole');
        foreach made in array makes loop
            execute made;
        end loop;
        -- As in the schema itself: of hashes and ciphertext no samples are kept.
        for place in
            select attname from pg_attribute
            where attrelid = whole::regclass and atttypid = 'bytea'::regtype and not attisdropped
        loop
            execute format('alter table %I alter column %I set statistics 0', whole, place.attname);
        end loop;
    end loop;
end
$$;

analyze message, attachment;
