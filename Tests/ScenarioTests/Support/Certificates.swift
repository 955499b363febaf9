import Foundation
import Glibc

/// Certificates for the scenarios, made once by the openssl program: authorities, servers, clients, workloads, and those to refuse.
/// Each is `NAME.pem` and `NAME.key`.
final class Certificates: Sendable {
    static let isPossible = ChildProcess.path(of: "openssl") != nil

    /// For the whole run; its folder goes with the process.
    static let shared: Result<Certificates, Error> = Result { try Certificates() }
    static func get() throws -> Certificates { try shared.get() }

    let folder: String
    var root: String { "\(folder)/root.pem" }
    /// An authority that nobody trusts.
    var stranger: String { "\(folder)/stranger.pem" }

    func chain(_ name: String) -> String { "\(folder)/\(name).pem" }
    func key(_ name: String) -> String { "\(folder)/\(name).key" }
    func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    /// The identity of a workload of namespace `shop`, for a Proxy's spec.
    func identity(_ name: String) -> String {
        "{certificateChain: \(chain(name)), privateKey: \(key(name)), rootCertificates: \(root)}"
    }

    private init() throws {
        folder = "/tmp/outrider-certificates-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        Self.removeAtExit()
        try authority("root")
        try authority("stranger")
        try issue("one", names: "DNS:one.example")
        try issue("two", names: "DNS:two.example")
        try issue("wild", names: "DNS:*.wild.example")
        try issue("origin", names: "DNS:origin.example")
        try issue("client", names: "DNS:client.example,URI:spiffe://outside/client")
        try issue("expired", names: "DNS:expired.example", days: -1)
        try issue("foreign", names: "DNS:client.example", by: "stranger")
        for account in ["web", "api", "thief"] {
            try issue(account, names: "critical,URI:spiffe://cluster.local/ns/shop/sa/\(account)")
        }
    }

    /// A certificate with these names (`subjectAltName`), signed by one of the authorities. An existing one is replaced at once.
    func issue(_ name: String, names: String, by authority: String = "root", days: Int = 30, common: String? = nil)
        throws
    {
        let base = "\(folder)/\(name)"
        try "subjectAltName=\(names)\nbasicConstraints=CA:false\n"
            .write(toFile: "\(base).ext", atomically: true, encoding: .utf8)
        try openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            "/O=scenario/CN=\(common ?? name)", "-keyout", "\(base).key.new", "-out", "\(base).csr")
        try openssl(
            "x509", "-req", "-in", "\(base).csr", "-CA", "\(folder)/\(authority).pem", "-CAkey",
            "\(folder)/\(authority).key", "-set_serial", "\(UInt32.random(in: 1...UInt32.max))", "-days", "\(days)",
            "-out", "\(base).pem.new", "-extfile", "\(base).ext")
        rename("\(base).key.new", "\(base).key")
        rename("\(base).pem.new", "\(base).pem")
    }

    private func authority(_ name: String) throws {
        try openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
            "/O=scenario/CN=\(name)", "-keyout", key(name), "-out", chain(name))
    }

    private func openssl(_ arguments: String...) throws {
        guard let result = try ChildProcess.run("openssl", arguments) else { throw ScenarioError("no openssl") }
        guard result.status == 0 else { throw ScenarioError("openssl \(arguments): \(result.text)") }
    }

    /// A copy under another folder, for a test that changes it.
    func copy(_ name: String, to folder: String, as other: String) throws {
        for suffix in ["pem", "key"] {
            try text("\(self.folder)/\(name).\(suffix)")
                .write(toFile: "\(folder)/\(other).\(suffix)", atomically: true, encoding: .utf8)
        }
    }

    private static func removeAtExit() {
        atexit {
            if case .success(let made) = Certificates.shared {
                try? FileManager.default.removeItem(atPath: made.folder)
            }
        }
    }
}
