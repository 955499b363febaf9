import TLS
import Wire

extension ListenerSpec {
    /// The chain that takes a connection, as an index into `chains`; nil: none does, and the connection is closed (`NR`).
    ///
    /// As Envoy's filter chain manager descends: the most specific destination range, then the server name (exact, then the
    /// longest wildcard, then chains without names), the transport, ALPN in the client's order, and the application. Each level
    /// keeps its best branch and never goes back: a chain that a broader branch would have had is not found.
    ///
    /// Costs one pass over the chains, and nothing where the only chain takes everything.
    package func chain(for facts: ConnectionFacts) -> Int? {
        if chains.count == 1, chains[0].takesEverything { return 0 }
        var best: Specificity?
        var index: Int?
        for position in chains.indices {
            let specificity = Specificity(of: chains[position], for: facts)
            guard specificity.isBetter(than: best) else { continue }
            best = specificity
            index = position
        }
        return best?.isComplete == true ? index : nil
    }

    /// What must be seen of a connection before `chain(for:)` can answer. A chain that finds out by itself whether it understands
    /// the bytes needs nothing if it is the only one.
    package var inspects: Inspection {
        if chains.count == 1, chains[0].takesEverything || chains[0].isItsOwnJudge { return .nothing }
        let hasConditions = chains.contains {
            !$0.serverNames.isEmpty || !$0.alpn.isEmpty || $0.transport != .any
        }
        return Inspection(clientHello: hasConditions, plainBytes: chains.contains { $0.application != .any })
    }
}

extension ChainSpec {
    /// It ends TLS, and has nothing to show: a certificate is missing, which a diagnostic says. Every connection that it takes is
    /// closed at once, so that what was meant to be secret is never served in plain text.
    package var isQuarantined: Bool { tls?.certificates.isEmpty ?? false }

    /// No condition at all.
    package var takesEverything: Bool {
        transport == .any && application == .any && serverNames.isEmpty && alpn.isEmpty && destinations.isEmpty
    }

    /// Its only condition is the transport, and the wrong one fails by itself: in the HTTP codec or in the handshake.
    fileprivate var isItsOwnJudge: Bool {
        guard application == .any, serverNames.isEmpty, alpn.isEmpty, destinations.isEmpty else { return false }
        switch (transport, action) {
        case (.plain, .http): return tls == nil
        case (.tls, _): return tls != nil
        default: return false
        }
    }
}

/// How well a chain fits, level by level; -1: not at all. The greedy descent is their lexicographic maximum: a chain that fails on
/// a level still hides those which did worse on a level above.
private struct Specificity {
    var destination: Int
    var serverName = -1
    var transport = -1
    var alpn = -1
    var application = -1

    init(of chain: ChainSpec, for facts: ConnectionFacts) {
        destination = Self.destination(chain.destinations, facts.destination)
        guard destination >= 0 else { return }
        serverName = Self.serverName(chain.serverNames, facts.serverName)
        guard serverName >= 0 else { return }
        switch (chain.transport, facts.transport) {
        case (.any, _): transport = 0
        case (.plain, .plain), (.tls, .tls): transport = 1
        default: return
        }
        alpn = Self.alpn(chain.alpn, facts.alpn)
        guard alpn >= 0 else { return }
        switch (chain.application, facts.application) {
        case (.any, _): application = 0
        case (.http, .http), (.other, .other): application = 1
        default: break
        }
    }

    var isComplete: Bool { destination >= 0 && serverName >= 0 && transport >= 0 && alpn >= 0 && application >= 0 }

    func isBetter(than other: Specificity?) -> Bool {
        guard destination >= 0, let other else { return destination >= 0 }
        return (destination, serverName, transport, alpn, application)
            > (other.destination, other.serverName, other.transport, other.alpn, other.application)
    }

    /// The longest prefix that holds; a chain without ranges has one of length 0.
    private static func destination(_ subnets: [Subnet], _ address: SocketAddress?) -> Int {
        if subnets.isEmpty { return 0 }
        guard let address else { return -1 }
        var best = -1
        for subnet in subnets where subnet.prefixLength > best && subnet.contains(address) {
            best = subnet.prefixLength
        }
        return best
    }

    private static func serverName(_ names: [String], _ name: String?) -> Int {
        if names.isEmpty { return 0 }
        guard let name else { return -1 }
        var best = -1
        for pattern in names {
            if pattern == name { return .max }
            guard pattern.utf8.first == UInt8(ascii: "*") else { continue }
            let suffix = pattern.utf8.dropFirst()
            let count = suffix.count
            if count > best, name.utf8.count > count, name.utf8.suffix(count).elementsEqual(suffix) { best = count }
        }
        return best
    }

    /// The client's first protocol that the chain names counts, the earlier the better.
    private static func alpn(_ protocols: [String], _ offered: [String]) -> Int {
        if protocols.isEmpty { return 0 }
        guard let index = offered.firstIndex(where: protocols.contains) else { return -1 }
        return offered.count - index
    }
}
