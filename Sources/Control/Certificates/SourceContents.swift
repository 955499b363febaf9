import TLS

/// The PEM sources of one build, each read once: every context of the build sees the same bytes, and what is remembered as
/// read is what was used. Contents are let go of with it; what stays is their fingerprints.
final class SourceContents {
    /// Tells contents apart within one process: of no use to anybody who sees it.
    struct Fingerprint: Hashable, Sendable {
        /// -1: there was nothing to read.
        let byteCount: Int
        let hash: Int

        init(_ content: Result<[UInt8], TLSProblem>) {
            var hasher = Hasher()
            switch content {
            case .success(let bytes):
                byteCount = bytes.count
                bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
            case .failure(let problem):
                byteCount = -1
                hasher.combine(problem.kind)
            }
            hash = hasher.finalize()
        }
    }

    private var contents: [PEMSource: Result<[UInt8], TLSProblem>] = [:]
    /// Of everything that was asked for.
    private(set) var fingerprints: [PEMSource: Fingerprint] = [:]
    private let load: PEMLoad

    init(load: @escaping PEMLoad = PEMLoader.load) { self.load = load }

    /// The bytes of a source, for building contexts.
    func bytes(of source: PEMSource) throws(TLSProblem) -> [UInt8] { try content(of: source).get() }

    func fingerprint(of source: PEMSource) -> Fingerprint {
        _ = content(of: source)
        return fingerprints[source] ?? Fingerprint(.success([]))
    }

    private func content(of source: PEMSource) -> Result<[UInt8], TLSProblem> {
        if let known = contents[source] { return known }
        let content: Result<[UInt8], TLSProblem>
        do throws(TLSProblem) { content = .success(try load(source)) } catch { content = .failure(error) }
        contents[source] = content
        fingerprints[source] = Fingerprint(content)
        return content
    }
}
