import Wire

extension RouteTable {
    // MARK: - Decide

    /// Where a request goes: virtual host, first route that matches, destination. `draw` is the request's one random
    /// number.
    ///
    /// Pure: equal arguments give equal decisions. Cost: independent of the number of virtual hosts, and of the number
    /// of exact and prefix paths within one; linear in a virtual host's routes by pattern, without regard to case, or
    /// for any path, as far as they stand before the one that matches. No allocation, but for a header repeated over
    /// more than about 1 KB.
    package func decide(_ configuration: Int, _ head: Head, draw: UInt64) -> Decision {
        guard let host = virtualHost(configuration, head) else { return Decision(outcome: .noVirtualHost) }
        if virtualHosts[host].requiresTLS {
            switch forwardedProto(head) {
            case .https: break
            case .other: return Decision(outcome: .requiresTLS, virtualHost: host)
            case .missing: return Decision(outcome: .noRoute, virtualHost: host)
            }
        }
        let route = firstRoute(virtualHosts.at(host), MatchInput(head))
        guard route >= 0 else { return Decision(outcome: .noRoute, virtualHost: host) }
        return Decision(
            outcome: .route, virtualHost: host, route: route, destination: destination(routes.at(route), draw: draw))
    }

    /// What `x-forwarded-proto` says, for virtual hosts that want TLS (`tls.httpsRedirect`).
    enum ForwardedProto { case https, other, missing }

    func forwardedProto(_ head: Head) -> ForwardedProto {
        guard let value = head.value(of: .xForwardedProto) else { return .missing }
        return head.bytes(value).elementsEqual("https".utf8) ? .https : .other
    }

    // MARK: - Destination

    /// The destination that the draw falls on; -1 where there is none to draw. One destination needs no weight; of
    /// several, each has the share of its weight, in list order.
    func destination(_ route: UnsafePointer<RouteRecord>, draw: UInt64) -> Int32 {
        let run = route.pointee.destinations
        if run.count <= 1 { return run.count == 1 ? run.start : -1 }
        var rest = draw % max(route.pointee.totalWeight, 1)
        for index in run.indices {
            let weight = destinations.at(index).pointee.weight
            if rest < weight { return index }
            rest -= weight
        }
        return run.start + run.count - 1
    }

    // MARK: - Virtual host

    /// The virtual host of a request's authority: exact domain, longest wildcard, `*`.
    func virtualHost(_ configuration: Int, _ head: Head) -> Int32? {
        guard configuration >= 0, configuration < configurations.count else { return nil }
        let record = configurations.at(Int32(truncatingIfNeeded: configuration))
        let host = lookedUpHost(record.pointee.matchesPort, head)
        if let exact = exactVirtualHost(record, host) { return exact }
        if let wildcard = wildcardVirtualHost(record, host) { return wildcard }
        return record.pointee.catchAll < 0 ? nil : record.pointee.catchAll
    }

    /// The part of the authority that domains are compared with.
    func lookedUpHost(_ matchesPort: Bool, _ head: Head) -> UnsafeRawBufferPointer {
        let authority = head.bytes(head.authority)
        if matchesPort || firstIndex(of: UInt8(ascii: ":"), or: UInt8(ascii: ":"), in: authority) == authority.count {
            return authority
        }
        return UnsafeRawBufferPointer(rebasing: authority[..<Authority.hostLength(authority)])
    }

    @inline(__always)
    private func exactVirtualHost(
        _ record: UnsafePointer<ConfigurationRecord>, _ host: UnsafeRawBufferPointer
    ) -> Int32? {
        let index = record.pointee.exactDomains
        guard !index.isEmpty else { return nil }
        let hash = WordHash.of(host, seed: seed, ignoringCase: true)
        return find(host, in: index, hash: hash, ignoringCase: true)
    }

    /// One look into the table for each length that some wildcard has, longest first. The `*` covers at least one byte.
    private func wildcardVirtualHost(
        _ record: UnsafePointer<ConfigurationRecord>, _ host: UnsafeRawBufferPointer
    ) -> Int32? {
        let index = record.pointee.wildcardDomains
        guard !index.isEmpty else { return nil }
        for lengthIndex in record.pointee.wildcardLengths.indices.reversed() {
            let length = Int(lengths[lengthIndex])
            guard length < host.count else { continue }
            let suffix = UnsafeRawBufferPointer(rebasing: host[(host.count - length)...])
            let hash = WordHash.of(suffix, seed: seed, ignoringCase: true)
            if let found = find(suffix, in: index, hash: hash, ignoringCase: true) { return found }
        }
        return nil
    }

    /// What a key leads to in a hash table.
    @inline(__always)
    private func find(
        _ key: UnsafeRawBufferPointer, in index: HashIndex, hash: UInt32, ignoringCase: Bool
    ) -> Int32? {
        var position = Int32(truncatingIfNeeded: hash) & index.mask
        while true {
            let slot = slots.at(index.start + position)
            if slot.pointee.value < 0 { return nil }
            if slot.pointee.hash == hash, slot.pointee.key.count == key.count,
                ignoringCase
                    ? beginsIgnoringCase(key, text(slot.pointee.key)) : begins(key, text(slot.pointee.key))
            {
                return slot.pointee.value
            }
            position = (position + 1) & index.mask
        }
    }

    // MARK: - Route

    /// The first route of a virtual host that matches; -1 for none.
    private func firstRoute(_ host: UnsafePointer<VirtualHostRecord>, _ input: borrowing MatchInput) -> Int32 {
        guard host.pointee.hasIndex else {
            for route in host.pointee.routes.indices where miss(route, input) == nil { return route }
            return -1
        }
        let listsMax = Int(host.pointee.prefixLengths.count) + 2
        return withUnsafeTemporaryAllocation(of: Run.self, capacity: listsMax) { lists in
            let count = collect(host, input, into: lists)
            return firstOfMerged(UnsafeMutableBufferPointer(rebasing: lists[..<count]), input)
        }
    }

    /// The lists of routes that the path does not exclude, each in route order. Returns how many there are.
    private func collect(
        _ host: UnsafePointer<VirtualHostRecord>, _ input: borrowing MatchInput,
        into lists: UnsafeMutableBufferPointer<Run>
    ) -> Int {
        var count = 0
        func add(_ list: Run) {
            guard !list.isEmpty else { return }
            lists.initializeElement(at: count, to: list)
            count += 1
        }
        add(host.pointee.unindexed)
        let path = input.head.bytes(input.path)
        var hash = WordHash(seed: seed)
        var hashed = 0
        for lengthIndex in host.pointee.prefixLengths.indices {
            let length = Int(lengths[lengthIndex])
            guard length <= path.count else { break }
            let prefix = UnsafeRawBufferPointer(rebasing: path[..<length])
            while hashed + 8 <= length {
                hash.add(word(prefix, at: hashed))
                hashed += 8
            }
            let value = hash.finish(word(prefix, at: hashed), count: length)
            if let list = find(prefix, in: host.pointee.prefixes, hash: value, ignoringCase: false) {
                add(Run(start: list + 1, count: candidates[list]))
            }
        }
        if !host.pointee.exactPaths.isEmpty {
            let value = WordHash.of(path, seed: seed, ignoringCase: false)
            if let list = find(path, in: host.pointee.exactPaths, hash: value, ignoringCase: false) {
                add(Run(start: list + 1, count: candidates[list]))
            }
        }
        return count
    }

    /// The first route that matches, taking candidates from all lists in route order: exactly those that a walk over
    /// all routes would have reached, less those that the path excludes.
    private func firstOfMerged(_ lists: UnsafeMutableBufferPointer<Run>, _ input: borrowing MatchInput) -> Int32 {
        while true {
            var best = -1
            var route = Int32.max
            var index = 0
            while index < lists.count {
                if !lists[index].isEmpty, candidates[lists[index].start] < route {
                    best = index
                    route = candidates[lists[index].start]
                }
                index += 1
            }
            guard best >= 0 else { return -1 }
            if miss(route, input) == nil { return route }
            lists[best].start += 1
            lists[best].count -= 1
        }
    }
}
