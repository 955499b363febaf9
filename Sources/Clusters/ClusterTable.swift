import Wire

/// All clusters and endpoints of one generation, immutable: records to copy, bytes to print, addresses to connect to. Cluster
/// `i` is `specs[i]`. The hot accessors return plain values; `specs`, `address(of:)` and `index(of:)` are for slow paths.
///
/// `@unchecked Sendable`: nothing changes after `init`; the pointers are freed with the table.
package final class ClusterTable: @unchecked Sendable {
    /// Number given by the registry, for `SlotRegistry.retire(generation:)`.
    package let generation: UInt64
    package let specs: [ClusterSpec]
    package let clusterCount: Int
    package let endpointCount: Int
    /// One above the highest slot in use, to size what workers index by slot.
    package let clusterSlotsEnd: Int32
    package let endpointSlotsEnd: Int32

    @usableFromInline let clusters: UnsafeMutablePointer<ClusterRecord>
    @usableFromInline let endpoints: UnsafeMutablePointer<EndpointRecord>
    private let addresses: [SocketAddress]
    private let localities: [String]
    private let policies: [OutlierPolicy]
    private let indices: [String: Int]
    private let names: ByteTable
    private let addressNames: ByteTable

    /// Takes slots for everything in `specs` as one generation of the registry.
    /// - Parameter resolved: the addresses of endpoints that have names; their port is the endpoint's. A name without
    ///   addresses gives no endpoint.
    package init(specs: [ClusterSpec], registry: SlotRegistry, resolved: [String: [SocketAddress]] = [:]) {
        generation = registry.beginGeneration()
        self.specs = specs
        var builder = Builder(registry: registry, resolved: resolved)
        for (index, spec) in specs.enumerated() { builder.add(spec, at: index) }

        clusterCount = builder.clusters.count
        endpointCount = builder.endpoints.count
        clusterSlotsEnd = registry.clusterSlotsEnd
        endpointSlotsEnd = registry.endpointSlotsEnd
        clusters = .allocate(capacity: max(1, clusterCount))
        clusters.initialize(from: builder.clusters, count: clusterCount)
        endpoints = .allocate(capacity: max(1, endpointCount))
        endpoints.initialize(from: builder.endpoints, count: endpointCount)
        addresses = builder.addresses
        localities = builder.localities
        policies = builder.policies
        indices = Dictionary(specs.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        names = ByteTable(specs.map(\.name))
        addressNames = ByteTable(builder.addresses.map(\.description))
    }

    deinit {
        clusters.deallocate()
        endpoints.deallocate()
    }

    // MARK: - Hot: inlined, since a call would count a reference to a table that all workers share

    /// The cluster at an index of this table.
    @inlinable @inline(__always) package func cluster(_ index: Int) -> ClusterRecord {
        precondition(index >= 0 && index < clusterCount, "The table has no cluster \(index)")
        return clusters[index]
    }

    /// The endpoint at an index of this table.
    @inlinable @inline(__always) package func endpoint(_ index: Int) -> EndpointRecord {
        precondition(index >= 0 && index < endpointCount, "The table has no endpoint \(index)")
        return endpoints[index]
    }

    /// The cluster's name, valid while the table is.
    package func nameBytes(of cluster: Int) -> UnsafeRawBufferPointer { names[cluster] }

    /// `10.0.0.1:80`, valid while the table is.
    package func addressBytes(of endpoint: Int) -> UnsafeRawBufferPointer { addressNames[endpoint] }

    // MARK: - Warm: once a connection, or seldom

    /// Where to connect to. Copying a Unix address retains its path.
    package func address(of endpoint: Int) -> SocketAddress { addresses[endpoint] }

    package func name(of cluster: Int) -> String { specs[cluster].name }

    package func keepalive(of cluster: Int) -> TCPKeepalive? { specs[cluster].tcpKeepalive }

    /// The cluster's outlier policy by `ClusterRecord.outlierIndex`, nil for -1.
    package func outlierPolicy(_ index: Int32) -> OutlierPolicy? {
        policies.indices.contains(Int(index)) ? policies[Int(index)] : nil
    }

    /// `region/zone/subzone` by `EndpointRecord.localityIndex`.
    package func locality(_ index: Int32) -> String { localities[Int(index)] }

    /// What the configuration said of an endpoint: its workload and labels.
    package func endpointSpec(of endpoint: Int) -> EndpointSpec {
        let record = self.endpoint(endpoint)
        return specs[Int(record.cluster)].endpoints[Int(record.specIndex)]
    }

    /// A cluster by name.
    package func index(of name: String) -> Int? { indices[name] }

    /// The indices of a cluster's endpoints.
    package func endpointRange(of cluster: Int) -> Range<Int> {
        let record = self.cluster(cluster)
        return Int(record.endpointStart)..<Int(record.endpointStart + record.endpointCount)
    }
}

// MARK: - Building

extension ClusterTable {
    /// Flattens specifications, one after another.
    fileprivate struct Builder {
        let registry: SlotRegistry
        let resolved: [String: [SocketAddress]]
        var clusters: [ClusterRecord] = []
        var endpoints: [EndpointRecord] = []
        var addresses: [SocketAddress] = []
        var localities: [String] = []
        var policies: [OutlierPolicy] = []
        private var localityIndices: [String: Int32] = [:]
        /// Endpoint slots of the cluster that is being added.
        private var seen: Set<Int32> = []

        init(registry: SlotRegistry, resolved: [String: [SocketAddress]]) {
            self.registry = registry
            self.resolved = resolved
        }

        mutating func add(_ spec: ClusterSpec, at index: Int) {
            let start = endpoints.count
            seen.removeAll(keepingCapacity: true)
            for specIndex in spec.endpoints.indices { addEndpoints(specIndex, of: spec, cluster: index) }
            let own = endpoints[start...]
            var flags: ClusterRecord.Flags = []
            if spec.limits.requestsMax < Limits.unlimited { flags.insert(.countsRequests) }
            if spec.limits.connectionsMax < Limits.unlimited { flags.insert(.limitsConnections) }
            if spec.outlier != nil { flags.insert(.detectsOutliers) }
            if spec.outlier?.splitsLocalFailures == true { flags.insert(.splitsLocalFailures) }
            if own.contains(where: { $0.weight != own[start].weight }) { flags.insert(.isWeighted) }
            if spec.tcpKeepalive != nil { flags.insert(.keepsAlive) }
            if let tls = spec.tls {
                flags.insert(.usesTLS)
                if tls.serverName == .ofRequest { flags.insert(.namesRequests) }
            }
            let slot = registry.clusterSlot(spec.name)
            let signature = own.map {
                SlotRegistry.EndpointSignature(slot: $0.slot, weight: $0.weight, flags: $0.flags.rawValue)
            }
            if let policy = spec.outlier { policies.append(policy) }
            clusters.append(
                ClusterRecord(
                    slot: slot, endpointStart: Int32(start), endpointCount: Int32(own.count),
                    revision: registry.revision(cluster: slot, signature: signature), balancer: spec.balancer,
                    flags: flags, speaks: spec.speaks,
                    transport: spec.tls.map { UInt16(truncatingIfNeeded: $0.hashValue) | 1 } ?? 0,
                    panicPercent: UInt8(clamping: min(100, spec.outlier?.minHealthPercent ?? 0)),
                    port: UInt16(clamping: spec.port),
                    connectionsMax: UInt32(clamping: spec.limits.connectionsMax),
                    pendingMax: UInt32(clamping: spec.limits.pendingMax),
                    requestsMax: UInt32(clamping: spec.limits.requestsMax),
                    retriesMax: UInt32(clamping: spec.limits.retriesMax), retryBudget: spec.retryBudget,
                    connectTimeoutMilliseconds: spec.connectTimeoutMilliseconds,
                    idleTimeoutMilliseconds: spec.idleTimeoutMilliseconds,
                    requestsPerConnectionMax: max(0, spec.requestsPerConnectionMax),
                    streamsMax: UInt32(clamping: max(1, spec.streamsMax)),
                    connectionDurationMaxMilliseconds: max(0, spec.connectionDurationMaxMilliseconds),
                    outlierIndex: spec.outlier == nil ? -1 : Int32(policies.count - 1)))
        }

        /// One specification gives as many endpoints as its name has addresses. The first of equal addresses counts.
        private mutating func addEndpoints(_ specIndex: Int, of spec: ClusterSpec, cluster: Int) {
            let endpoint = spec.endpoints[specIndex]
            switch endpoint.address {
            case .socket(let address):
                add(address, key: endpoint.address, specIndex, of: spec, cluster: cluster)
            case .name(let name, let port):
                let found = resolved[name] ?? []
                for address in spec.resolution == .dnsFirst ? found.prefix(1) : found[...] {
                    let address = address.with(port: port)
                    // A logical host stays the same endpoint when its address changes.
                    let key = spec.resolution == .dnsFirst ? endpoint.address : .socket(address)
                    add(address, key: key, specIndex, of: spec, cluster: cluster)
                }
            }
        }

        private mutating func add(
            _ address: SocketAddress, key: EndpointAddress, _ specIndex: Int, of spec: ClusterSpec, cluster: Int
        ) {
            guard let slot = registry.endpointSlot(.init(cluster: spec.name, address: key)) else { return }
            guard seen.insert(slot).inserted else { return }
            let endpoint = spec.endpoints[specIndex]
            var flags: EndpointRecord.Flags = endpoint.isUnhealthy ? .isUnhealthy : []
            if endpoint.isPlain { flags.insert(.isPlain) }
            endpoints.append(
                EndpointRecord(
                    slot: slot, weight: UInt32(clamping: max(1, endpoint.weight)), flags: flags,
                    specIndex: Int32(specIndex), localityIndex: locality(endpoint.locality), cluster: Int32(cluster)))
            addresses.append(address)
        }

        private mutating func locality(_ name: String) -> Int32 {
            if let index = localityIndices[name] { return index }
            localityIndices[name] = Int32(localities.count)
            localities.append(name)
            return Int32(localities.count - 1)
        }
    }
}

/// Texts end to end in one allocation, found by index.
private final class ByteTable {
    private let bytes: UnsafeMutableRawBufferPointer
    private let ends: [Int]

    init(_ texts: [String]) {
        var end = 0
        ends = texts.map {
            end += $0.utf8.count
            return end
        }
        bytes = .allocate(byteCount: max(1, end), alignment: 1)
        var start = 0
        for text in texts {
            for byte in text.utf8 {
                bytes[start] = byte
                start += 1
            }
        }
    }

    deinit { bytes.deallocate() }

    subscript(index: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]])
    }
}
