-- The archive. Read top to bottom it follows the data: who, which channel, under which
-- keys, where its chain stands, what was taken in, what waits, who may read, what was
-- forgotten.
--
-- Columns named sealed_… hold ciphertext of the vault under the key of the row's channel
-- (or subject) and period; columns named lookup hold keyed hashes. Neither can be
-- compressed, so their storage is EXTERNAL: no attempt is made.
-- Times are bookkeeping of the archive (when it looked, when it took something in), never
-- what a message claims: that is sealed with the message.

create table subject (
    -- Random and never used again: the path of its keys in the key tree.
    number bigint primary key,
    -- Keyed hash of the operator's pseudonym, to find a subject by it.
    lookup bytea not null unique,
    sealed_pseudonym bytea not null,
    created_at timestamptz not null
);

create table channel (
    -- Random and never used again: the path of its keys in the key tree.
    id bigint primary key,
    mode text not null check (mode in ('public', 'private', 'restricted')),
    state text not null check (
        state in (
            'following', 'waiting-for-key', 'stalled', 'flooded', 'paused', 'restricted',
            'forgotten')),
    -- A code such as chain.quiet; null where there is nothing to explain.
    reason text,
    -- Raised by whoever takes the channel over (a crawler's lease, pause, restriction,
    -- forget); a writer with an older epoch is refused.
    epoch bigint not null default 0,
    -- The sequence the next message gets.
    next_sequence bigint not null default 0,
    -- The tree now looked for, counted from the registered root.
    head_position bigint not null default 0,
    -- Keyed hash of the registered root. Null once forgotten.
    registration bytea,
    sealed_label bytea,
    -- Why processing is lawful (GDPR, article 6(1)): a category, in the clear, so that the
    -- record of processing can be drawn up by it.
    basis text check (
        basis in (
            'consent', 'contract', 'legal-obligation', 'vital-interests', 'public-task',
            'legitimate-interests')),
    -- What the messages are kept for, in words.
    sealed_purpose bytea,
    created_at timestamptz not null,
    last_look_at timestamptz,
    next_look_at timestamptz not null,
    -- When something new was last taken in; how long a channel is quiet counts from here.
    last_news_at timestamptz not null,
    lease_owner text,
    lease_until timestamptz,
    -- New values are sealed under this key period at the earliest: moved on when the month
    -- under way is forgotten, because its key is then gone.
    open_period integer not null default 0,
    -- Raised by every forget and restriction: who reads the channel and began before stops.
    readers_epoch bigint not null default 0,
    -- How many whole months are kept beside the one under way; null keeps all.
    retention_months integer check (retention_months between 1 and 1200),
    -- Of key periods before this one nothing is there: the channel was not, or retention forgot
    -- them. Retention has nothing to do until it asks for a later one.
    retained_from integer not null default 0,
    -- Whom a node's commands answer about this channel: anyone, or tokens that may read it; null
    -- is nobody.
    node_interface text check (node_interface in ('public', 'token')),
    -- The person on whose private channel this is: its messages are consent events. Random, as in
    -- channel_subject; null for any other channel. A person has one.
    consent_of bigint unique,
    -- Keyed hash of the address by which consent events name the device that writes the channel;
    -- null where that is not known.
    device bytea,
    -- What switching that left to do: lookups are made after this sequence, or, where nobody is
    -- answered any more, deleted. Null where nothing is left.
    node_work bigint
) -- Each look writes the row several times; with room in its page no index is touched for that.
with (fillfactor = 50);

-- A root is registered once. Not a key of the channel's row: where channels are spread over servers
-- by their numbers, this is by the hash.
create table registration (
    -- Keyed hash of the registered root. The row goes when the channel is forgotten.
    hash bytea primary key,
    channel bigint not null
);

-- A crawler asks for the channels that are due, the longest due first.
create index channel_due on channel (next_look_at)
where state in ('following', 'waiting-for-key', 'stalled', 'flooded');

-- The eraser asks every second which channels keep more than they should.
create index channel_retention on channel (id) where retention_months is not null;

-- Upkeep asks every second where something is left to do.
create index channel_node_work on channel (id) where node_work is not null;

-- Whose data a channel is: a household has several people, and a person several channels.
create table channel_subject (
    channel bigint not null references channel (id),
    subject bigint not null references subject (number),
    primary key (channel, subject)
);

-- A forget by subject, the export of one and his token ask for a subject's channels.
create index channel_subject_subject on channel_subject (subject);

create table side_key (
    channel bigint not null references channel (id),
    number smallint not null,
    -- Keyed hash under the channel's own key: the same side key is added once.
    lookup bytea not null,
    sealed_key bytea not null,
    added_at timestamptz not null,
    -- The first tree it opened, or the one from which a rotation announced it: the crawler tries
    -- first the key of the epoch that a tree belongs to. Null while neither is known.
    first_position bigint,
    primary key (channel, number),
    unique (channel, lookup)
);

-- Key pairs of the archive as a service provider: owners encrypt the next side key to it. A
-- person has no part in them, so no forget touches them.
create table provider_key (
    -- Random and never used again: the path of its keys in the key tree.
    number bigint primary key,
    -- The address by which owners name it, and the private key.
    sealed_key bytea not null,
    created_at timestamptz not null
);

-- The trees of a chain that are still looked at: the head, and those passed not long ago,
-- for late leaves and twins. Written only under the channel row's lock, which gives what a
-- foreign key would check, and every step of a chain writes here.
create table tree (
    channel bigint not null,
    position bigint not null,
    sealed_root bytea not null,
    -- Null for the head; otherwise until when late leaves are looked for.
    watch_until timestamptz,
    next_look_at timestamptz not null,
    primary key (channel, position)
);

-- What lies before the earliest root that a channel was known by: a chain from a still earlier
-- root to that one, handed in later. Its positions count from -1000000000 times its number, since
-- how many trees are between is known only when it arrives.
create table earlier_chain (
    channel bigint not null references channel (id),
    number smallint not null,
    -- Keyed hash of its first root, under the channel's own key: a root is handed in once, and a
    -- chain that lies before this one arrives there.
    start_lookup bytea not null,
    -- Keyed hash of the root where it arrives, as above or as channel.registration.
    end_lookup bytea not null,
    -- The tree now looked for; null once it has arrived or was given up for another.
    head_position bigint,
    arrived_at timestamptz,
    -- As those of the channel, for its own turns.
    reason text,
    last_look_at timestamptz,
    last_news_at timestamptz not null,
    next_look_at timestamptz not null,
    primary key (channel, number)
);

-- What decrypting needs of a message. Written only under the channel row's lock, which
-- gives what a foreign key would check.
create table message (
    channel bigint not null,
    sequence bigint not null,
    position bigint not null,
    leaf bigint not null,
    -- The key period (months since 1970) the row's values are sealed under.
    period integer not null,
    -- The side key that opens it; null in modes without.
    side_key smallint,
    -- The day (since 1970, UTC) of the claimed time, coarse on purpose: what narrows a
    -- query by time before the exact time is decrypted. Null where the claim is no time.
    claimed_day integer,
    first_seen_at timestamptz not null,
    attachments integer not null default 1,
    conflict boolean not null default false,
    confirmed boolean not null default false,
    milestone integer,
    -- Keyed hash of root, leaf and message hash: the same message is stored once.
    lookup bytea not null,
    sealed_head bytea not null,
    primary key (channel, sequence),
    unique (channel, lookup)
);

-- History is ordered so; and twins of one leaf are found by it.
create index message_history on message (channel, position, leaf, sequence);

-- A forget of some periods, and retention each month, take their own rows and no others: of a
-- channel that keeps a year a month is a small part. Equal keys share an entry.
create index message_period on message (channel, period);

-- A query by claimed time starts at its first day instead of at the channel's beginning.
create index message_claimed on message (channel, claimed_day, sequence);

-- A query by the time of taking in leaves out the pages that were written at other times. Rows lie
-- in the order in which they came, so that a few bytes for each megabyte say which.
create index message_seen on message using brin (first_seen_at);

-- A message's attachments: the first verified one (number 0) and a bounded number more are
-- kept whole, the rest is counted, and after a bound no longer told apart.
create table attachment (
    channel bigint not null,
    sequence bigint not null,
    number integer not null,
    period integer not null,
    -- Keyed hash of the tail's hash: an attachment is counted once.
    lookup bytea not null,
    sealed_evidence bytea,
    primary key (channel, sequence, number),
    unique (channel, lookup)
);

-- Periods are forgotten by it.
create index attachment_period on attachment (channel, period);

-- For channels that a node's commands answer about, and only for those: what attachments that
-- are kept whole are made of, so that they are found and rebuilt without hashing them anew.
create table node_attachment (
    channel bigint not null,
    sequence bigint not null,
    number integer not null,
    -- The attachment's.
    period integer not null,
    -- Address, bundle hash and the transactions' hashes.
    sealed_hashes bytea not null,
    primary key (channel, sequence, number)
);

-- By what their transactions are found.
create table node_lookup (
    channel bigint not null,
    sequence bigint not null,
    number integer not null,
    -- Keyed hash of a transaction's hash, an address, a bundle hash, a tag or an approved
    -- transaction: under a key of the ring and not of the channel, because who asks names none.
    lookup bytea not null,
    -- Indexes in the bundle of the transactions that have it, two bytes each; null: all.
    transactions bytea
);

-- What a node is asked for.
create index node_lookup_lookup on node_lookup (lookup);

-- They go with their attachment.
create index node_lookup_attachment on node_lookup (channel, sequence, number);

-- Well-formed bundles at an address of the chain that no known side key opens: kept,
-- because the nodes will have pruned them when the key comes.
create table candidate (
    channel bigint not null,
    lookup bytea not null,
    position bigint not null,
    period integer not null,
    sealed_bundle bytea not null,
    seen_at timestamptz not null,
    primary key (channel, lookup)
);

create table token (
    id bigint primary key,
    role text not null check (role in ('admin', 'reader', 'subject')),
    -- Keyed hash of the token's secret part.
    hash bytea not null,
    created_at timestamptz not null,
    revoked_at timestamptz,
    -- The number of the person it is bound to. It outlives the person's row: with it he
    -- fetches the receipt of what was forgotten.
    subject bigint,
    -- The IOTA address by which owners' consent names a reader: a provider's own, made public by
    -- it. And its keyed hash, as consent events have it.
    address text,
    lookup bytea,
    check ((role = 'subject') = (subject is not null))
);

-- Sessions of the page that were signed out while copies of their cookies may be good still. It
-- says neither whose they were nor when they were used.
create table ended_session (
    -- Keyed hash of the session's number, which is random.
    lookup bytea primary key,
    -- When no copy is good any more; the row goes with the next one that is signed out.
    over_at timestamptz not null
);

-- Those that are over go by it, and of too many the oldest.
create index ended_session_over on ended_session (over_at);

-- What readers may read of channels, and what for. A message is given where it lies within all
-- bounds of one of them; null is no bound.
create table access_grant (
    -- Random: names the grant.
    id bigint primary key,
    token bigint not null references token (id),
    channel bigint not null references channel (id),
    -- What for, in words: it may tell something of a person. Under the channel's key, so that it
    -- goes with the channel.
    sealed_purpose bytea,
    -- When the archive took a message in, from the first to before the second. What a message
    -- claims of its time is anybody's word.
    seen_from timestamptz,
    seen_until timestamptz,
    -- Both included.
    first_position bigint,
    last_position bigint,
    -- From then on nothing is given by it.
    expires_at timestamptz,
    granted_at timestamptz not null,
    -- A token; -1 for the operator.
    granted_by bigint not null,
    revoked_at timestamptz
);

-- Every request of a reader asks for his own.
create index access_grant_token on access_grant (token, channel);

-- A forget takes a channel's grants with it.
create index access_grant_channel on access_grant (channel);

-- What the messages of consent channels say. What is in force follows from it by the order of the
-- chain, in which events may come late.
create table consent_event (
    channel bigint not null references channel (id),
    -- The message's.
    sequence bigint not null,
    position bigint not null,
    leaf bigint not null,
    kind text not null check (kind in ('authorised', 'revoked', 'device-added', 'device-deleted')),
    -- Keyed hash of the reader's or the device's address: under a key of the ring and not of the
    -- channel, because tokens and other channels name them.
    lookup bytea not null,
    -- Keyed hash of address and goal; null for devices, and for a revocation of all of a reader's.
    policy bytea,
    -- Address and goal.
    sealed_event bytea not null,
    -- When the message was taken in: then access begins.
    at timestamptz not null,
    primary key (channel, sequence)
);

-- Every request of a reader with an address asks for what names him.
create index consent_event_lookup on consent_event (lookup, channel);

create table forget_request (
    id bigint primary key,
    -- Retention is no request of anybody: one row a channel, used again each month.
    scope text not null check (scope in ('subject', 'channel', 'period', 'retention')),
    -- The subject's or channel's number: random, and after its forget it leads nowhere.
    target bigint not null,
    -- The key periods of a part of a channel (months since 1970), both included.
    first_period integer,
    last_period integer,
    -- What becomes of a person's channels that are others' data, too: the request does not
    -- begin, they go, or they stay and are no longer his.
    shared text not null default 'refuse' check (shared in ('refuse', 'forget', 'leave')),
    -- How many of them there were when it began.
    shared_channels integer,
    -- Hash of what was asked for, keyed by a salt that only the requester was given: it
    -- proves that the receipt is his, and tells nobody else anything.
    commitment bytea,
    state text not null check (
        state in ('received', 'checked', 'approved', 'executing', 'done', 'refused')),
    -- Tokens of who made the request, checked the person's identity, and approved; -1 for the
    -- operator.
    requester bigint,
    checked_by bigint,
    approved_by bigint,
    -- Until then an approved request waits, so that a mistake can be stopped.
    not_before timestamptz,
    -- Months by which the time to answer was extended.
    extended_by smallint not null default 0,
    -- Why it was refused or extended.
    sealed_note bytea,
    sealed_reason bytea,
    received_at timestamptz not null,
    due_at timestamptz not null,
    -- When everything was deleted and looked for.
    finished_at timestamptz,
    -- When the touched tables were vacuumed, after finished_at.
    vacuumed_at timestamptz,
    -- When the receipt was final: vacuumed, and every copy of the key ring punctured.
    completed_at timestamptz,
    -- The signed receipt, exactly as it is handed out; completed in place.
    receipt text,
    check ((scope in ('period', 'retention')) = (first_period is not null)),
    check ((first_period is null) = (last_period is null))
);

-- The eraser asks whose receipt is still to be completed.
create index forget_request_incomplete on forget_request (finished_at)
where state = 'done' and completed_at is null;

-- There is one row a channel for retention.
create unique index forget_request_retention on forget_request (target)
where scope = 'retention';

-- The eraser asks for what is not done, the longest due first.
create index forget_request_open on forget_request (due_at)
where state not in ('done', 'refused');

-- A person asks for his own.
create index forget_request_requester on forget_request (requester) where requester is not null;

-- What must be kept whatever is asked, and why.
create table legal_hold (
    -- A channel's or subject's number.
    target bigint primary key,
    scope text not null check (scope in ('subject', 'channel')),
    sealed_reason bytea not null,
    set_at timestamptz not null,
    -- A token; -1 for the operator.
    set_by bigint not null
);

-- The channels a request covers, written when it begins and not changed after.
create table forget_target (
    request bigint not null references forget_request (id),
    channel bigint not null,
    -- When tombstones of all its roots were written; after that the keys may go.
    buried_at timestamptz,
    -- When its keys were gone: from then on nobody reads it.
    shredded_at timestamptz,
    -- Rows deleted so far by table, tombstones written, values that could not be read.
    counts jsonb not null default '{}',
    -- Bytes of what will be deleted, sealed so that looking for them in the database's files
    -- does not find them here; null once looked for.
    sealed_sample bytea,
    deleted_at timestamptz,
    primary key (request, channel)
);

-- A forget of a subject asks what other requests did to his channels.
create index forget_target_channel on forget_target (channel);

-- Keyed hashes of what was forgotten: roots, which are neither registered nor crawled again;
-- and of trees that live on, leaves and bundles, which are not taken in again.
create table tombstone (
    sequence bigint generated always as identity primary key,
    hash bytea not null unique,
    created_at timestamptz not null
);

-- How often a tombstone was lifted, for consent given anew. One that stands again after that is
-- in both tables; the number tells a copy from before a lift or a burial from one after.
create table lifted_tombstone (
    hash bytea primary key,
    lifts integer not null check (lifts > 0)
);

-- How far the database agrees with the forget log beside the key ring, so that of the two the
-- one restored from an older copy is noticed. One row.
create table forget_log (
    one boolean primary key default true check (one),
    -- The key ring that the database belongs to (random, no secret): with another one, what is
    -- forgotten there would be forgotten here. Null until the first use.
    ring text,
    -- The latest record of the log that something here came of, and its check value (keyed, of
    -- nothing personal): a log without it is an older copy. Null where there is none.
    known_sequence bigint not null default 0,
    known_check bytea,
    -- Records up to this one have been applied here.
    applied_sequence bigint not null default 0
);

insert into forget_log default values;

-- Who read which channel: the recipients that a person may ask for, and that are told when
-- the channel is forgotten; it goes with the channel.
create table recipient (
    channel bigint not null,
    -- A token's number; -1 for the operator at the command line, -2 for those who read without
    -- a token what is open to anyone.
    reader bigint not null,
    first_read_at timestamptz not null,
    last_read_at timestamptz not null,
    messages bigint not null,
    primary key (channel, reader)
);

-- Whom a forget has to tell. A token and the random number of a channel that is no more:
-- kept, so that who was told stays provable.
create table recipient_notice (
    -- The order in which a reader asks for them.
    number bigint generated always as identity primary key,
    request bigint not null references forget_request (id),
    reader bigint not null,
    about bigint not null,
    at timestamptz not null,
    -- When the webhook took it.
    delivered_at timestamptz,
    -- Also how a request's notices are found.
    unique (request, reader, about)
);

-- A reader asks for what it was not told yet.
create index recipient_notice_reader on recipient_notice (reader, number);

-- The webhook is tried again.
create index recipient_notice_waiting on recipient_notice (at) where delivered_at is null;

-- The audit log: a chain of hashes for every process that wrote. It only grows; a forget
-- takes the keys of what it says about the forgotten, and the chains still hold.
create table audit_chain (
    -- Random, taken by a process when it starts.
    writer bigint primary key,
    next_number bigint not null,
    -- Of the last entry.
    hash bytea not null,
    -- The last signed head, and when the next one counts from.
    signed_number bigint not null default -1,
    signed_at timestamptz not null
);

-- Chains with something new are asked for every minute; most have ended long ago.
create index audit_chain_unsigned on audit_chain (signed_at)
where next_number - 1 > signed_number;

create table audit_entry (
    writer bigint not null,
    -- 0, 1, 2 … within the chain.
    number bigint not null,
    -- When, and what kind of act, in the clear: whether, how often and when somebody acted
    -- must stay provable after what it was about is forgotten.
    at timestamptz not null,
    kind text not null,
    -- The acting token's number; null for the operator.
    actor bigint,
    -- The number of the channel or subject under whose key the details are sealed (random,
    -- and after a forget it leads nowhere), or the writer's own.
    leaf bigint not null,
    -- Null where it was forgotten already.
    sealed_details bytea,
    -- Over the hash before it and all of the above.
    hash bytea not null,
    primary key (writer, number)
);

-- The log of one channel or subject, by time.
create index audit_entry_leaf on audit_entry (leaf, at);

-- The log of a stretch of time, over all chains.
create index audit_entry_at on audit_entry (at);

-- Heads of chains, signed with the key ring's key: what proves the chains up to there.
create table audit_head (
    writer bigint not null,
    number bigint not null,
    hash bytea not null,
    at timestamptz not null,
    signature bytea not null,
    primary key (writer, number)
);

-- Keeps honest operators from accidents; who may change the schema may drop it. What proves
-- that nothing was changed is the chain and the heads kept elsewhere.
create function refuse_audit_change() returns trigger language plpgsql as $$
begin
    raise exception 'the audit log only grows';
end
$$;

create trigger audit_entry_only_grows before update or delete or truncate on audit_entry
for each statement execute function refuse_audit_change();

create trigger audit_head_only_grows before update or delete or truncate on audit_head
for each statement execute function refuse_audit_change();

-- Keyed hashes of roots of trees that were forgotten in part: they become tombstones when
-- their channel is forgotten, and until then the trees may be crawled.
create table partly_forgotten_root (
    channel bigint not null,
    hash bytea not null,
    primary key (channel, hash)
);

-- Keyed hashes of roots that messages or an operator named and the chain did not take: they, too,
-- become tombstones when their channel is forgotten.
create table bypassed_root (
    channel bigint not null,
    hash bytea not null,
    primary key (channel, hash)
);

-- Zeros: room on the disk that is kept for reading and forgetting, and given up when the disk is full.
-- Unlogged, since it need not survive; of rows that fit a page four times, so that none is compressed
-- and emptying the table needs no new file but an empty one.
create unlogged table disk_reserve (
    filler bit(15000) not null
);

alter table message alter column sealed_head set storage external;
alter table attachment alter column sealed_evidence set storage external;
alter table candidate alter column sealed_bundle set storage external;
alter table node_attachment alter column sealed_hashes set storage external;

-- The planner's statistics hold samples of values, which no forget would take away: of hashes
-- and ciphertext none are taken. Their indexes are unique, so that it does without.
do $$
declare
    place record;
begin
    for place in
        select table_name, column_name from information_schema.columns
        where table_schema = current_schema() and data_type = 'bytea'
    loop
        execute format(
            'alter table %I alter column %I set statistics 0', place.table_name,
            place.column_name);
    end loop;
end
$$;
