import Postgres

extension PostgresConnection {
    /// Tables that rows lie in: of one that is partitioned (`Schema/optional/partitions.sql`) its
    /// partitions, of any other itself; names as statements take them.
    func leaves(of tables: [String]) throws -> [String] {
        try query(
            """
            select coalesce(p.relid::regclass::text, t) as leaf
            from unnest($1::text[]) with ordinality as k (t, place)
                left join lateral pg_partition_tree(t::regclass) p on p.isleaf
            order by place, p.relid
            """, [.textArray(tables)]
        ).map { try $0.text("leaf") }
    }
}
