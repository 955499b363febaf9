import TLS

/// What settings of servers and of clients have in common, so that their contexts are built, kept and told of by one piece of code.
protocol ContextSettings: Hashable, Sendable {
    associatedtype Context: AnyObject & Sendable

    static var side: ContextStatus.Side { get }
    /// What they belong to, and `file:line`.
    var name: String { get set }
    var origin: String { get set }
    /// All that is read for them, in a fixed order.
    var sources: [PEMSource] { get }
    /// Compile could not make them whole and has said why: nothing is built.
    var isIncomplete: Bool { get }
    /// The same with every source changed.
    func mapSources(_ change: (PEMSource) -> PEMSource) -> Self

    func context(keys: TicketKeys, now: Int64, load: PEMLoad) throws(TLSProblem) -> Context
    /// What a context shows.
    static func certificates(of context: Context) -> [CertificateFacts]
    static func warnings(of context: Context) -> [String]
}

extension ContextSettings {
    /// The settings without what may change from one form of a file to the next: where they stand, and the texts that they carry.
    /// A context that served for equal lineage may go on when its renewal is broken.
    var lineage: Self {
        var settings = mapSources { source in
            guard case .text(let name, _) = source else { return source }
            return .text(name: name, "")
        }
        settings.name = ""
        settings.origin = ""
        return settings
    }
}

extension CertificateSource {
    fileprivate func map(_ change: (PEMSource) -> PEMSource) -> CertificateSource {
        CertificateSource(chain: change(chain), key: change(key))
    }
}

extension TLSServerSettings: ContextSettings {
    static var side: ContextStatus.Side { .server }

    var sources: [PEMSource] {
        certificates.flatMap { [$0.chain, $0.key] } + authorities + (revocations.map { [$0] } ?? [])
    }

    var isIncomplete: Bool { certificates.isEmpty }

    func mapSources(_ change: (PEMSource) -> PEMSource) -> TLSServerSettings {
        var settings = self
        settings.certificates = certificates.map { $0.map(change) }
        settings.authorities = authorities.map(change)
        settings.revocations = revocations.map(change)
        return settings
    }

    func context(keys: TicketKeys, now: Int64, load: PEMLoad) throws(TLSProblem) -> TLSServerContext {
        try TLSServerContext(self, keys: keys, now: now, load: load)
    }

    static func certificates(of context: TLSServerContext) -> [CertificateFacts] { context.certificates }
    static func warnings(of context: TLSServerContext) -> [String] { context.warnings }
}

extension TLSClientSettings: ContextSettings {
    static var side: ContextStatus.Side { .client }

    var sources: [PEMSource] {
        var all = certificate.map { [$0.chain, $0.key] } ?? []
        if case .sources(let authorities) = authorities { all += authorities }
        return all + (revocations.map { [$0] } ?? [])
    }

    var isIncomplete: Bool { authorities == .sources([]) }

    func mapSources(_ change: (PEMSource) -> PEMSource) -> TLSClientSettings {
        var settings = self
        settings.certificate = certificate?.map(change)
        if case .sources(let sources) = authorities { settings.authorities = .sources(sources.map(change)) }
        settings.revocations = revocations.map(change)
        return settings
    }

    func context(keys: TicketKeys, now: Int64, load: PEMLoad) throws(TLSProblem) -> TLSClientContext {
        try TLSClientContext(self, now: now, load: load)
    }

    static func certificates(of context: TLSClientContext) -> [CertificateFacts] {
        context.certificate.map { [$0] } ?? []
    }
    static func warnings(of context: TLSClientContext) -> [String] { context.warnings }
}
